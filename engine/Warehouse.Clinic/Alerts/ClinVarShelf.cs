using System.Globalization;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;

namespace Warehouse.Clinic.Alerts;

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
        return found is null ? null : new ShelvedRelease(found.ContentSha256, () => ClinVarAllele.ByAllele(Records(store, found)));
    }

    private static IEnumerable<ClinVarAllele> Records(VariantStore store, AnnotationRelease release)
    {
        using var reader = store.OpenAnnotations(string.Create(CultureInfo.InvariantCulture, $"{Source}@{release.Number}"), release.FromVersion);
        var fields = new Fields(reader);
        foreach (var block in reader.Blocks())
        {
            fields.Open(block);
            for (var row = 0; row < block.Count; row++) yield return fields.Read(row);
        }
    }

    /// <summary>The columns of the block at hand. Of distinct values there are few, so each is understood once.</summary>
    private sealed class Fields
    {
        private readonly int _id, _genes, _conditions;
        private readonly int[] _germline, _oncogenicity, _impact;
        private readonly Dictionary<(ClinVarAxis, string, string, string), Classification> _known = [];
        private AnnotationBlock _block = null!;

        internal Fields(AnnotationReader reader)
        {
            (_id, _genes, _conditions) = (First("ID", "measureset_id"), First("GENEINFO", "GENE", "symbol"), First("CLNDN", "all_traits"));
            _germline = [First("CLNSIG", "clinical_significance"), First("CLNREVSTAT", "review_status"), First("CLNSIGCONF")];
            _oncogenicity = [First("ONC"), First("ONCREVSTAT"), First("ONCCONF")];
            _impact = [First("SCI"), First("SCIREVSTAT"), First("SCICONF")];
            if (_germline[0] < 0) throw new InputException("clinvar-fields", "the release has no field CLNSIG or clinical_significance: load it with a mapping that names one", InputPlace.None);

            int First(params ReadOnlySpan<string> names)
            {
                foreach (var name in names)
                    if (reader.FieldOf(name) is >= 0 and var at) return at;
                return -1;
            }
        }

        internal void Open(AnnotationBlock block) => _block = block;

        internal ClinVarAllele Read(int row) => new()
        {
            Allele = _block.VariantOf(row), Ids = Text(_id, row) is { Length: > 0 } id ? [id] : [], Genes = Text(_genes, row), Conditions = Text(_conditions, row), Line = _block.Lines[row],
            Germline = Of(ClinVarAxis.Germline, _germline, row), Oncogenicity = Of(ClinVarAxis.Oncogenicity, _oncogenicity, row), SomaticImpact = Of(ClinVarAxis.SomaticImpact, _impact, row),
        };

        private Classification Of(ClinVarAxis axis, int[] fields, int row)
        {
            var (value, review, conflict) = (Text(fields[0], row), Text(fields[1], row), Text(fields[2], row));
            if (value.Length + review.Length + conflict.Length == 0) return Classification.None;
            if (!_known.TryGetValue((axis, value, review, conflict), out var known))
            {
                if (_known.Count >= 100_000) _known.Clear();
                _known.Add((axis, value, review, conflict), known = Classification.Parse(axis, value, review, conflict));
            }
            return known;
        }

        private string Text(int field, int row)
        {
            if (field < 0) return "";
            var column = _block.Column(field);
            return column.Field.Type == AnnotationType.Text ? column.StringOf(column.Codes[row]) ?? "" : column.IsMissing(row) ? "" : column.Integers[row].ToString(CultureInfo.InvariantCulture);
        }
    }
}
