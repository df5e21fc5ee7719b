using Warehouse.Clinic.Alerts;
using Warehouse.Engine;
using Warehouse.Engine.Query;

namespace Warehouse.Clinic.ClinVar;

/// <summary>What one release says of an allele on one axis. Immutable.</summary>
/// <param name="Release">Its date.</param>
/// <param name="Axis">The axis.</param>
/// <param name="Said">What it says.</param>
/// <param name="Ids">Variation ids, comma separated.</param>
public sealed record ReleaseHistory(string Release, ClinVarAxis Axis, Classification Said, string Ids)
{
    /// <summary>What each release that was accepted says of an allele: of the germline always, of other axes where it says something.</summary>
    /// <param name="sources">The store and its releases.</param>
    /// <param name="book">The log.</param>
    /// <param name="asked">The allele, as a session resolved it.</param>
    /// <exception cref="InputException">It is none, or a release is not in the store any more.</exception>
    public static IReadOnlyList<ReleaseHistory> Of(AlertSources sources, AlertBook book, SeenAnswer asked)
    {
        if (asked.Damage is { } damage) throw new InvalidDataException(damage);
        if (asked.Reason is { } fault) throw new InputException("clinvar-variant", fault, InputPlace.None);
        var (history, contig) = (new List<ReleaseHistory>(), sources.Store.Assembly.CanonicalContig(asked.Contig ?? ""));
        foreach (var (_, release) in book.Releases)
        {
            var found = ReleaseIntake.Shelved(sources, release.Release, release.Digest).Alleles().FirstOrDefault(a => a.Allele.Start == asked.Start && a.Allele.Ref == asked.Ref && a.Allele.Alt == asked.Alt && a.Allele.Contig == contig);
            foreach (var axis in Enum.GetValues<ClinVarAxis>())
                if (axis == ClinVarAxis.Germline || found?.On(axis) is { } other && other != Classification.None) history.Add(new(release.Release, axis, found?.On(axis) ?? Classification.None, found is null ? "" : string.Join(',', found.Ids)));
        }
        return history;
    }
}
