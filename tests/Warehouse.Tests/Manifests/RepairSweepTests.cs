using Warehouse.Engine.Manifests;
using Warehouse.Simulation;
using Xunit;
using static Warehouse.Units.Manifests.RepairTests;

namespace Warehouse.Tests.Manifests;

/// <summary>A power cut in the middle of a repair: too long for the units.</summary>
public sealed class RepairSweepTests
{
    [Fact]
    public void A_power_cut_at_any_operation_of_a_repair_leaves_each_file_as_it_was_or_mended()
    {
        long total;
        {
            var (sim, backup) = Broken();
            var before = sim.Machine.Operations;
            Repair(sim, backup);
            total = sim.Machine.Operations - before;
        }
        Assert.InRange(total, 60, 2000);
        for (var at = 0L; at < total; at++)
        {
            var (sim, backup) = Broken();
            sim.Machine.CrashAt(sim.Machine.Operations + at);
            Assert.Throws<SimCrashException>(() => Repair(sim, backup));
            sim.Machine.PowerCycle(seed: (int)at);
            Repair(sim, backup);
            Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
            using var folder = sim.Open();
            Assert.Equal(3, SimStore.CheckWhole(folder));
        }
    }
}
