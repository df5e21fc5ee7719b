namespace Warehouse.Clinic;

/// <summary>What a variant is held to do, by ACMG/AMP 2015.</summary>
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
