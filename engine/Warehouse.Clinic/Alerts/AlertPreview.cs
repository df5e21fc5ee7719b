using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;

namespace Warehouse.Clinic.Alerts;

/// <summary>What accepting a release would do, before anybody does.</summary>
/// <param name="Changes">Changes by axis, class before, class now and grade, and how often.</param>
/// <param name="Alerts">Alerts by grade, and over how many persons.</param>
public sealed record ReleasePreview(IReadOnlyList<(ClinVarAxis Axis, NetClass From, NetClass To, Grade Grade, int Count)> Changes, IReadOnlyList<(Grade Grade, int Alerts, int Persons)> Alerts)
{
    /// <summary>Looks, and changes nothing.</summary>
    /// <exception cref="InputException">The store has no such release.</exception>
    public static ReleasePreview Of(AlertSources sources, TimeProvider clock, string release)
    {
        var book = new AlertBook(sources.Store.Events, clock);
        var after = ReleaseIntake.Shelved(sources, release);
        var before = book.Releases.Reverse().Select(r => r.Release).Where(r => r.Release != release).ToList();
        if (before.Count == 0) return new ReleasePreview([], []); // the first release that holds changes nothing
        var last = sources.Release(before[0].Release, before[0].Digest) ?? throw new InputException("clinvar-unknown", "the release that holds is not in the store any more", InputPlace.None);
        var earlier = before.Skip(1).Select(r => sources.Release(r.Release, r.Digest)).TakeWhile(r => r is not null).Select(r => r!);
        var changes = ReleaseComparison.WithFlipFlops(ReleaseComparison.Run(last, after, book.Grades), earlier);
        var counts = changes.Where(c => c.IsOfClass).GroupBy(c => (c.Axis, c.From, c.To, c.Grade)).Select(g => (g.Key.Axis, g.Key.From, g.Key.To, g.Key.Grade, g.Count()));
        return new ReleasePreview(
            [.. counts.OrderByDescending(c => c.Grade).ThenBy(c => c.Axis).ThenBy(c => c.From).ThenBy(c => c.To)], new Derivation(sources, book, sources.Store.Events, clock).Preview(changes, release));
    }
}
