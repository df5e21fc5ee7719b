using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Microsoft.Extensions.Logging;
using Warehouse.Rpc.Client;
using Warehouse.Server.Host;
using Warehouse.Server.Telemetry;
using Warehouse.Server.Tests.Services;
using Warehouse.Units;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// C20, F78 over the wire: each method that the server has, with tokens in each field of its requests, by somebody who may and by somebody who may not, answered, refused,
/// malformed, cancelled, out of time, with its connection torn, with a failure in whatever layer reads the clock and of the disks of the store, of the audit log and of the
/// release ledger, and over a damaged store. Then none of the sinks has one of them. Methods and fields come from the descriptors, so a new one is driven without a word here.
/// </summary>
public sealed class CanaryMethodTests(ITestOutputHelper output)
{
    private const int MostReadings = 25, LeastTorn = 8;

    /// <summary>Lines of the log, of event sources, of pages and of ends of calls that a run searches, at the least.</summary>
    private const int LeastLines = 100_000;

    /// <summary>Methods that nobody is answered: Flight has them, and here they are there to be refused.</summary>
    private static readonly string[] Refused =
    [
        "/arrow.flight.protocol.FlightService/DoAction", "/arrow.flight.protocol.FlightService/DoExchange", "/arrow.flight.protocol.FlightService/DoPut",
        "/arrow.flight.protocol.FlightService/Handshake", "/arrow.flight.protocol.FlightService/ListActions", "/arrow.flight.protocol.FlightService/PollFlightInfo",
    ];

