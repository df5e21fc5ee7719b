using Warehouse.Engine.Events;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Events;

/// <summary>I1, I2, I3 and I7 of the event log: what stops, fails, is changed or taken away at every place.</summary>
public sealed class EventCrashTests
{
    private static readonly Lazy<SimEvents> Begun = new(() => SimEvents.With(EventFiles.MergeAt - 1));

    /// <summary>The first append of a store; one of many; two of which the second merges; compaction.</summary>
    public static TheoryData<string> Works => ["first", "next", "merge", "compact"];

    [Theory, MemberData(nameof(Works))]
    public void A_stop_at_every_operation_leaves_whole_batches_and_all_that_were_acknowledged(string work) => CheckAll(work, (sim, at) => sim.Machine.CrashAt(at), [null, -1, 1, 2, 3]);

    [Theory, MemberData(nameof(Works))]
    public void A_device_error_at_every_operation_leaves_whole_batches_and_all_that_were_acknowledged(string work) => CheckAll(work, (sim, at) => sim.Machine.FailAt(at, DurableException.DeviceError), [null, -1]);

    [Theory, MemberData(nameof(Works))]
    public void A_full_disk_at_every_operation_refuses_and_the_same_process_goes_on_when_there_is_space(string work)
    {
        for (var at = 0L; at < Count(work); at++)
        {
            var (sim, start) = Start(work);
            using var log = sim.Open();
            sim.Machine.FailAt(sim.Machine.Operations + at, DurableException.NoSpace);
            var acknowledged = Attempt(log, work, start);
            if (sim.Machine.IsPoisoned) continue; // a sync that failed, of whatever: the process is over
            var head = SimEvents.CheckWhole(log);
            Assert.InRange(head, acknowledged, start + 3);
            SimEvents.AppendNext(log, 1);
            Assert.Equal(head + 1, SimEvents.CheckWhole(log));
            Assert.DoesNotContain(sim.Files(), f => f.EndsWith(".tmp", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_changed_bit_anywhere_is_an_error_of_reading_or_a_finding_of_verify()
    {
        var sim = SimEvents.With(5);
        var chance = new Random(7);
        foreach (var (disk, name) in sim.Files().Select(f => (0, f)).Append((1, "events-head")))
        {
            for (var i = 0; i < 60; i++)
            {
                var copy = sim.Copy();
                var target = copy.Machine.Disks[disk];
                target.Flip(name, chance.Next(target.Peek(name).Length * 8));
                Assert.Contains(copy.Verify(), f => f.Kind == FindingKind.Damaged);
                using var log = copy.Open();
                Assert.Throws<DamagedStoreException>(() => SimEvents.CheckWhole(log));
            }
        }
    }

    [Fact]
    public void A_file_that_is_taken_away_cut_swapped_or_put_back_is_noticed()
    {
        var sim = SimEvents.With(6);
        var files = sim.Files();
        for (var i = 0; i < files.Count; i++)
        {
            var (file, other) = (files[i], files[(i + 1) % files.Count]);
            Check(d => d.Store.Poke(file, null));
            Check(d => d.Store.Poke(file, sim.Store.Peek(file)[..^1]));
            Check(d => d.Store.Poke(file, sim.Store.Peek(other)));
            Check(d => d.Store.Poke(file, []));
        }
        Check(d => d.Keys.Poke("events-head", null));
        Check(d => d.Keys.Poke("audit-secret", null));
        Check(d => { foreach (var file in files) d.Store.Poke(file, null); });
        // Another history of the same store, in part: its files are authentic, and do not follow.
        var fork = SimEvents.With(0).Copy();
        var (one, two) = (fork.Copy(), fork.Copy());
        using (var log = one.Open())
        {
            log.Append(SimEvents.Batch(1, 1));
            log.Append(SimEvents.Batch(2, 1));
        }
        using (var log = two.Open())
        {
            log.Append(SimEvents.Batch(1, 1) with { Actor = "local:else" });
            log.Append(SimEvents.Batch(2, 1));
        }
        if (two.Files().Count != 2) throw new InvalidOperationException("the fork was not made");
        one.Store.Poke(two.Files()[1], two.Store.Peek(two.Files()[1]));
        using var mixed = one.Open();
        Assert.Throws<DamagedStoreException>(() => mixed.Refresh());

        void Check(Action<SimEvents> harm)
        {
            var copy = sim.Copy();
            harm(copy);
            Assert.Contains(copy.Verify(), f => f.Kind != FindingKind.Surplus);
            using var log = copy.Open();
            Assert.Throws<DamagedStoreException>(() => SimEvents.CheckWhole(log));
            Assert.Throws<DamagedStoreException>(() => log.Append(SimEvents.Batch(13, 1)));
        }
    }

    [Fact]
    public void A_log_that_is_put_back_to_an_older_state_is_noticed()
    {
        var sim = SimEvents.With(4);
        var old = sim.Copy();
        using (var log = sim.Open()) SimEvents.AppendNext(log, 1);
        foreach (var file in sim.Files().Except(old.Files())) sim.Store.Poke(file, null);
        using var read = sim.Open();
        Assert.Throws<DamagedStoreException>(() => read.Refresh());
        Assert.Contains(sim.Verify(), f => f.Kind == FindingKind.Missing);
    }

    [Fact]
    public void Keys_that_were_copied_before_the_log_grew_read_it_whole_and_go_on()
    {
        var sim = SimEvents.With(4);
        var old = sim.Keys.Peek("events-head");
        using (var log = sim.Open()) for (var i = 0; i < 3; i++) SimEvents.AppendNext(log, 2);
        sim.Keys.Poke("events-head", old);
        using var read = sim.Open();
        var head = SimEvents.CheckWhole(read);
        Assert.Equal(head + 1, SimEvents.AppendNext(read, 1));
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void A_store_with_events_is_verified_collected_and_given_new_keys_as_one_without()
    {
        var sim = new SimStore();
        using var folder = sim.Create();
        using (var log = new EventLog(sim.Store, sim.Keys, TimeProvider.System)) SimEvents.AppendNext(log, 3);
        sim.CommitNext(folder);
        folder.CollectGarbage();
        folder.RotateMasterKey();
        Assert.Empty(sim.Verify());
        using var again = new EventLog(sim.Store, sim.Keys, TimeProvider.System);
        Assert.Equal(3, SimEvents.CheckWhole(again));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_backup_mends_each_file_that_is_damaged_or_missing_however_it_was_merged(bool isMerged)
    {
        var whole = SimEvents.With(6);
        var backup = whole.Copy();
        if (isMerged)
        {
            using var log = whole.Open();
            log.Compact();
        }
        foreach (var file in whole.Files())
        {
            foreach (var harm in (Action<SimDisk>[])[d => d.Poke(file, null), d => d.Flip(file, 1001), d => d.Poke(file, [])])
            {
                var sim = whole.Copy();
                harm(sim.Store);
                Assert.NotEmpty(EventRepair.Run(sim.Store, sim.Keys, backup.Store, CancellationToken.None).ToList());
                Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
                using var log = sim.Open();
                Assert.Equal(12, SimEvents.CheckWhole(log));
                Assert.Equal(13, SimEvents.AppendNext(log, 1));
            }
        }
        Assert.Empty(EventRepair.Run(whole.Store, whole.Keys, backup.Store, CancellationToken.None));
    }

    [Fact]
    public void A_log_is_carried_into_a_new_store_as_far_as_it_is_whole()
    {
        var sim = SimEvents.With(6); // 1, 2, 3, 1, 2 and 3 events
        foreach (var damaged in (int[])[-1, 0, 3])
        {
            var (from, to) = (sim.Copy(), new SimStore());
            to.Create().Dispose();
            if (damaged >= 0) from.Store.Flip(from.Files()[damaged], 999);
            var lost = EventCarrier.Carry((from.Store, from.Keys), (to.Store, to.Keys), CancellationToken.None);
            using var log = new EventLog(to.Store, to.Keys, TimeProvider.System);
            Assert.Equal(damaged switch { 0 => 0, 3 => 6, _ => 12 }, SimEvents.CheckWhole(log));
            Assert.Equal(damaged switch { 0 => "events 1 to 12 ", 3 => "events 7 to 12 ", _ => "" }, lost?[..15] ?? "");
            if (damaged >= 0) continue;
            Assert.Equal(13, SimEvents.AppendNext(log, 1));
            Assert.Empty(to.Verify().Concat(EventVerifier.Verify(to.Store, to.Keys, CancellationToken.None)));
        }
    }

    /// <summary>Before each thing in turn that the reader wants of the disks, somebody merges the log, or appends to it, or does both; or he does so before each, for as long as he likes.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void A_log_that_others_merge_and_append_to_meanwhile_is_carried_whole_and_nothing_is_found_in_it(int most)
    {
        var sim = SimEvents.With(6); // 12 events
        foreach (var work in (Action<EventLog>[])[log => log.Compact(), log => SimEvents.AppendNext(log, 2), log => { SimEvents.AppendNext(log, 1); log.Compact(); }])
        {
            foreach (var isCarried in (bool[])[false, true])
                Meanwhile.Sweep(most, meanwhile =>
                {
                    var from = sim.Copy();
                    using var other = from.Open();
                    meanwhile.Work = () => work(other);
                    var (store, keys) = (meanwhile.Over(from.Store), meanwhile.Over(from.Keys));
                    if (!isCarried)
                    {
                        Assert.Empty(EventVerifier.Verify(store, keys, CancellationToken.None));
                        return;
                    }
                    var to = new SimStore();
                    to.Create().Dispose();
                    Assert.Null(EventCarrier.Carry((store, keys), (to.Store, to.Keys), CancellationToken.None));
                    using var log = new EventLog(to.Store, to.Keys, TimeProvider.System);
                    Assert.InRange(SimEvents.CheckWhole(log), 12, other.Refresh());
                    Assert.Empty(to.Verify().Concat(EventVerifier.Verify(to.Store, to.Keys, CancellationToken.None)));
                });
        }
    }

    private static void CheckAll(string work, Action<SimEvents, long> harm, int?[] seeds)
    {
        for (var at = 0L; at < Count(work); at++)
        {
            foreach (var seed in seeds)
            {
                var (sim, start) = Start(work);
                harm(sim, sim.Machine.Operations + at);
                long acknowledged;
                using (var log = sim.Open()) acknowledged = Attempt(log, work, start);
                var after = sim;
                if (seed is null) sim.Machine.Restart();
                else if (seed < 0) sim.Machine.PowerCycle();
                else after = sim.Cut(seed.Value + (int)at * 10);
                CheckAndGoOn(after, acknowledged, start, $"{work}, operation {at}, seed {seed}");
            }
        }
    }

    private static void CheckAndGoOn(SimEvents sim, long acknowledged, long start, string what)
    {
        try
        {
            using var log = sim.Open();
            var head = SimEvents.CheckWhole(log);
            Assert.InRange(head, acknowledged, start + 3);
            Assert.True(head == start || head == start + 1 || head == start + 3, $"a part of a batch is there: {head - start}");
            Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
            Assert.Equal(head + 2, SimEvents.AppendNext(log, 2));
            Assert.Equal(head + 2, SimEvents.CheckWhole(log));
            Assert.DoesNotContain(sim.Verify(), f => !f.File.StartsWith("keys/", StringComparison.Ordinal));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}: {e.Message}", e);
        }
    }

    /// <summary>What the work did that was acknowledged.</summary>
    private static long Attempt(EventLog log, string work, long start)
    {
        var acknowledged = start;
        try
        {
            if (work == "compact")
            {
                log.Compact();
                return start;
            }
            // The head is known: asking for it is not what is tested.
            acknowledged = log.Append(SimEvents.Batch(start + 1, 1));
            acknowledged = log.Append(SimEvents.Batch(start + 2, 2));
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            // It ends here.
        }
        return acknowledged;
    }

    private static (SimEvents Sim, long Head) Start(string work)
    {
        var sim = work switch { "first" => SimEvents.With(0), "next" or "compact" => SimEvents.With(3), _ => Begun.Value.Copy() };
        using var log = sim.Open();
        return (sim, log.Refresh());
    }

    private static long Count(string work)
    {
        var (sim, start) = Start(work);
        var before = sim.Machine.Operations;
        using (var log = sim.Open()) Assert.Equal(work == "compact" ? start : start + 3, Attempt(log, work, start));
        var count = sim.Machine.Operations - before;
        Assert.InRange(count, 20, 2000);
        return count;
    }
}
