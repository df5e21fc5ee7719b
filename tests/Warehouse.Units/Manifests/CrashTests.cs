using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>I1 and I2: whatever fails or stops, an acknowledged version is there, and a version is whole or absent.</summary>
public sealed class CrashTests
{
    [Fact]
    public void A_commit_in_which_an_operation_fails_leaves_the_old_version_or_the_new_one_whole() => CheckFailures(DurableException.DeviceError, step: 2);

    /// <summary>Lets every step-th operation of a commit fail.</summary>
    internal static void CheckFailures(int errno, int step)
    {
        var total = Count(s => s.CommitNext(s.Open()));
        Assert.InRange(total, 40, 1000);
        for (var at = 0L; at < total; at += step)
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
    public void A_garbage_collection_in_which_an_operation_fails_harms_nothing() => CheckCollections(step: 2);

    /// <summary>Lets every step-th operation of a collection fail.</summary>
    internal static void CheckCollections(int step)
    {
        var total = Count(s => s.Open().CollectGarbage());
        for (var at = 0L; at < total; at += step)
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

    internal static void CheckAndGoOn(SimStore sim, bool isAcknowledged, string what)
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
    internal static void CheckCut(SimStore sim, long leastVersion)
    {
        foreach (var seed in (int?[])[null, (int)sim.Machine.Operations])
        {
            var image = seed is { } s ? sim.Machine.Cut(new Random(s)) : sim.Machine.Copy();
            if (seed is null) image.PowerCycle();
            using var folder = StoreFolder.Open(image.Disks[0], image.Disks[1], TimeProvider.System);
            Assert.True(SimStore.CheckWhole(folder) >= leastVersion, $"at operation {sim.Machine.Operations}, seed {seed}");
        }
    }

    internal static bool Attempt(Action act)
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

    internal static long Count(Action<SimStore> act)
    {
        var sim = SimStore.WithVersions(2);
        var before = sim.Machine.Operations;
        act(sim);
        return sim.Machine.Operations - before;
    }
}
