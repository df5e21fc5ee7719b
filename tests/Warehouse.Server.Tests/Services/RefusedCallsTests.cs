using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Rpc.Client;
using Warehouse.Rpc.Server;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Tests.Clients;
using Warehouse.Server.Tests.Identity;
using Warehouse.Simulation;
using Warehouse.Units.Manifests;
using Xunit;
using AuditEntry = Warehouse.Engine.Audit.AuditEntry;
using Role = Warehouse.Engine.Access.Role;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Calls that are refused without an entry of their own are in the audit log all the same: in few entries, and every one of them.</summary>
public sealed class RefusedCallsTests
{
    private const int Flood = 200;

    [Fact]
    public async Task A_flood_of_refused_calls_is_in_the_log_in_a_few_entries_and_adds_up_to_what_the_clients_saw()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        var ((many, manyId), (other, otherId), (busy, busyId)) = (served.Service("many", Role.Analyst), served.Client("other", Role.Analyst), served.Client("busy", Role.Analyst));
        var expected = new Dictionary<(string Who, string Outcome), long>();
        void Saw(string who, string outcome, int count) => expected[(who, outcome)] = expected.GetValueOrDefault((who, outcome)) + count;

        // All places are taken: by whom, does not matter to who comes.
        var held = await HoldAsync(many, new RpcServerOptions { EndPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0) }.MaxCalls);
        Saw(otherId, "no-room", await FloodAsync(() => new V1.Variants.VariantsClient(other).SeenAsync(Question), StatusCode.ResourceExhausted));
        Saw(manyId, "no-room", await FloodAsync(() => new V1.Variants.VariantsClient(many).SeenAsync(Question), StatusCode.ResourceExhausted));
        Saw(manyId, "no-room", await FloodAsync(() => new Health.HealthClient(many).CheckAsync(new()), StatusCode.ResourceExhausted));
        foreach (var call in held) call.Dispose();
        await served.RunningAsync(running => running == 0);

        // One who has as many as he may: what shows nothing of the store has no entry when it is answered, nor when it is not.
        held = await HoldAsync(busy, new LimitConfiguration().Person.Calls);
        Saw(busyId, "too-many-at-once", await FloodAsync(() => new Health.HealthClient(busy).CheckAsync(new()), StatusCode.ResourceExhausted));
        await FloodAsync(() => new V1.Variants.VariantsClient(busy).SeenAsync(Question), StatusCode.ResourceExhausted, count: 3); // these have entries of their own
        foreach (var call in held) call.Dispose();

        // What is no request, and what is no method.
        await FloodAsync(() => new V1.Variants.VariantsClient(other).SeenAsync(new() { Queries = { new string('A', 2 << 20) } }), StatusCode.ResourceExhausted, count: 2); // he is known, and was let in: these too
        Saw(RefusedCalls.Nobody, "bad-request", await FloodAsync(() => NoMethod(other), StatusCode.Unimplemented));
        Saw(RefusedCalls.Nobody, "no-credential", await FloodAsync(() => new Health.HealthClient(served.Channel(null)).CheckAsync(new()), StatusCode.Unauthenticated, count: 4));

        await served.Server.DisposeAsync();
        using var audit = StoreAudit.Open(served.StorePath, null, null);
        var entries = audit.Reader().Entries().Select(e => e.Entry).ToList();
        var sums = entries.FindAll(e => e.Kind == AuditKind.Refused);
        Assert.Equal(expected.OrderBy(e => e.Key), sums.GroupBy(s => (s.Who, s.Outcome!)).ToDictionary(g => g.Key, g => g.Sum(s => s.Calls!.Value)).OrderBy(e => e.Key));
        Assert.All(sums, s => Assert.True(s is { Calls: > 0, Verb: "refused", FirstUtc: { } first, LastUtc: { } last } && first <= last && last <= s.Utc));
        Assert.Equal(2, entries.Count(e => e is { Kind: AuditKind.Call, Outcome: "bad-input" } && e.Who == otherId));
        Assert.Equal(3, entries.Count(e => e.Who == busyId && e.Kind == AuditKind.Call && e.Outcome == "could-not"));
        // At most one entry of each in a time; the flood lasts a few times.
        Assert.InRange(sums.Count, expected.Count, 8 * expected.Count);
        Assert.Empty(audit.Verify(null).Findings);

        var (exit, output, _, _) = ServedCommands.Local(served, "audit search", "--verb", "refused", "--who", otherId, "--format", "tsv");
        Assert.Equal(Cli.ExitCode.Done, exit);
        var told = output.Split('\n').Where(line => line.Contains("\tno-room\t", StringComparison.Ordinal)).Sum(line => int.Parse(line.Split('\t')[^1].Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.Equal(expected[(otherId, "no-room")], told);
        Assert.Contains("calls refused from", ServedCommands.Local(served, "audit review").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sums_are_written_when_their_time_has_come_and_not_before()
    {
        using var log = new SimulatedLog();
        var clock = new Ticking();
        var (refused, written) = (new RefusedCalls(log.Audit, _ => { }, clock), new List<AuditEntry>());
        refused.Start();
        Assert.Equal(RefusedCalls.WriteEvery, clock.Every);
        refused.Add("cert:a", "no-room");
        clock.Advance(1);
        refused.Add("cert:a", "no-room");
        refused.Add(null, "no-room");
        Assert.Equal((3, 0), (refused.Pending, log.Entries().Count));
        clock.Tick();
        Assert.Equal(0, refused.Pending); // they are being written
        await refused.WriteAsync(); // behind that of the timer
        Assert.Equal([("cert:a", 2L, clock.GetUtcNow().AddSeconds(-1), clock.GetUtcNow()), (RefusedCalls.Nobody, 1L, clock.GetUtcNow(), clock.GetUtcNow())], log.Entries().Select(e => (e.Who, e.Calls!.Value, e.FirstUtc!.Value, e.LastUtc!.Value)));
        clock.Tick();
        await refused.WriteAsync();
        Assert.Equal(2, log.Entries().Count); // nothing was refused since
        refused.Add("cert:a", "stopping");
        await refused.DisposeAsync();
        Assert.Equal(("stopping", 0L), (log.Entries()[^1].Outcome, refused.Pending));
    }

    [Fact]
    public async Task However_many_callers_are_refused_few_are_remembered_and_no_call_is_lost()
    {
        const int Callers = 5000;
        using var log = new SimulatedLog();
        var refused = new RefusedCalls(log.Audit, _ => { }, TimeProvider.System);
        for (var caller = 0; caller < Callers; caller++)
            foreach (var outcome in (string[])["no-room", "bad-request"]) refused.Add(string.Create(CultureInfo.InvariantCulture, $"cert:{caller}"), outcome);
        refused.Add(null, "no-room");
        await refused.WriteAsync();
        var entries = log.Entries();
        Assert.Equal((RefusedCalls.MostSums + 2, (2L * Callers) + 1), (entries.Count, entries.Sum(e => e.Calls!.Value)));
        Assert.Equal(["bad-request", "no-room"], entries.Where(e => e.Who == RefusedCalls.Others).Select(e => e.Outcome!).Order());
    }

    private static V1.SeenRequest Question => new() { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };

    /// <summary>Calls side by side, all of which end so; how many.</summary>
    private static async Task<int> FloodAsync<T>(Func<AsyncUnaryCall<T>> call, StatusCode code, int count = Flood)
    {
        Assert.All(await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Assert.ThrowsAsync<RpcException>(async () => await call()))), refused => Assert.Equal(code, refused.StatusCode));
        return count;
    }

    private static AsyncUnaryCall<V1.SeenReply> NoMethod(RpcChannel channel)
    {
        var method = new Method<V1.SeenRequest, V1.SeenReply>(MethodType.Unary, "warehouse.v1.Variants", "NoSuch", Marshallers.Create(r => r.ToByteArray(), V1.SeenRequest.Parser.ParseFrom), Marshallers.Create(r => r.ToByteArray(), V1.SeenReply.Parser.ParseFrom));
        return channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(), Question);
    }

    /// <summary>Calls of one caller that have begun and wait.</summary>
    private static async Task<List<AsyncServerStreamingCall<HealthCheckResponse>>> HoldAsync(RpcChannel channel, int count)
    {
        var calls = Enumerable.Range(0, count).Select(_ => new Health.HealthClient(channel).Watch(new())).ToList();
        Assert.All(await Task.WhenAll(calls.Select(c => c.ResponseStream.MoveNext(default))), Assert.True);
        return calls;
    }

    /// <summary>An audit log on a disk that is none.</summary>
    private sealed class SimulatedLog : IDisposable
    {
        public StoreAudit Audit { get; } = StoreAudit.Over(new SimDisk(new SimMachine()), SimStore.WithVersions(0).Keys, TimeProvider.System);

        public List<AuditEntry> Entries() => Audit.Reader().LatestCheckpoint() is null ? [] : [.. Audit.Reader().Entries().Select(e => e.Entry)];

        public void Dispose() => Audit.Dispose();
    }

    /// <summary>A clock that stands, whose one timer goes off when it is told to.</summary>
    private sealed class Ticking : TimeProvider, ITimer
    {
        private readonly FakeClock _clock = new();
        private Action? _tick;

        public TimeSpan Every { get; private set; }

        public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

        public void Advance(double seconds) => _clock.Advance(seconds);

        public void Tick() => _tick?.Invoke();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_tick, Every) = (() => callback(state), period);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => _tick = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
