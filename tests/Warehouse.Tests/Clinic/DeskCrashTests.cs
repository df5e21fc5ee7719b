using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Simulation;
using Warehouse.Units.Clinic;
using Xunit;

namespace Warehouse.Tests.Clinic;

/// <summary>Assessments through a power cut at every operation: what was acknowledged is there, and a signature with what it supersedes or not at all.</summary>
public sealed class DeskCrashTests
{
    [Fact]
    public void A_power_cut_at_every_operation_leaves_a_state_of_the_life_cycle_and_all_that_was_acknowledged()
    {
        var begun = new SimStore();
        begun.Create().Dispose();
        using (var first = new SimDesk(begun)) first.Signed(SimDesk.Content());
        var operations = 0L;
        for (var at = 0L; at == 0 || at < operations; at++)
        {
            var machine = begun.Machine.Copy();
            var (start, done) = (machine.Operations, 0);
            if (at > 0) machine.CrashAt(start + at);
            try
            {
                Work(machine, ref done);
                if (at == 0) operations = machine.Operations - start;
            }
            catch (SimCrashException)
            {
                // The power is gone.
            }
            var after = machine;
            if (at % 2 == 0) after.PowerCycle();
            else after = machine.Cut(new Random((int)at));
            Check(after, done, $"operation {at} of {operations}");
        }
        Assert.InRange(operations, 60, 2000);
    }

    private static void Work(SimMachine machine, ref int done)
    {
        using var store = Open(machine);
        var desk = new AssessmentDesk(store);
        var draft = desk.Begin(SimDesk.Analyst, SimDesk.Content(tier: Tier.Pathogenic), 1);
        done = 1;
        desk.Submit(SimDesk.Analyst, draft.Id, 1);
        done = 2;
        desk.Sign(SimDesk.Reviewer, draft.Id, 2, SignatureMeaning.Approved, "read");
        done = 3;
    }

    private static void Check(SimMachine machine, int done, string what)
    {
        try
        {
            using var store = Open(machine);
            var desk = new AssessmentDesk(store);
            var (old, next) = (desk.Get(1)!, desk.Get(4));
            var steps = next?.Version ?? 0;
            Assert.InRange(steps, done, 3);
            Assert.Equal(steps == 3 ? (AssessmentState.Superseded, 4L) : (AssessmentState.Signed, (long?)null), (old.State, old.SupersededBy));
            if (next is not null) Assert.Equal(steps switch { 1 => AssessmentState.Draft, 2 => AssessmentState.InReview, _ => AssessmentState.Signed }, next.State);
            Assert.Equal(steps == 3 ? Tier.Pathogenic : Tier.LikelyPathogenic, desk.SignedOf(SimDesk.Clinician, old.Content.Allele).Single().Content.Class);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}: {e.Message}", e);
        }
    }

    private static VariantStore Open(SimMachine machine) => VariantStore.Over(StoreFolder.Open(machine.Disks[0], machine.Disks[1], machine.Clock));
}
