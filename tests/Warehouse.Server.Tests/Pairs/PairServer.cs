using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Release;
using Warehouse.Engine.Storage;
using Warehouse.Rpc.Server;
using Warehouse.Rpc.Services;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Host;
using Warehouse.Server.Notify;
using Warehouse.Server.Release;
using Warehouse.Server.Telemetry;
using Warehouse.Server.Uploads;
using Warehouse.Simulation;
using Warehouse.Units.Access;
using Warehouse.Units.Query;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>What a call came to: all that its client gets.</summary>
/// <param name="Status">Code.</param>
/// <param name="Text">Code, text, every header and trailer.</param>
/// <param name="Messages">Bytes of the replies.</param>
internal sealed record PairAnswer(StatusCode Status, string Text, IReadOnlyList<byte[]> Messages)
{
    /// <summary>All of it as text.</summary>
    public string Whole => string.Join('\n', Messages.Select(Convert.ToBase64String).Prepend(Text));
}

/// <summary>
/// One store of some pairs behind a server, without a listener: calls go in as requests of HTTP, from the bytes of messages to bytes and trailers
/// by the server's own way (routing, authentication, gate, audit, services); only TLS and the framing of HTTP/2 are left out. Audit log and
/// ledger lie on simulated disks. One call at a time.
/// </summary>
internal sealed class PairServer : IDisposable
{
    private const int PrefixBytes = 5;

    private readonly StoreHost _host;
    private readonly StoreAudit _audit;
    private readonly ReleaseLedger _ledger;
    private readonly StoreWriter _writer;
    private readonly BatchUploads _uploads;
    private readonly OwnInstance<AssessmentDesk> _book;
    private readonly ServerMetrics _metrics = new();
    private readonly Outbox _outbox;
    private readonly AlertHost _alerts;
    private readonly Heard _log = new();
    private readonly CallGate _gate;
    private readonly RpcCalls _calls;
    private (SimDisk Vault, SimDisk Keys)? _vault;

