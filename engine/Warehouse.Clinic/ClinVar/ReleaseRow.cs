using System.Globalization;
using Warehouse.Clinic.Alerts;

namespace Warehouse.Clinic.ClinVar;

/// <summary>A release of ClinVar that is in the store, or that was accepted. Immutable.</summary>
public sealed record ReleaseRow
{
    /// <summary>Its date.</summary>
    public required string Release { get; init; }

    /// <summary>Digest of its content.</summary>
    public required string Digest { get; init; }

    /// <summary>It was accepted: alerts follow from it.</summary>
    public bool Holds { get; init; }

    /// <summary>Its content is in the store as it was accepted.</summary>
    public bool IsThere { get; init; }

    /// <summary>Alleles; null while it does not hold.</summary>
    public long? Alleles { get; init; }

    /// <summary>Alleles with something that no table has, which were accepted so; null while it does not hold.</summary>
    public long? Unrecognised { get; init; }

    /// <summary>All of them, by date.</summary>
    public static IReadOnlyList<ReleaseRow> Of(AlertSources sources, AlertBook book)
    {
        var accepted = book.Releases.ToDictionary(r => r.Release.Release, r => r.Release, StringComparer.Ordinal);
        var shelved = sources.Store.AnnotationReleases().Where(r => r.Source == ClinVarShelf.Source && !r.IsIntervals).Select(r => r.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        var rows = new List<ReleaseRow>();
        foreach (var date in shelved.Concat(accepted.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var holds = accepted.GetValueOrDefault(date);
            var there = sources.Release(date, holds?.Digest);
            if ((holds?.Digest ?? there?.Digest) is not { } digest) continue; // it was retired and its bytes are gone
            rows.Add(new ReleaseRow { Release = date, Digest = digest, Holds = holds is not null, IsThere = there is not null, Alleles = holds?.Alleles, Unrecognised = holds?.Unrecognised });
        }
        return rows;
    }
}
