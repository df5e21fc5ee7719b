using System.Globalization;
using System.Text;

namespace Warehouse.Clinic.Assessments;

/// <summary>Signed assessments as others want them.</summary>
public static class AssessmentTables
{
    /// <summary>
    /// Columns of a submission to ClinVar, as the spreadsheet for germline classifications names them; from memory, so hold them against the template of the day before
    /// submitting. They are those that an assessment can fill. Cells are text; whoever writes them for a spreadsheet has to keep them from being formulas.
    /// </summary>
    public static IReadOnlyList<string> ClinVarColumns { get; } =
    [
        "Local ID", "Chromosome", "Start", "Stop", "Reference allele", "Alternate allele", "Condition ID type", "Condition ID value", "Preferred condition name", "Mode of inheritance",
        "Germline classification", "Date last evaluated", "Assertion method", "Assertion method citation", "Citations", "Comment on classification", "Collection method", "Allele origin",
    ];

    /// <summary>A signed assessment as a row of <see cref="ClinVarColumns"/>.</summary>
    public static IReadOnlyList<string> ClinVarRow(Assessment signed)
    {
        var content = signed.Content;
        var start = content.Allele.Start + 1L;
        return
        [
            Number(signed.Id), content.Allele.Contig, Number(start), Number(start + content.Allele.Ref.Length - 1), content.Allele.Ref, content.Allele.Alt, "MONDO", content.ConditionId[6..], content.ConditionName,
            content.Inheritance switch
            {
                Inheritance.AutosomalDominant => "Autosomal dominant inheritance", Inheritance.AutosomalRecessive => "Autosomal recessive inheritance", Inheritance.Semidominant => "Semidominant inheritance",
                Inheritance.XLinked => "X-linked inheritance", Inheritance.YLinked => "Y-linked inheritance", Inheritance.Mitochondrial => "Mitochondrial inheritance", _ => "",
            },
            content.Class switch { Tier.Benign => "Benign", Tier.LikelyBenign => "Likely benign", Tier.Uncertain => "Uncertain significance", Tier.LikelyPathogenic => "Likely pathogenic", _ => "Pathogenic" },
            (signed.Signature?.TimeUtc ?? signed.TimeUtc).UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            "ACMG Guidelines, 2015", "PMID:25741868", string.Join(';', content.References.Concat(content.Criteria.SelectMany(c => c.References)).Distinct()), Comment(content), "clinical testing", "germline",
        ];
    }

    /// <summary>Signed assessments as a VCF without samples: one line per allele, in order, with class, condition and criteria in INFO, one value per condition. Unsafe characters are percent-encoded, as VCF 4.3 has it.</summary>
    public static IEnumerable<string> VcfLines(IEnumerable<Assessment> signed, string assembly)
    {
        var alleles = signed.GroupBy(a => a.Content.Allele).OrderBy(g => g.Key).ToList();
        yield return "##fileformat=VCFv4.3";
        yield return "##reference=" + assembly;
        foreach (var contig in alleles.Select(a => a.Key.Contig).Distinct()) yield return $"##contig=<ID={contig}>";
        yield return "##INFO=<ID=WHA_CLASS,Number=.,Type=String,Description=\"Class of the laboratory's signed assessment, per condition\">";
        yield return "##INFO=<ID=WHA_COND,Number=.,Type=String,Description=\"Condition of each\">";
        yield return "##INFO=<ID=WHA_POINTS,Number=.,Type=Integer,Description=\"Points of the criteria of each\">";
        yield return "##INFO=<ID=WHA_CRIT,Number=.,Type=String,Description=\"Criteria of each, code and strength, separated by ampersands\">";
        yield return "##INFO=<ID=WHA_ID,Number=.,Type=Integer,Description=\"Number of each assessment\">";
        yield return "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
        foreach (var group in alleles)
        {
            var each = group.OrderBy(a => a.Content.ConditionId, StringComparer.Ordinal).ToList();
            string Join(Func<Assessment, string> value) => string.Join(',', each.Select(value));
            yield return string.Create(CultureInfo.InvariantCulture, $"{group.Key.Contig}\t{group.Key.Start + 1L}\t.\t{group.Key.Ref}\t{group.Key.Alt}\t.\t.\t") +
                $"WHA_CLASS={Join(a => Words.Of(a.Content.Class))};WHA_COND={Join(a => Encoded(a.Content.ConditionId))};WHA_POINTS={Join(a => Number(a.Content.Points))};" +
                $"WHA_CRIT={Join(a => a.Content.Criteria.Count == 0 ? "." : string.Join('&', a.Content.Criteria.Select(c => Encoded($"{c.Code}_{Words.Of(c.Strength)}"))))};WHA_ID={Join(a => Number(a.Id))}";
        }
    }

    private static string Comment(AssessmentContent content)
    {
        var parts = new List<string>();
        if (content.Criteria.Count > 0) parts.Add(string.Join("; ", content.Criteria.Select(c => c.Evidence.Length == 0 ? $"{c.Code} ({Words.Of(c.Strength)})" : $"{c.Code} ({Words.Of(c.Strength)}): {c.Evidence}")));
        if (content.DifferenceReason.Length > 0) parts.Add(content.DifferenceReason);
        if (content.Text.Length > 0) parts.Add(content.Text);
        return string.Join(". ", parts);
    }

    private static string Encoded(string text)
    {
        var safe = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (b is > (byte)' ' and < 0x7f and not ((byte)':' or (byte)';' or (byte)'=' or (byte)'%' or (byte)',')) safe.Append((char)b);
            else safe.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return safe.ToString();
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
