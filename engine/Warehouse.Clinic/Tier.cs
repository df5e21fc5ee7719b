namespace Warehouse.Clinic;

/// <summary>What a variant is held to do, by ACMG/AMP 2015; from harmless to harmful.</summary>
public enum Tier
{
    /// <summary>Benign.</summary>
    Benign,

    /// <summary>Likely benign.</summary>
    LikelyBenign,

    /// <summary>Of uncertain significance.</summary>
    Uncertain,

    /// <summary>Likely pathogenic.</summary>
    LikelyPathogenic,

    /// <summary>Pathogenic.</summary>
    Pathogenic,
}

/// <summary>How near to likely pathogenic a variant of uncertain significance is.</summary>
public enum UncertainTier
{
    /// <summary>Nearer to likely benign.</summary>
    Low,

    /// <summary>Between.</summary>
    Mid,

    /// <summary>Nearer to likely pathogenic.</summary>
    High,
}

/// <summary>What a class comes to in care: laboratories that differ within one do not disagree.</summary>
public enum Bucket
{
    /// <summary>Benign or likely benign.</summary>
    Harmless,

    /// <summary>Of uncertain significance.</summary>
    Uncertain,

    /// <summary>Likely pathogenic or pathogenic.</summary>
    Harmful,
}

/// <summary>Classes and buckets.</summary>
public static class Tiers
{
    /// <summary>The bucket of a class.</summary>
    public static Bucket BucketOf(Tier tier) => tier switch { Tier.Benign or Tier.LikelyBenign => Bucket.Harmless, Tier.Uncertain => Bucket.Uncertain, _ => Bucket.Harmful };
}
