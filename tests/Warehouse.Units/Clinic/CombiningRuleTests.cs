using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Xunit;

namespace Warehouse.Units.Clinic;

/// <summary>
/// Points against the combining rules of Richards and others 2015 (Genetics in Medicine 17, 405-424, table 5): all numbers of criteria that the 28 codes
/// allow. Where the two differ, the difference has a name, and every named difference occurs.
/// </summary>
public sealed class CombiningRuleTests
{
    /// <summary>Numbers of criteria met at their own strength.</summary>
    private readonly record struct Met(int Pvs, int Ps, int Pm, int Pp, int Ba, int Bs, int Bp)
    {
        internal bool IsMixed => Pvs + Ps + Pm + Pp > 0 && Ba + Bs + Bp > 0;
    }

    /// <summary>Why points say something else than the rules. The first that applies.</summary>
    private static readonly (string Name, Func<Met, Tier, Tier, bool> Applies)[] Known =
    [
        ("BA1 decides whatever speaks against it; the rules call that contradictory", (m, p, r) => m.Ba > 0 && m.IsMixed && p == Tier.Benign && r == Tier.Uncertain),
        ("evidence of both sides is weighed, not left out or called contradictory", (m, p, r) => m.Ba == 0 && m.IsMixed),
        ("one very strong alone, or with one supporting, is likely pathogenic", (m, p, r) => m is { Pvs: 1, Ps: 0, Pm: 0, Pp: <= 1 } && (p, r) == (Tier.LikelyPathogenic, Tier.Uncertain)),
        ("one very strong and one moderate are pathogenic", (m, p, r) => m is { Pvs: 1, Ps: 0, Pm: 1, Pp: 0 } && (p, r) == (Tier.Pathogenic, Tier.LikelyPathogenic)),
        ("two strong, with at most one supporting, are likely pathogenic only", (m, p, r) => m is { Pvs: 0, Ps: 2, Pm: 0, Pp: <= 1 } && (p, r) == (Tier.LikelyPathogenic, Tier.Pathogenic)),
        ("many moderate and supporting reach pathogenic without a strong one", (m, p, r) => m is { Pvs: 0, Ps: 0, Pm: >= 3 } && 2 * m.Pm + m.Pp >= 10 && (p, r) == (Tier.Pathogenic, Tier.LikelyPathogenic)),
        ("one strong or one supporting of benign alone is likely benign", (m, p, r) => m is { Ba: 0, Bs: 1, Bp: 0 } or { Ba: 0, Bs: 0, Bp: 1 } && (p, r) == (Tier.LikelyBenign, Tier.Uncertain)),
        ("one strong and three supporting of benign, or seven supporting, are benign", (m, p, r) => m is { Ba: 0, Bs: 1, Bp: >= 3 } or { Ba: 0, Bs: 0, Bp: 7 } && (p, r) == (Tier.Benign, Tier.LikelyBenign)),
    ];

    [Fact]
    public void All_combinations_are_classed_as_the_rules_class_them_but_for_the_differences_that_are_named()
    {
        var seen = new int[Known.Length];
        var combinations = 0;
        foreach (var met in All())
        {
            combinations++;
            var (points, rules) = (PointScale.Implied(Uses(met)), ByRules(met));
            if (points == rules) continue;
            var name = Array.FindIndex(Known, k => k.Applies(met, points, rules));
            Assert.True(name >= 0, $"{met}: points say {points}, the rules {rules}, and nobody has named why");
            seen[name]++;
        }
        Assert.Equal(2 * 5 * 7 * 6 * 2 * 5 * 8, combinations);
        for (var i = 0; i < Known.Length; i++) Assert.True(seen[i] > 0, $"does not occur: {Known[i].Name}");
    }

