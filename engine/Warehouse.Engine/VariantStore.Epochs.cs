using Warehouse.Engine.Access;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Release;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    /// <summary>Stands for everybody beside the cohorts that have a name: no cohort is called so.</summary>
    private const string Everybody = "(everybody)";

    /// <summary>
    /// Opens a release epoch, and returns its number. Whoever has the answers of two epochs can subtract them: since each earlier one, of every
    /// cohort nobody or at least k people must have joined, and so for those who left (<see cref="EpochRule"/>). Cohorts that are in force no more
    /// are compared as cohorts that everybody left.
    /// </summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">The snapshot cannot be asked, or is older than that of the epoch before; or cohorts, which are named, changed by too few.</exception>
    public int OpenEpoch(AccessActor actor, long snapshot)
    {
        Change(actor, editor =>
        {
            var before = PolicyNow();
            var next = editor.Open(snapshot);
            var judged = EpochRule.Judge(Histories(Catalog(), before.Epochs, snapshot), before.Settings.K);
            if (!judged.MayOpen)
                throw new InputException("epoch-change", $"since an earlier epoch, fewer than {before.Settings.K} people joined or left: {string.Join(", ", judged.Blocking)}", InputPlace.None);
            return next;
        });
        return PolicyNow().Epochs.Count;
    }

    private static List<CohortHistory> Histories(StoreCatalog catalog, IReadOnlyList<ReleaseEpoch> epochs, long snapshot)
    {
        var names = epochs.Select(e => e.Snapshot).Append(snapshot).SelectMany(at => catalog.Cohorts.Where(c => c.InForce(at)).Select(c => c.Name)).Distinct().Order(StringComparer.Ordinal).Prepend(Everybody);
        return [.. names.Select(name => new CohortHistory(name, [.. epochs.Select(e => MembersAt(catalog, name, e.Snapshot))], MembersAt(catalog, name, snapshot)))];
    }

    /// <summary>
    /// Whom figures of a snapshot were over: withdrawn samples too, if they were withdrawn behind it. A cohort closes when one of its people is
    /// withdrawn, so who left it by that is told from the snapshots alone.
    /// </summary>
    private static CohortSet? MembersAt(StoreCatalog catalog, string name, long snapshot)
    {
        var cohort = name == Everybody ? null : catalog.Cohort(name, snapshot)?.Samples;
        if (name != Everybody && cohort is null) return null;
        var members = new HashSet<int>();
        foreach (var ordinal in catalog.Ordinals)
            if (ordinal.InForce(snapshot) && catalog.Samples[ordinal.Sample].WithdrawnVersion is var gone && (gone == 0 || gone > snapshot) && (cohort is null || Array.BinarySearch(cohort, ordinal.Sample) >= 0)) members.Add(ordinal.Sample);
        return CohortSet.Of(catalog.Samples.Count, members);
    }
}
