using Warehouse.Engine.Release;
using Warehouse.Simulation;

namespace Warehouse.Tests.Release;

/// <summary>A ledger on a simulated disk, with the keys of a simulated store; and small cohorts to ask for.</summary>
internal sealed class SimLedger
{
    internal const int Samples = 2000;

    private static readonly SimStore Store = SimStore.WithVersions(0);

    internal SimLedger(SimMachine? machine = null)
    {
        Machine = machine ?? new SimMachine();
        Disk = Machine.Disks.Count > 0 ? Machine.Disks[0] : new SimDisk(Machine);
    }

    internal SimMachine Machine { get; }

    internal SimDisk Disk { get; }

    /// <summary>Everybody below 1,000.</summary>
    internal static CohortSet Cohort { get; } = Range(0, 1000);

    /// <summary>Disjoint parts of it: 400, 350 and 200 people, 50 are in none.</summary>
    internal static IReadOnlyList<CohortSet> Groups { get; } = [Range(0, 400), Range(400, 350), Range(750, 200)];

    internal static CohortSet Range(int first, int count) => CohortSet.Of(Samples, Enumerable.Range(first, count));

    /// <summary>The ledger, an epoch opened when there was none.</summary>
    internal ReleaseLedger Open(LedgerHead? witness = null)
    {
        ReleaseLedger ledger;
        lock (Store) ledger = ReleaseLedger.Open(Disk, Store.Keys, witness);
        if (ledger.Epoch == 0) ledger.OpenEpoch(1, Samples);
        return ledger;
    }

    internal Releaser Releaser(ReleaseLedger ledger) => new(ledger, Machine.Clock);

    internal static ReleaseRequest Request(CohortSet? cohort = null, IReadOnlyList<CohortSet>? groups = null, string project = "p") =>
        new() { Project = project, Epoch = 1, Cohort = cohort ?? Cohort, Groups = groups ?? [], Policy = ReleasePolicy.Research };

    /// <summary>What is told of variants, waited for.</summary>
    internal static PresenceBatch Tell(ReleaseCall call, IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells) => call.TellAsync(variants, cells).GetAwaiter().GetResult();

    /// <summary>Figures of a set in which so many people carry one copy.</summary>
    internal static BaseCells Carriers(CohortSet set, int carriers) => TableAttack.Cells(set.People, carriers, 0);

    /// <summary>Figures of a set when these people carry one copy.</summary>
    internal static BaseCells Carriers(CohortSet set, CohortSet carriers) => TableAttack.Cells(set.People, set.CountBoth(carriers), 0);
}
