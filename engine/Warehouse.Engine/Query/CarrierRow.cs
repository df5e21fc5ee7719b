namespace Warehouse.Engine.Query;

/// <summary>One sample that carries a variant asked for by <c>carriers</c>.</summary>
public sealed record CarrierRow
{
    /// <summary>Sample name.</summary>
    public required string Sample { get; init; }

    /// <summary><c>het</c>, <c>hom_alt</c>, <c>hemi</c> or <c>half</c>.</summary>
    public required string Zygosity { get; init; }

    /// <summary>The GT as the file wrote it.</summary>
    public string Genotype { get; init; } = "";

    /// <summary>FORMAT GQ; null when absent.</summary>
    public int? Gq { get; init; }

    /// <summary>FORMAT DP; null when absent.</summary>
    public int? Dp { get; init; }

    /// <summary>AD of the reference; null when absent.</summary>
    public int? DepthRef { get; init; }

    /// <summary>AD of this allele; null when absent.</summary>
    public int? DepthAlt { get; init; }
}

/// <summary>The answer to one query of <c>carriers</c>.</summary>
/// <param name="Seen">What <c>seen</c> says to the same query.</param>
/// <param name="Carriers">Its carriers in order of sample name; empty unless seen.</param>
public sealed record CarrierAnswer(SeenAnswer Seen, IReadOnlyList<CarrierRow> Carriers);
