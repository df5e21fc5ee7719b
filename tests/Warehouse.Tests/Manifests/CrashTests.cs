using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Manifests;

/// <summary>I1 and I2: whatever fails or stops, an acknowledged version is there, and a version is whole or absent.</summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(DurableException.DeviceError)]
    [InlineData(DurableException.NoSpace)]
    public void A_commit_in_which_any_operation_fails_leaves_the_old_version_or_the_new_one_whole(int errno)
    {
        var total = Count(s => s.CommitNext(s.Open()));
        Assert.InRange(total, 40, 1000);
        for (var at = 0L; at < total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.FailAt(sim.Machine.Operations + at, errno);
            var isAcknowledged = Attempt(() => sim.CommitNext(sim.Open()));
            if (sim.Machine.IsPoisoned)
            {
                Assert.False(isAcknowledged, $"operation {at} was a failed sync, yet the commit was acknowledged");
                Assert.Throws<StorePoisonedException>(() => sim.Open().BeginCommit());
            }
            sim.Machine.Restart();
            CheckAndGoOn(sim, isAcknowledged, $"operation {at} failed with {errno}");
        }
    }

    [Fact]
    public void A_failed_sync_of_any_file_or_folder_poisons_the_writer()
    {
        var total = Count(s => s.CommitNext(s.Open()));
        var poisoned = 0;
        for (var at = 0L; at < total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.FailAt(sim.Machine.Operations + at, DurableException.DeviceError);
            Attempt(() => sim.CommitNext(sim.Open()));
            if (sim.Machine.IsPoisoned) poisoned++;
        }
        // The key folder at the start; two data files, a changed part, a list, the manifest; the key table; three folders; the acknowledgement.
        Assert.Equal(11, poisoned);
    }

    [Fact]
    public void A_commit_that_finds_no_space_has_published_nothing()
    {
        var total = Count(s => s.CommitNext(s.Open()));
        var refused = 0;
        for (var at = 0L; at < total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.FailAt(sim.Machine.Operations + at, DurableException.NoSpace);
            try
            {
                sim.CommitNext(sim.Open());
            }
            catch (DurableException e) when (e.Operation is "pwrite" or "creat")
            {
                refused++;
                Assert.Equal(3, sim.Open().Current.Version);
                Assert.DoesNotContain(sim.Store.AllFiles().Concat(sim.Keys.AllFiles()), f => f.EndsWith(".tmp", StringComparison.Ordinal));
            }
            catch (IOException)
            {
                // Of another operation: after a failed sync, for one, the version may be there.
            }
        }
        Assert.Equal(18, refused); // six files are made, written and, if sealed, begun with a header; the key table is appended to
    }

    /// <summary>
    /// The process ends, or its sync fails, at any operation of a commit, without a power cut: what is not synced is still seen by the next
    /// process, which commits on top of it. Then the power goes, at any moment.
    /// </summary>
    [Theory]
    [InlineData(SimFault.Crash)]
    [InlineData(SimFault.Error)]
    public void A_commit_after_a_process_that_ended_in_its_own_survives_a_power_cut(SimFault fault)
    {
        var isUnharmed = false;
        for (var at = 0L; !isUnharmed; at++)
        {
            Assert.InRange(at, 0, 200);
            var sim = SimStore.WithVersions(1);
            var before = sim.Machine.Changes;
            sim.Machine.PlanChange(before + at, fault);
            var version = Attempt(() => sim.CommitNext(sim.Open())) ? 3 : 2;
            isUnharmed = sim.Machine.Changes - before <= at;
            sim.Machine.Restart();
            sim.Machine.BeforeChange = () => CheckCut(sim, version);
            Assert.InRange(sim.CommitNext(sim.Open()).Version, version + 1, 4);
            CheckCut(sim, version + 1);
        }
    }

    [Fact]
    public void A_stall_changes_nothing_but_the_time()
    {
        var sim = SimStore.WithVersions(2);
        var (syncs, ticks) = (sim.Machine.CountOf("fsync"), sim.Machine.Ticks);
        sim.Machine.Plan(sim.Machine.Operations + 30, SimFault.Stall);
        using var folder = sim.Open();
        Assert.Equal(4, sim.CommitNext(folder).Version);
        Assert.Equal(11, sim.Machine.CountOf("fsync") - syncs);
        Assert.InRange(sim.Machine.Ticks - ticks, 1_000_000_000, 1_001_000_000);
    }

    [Fact]
    public void One_wrong_bit_of_a_reading_never_locks_a_sound_store()
    {
        var total = Count(s => s.CommitNext(s.Open()));
        for (var at = 0L; at < total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.Plan(sim.Machine.Operations + at, SimFault.FlippedRead, seed: (int)at + 1);
            var isAcknowledged = Attempt(() => sim.CommitNext(sim.Open()));
            sim.Machine.Restart();
            CheckAndGoOn(sim, isAcknowledged, $"operation {at} read one wrong bit");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_power_cut_at_any_operation_of_a_commit_loses_nothing_acknowledged(int? seed)
    {
        var total = Count(s => s.CommitNext(s.Open()));
        for (var at = 0L; at <= total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.CrashAt(sim.Machine.Operations + at);
            var isAcknowledged = Attempt(() => sim.CommitNext(sim.Open()));
            sim.Machine.PowerCycle(seed is { } s ? s * 1_000_003 + (int)at : null);
            CheckAndGoOn(sim, isAcknowledged, $"power cut at operation {at}, seed {seed}");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_power_cut_at_any_operation_of_a_garbage_collection_loses_nothing(int? seed)
    {
        var total = Count(s => s.Open().CollectGarbage());
        Assert.InRange(total, 30, 1000);
        for (var at = 0L; at <= total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.CrashAt(sim.Machine.Operations + at);
            Attempt(() => sim.Open().CollectGarbage());
            sim.Machine.PowerCycle(seed is { } s ? s * 1_000_003 + (int)at : null);
            CheckAndGoOn(sim, isAcknowledged: false, $"power cut at operation {at} of a collection, seed {seed}");
        }
    }

    [Fact]
    public void A_garbage_collection_in_which_any_operation_fails_harms_nothing()
    {
        var total = Count(s => s.Open().CollectGarbage());
        for (var at = 0L; at < total; at++)
        {
            var sim = SimStore.WithVersions(2);
            sim.Machine.FailAt(sim.Machine.Operations + at, DurableException.DeviceError);
            Attempt(() => sim.Open().CollectGarbage());
            sim.Machine.Restart();
            CheckAndGoOn(sim, isAcknowledged: false, $"operation {at} of a collection failed");
        }
    }

    [Fact]
    public void A_power_cut_during_creation_leaves_an_empty_store_or_none()
    {
        var whole = new SimStore();
        whole.Create().Dispose();
        for (var at = 0L; at <= whole.Machine.Operations; at++)
        {
            var sim = new SimStore();
            sim.Machine.CrashAt(at);
            var isAcknowledged = Attempt(() => sim.Create());
            sim.Machine.PowerCycle();
            try
            {
                using var folder = sim.Open();
                Assert.Equal(1, SimStore.CheckWhole(folder));
            }
            catch (StoreException)
            {
                Assert.False(isAcknowledged, $"power cut at operation {at}: the created store is gone");
            }
        }
    }

    [Fact]
    public void A_second_power_cut_while_an_unfinished_commit_is_put_to_rest_loses_nothing()
    {
        // The first cut comes when the manifest has its name but nobody was told; the next writer must acknowledge it.
        var total = Count(s => s.CommitNext(s.Open()));
        for (var first = total - 12; first <= total; first++)
            for (var second = 0L; second < 60; second++)
            {
                var sim = SimStore.WithVersions(1);
                sim.Machine.CrashAt(sim.Machine.Operations + first);
                Attempt(() => sim.CommitNext(sim.Open()));
                sim.Machine.PowerCycle(seed: (int)(first * 100 + second));
                var version = sim.Open().Current.Version;
                sim.Machine.CrashAt(sim.Machine.Operations + second);
                Attempt(() => sim.Open().BeginCommit().Dispose());
                sim.Machine.PowerCycle();
                using var folder = sim.Open();
                Assert.Equal(version, SimStore.CheckWhole(folder));
            }
    }

    private static void CheckAndGoOn(SimStore sim, bool isAcknowledged, string what)
    {
        try
        {
            using var folder = sim.Open();
            var version = SimStore.CheckWhole(folder);
            Assert.True(isAcknowledged ? version == 4 : version is 3 or 4, $"version {version}, acknowledged {isAcknowledged}");
            Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
            folder.CollectGarbage();
            Assert.Equal(version + 1, sim.CommitNext(folder).Version);
            folder.CollectGarbage();
            Assert.Equal(version + 1, SimStore.CheckWhole(folder));
            Assert.Empty(sim.Verify());
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}: {e.Message}", e);
        }
    }

    /// <summary>What a power cut that keeps nothing, and one that keeps some, leave now is a whole store of at least that version.</summary>
    private static void CheckCut(SimStore sim, long leastVersion)
    {
        foreach (var seed in (int?[])[null, (int)sim.Machine.Operations])
        {
            var image = seed is { } s ? sim.Machine.Cut(new Random(s)) : sim.Machine.Copy();
            if (seed is null) image.PowerCycle();
            using var folder = StoreFolder.Open(image.Disks[0], image.Disks[1], TimeProvider.System);
            Assert.True(SimStore.CheckWhole(folder) >= leastVersion, $"at operation {sim.Machine.Operations}, seed {seed}");
        }
    }

    private static bool Attempt(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            return false;
        }
    }

    private static long Count(Action<SimStore> act)
    {
        var sim = SimStore.WithVersions(2);
        var before = sim.Machine.Operations;
        act(sim);
        return sim.Machine.Operations - before;
    }
}