    [Fact]
    public async Task No_field_of_no_method_is_left_behind_however_the_call_ends()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var tokens = new CanaryTokens(20261201);
        using var folder = new TempFolder();
        await using var house = await House.StartAsync(folder, tokens, seed);
        foreach (var method in house.Methods.Where(m => CanaryMethods.First.Contains(MethodCall.PathOf(m))).OrderBy(m => Array.IndexOf(CanaryMethods.First, MethodCall.PathOf(m)))) await house.AskAsync(method);
        foreach (var method in house.Methods) await house.AnswerAsync(method);
        var paths = house.Methods.Select(MethodCall.PathOf).Distinct(StringComparer.Ordinal);
        Assert.Equal(Refused, paths.Except(house.Calls.Done).Order(StringComparer.Ordinal).Select(p => Refused.Contains(p) ? p : $"{p}: {house.Calls.WhyNot(p)}"));
        foreach (var method in house.Methods) await house.RefuseAsync(method);
        house.KeepNothingWarm();
        // Twice, since what fails is at another place each time.
        for (var round = 0; round < 2; round++)
            foreach (var method in house.Methods) await house.FailAsync(method);
        foreach (var method in house.Methods) await house.CutAsync(method);
        foreach (var method in house.Methods) await house.TearAsync(method);
        await house.LoseLedgerAsync();
        house.Damage();
        foreach (var method in house.Methods) await house.AnswerAsync(method, isWhole: false);
        output.WriteLine($"{house.Run.Driven} calls, {house.Torn} torn; failed: {string.Join(", ", house.Failed)}");
        Assert.True(house.Run.Driven > 2_000, $"{house.Run.Driven} calls");
        Assert.True(house.Torn >= LeastTorn, $"{house.Torn} calls were running when their connection was torn");
        foreach (var place in (string[])
            ["clock: clock Warehouse.Server.Calls.", "clock: clock Warehouse.Server.Identity.", "clock: clock Warehouse.Server.Services.", "clock: clock Warehouse.Engine.Audit.", "clock: clock Warehouse.Engine.VariantStore", "clock: clock Warehouse.Clinic.",
            "store: Read ", "store: Append ", "store: Open ", "store: Create ", "audit log: Append ", "audit log: Sync ", "audit log: Lock ", "ledger: "])
            Assert.True(house.Failed.Any(f => f.StartsWith(place, StringComparison.Ordinal)), $"nothing failed in {place}: {string.Join(", ", house.Failed)}");
        Directory.Delete(folder["lab/store.server/uploads"], true); // what is received lies there as it came until it is loaded or forgotten, which RELIABILITY.md says
        house.AssertNoLeak();
        output.WriteLine($"{house.Run.SearchedBytes} bytes, {house.Run.SearchedLines} lines");
        Assert.True(house.Run.SearchedLines >= LeastLines, $"{house.Run.SearchedLines} lines");
    }

    /// <summary>The server, who calls it, and the sinks around it.</summary>
    private sealed class House : IAsyncDisposable
    {
        private const int MostPlaces = 10, MostWritten = 5, UntornMethods = 8;

        private readonly MemoryStream _log = new();
        private readonly ServerEventCatcher _events = new();
        private readonly List<(RpcChannel Channel, string Pem)> _persons = [];
        private readonly CanaryTokens _tokens;
        private readonly CanaryLab _lab;
        private readonly LineLog _lines;
        private readonly Changes _running = new();
        private readonly Random _chance;
        private readonly CanaryClock _clock = new();
        private readonly CanaryDisk _storeDisk, _auditDisk, _ledgerDisk;
        private OtlpReceiver? _receiver;
        private WarehouseServer? _server;
        private RpcChannel? _nobody, _stranger;
        private int _told, _place, _written;

        private House(TempFolder folder, CanaryTokens tokens, int seed)
        {
            (_tokens, _lab, _chance) = (tokens, new CanaryLab(folder, tokens), new Random(seed));
            (_storeDisk, _auditDisk, _ledgerDisk) = (new(tokens), new(tokens), new(tokens));
            Calls = new CanaryCalls(tokens, _lab);
            _lines = new LineLog(_log, LogLevel.Trace, new Scrubber(), TimeProvider.System);
            Run = new CanaryRun(tokens, CanarySink.Of("log", _log), CanarySink.Of("figures and traces sent", () => _receiver!.Received), CanarySink.Of("figures", () => Page("metrics")), CanarySink.Of("readiness", () => Page("readyz")),
                CanarySink.OfTrailers("ends of calls", Calls.Trailers), CanarySink.OfFiles("audit log", folder["lab/store.audit"]), CanarySink.OfFiles("store", folder["lab/store"]), CanarySink.OfFiles("keys", folder["lab/store.keys"]),
                CanarySink.OfFiles("server", folder["lab/store.server"]), CanarySink.OfFiles("vault", folder["lab/store.linkage"]), CanarySink.OfFileNames("names of files", folder["lab"]), CanarySink.OfTemp(), CanarySink.OfEvents(_events));
            Run.Allow("audit log", CanaryKind.Remark, "who signs a review off says so in his own words, and the log keeps them: the protocol says that they are of nobody");
        }

        public CanaryRun Run { get; }

        public CanaryCalls Calls { get; }

        /// <summary>Every method.</summary>
        public List<MethodDescriptor> Methods { get; } = [.. MethodTableTests.Services().SelectMany(s => s.Methods)];

        /// <summary>Calls that were running when their connection was torn.</summary>
        public int Torn { get; private set; }

        /// <summary>What failed: clock or disk, what was done, and the type that it was done in.</summary>
        public IEnumerable<string> Failed => Faults.SelectMany(f => f.Fault.Failed.Select(what => $"{f.Name}: {what}")).Order(StringComparer.Ordinal);

        private IEnumerable<(string Name, CanaryFault Fault)> Faults => [("clock", _clock.Fault), ("store", _storeDisk.Fault), ("audit log", _auditDisk.Fault), ("ledger", _ledgerDisk.Fault)];

        public static async Task<House> StartAsync(TempFolder folder, CanaryTokens tokens, int seed)
        {
            var house = new House(folder, tokens, seed) { _receiver = await OtlpReceiver.StartAsync() };
            house._server = await WarehouseServer.StartAsync(new ServeOptions
            {
                StorePath = house._lab.Store, EndPoint = new(IPAddress.Loopback, 0), OperatorEndPoint = new(IPAddress.Loopback, 0), Clock = house._clock,
                StoreDisk = house._storeDisk.Over, AuditDisk = house._auditDisk.Over, LedgerDisk = house._ledgerDisk.Over,
                Configuration = new() { Collector = new() { Address = house._receiver.Address, TracedPart = 1 } },
            }, house._lines);
            house._server.RunningChanged += () =>
            {
                Interlocked.Increment(ref house._told);
                house._running.Tell();
            };
            foreach (var (i, roles) in CanaryMethods.Persons.Index())
            {
                var (pem, issued) = house._server.Identity.Issue("person" + i, 1, roles: roles, hasSecondFactor: true);
                house._persons.Add((house.Connect(pem), pem));
                if (roles.Contains(Engine.Access.Role.Reviewer)) house._lab.GrantAll(issued.Id, isReader: i == 0);
            }
            house._nobody = house.Connect(house._server.Identity.Issue("nobody", 1, hasSecondFactor: true).Pem);
            house._stranger = house.Connect(null);
            house._server.Store.LookNow();
            return house;
        }

        /// <summary>Each sound request once.</summary>
        public async Task AskAsync(MethodDescriptor method)
        {
            for (var i = 0; i < SoundOf(method).Length; i++) await DriveAsync(Of(method), method, CanaryCalls.Framed(SoundOf(method)[i]));
        }

        /// <summary>Sound requests, and where all is wanted each with a token in another field, then all fields at once, then bytes that are no message.</summary>
        public async Task AnswerAsync(MethodDescriptor method, bool isWhole = true)
        {
            var channel = Of(method);
            for (var i = 0; i < SoundOf(method).Length; i++)
            {
                await PrepareAsync(method);
                // Made anew for each call: many are of use once.
                await DriveAsync(channel, method, CanaryCalls.Framed(SoundOf(method)[i]));
                if (!isWhole) continue;
                foreach (var requests in Calls.Requests.OneByOne(SoundOf(method)[i])) await DriveAsync(channel, method, CanaryCalls.Framed(requests));
            }
            foreach (var filled in Calls.Requests.Filled(method.InputType)) await DriveAsync(channel, method, CanaryCalls.Framed([filled]));
            await DriveAsync(channel, method, [System.Text.Encoding.UTF8.GetBytes(_tokens.Next(CanaryKind.PatientName))]);
        }

        /// <summary>By somebody who has no role, and by somebody with a credential that is none.</summary>
        public async Task RefuseAsync(MethodDescriptor method)
        {
            foreach (var channel in (RpcChannel[])[_nobody!, _stranger!])
            {
                foreach (var sound in SoundOf(method)) await DriveAsync(channel, method, CanaryCalls.Framed(sound));
                foreach (var filled in Calls.Requests.Filled(method.InputType)) await DriveAsync(channel, method, CanaryCalls.Framed([filled]));
            }
        }

        /// <summary>From now on every question reads the store.</summary>
        public void KeepNothingWarm() => _server!.Store.Ask(store =>
        {
            store.Pool.Bound(0);
            return 0;
        });

        /// <summary>
        /// With a failure at the first reading of the clock, at the second, and so on, until the call needs no further one; and with a failure of the store's disk and of the
        /// audit log's, at something that the call wants of it, and at something that it writes: of each method at another place.
        /// </summary>
        public async Task FailAsync(MethodDescriptor method)
        {
            if (SoundOf(method).Length == 0) return;
            await PrepareAsync(method);
            for (var reading = 0; reading < MostReadings; reading++)
            {
                var at = reading;
                if (!await FailAsync(method, _clock.Fault, () => _clock.Fault.After(at, () => Thrown(at)))) break;
            }
            foreach (var disk in (CanaryDisk[])[_storeDisk, _auditDisk])
            {
                await FailAsync(method, disk.Fault, () => disk.FailAfter(_place++ % MostPlaces, isWriting: false));
                if (await FailAsync(method, disk.Fault, () => disk.FailAfter(_written % MostWritten, isWriting: true))) _written++;
            }
        }

        /// <summary>The disk of the release ledger fails, wherever; from then on it releases nothing, and says why each time.</summary>
        public async Task LoseLedgerAsync()
        {
            var (open, ask) = (Methods.Single(m => MethodCall.PathOf(m) == "/warehouse.v1.Access/OpenEpoch"), Methods.Single(m => MethodCall.PathOf(m) == "/warehouse.v1.Variants/Seen"));
            await AskAsync(open); // the ledger begins a file for it
            for (var place = _chance.Next(6); place >= 0; place--)
            {
                _ledgerDisk.FailAfter(place, isWriting: false);
                await DriveAsync(Of(ask), ask, CanaryCalls.Framed([CanaryMethods.Released]));
                if (_ledgerDisk.Fault.HasFailed()) break;
            }
            await DriveAsync(Of(ask), ask, CanaryCalls.Framed([CanaryMethods.Released]));
        }

        /// <summary>Out of time at once and a little later; given up by the client before a reply, and after one.</summary>
        public async Task CutAsync(MethodDescriptor method)
        {
            foreach (var sound in SoundOf(method).Take(2))
            {
                foreach (var milliseconds in (int[])[1, 5]) await DriveAsync(Of(method), method, CanaryCalls.Framed(sound), (TimeSpan.FromMilliseconds(milliseconds), null));
                foreach (var replies in (int[])[0, 1]) await DriveAsync(Of(method), method, CanaryCalls.Framed(sound), (null, replies));
            }
        }

        /// <summary>Its connection is reset when all was said, of a stream of requests but its end. Of methods without streams, which are over soon, some.</summary>
        public async Task TearAsync(MethodDescriptor method)
        {
            if (SoundOf(method) is not [var sound, ..] || (!method.IsClientStreaming && !method.IsServerStreaming && _chance.Next(UntornMethods) > 0)) return;
            _clock.Advance(TimeSpan.FromSeconds(1));
            using var caller = new RawCaller($"https://localhost:{_server!.Port}", _persons[CanaryMethods.PersonOf(method)].Pem, from: IPAddress.Loopback);
            await Run.DriveAsync([(method.FullName, async () =>
            {
                var (before, isOver) = (Volatile.Read(ref _told), false);
                await caller.TearAsync(MethodCall.PathOf(method), [.. sound.SelectMany(r => RawCaller.Framed(r.ToByteArray()))], method.IsClientStreaming, RunsAsync());
                Volatile.Write(ref isOver, true);
                _running.Tell();
                await _running.UntilAsync(() => _server.RunningCalls == 0);

                async Task RunsAsync()
                {
                    await _running.UntilAsync(() => Volatile.Read(ref isOver) || Volatile.Read(ref _told) > before);
                    if (!Volatile.Read(ref isOver)) Torn += Math.Min(1, _server.RunningCalls);
                }
            })]);
        }


        /// <summary>A changed byte in the largest files of the store.</summary>
        public void Damage()
        {
            foreach (var path in Directory.GetFiles(_lab.Store, "*", SearchOption.AllDirectories).OrderByDescending(f => new FileInfo(f).Length).Take(3))
            {
                var bytes = File.ReadAllBytes(path);
                bytes[bytes.Length / 2] ^= 0x55;
                File.WriteAllBytes(path, bytes);
            }
        }

        public void AssertNoLeak()
        {
            _lines.Flush(Timeout.InfiniteTimeSpan);
            _server!.Collector!.Flush();
            Assert.NotEmpty(Calls.Trailers);
            Assert.False(_events.IsFull, "more events came than were kept");
            Run.AssertNoLeak();
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var channel in (RpcChannel?[])[.. _persons.Select(p => p.Channel), _nobody, _stranger]) channel?.Dispose();
            if (_server is not null) await _server.DisposeAsync();
            if (_receiver is not null) await _receiver.DisposeAsync();
            _events.Dispose();
            _lines.Dispose();
        }

        private IMessage[][] SoundOf(MethodDescriptor method) => Calls.Methods.SoundOf(MethodCall.PathOf(method));

        private RpcChannel Of(MethodDescriptor method) => _persons[CanaryMethods.PersonOf(method)].Channel;

        private async Task PrepareAsync(MethodDescriptor method)
        {
            foreach (var before in CanaryMethods.Before(MethodCall.PathOf(method)).Select(path => Methods.First(m => MethodCall.PathOf(m) == path))) await DriveAsync(Of(before), before, CanaryCalls.Framed(SoundOf(before)[0]));
        }

        /// <summary>Whether the call came as far as the failure.</summary>
        private async Task<bool> FailAsync(MethodDescriptor method, CanaryFault fault, Action arm)
        {
            var requests = CanaryCalls.Framed(SoundOf(method)[0]);
            arm();
            var isAnswered = await DriveAsync(Of(method), method, requests);
            var hasFailed = fault.HasFailed();
            if (isAnswered) await PrepareAsync(method); // what it was about is used up
            return hasFailed;
        }

        private Exception Thrown(int at)
        {
            var token = _tokens.Next(CanaryKind.PatientName);
            Exception thrown = (at % 4) switch
            {
                0 => new InvalidOperationException(token),
                1 => new IOException(token, new KeyNotFoundException(_tokens.Next(CanaryKind.Mrn))),
                2 => new Engine.InputException("canary", token, new(_tokens.Next(CanaryKind.FileName), 1, 1, _tokens.Next(CanaryKind.InfoValue))),
                _ => new FileNotFoundException(token, _tokens.Next(CanaryKind.FileName)),
            };
            thrown.Data["patient"] = _tokens.Next(CanaryKind.Mrn);
            return thrown;
        }

        private string Page(string name)
        {
            using var http = new HttpClient();
            using var reply = http.Send(new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{_server!.OperatorPort}/{name}")));
            using var text = new StreamReader(reply.Content.ReadAsStream());
            return text.ReadToEnd();
        }

        private RpcChannel Connect(string? pem) =>
            new(new Uri($"https://localhost:{_server!.Port}"), new() { ClientCertificate = pem is null ? null : ServedStore.Shown(pem), IsServerCertificateTaken = (_, _, _) => true });

        private async Task<bool> DriveAsync(RpcChannel channel, MethodDescriptor method, byte[][] requests, (TimeSpan? Time, int? Replies) until = default)
        {
            var isAnswered = false;
            _clock.Advance(TimeSpan.FromMilliseconds(60)); // a person has twenty calls a second
            await Run.DriveAsync([(method.FullName, async () => isAnswered = await Calls.CallAsync(channel, method, requests, (until.Time, until.Replies, channel == _stranger ? _tokens.Next(CanaryKind.Metadata) : null)))]);
            return isAnswered;
        }
    }
}
