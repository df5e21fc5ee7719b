namespace Warehouse.Clinic.Assessments;

/// <summary>
/// The Bayesian point system (Tavtigian and others, Human Mutation 41 (2020), 1734-1737): supporting 1, moderate 2, strong 4, very strong 8, with a minus for
/// criteria of benign. Pathogenic from 10, likely pathogenic 6 to 9, uncertain 0 to 5, likely benign -6 to -1, benign up to -7. BA1 is not counted: it makes a
/// variant benign by itself.
/// </summary>
public static class PointScale
{
    /// <summary>Points of a strength; a stand-alone criterion has none.</summary>
    public static int PointsOf(Strength strength) => strength switch { Strength.Supporting => 1, Strength.Moderate => 2, Strength.Strong => 4, Strength.VeryStrong => 8, _ => 0 };

    /// <summary>The class of a sum of points.</summary>
    public static Tier TierOf(int points) => points switch { >= 10 => Tier.Pathogenic, >= 6 => Tier.LikelyPathogenic, >= 0 => Tier.Uncertain, >= -6 => Tier.LikelyBenign, _ => Tier.Benign };

    /// <summary>The sum of some criteria.</summary>
    public static int Sum(IEnumerable<CriterionUse> criteria) => criteria.Sum(c => c.Points);

    /// <summary>The class that some criteria imply.</summary>
    public static Tier Implied(IReadOnlyList<CriterionUse> criteria) => criteria.Any(c => c.Strength == Strength.StandAlone) ? Tier.Benign : TierOf(Sum(criteria));

    /// <summary>The third of uncertain that a sum of points is in: low 0 and 1, mid 2 and 3, high 4 and 5; null outside of uncertain.</summary>
    public static UncertainTier? UncertainTierOf(int points) => points is < 0 or > 5 ? null : (UncertainTier)(points / 2);
}
