using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.ClinVar;

/// <summary>A release as the store keeps it.</summary>
/// <param name="Digest">Of its content.</param>
/// <param name="Alleles">Its entries.</param>
public sealed record ShelvedRelease(string Digest, ReleaseSource Alleles)
{
    /// <summary>Opens its rows, so that two releases are compared without making the entries that are equal; null = they are made.</summary>
    internal Func<AnnotationReader>? Rows { get; init; }
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
    public static ShelvedRelease? Find(VariantStore store, string date)
    {
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) return null;
        var found = store.AnnotationReleases().Where(r => r.Source == Source && r.Date == day && !r.IsPurged && !r.IsIntervals).MaxBy(r => (r.UntilVersion == 0, r.Number));
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
        using var olds = new ClinVarRows(before());
        using var nows = new ClinVarRows(after());
        olds.Next();
        nows.Next();
        while (!olds.IsOver || !nows.IsOver)
        {
            var order = olds.IsOver ? 1 : nows.IsOver ? -1 : olds.CompareTo(nows);
            if (order != 0 || !olds.IsSame(nows)) yield return (order <= 0 ? olds.Read() : null, order >= 0 ? nows.Read() : null);
            if (order <= 0) olds.Next();
            if (order >= 0) nows.Next();
        }
    }

    private static IEnumerable<ClinVarAllele> Alleles(Func<AnnotationReader> open)
    {
        using var rows = new ClinVarRows(open());
        for (rows.Next(); !rows.IsOver; rows.Next()) yield return rows.Read();
    }
}

/// <summary>A walk over a release, allele by allele: the rows of one allele, which follow each other, are one step. Of distinct values there are few, so each is understood once. One thread.</summary>
internal sealed class ClinVarRows : IDisposable
{
    private const int MostKnown = 100_000;

    private readonly AnnotationReader _reader;
    private readonly IEnumerator<AnnotationBlock> _blocks;
    private readonly int[] _all;
    private readonly AnnotationColumn?[] _columns;
    private readonly Dictionary<(ClinVarAxis, string, string, string), Classification> _known = [];
    private AnnotationBlock? _block;
    private int _first, _count;

    /// <summary>Takes a reader over.</summary>
    /// <exception cref="InputException">It is not of ClinVar.</exception>
    internal ClinVarRows(AnnotationReader reader)
    {
        (_reader, _blocks) = (reader, reader.Blocks().GetEnumerator());
        _all =
        [
            First("ID", "measureset_id"), First("GENEINFO", "GENE", "symbol"), First("CLNDN", "CLNDBN", "all_traits"),
            First("CLNSIG", "clinical_significance"), First("CLNREVSTAT", "review_status"), First("CLNSIGCONF"),
            First("ONC"), First("ONCREVSTAT"), First("ONCCONF"), First("SCI"), First("SCIREVSTAT"), First("SCICONF"),
        ];
        _columns = new AnnotationColumn?[_all.Length];
        if (_all[3] < 0) throw new InputException("clinvar-fields", "the release has no field CLNSIG or clinical_significance: load it with a mapping that names one", InputPlace.None);

        int First(params ReadOnlySpan<string> names)
        {
            foreach (var name in names)
                if (reader.FieldOf(name) is >= 0 and var at && reader.Fields[at].Type == AnnotationType.Text) return at;
            return -1;
        }
    }

    /// <summary>Whether there is no allele any more.</summary>
    internal bool IsOver => _block is null;

    /// <summary>Goes to the next allele. All rows of a start are in one block, so those of an allele are.</summary>
    internal void Next()
    {
        _first += _count;
        while (_block is null || _first == _block.Count)
        {
            if (!_blocks.MoveNext())
            {
                _block = null;
                return;
            }
            (_block, _first) = (_blocks.Current, 0);
            for (var i = 0; i < _all.Length; i++) _columns[i] = _all[i] < 0 ? null : _block.Column(_all[i]);
        }
        for (_count = 1; _first + _count < _block.Count && IsRepeated(_first + _count); _count++)
        {
        }
    }

    /// <summary>The order of two alleles.</summary>
    internal int CompareTo(ClinVarRows other)
    {
        var order = ReferenceEquals(_block!.Contig, other._block!.Contig) ? 0 : ContigOrder.Instance.Compare(_block.Contig, other._block.Contig);
        if (order == 0) order = _block.Starts[_first].CompareTo(other._block.Starts[other._first]);
        if (order == 0) order = _block.RefOf(_first).SequenceCompareTo(other._block.RefOf(other._first));
        return order != 0 ? order : _block.AltOf(_first).SequenceCompareTo(other._block.AltOf(other._first));
    }

    /// <summary>Whether both have one row, with the same texts.</summary>
    internal bool IsSame(ClinVarRows other)
    {
        if (_count != 1 || other._count != 1) return false;
        for (var i = 0; i < _all.Length; i++)
            if (!TextOf(i).SequenceEqual(other.TextOf(i))) return false;
        return true;
    }

    /// <summary>The entry of the allele: its rows together.</summary>
    internal ClinVarAllele Read()
    {
        var entry = Read(_first);
        for (var i = 1; i < _count; i++) entry = entry.And(Read(_first + i));
        return entry;
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _reader.Dispose();
    }

    private bool IsRepeated(int row) =>
        _block!.Starts[row] == _block.Starts[_first] && _block.RefOf(row).SequenceEqual(_block.RefOf(_first)) && _block.AltOf(row).SequenceEqual(_block.AltOf(_first));

    private ReadOnlySpan<byte> TextOf(int field) => _columns[field] is { } column && column.Codes[_first] is > 0 and var code ? column.TextOf(code) : [];

    private ClinVarAllele Read(int row) => new()
    {
        Allele = _block!.VariantOf(row), Ids = Text(0, row) is { Length: > 0 } id ? [id] : [], Genes = Text(1, row), Conditions = Text(2, row), Line = _block.Lines[row],
        Germline = Of(ClinVarAxis.Germline, 3, row), Oncogenicity = Of(ClinVarAxis.Oncogenicity, 6, row), SomaticImpact = Of(ClinVarAxis.SomaticImpact, 9, row),
    };

    /// <summary>The classification of an axis: value, review and conflict stand side by side.</summary>
    private Classification Of(ClinVarAxis axis, int field, int row)
    {
        var (value, review, conflict) = (Text(field, row), Text(field + 1, row), Text(field + 2, row));
        if (value.Length + review.Length + conflict.Length == 0) return Classification.None;
        if (!_known.TryGetValue((axis, value, review, conflict), out var known))
        {
            if (_known.Count >= MostKnown) _known.Clear();
            _known.Add((axis, value, review, conflict), known = Classification.Parse(axis, value, review, conflict));
        }
        return known;
    }

    private string Text(int field, int row) => _columns[field] is { } column ? column.StringOf(column.Codes[row]) ?? "" : "";
}
