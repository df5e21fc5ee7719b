using System.Globalization;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.ClinVar;

/// <summary>A release as the store keeps it.</summary>
/// <param name="Digest">Of its content.</param>
/// <param name="Alleles">Its entries.</param>
public sealed record ShelvedRelease(string Digest, ReleaseSource Alleles)
{
    /// <summary>Opens its rows, so that what is not asked about is not made; null = all entries are.</summary>
    internal Func<AnnotationReader>? Rows { get; init; }

    /// <summary>What it says of some alleles.</summary>
    internal IReadOnlyDictionary<Variant, ClinVarAllele> Of(IEnumerable<Variant> alleles)
    {
        var (sought, found) = (alleles.ToHashSet(), new Dictionary<Variant, ClinVarAllele>());
        if (Rows is null)
        {
            foreach (var entry in Alleles())
                if (sought.Contains(entry.Allele)) found[entry.Allele] = entry;
            return found;
        }
        using var rows = new ClinVarRows(Rows());
        foreach (var allele in sought.Order())
            if (rows.Find(allele)) found[allele] = rows.Read();
        return found;
    }
}

/// <summary>
/// The releases of ClinVar that a store keeps as annotations, by their dates. Fields are found by their names in NCBI's VCF, and by those of the tables of 2015 and 2016
/// (<c>clinical_significance</c>, <c>review_status</c>, <c>symbol</c>, <c>all_traits</c>, <c>measureset_id</c>). Any thread.
/// </summary>
public static class ClinVarShelf
{
    /// <summary>Name of the source among the annotations.</summary>
    public const string Source = "clinvar";

    /// <summary>How the tables of 2015 and 2016 are read.</summary>
    public const string TableMapping = """
        format tsv
        assembly GRCh37
        contig chrom
        pos pos
        ref ref
        alt alt
        field measureset_id text
        field symbol text terms gene
        field clinical_significance text
        field review_status text
        field all_traits text
        field hgvs_c text terms hgvs

        """;

    /// <summary>The release of a date, one that was retired too as long as its bytes are there; null = there is none.</summary>
    /// <param name="store">The store.</param>
    /// <param name="date">The date.</param>
    /// <param name="digest">Of that content, where one that was corrected under the same date may be there too; null = the newest that was not retired.</param>
    public static ShelvedRelease? Find(VariantStore store, string date, string? digest = null)
    {
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) return null;
        var found = store.AnnotationReleases().Where(r => r.Source == Source && r.Date == day && !r.IsPurged && !r.IsIntervals && (digest is null || r.ContentSha256 == digest)).MaxBy(r => (r.UntilVersion == 0, r.Number));
        if (found is null) return null;
        AnnotationReader Open() => store.OpenAnnotations(string.Create(CultureInfo.InvariantCulture, $"{Source}@{found.Number}"), found.FromVersion);
        return new ShelvedRelease(found.ContentSha256, () => Alleles(Open)) { Rows = Open };
    }

    /// <summary>
    /// The same allele of both, null where one does not have it, in order; without those that both have one row of with equal texts, which are most. Its twin, which the tests hold it to, makes
    /// every entry of both and compares them.
    /// </summary>
    internal static IEnumerable<(ClinVarAllele? Old, ClinVarAllele? Now)> Differences(Func<AnnotationReader> before, Func<AnnotationReader> after)
    {
        using var walk = new ClinVarPairs(new ClinVarRows(before()), new ClinVarRows(after()));
        while (walk.NextDifference()) yield return (walk.Order <= 0 ? walk.Olds.Read() : null, walk.Order >= 0 ? walk.Nows.Read() : null);
    }

    /// <summary>Those of some ids that a release has.</summary>
    internal static HashSet<string> IdsThere(Func<AnnotationReader> release, HashSet<string> sought)
    {
        using var reader = release();
        var there = new HashSet<string>(StringComparer.Ordinal);
        if (ClinVarRows.FieldOfId(reader) is not (>= 0 and var field)) return there;
        // Of millions of ids a few are sought: two bytes of each tell nearly always that it is none of them.
        var marks = new bool[1 << 16];
        foreach (var id in sought) marks[MarkOf(Encoding.UTF8.GetBytes(id))] = true;
        foreach (var column in reader.Columns(field))
            for (var code = 1; code <= column.TextCount; code++)
                if (marks[MarkOf(column.TextOf(code))] && column.StringOf(code) is { } id && sought.Contains(id)) there.Add(id);
        return there;
    }

    /// <summary>Every allele of either release: whether the later one has it, and its entry there where something is not recognised. Without an earlier one, those of the later.</summary>
    internal static IEnumerable<(bool IsThere, ClinVarAllele? Unrecognised)> Looked(Func<AnnotationReader>? before, Func<AnnotationReader> release)
    {
        using var walk = new ClinVarPairs(before is null ? null : new ClinVarRows(before()), new ClinVarRows(release()));
        while (walk.Next()) yield return (walk.Order >= 0, walk.Order >= 0 && walk.Nows.IsUnrecognised ? walk.Nows.Read() : null);
    }

    private static int MarkOf(ReadOnlySpan<byte> id)
    {
        var mark = 0u;
        foreach (var one in id) mark = (mark * 31) + one;
        return (int)((mark * 0x9E3779B1u) >> 16);
    }

    private static IEnumerable<ClinVarAllele> Alleles(Func<AnnotationReader> open)
    {
        using var rows = new ClinVarRows(open());
        for (rows.Next(); !rows.IsOver; rows.Next()) yield return rows.Read();
    }
}