    [Fact]
    public void Points_and_classes_are_the_published_ones()
    {
        Assert.Equal([1, 2, 4, 8, 0], Enum.GetValues<Strength>().Select(PointScale.PointsOf));
        for (var points = -40; points <= 40; points++)
        {
            var expected = points >= 10 ? Tier.Pathogenic : points >= 6 ? Tier.LikelyPathogenic : points >= 0 ? Tier.Uncertain : points >= -6 ? Tier.LikelyBenign : Tier.Benign;
            Assert.Equal(expected, PointScale.TierOf(points));
        }
        Assert.Equal([null, UncertainTier.Low, UncertainTier.Low, UncertainTier.Mid, UncertainTier.Mid, UncertainTier.High, UncertainTier.High, null], Enumerable.Range(-1, 8).Select(PointScale.UncertainTierOf));
    }

    [Fact]
    public void There_are_28_codes_each_with_its_strength_and_side()
    {
        Assert.Equal(28, Criterion.Codes.Distinct().Count());
        Assert.Equal((16, 12), (Criterion.Codes.Count(c => !Criterion.IsBenign(c)), Criterion.Codes.Count(Criterion.IsBenign)));
        Assert.Equal([1, 4, 6, 5], new[] { "PVS", "PS", "PM", "PP" }.Select(p => Criterion.Codes.Count(c => c.StartsWith(p, StringComparison.Ordinal))));
        Assert.Equal([1, 4, 7], new[] { "BA", "BS", "BP" }.Select(p => Criterion.Codes.Count(c => c.StartsWith(p, StringComparison.Ordinal))));
        Assert.Equal((Strength.VeryStrong, Strength.Strong, Strength.Moderate, Strength.Supporting, Strength.StandAlone), (Of("PVS1"), Of("BS4"), Of("PM6"), Of("BP7"), Of("BA1")));
        static Strength Of(string code) => Criterion.DefaultStrength(code);
    }

    /// <summary>Table 5, written from it: the classes that the criteria of each side reach, and uncertain where both or none do.</summary>
    private static Tier ByRules(Met m)
    {
        var isPathogenic = (m.Pvs == 1 && (m.Ps >= 1 || m.Pm >= 2 || (m.Pm == 1 && m.Pp == 1) || m.Pp >= 2 || (m.Pm >= 1 && m.Pp >= 1)))
            || m.Ps >= 2
            || (m.Ps == 1 && (m.Pm >= 3 || (m.Pm >= 2 && m.Pp >= 2) || (m.Pm >= 1 && m.Pp >= 4)));
        var isLikelyPathogenic = (m.Pvs == 1 && m.Pm == 1) || (m.Ps == 1 && m.Pm >= 1) || (m.Ps == 1 && m.Pp >= 2) || m.Pm >= 3 || (m.Pm >= 2 && m.Pp >= 2) || (m.Pm >= 1 && m.Pp >= 4);
        var isBenign = m.Ba == 1 || m.Bs >= 2;
        var isLikelyBenign = (m.Bs >= 1 && m.Bp >= 1) || m.Bp >= 2;
        var (harmful, harmless) = (isPathogenic || isLikelyPathogenic, isBenign || isLikelyBenign);
        if (harmful == harmless) return Tier.Uncertain;
        return isPathogenic ? Tier.Pathogenic : isLikelyPathogenic ? Tier.LikelyPathogenic : isBenign ? Tier.Benign : Tier.LikelyBenign;
    }

    private static IEnumerable<Met> All() =>
        from pvs in Enumerable.Range(0, 2)
        from ps in Enumerable.Range(0, 5)
        from pm in Enumerable.Range(0, 7)
        from pp in Enumerable.Range(0, 6)
        from ba in Enumerable.Range(0, 2)
        from bs in Enumerable.Range(0, 5)
        from bp in Enumerable.Range(0, 8)
        select new Met(pvs, ps, pm, pp, ba, bs, bp);

    private static List<CriterionUse> Uses(Met m)
    {
        var uses = new List<CriterionUse>();
        foreach (var (prefix, count) in ((string, int)[])[("PVS", m.Pvs), ("PS", m.Ps), ("PM", m.Pm), ("PP", m.Pp), ("BA", m.Ba), ("BS", m.Bs), ("BP", m.Bp)])
            uses.AddRange(Criterion.Codes.Where(c => c.StartsWith(prefix, StringComparison.Ordinal)).Take(count).Select(c => new CriterionUse(c, Criterion.DefaultStrength(c), "")));
        return uses;
    }
}