    /// <param name="memory">The store.</param>
    /// <param name="keys">Keys of the audit log: those of one of the stores, so that equal entries are equal text.</param>
    /// <param name="house">What is common.</param>
    /// <param name="side">Which of the stores it is: one server of each at a time.</param>
    /// <param name="of">What the linkage vault has in common with those of the other sides (null = there is no vault), and limits (null = the usual ones).</param>
    public PairServer(MemoryStore memory, IStorage keys, PairHouse house, int side, (StorePairs? Pairs, LimitConfiguration? Limits) of = default)
    {
        var (clock, (pairs, limits)) = (house.Clock, of);
        var machine = new SimMachine();
        _host = StoreHost.Over(() => memory.Reopen(clock), clock);
        _audit = StoreAudit.Over(new SimDisk(machine), keys, clock);
        _ledger = ReleaseLedger.Open(new SimDisk(machine, device: 2), keys);
        _writer = new StoreWriter(_host, () => memory.Reopen(clock));
        _uploads = BatchUploads.Open(house.FolderOf(side), _host, _writer, new() { Clock = clock });
        _book = new OwnInstance<AssessmentDesk>(() => memory.Reopen(clock), store => new AssessmentDesk(store));
        _outbox = new Outbox(house.FolderOf(side), [], clock, _log);
        _alerts = new AlertHost(() => memory.Reopen(clock), () => [], clock);
        var rounds = new AlertRounds(_host, _alerts, _audit, new AlertParts(() => memory.Reopen(clock), [], _metrics, _log, clock));
        _alerts.Stop(); // who follows is let go when he has heard what there is
        var gate = _gate = new CallGate(_host, _audit, house.Checks.Authenticator, new CallReport(_log, _metrics, clock), clock, limits ?? new());
        var services = WarehouseServer.ServicesOf(gate, new ServiceParts
        {
            Desk = new ReleaseDesk(_host, _ledger, clock), Verify = (_, _) => throw new NotSupportedException("PairRun asks nobody's store to be verified"), Writer = _writer, Uploads = _uploads, Book = _book,
            Tickets = house.Tickets, Pager = new GlassPager(_host, _audit, _outbox, _log), Alerts = _alerts, Rounds = rounds, Configuration = new ServerConfiguration(), Health = new HealthService(),
            Vault = store => pairs is null ? null : VaultOf(store, side, pairs),
        });
        _calls = new RpcCalls(services, new RpcServerOptions
        {
            EndPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0), Clock = clock, Entrance = gate.EntranceAsync, NoPlace = gate.NoPlace, Failed = gate.FailedAsync, NoCall = gate.NoCall, Interceptors = [new CallerRequired(gate)],
            CallLimits = new RpcCallLimits { UnaryDeadline = TimeSpan.FromHours(1), MaxUnaryDeadline = TimeSpan.FromHours(1), StreamIdle = null },
        });
    }

    /// <summary>Failures of the server's own, which no pair may meet; empty when there are none.</summary>
    public string Failures => string.Join('\n', _log.Incidents.Select(i => $"{string.Join(", ", i.Kinds)} in {string.Join(", ", i.Frames)}"));

    /// <summary>The figures of the server.</summary>
    public string Figures() => _metrics.Page();

    /// <summary>Puts into the audit log what refused calls come to.</summary>
    public void WriteRefused() => _gate.Refused.WriteAsync().GetAwaiter().GetResult();

    /// <summary>Calls a method with all its requests at once.</summary>
    /// <param name="method">Path of the method.</param>
    /// <param name="who">Who calls; null = nobody that is known.</param>
    /// <param name="requests">The requests.</param>
    /// <param name="isCut">The client goes when the first reply is there: for methods that have no end.</param>
    public PairAnswer Call(string method, PairHouse.Client? who, IEnumerable<IMessage> requests, bool isCut = false)
    {
        using var gone = new CancellationTokenSource();
        var (http, body, trailers) = (new DefaultHttpContext(), new MemoryStream(), new Ending());
        (http.Request.Method, http.Request.Path, http.Request.ContentType, http.Request.Host) = ("POST", method, "application/grpc", new HostString("localhost"));
        (http.Request.Body, http.Response.Body, http.RequestAborted) = (Framed(requests), body, gone.Token);
        http.Features.Set<IHttpResponseTrailersFeature>(trailers);
        http.Connection.ClientCertificate = who?.Certificate;
        var running = _calls.AnswerAsync(http);
        if (isCut) gone.Cancel();
        if (!running.IsCompleted) ((IAsyncResult)running).AsyncWaitHandle.WaitOne(); // a task spins before it waits, which took an eighth of the pairs' time from those who make it complete
        running.GetAwaiter().GetResult();
        http.Response.CompleteAsync().GetAwaiter().GetResult();
        var all = http.Response.Headers.Concat(trailers.Trailers).Select(h => $"{h.Key}: {h.Value}").Order(StringComparer.Ordinal).ToList();
        var status = trailers.Trailers.TryGetValue("grpc-status", out var code) || http.Response.Headers.TryGetValue("grpc-status", out code) ? (StatusCode)int.Parse(code!, CultureInfo.InvariantCulture) : StatusCode.Cancelled;
        return new PairAnswer(status, $"{status} {http.Response.StatusCode}\n{string.Join('\n', all)}", Messages(body.ToArray()));
    }

    public void Dispose()
    {
        _alerts.Dispose();
        _outbox.Dispose();
        _uploads.Dispose();
        _book.Dispose();
        _writer.Dispose();
        _host.Dispose();
        _audit.Dispose();
        _ledger.Dispose();
        _metrics.Dispose();
    }

    /// <summary>Whom samples are of: equal for persons of whom the caller sees a sample, and all else of this side alone. Made when it is first asked for.</summary>
    private LinkageVault VaultOf(VariantStore store, int side, StorePairs pairs)
    {
        if (_vault is null)
        {
            var machine = new SimMachine();
            _vault = (new SimDisk(machine), new SimDisk(machine, device: 2));
            using var made = LinkageVault.Create(_vault.Value.Vault, _vault.Value.Keys, store, TimeProvider.System);
            using var all = store.OpenSession();
            var (own, persons) = (pairs.IsWhole ? 0 : side, all.LoadedSamples().ToLookup(s => s.Person, s => s.Name, StringComparer.Ordinal));
            var rows = persons.Select(p => $"{p.Key}\t{(p.Any(pairs.Visible.Contains) ? "known" : "hidden" + own)}");
            made.Set(IdentityTable.Parse([$"person\tname", .. rows, $"ghost{own}\tnobody"], "table"));
        }
        return LinkageVault.Over(_vault.Value.Vault, _vault.Value.Keys, store, TimeProvider.System);
    }

    private static MemoryStream Framed(IEnumerable<IMessage> requests)
    {
        var body = new MemoryStream();
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        foreach (var request in requests)
        {
            prefix[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(prefix[1..], request.CalculateSize());
            body.Write(prefix);
            request.WriteTo(body);
        }
        body.Position = 0;
        return body;
    }

    private static List<byte[]> Messages(byte[] body)
    {
        var messages = new List<byte[]>();
        for (var at = 0; at < body.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at + 1));
            messages.Add(body[(at + PrefixBytes)..(at + PrefixBytes + length)]);
            at += PrefixBytes + length;
        }
        return messages;
    }

    private sealed class Heard : ILogger
    {
        public List<Incident> Incidents { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (state is IEnumerable<KeyValuePair<string, object?>> fields) Incidents.AddRange(fields.Select(f => f.Value).OfType<Incident>());
        }
    }

    private sealed class Ending : IHttpResponseTrailersFeature
    {
        public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();
    }
}
