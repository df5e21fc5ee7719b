namespace Warehouse.Clinic.Assessments;

/// <summary>How much two classes of one allele differ in care.</summary>
public enum DiscordanceGrade
{
    /// <summary>Uncertain against benign or likely benign.</summary>
    Minor,

    /// <summary>Pathogenic or likely pathogenic against uncertain.</summary>
    Major,

    /// <summary>Pathogenic or likely pathogenic against benign or likely benign.</summary>
    Critical,
}

/// <summary>What somebody says of an allele: the laboratory, another one, or ClinVar.</summary>
/// <param name="Source">Who.</param>
/// <param name="Allele">Of which allele.</param>
/// <param name="ConditionId">In which condition, <c>MONDO:</c> and seven digits; null = not stated.</param>
/// <param name="Class">Which class.</param>
public sealed record ClassStatement(string Source, AssessedAllele Allele, string? ConditionId, Tier Class);

/// <summary>Two statements on one allele whose classes are in different buckets.</summary>
/// <param name="First">The one of the two whose source comes first.</param>
/// <param name="Second">The other.</param>
/// <param name="Grade">How much they differ.</param>
/// <param name="IsOfOneCondition">Whether both name the same condition; where they do not, both may be right.</param>
public sealed record DiscordantPair(ClassStatement First, ClassStatement Second, DiscordanceGrade Grade, bool IsOfOneCondition)
{
    /// <summary>Grade of two classes; null when they are of one bucket.</summary>
    public static DiscordanceGrade? GradeOf(Tier one, Tier other)
    {
        var (low, high) = (Tiers.BucketOf(one), Tiers.BucketOf(other));
        if (low > high) (low, high) = (high, low);
        return low == high ? null : high == Bucket.Uncertain ? DiscordanceGrade.Minor : low == Bucket.Uncertain ? DiscordanceGrade.Major : DiscordanceGrade.Critical;
    }

    /// <summary>Discordant pairs of different sources, the worst first, then by allele and source.</summary>
    public static IReadOnlyList<DiscordantPair> Find(IEnumerable<ClassStatement> statements)
    {
        var pairs = new List<DiscordantPair>();
        foreach (var group in statements.GroupBy(s => s.Allele))
        {
            var said = group.OrderBy(s => s.Source, StringComparer.Ordinal).ThenBy(s => s.ConditionId, StringComparer.Ordinal).ToList();
            for (var i = 0; i < said.Count; i++)
                for (var j = i + 1; j < said.Count; j++)
                    if (said[i].Source != said[j].Source && GradeOf(said[i].Class, said[j].Class) is { } grade)
                        pairs.Add(new DiscordantPair(said[i], said[j], grade, said[i].ConditionId is { } condition && condition == said[j].ConditionId));
        }
        return [.. pairs.OrderByDescending(p => p.Grade).ThenBy(p => p.First.Allele).ThenBy(p => p.First.Source, StringComparer.Ordinal).ThenBy(p => p.Second.Source, StringComparer.Ordinal)];
    }

    /// <summary>What is signed here and elsewhere, as statements.</summary>
    public static IEnumerable<ClassStatement> StatementsOf(IEnumerable<Assessment> own, IEnumerable<OtherAssessment> others, string laboratory) =>
        own.Where(a => a.State == AssessmentState.Signed).Select(a => new ClassStatement(laboratory, a.Content.Allele, a.Content.ConditionId, a.Content.Class))
            .Concat(others.Where(o => o.State == AssessmentState.Signed).Select(o => new ClassStatement(o.Laboratory, o.Content.Allele, o.Content.ConditionId, o.Content.Class)));
}
