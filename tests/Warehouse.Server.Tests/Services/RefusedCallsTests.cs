using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
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
        var held = await HoldAsync(many, new LimitConfiguration().Calls);
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
        await refused.WriteAsync(); // behind that of the timer
        Assert.Equal(0, refused.Pending);
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

    /// <summary>Nothing holds back who is refused at once: so many of his calls have entries of their own, and the sums have all others.</summary>
    [Fact]
    public async Task A_flood_of_those_who_are_turned_away_fills_no_log_and_none_of_them_is_lost()
    {
        const int Strangers = 7000, Known = 3000;
        var clock = new FakeClock();
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10, clock: clock);
        var (channel, id) = served.Client("busy", Role.Analyst);
        var (known, unknown) = (new V1.Variants.VariantsClient(channel), new V1.Variants.VariantsClient(served.Channel(null)));
        for (var call = 0; call < new LimitConfiguration().Person.Burst; call++) await new Health.HealthClient(channel).CheckAsync(new());
        var before = Entries(served).Count;
        var strangers = await EndsAsync(() => unknown.SeenAsync(Question), Strangers);
        Assert.Equal(new(StatusCode.ResourceExhausted, "over a limit; try again later"), Assert.Single(await EndsAsync(() => known.SeenAsync(Question), Known)).Key);
        await served.RunningAsync(running => running == 0);
        await served.Server.Gate.Refused.WriteAsync();
        var entries = Entries(served)[before..];
        var own = entries.FindAll(e => e.Kind == AuditKind.Call);
        Assert.Equal([(id, "could-not", RefusedCalls.MostEntriesOfOne), (RefusedCalls.Nobody, LogReview.Unauthenticated, RefusedCalls.MostEntriesOfOne)], own.GroupBy(e => (e.Who, e.Outcome!)).Select(g => (g.Key.Who, g.Key.Item2, g.Count())).Order());
        // The sums of a server that runs come every few seconds, so there may be some of each.
        var sums = entries.FindAll(e => e.Kind == AuditKind.Refused).ToLookup(e => (e.Who, e.Outcome!), e => e.Calls!.Value);
        Assert.Equal(own.Count + sums.Sum(s => s.Count()), entries.Count);
        var notTaken = strangers[Authenticated.Refusal().Status];
        var expected = new Dictionary<(string, string), long>
        {
            [(id, "rate-limited")] = Known - RefusedCalls.MostEntriesOfOne, [(RefusedCalls.Nobody, LogReview.Unauthenticated)] = notTaken - RefusedCalls.MostEntriesOfOne,
        };
        // Of strangers only so many are looked at at a time; a stream that HTTP/2 has reset was no call.
        if (strangers.GetValueOrDefault(new(StatusCode.ResourceExhausted, "too many calls are running")) is > 0 and var noRoom) expected[(RefusedCalls.Nobody, "no-room")] = noRoom;
        Assert.Equal(expected.OrderBy(e => e.Key), sums.ToDictionary(s => s.Key, s => s.Sum()).OrderBy(e => e.Key));
        // All of them are credentials that were not taken, for who reviews the log.
        var review = new LogReview(new LogReviewOptions { LeastRows = long.MaxValue });
        foreach (var entry in entries) review.Add(entry);
        Assert.Equal(notTaken, review.Findings().Sum(f => int.Parse(f.Reason.Split(' ')[0], CultureInfo.InvariantCulture)));
        // A minute later those who come have entries again.
        clock.Advance(RefusedCalls.EntriesEvery);
        await Assert.ThrowsAsync<RpcException>(async () => await unknown.SeenAsync(Question));
        Assert.Equal((RefusedCalls.Nobody, AuditKind.Call), (Entries(served)[^1].Who, Entries(served)[^1].Kind));
    }

    [Fact]
    public void Those_who_are_turned_away_have_so_many_entries_of_their_own_in_a_minute_all_together()
    {
        using var log = new SimulatedLog();
        var clock = new Ticking();
        var refused = new RefusedCalls(log.Audit, _ => { }, clock);
        int Taken() => Enumerable.Range(0, 10).Sum(caller => Enumerable.Range(0, RefusedCalls.MostEntriesOfOne).Count(_ => refused.TryTakeEntry($"cert:{caller}", "rate-limited")));
        for (var minute = 0; minute < 3; minute++)
        {
            Assert.Equal(RefusedCalls.MostEntries, Taken());
            clock.Advance(RefusedCalls.EntriesEvery.TotalSeconds - 1);
            Assert.Equal(0, Taken());
            clock.Advance(1);
        }
        Assert.Equal([true, true], ((string[])["no-credential", "bad-credential"]).Select(reason => refused.TryTakeEntry(null, reason)));
    }

    /// <summary>What is being written is not written yet, and nobody waits for a disk that does not answer longer than a call would.</summary>
    [Fact]
    public async Task A_disk_that_hangs_is_waited_for_no_longer_than_by_calls_and_what_it_has_not_taken_is_known()
    {
        using var log = new SimulatedLog();
        using var answers = new ManualResetEventSlim(false);
        var (clock, told) = (new Ticking(), new List<Exception?>());
        var refused = new RefusedCalls(log.Audit, told.Add, clock);
        refused.Start();
        log.Disk.LosesSync = _ =>
        {
            answers.Wait();
            return false;
        };
        refused.Add("cert:a", "no-room");
        clock.Tick();
        Assert.Equal(1, refused.Pending);
        using var call = new AuditCall(log.Audit.Log, log.Audit.Keys, new AuditEntry { Kind = AuditKind.Call, Call = "", Who = "cert:a", Role = "caller", Verb = "test", Purpose = "treatment" }, "", TimeProvider.System);
        var ending = Assert.ThrowsAsync<AuditRefusedException>(() => call.CompleteAsync("done", default));
        refused.Add("cert:a", "no-room");
        clock.Tick(); // the first still waits
        await refused.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        await ending;
        Assert.Equal((2, false, 0), (refused.Pending, call.HasBegun, told.Count));
        answers.Set();
        await refused.WriteAsync(); // behind the last one
        Assert.Equal((0, 2), (refused.Pending, log.Entries().Where(e => e.Kind == AuditKind.Refused).Sum(e => e.Calls!.Value)));
        Assert.All(told, Assert.Null);
    }

    private static V1.SeenRequest Question => new() { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };

    /// <summary>Calls side by side, all of which end so; how many.</summary>
    private static async Task<int> FloodAsync<T>(Func<AsyncUnaryCall<T>> call, StatusCode code, int count = Flood)
    {
        Assert.All(await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Assert.ThrowsAsync<RpcException>(async () => await call()))), refused => Assert.Equal(code, refused.StatusCode));
        return count;
    }

    /// <summary>Calls, as many side by side as one connection has; how many came to what.</summary>
    private static async Task<Dictionary<Status, int>> EndsAsync<T>(Func<AsyncUnaryCall<T>> call, int count)
    {
        var ends = new Status[count];
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 60 }, async (i, _) =>
        {
            try
            {
                await call();
            }
            catch (RpcException refused)
            {
                ends[i] = refused.Status;
            }
        });
        return ends.GroupBy(e => e).ToDictionary(e => e.Key, e => e.Count());
    }

    private static List<AuditEntry> Entries(ServedStore served)
    {
        using var audit = StoreAudit.Open(served.StorePath, null, null);
        return [.. audit.Reader().Entries().Select(e => e.Entry)];
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
        public SimulatedLog() => Audit = StoreAudit.Over(Disk, SimStore.WithVersions(0).Keys, TimeProvider.System);

        public SimDisk Disk { get; } = new(new SimMachine());

        public StoreAudit Audit { get; }

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

        public override long TimestampFrequency => _clock.TimestampFrequency;

        public override long GetTimestamp() => _clock.GetTimestamp();

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
