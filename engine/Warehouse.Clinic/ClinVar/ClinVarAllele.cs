using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.ClinVar;

/// <summary>What one release of ClinVar says of one normalised allele, all its records together. Immutable.</summary>
public sealed record ClinVarAllele
{
    /// <summary>The allele.</summary>
    public required Variant Allele { get; init; }

    /// <summary>Variation ids, ascending; before 2018 measure sets. More than one where several records spell the same allele.</summary>
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>On the germline axis.</summary>
    public required Classification Germline { get; init; }

    /// <summary>Oncogenicity.</summary>
    public Classification Oncogenicity { get; init; } = Classification.None;

    /// <summary>Somatic clinical impact.</summary>
    public Classification SomaticImpact { get; init; } = Classification.None;

    /// <summary>The genes, as GENEINFO (<c>BRCA1:672|NBR2:10230</c>) or a list with commas.</summary>
    public string Genes { get; init; } = "";

    /// <summary>Conditions as the file spells them.</summary>
    public string Conditions { get; init; } = "";

    /// <summary>1-based line of its first record in the file.</summary>
    public long Line { get; init; }

    /// <summary>What is said on one axis.</summary>
    public Classification On(ClinVarAxis axis) => axis switch { ClinVarAxis.Germline => Germline, ClinVarAxis.Oncogenicity => Oncogenicity, _ => SomaticImpact };

    /// <summary>Whether any field has something that no table has.</summary>
    public bool IsUnrecognised => Germline.Unrecognised.Count + Oncogenicity.Unrecognised.Count + SomaticImpact.Unrecognised.Count > 0;

    /// <summary>Two records of the same allele as one.</summary>
    public ClinVarAllele And(ClinVarAllele other) => this with
    {
        Ids = [.. Ids.Concat(other.Ids).Distinct().Order(StringComparer.Ordinal)],
        Germline = Germline.And(other.Germline),
        Oncogenicity = Oncogenicity.And(other.Oncogenicity),
        SomaticImpact = SomaticImpact.And(other.SomaticImpact),
        Genes = Joined(Genes, other.Genes),
        Conditions = Joined(Conditions, other.Conditions),
    };

    /// <summary>One entry an allele of records in allele order.</summary>
    public static IEnumerable<ClinVarAllele> ByAllele(IEnumerable<ClinVarAllele> records)
    {
        ClinVarAllele? open = null;
        foreach (var record in records)
        {
            if (open is not null && record.Allele.CompareTo(open.Allele) < 0) throw new ArgumentException("the records are not in the order of alleles", nameof(records));
            if (open is not null && record.Allele.Equals(open.Allele))
            {
                open = open.And(record);
                continue;
            }
            if (open is not null) yield return open;
            open = record;
        }
        if (open is not null) yield return open;
    }

    private static string Joined(string one, string other) => one.Length == 0 || one == other ? other : other.Length == 0 ? one : $"{one},{other}";
}
