using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;
using static Warehouse.Units.Manifests.CrashTests;

namespace Warehouse.Tests.Manifests;

/// <summary>I1 and I2 again, in the sweeps that take too long for the units.</summary>
public sealed class CrashSweepTests
{
    [Theory]
    [InlineData(DurableException.DeviceError)]
    [InlineData(DurableException.NoSpace)]
    public void A_commit_in_which_any_operation_fails_leaves_the_old_version_or_the_new_one_whole(int errno) => CheckFailures(errno, step: 1);

    [Fact]
    public void A_garbage_collection_in_which_any_operation_fails_harms_nothing() => CheckCollections(step: 1);

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
}
