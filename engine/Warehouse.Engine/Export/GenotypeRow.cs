using Warehouse.Engine.Query;

namespace Warehouse.Engine.Export;

/// <summary>One carrier of one variant: a row of the long form of an export. Reused by the enumerator; copy what you keep.</summary>
public sealed class GenotypeRow
{
    /// <summary>Contig as spelled in the reference, else as first loaded.</summary>
    public string Contig = "";

    /// <summary>0-based start of the normalised variant.</summary>
    public int Start;

    /// <summary>REF of the normalised variant.</summary>
    public string Ref = "";

    /// <summary>ALT of the normalised variant.</summary>
    public string Alt = "";

    /// <summary>Sample name.</summary>
    public string Sample = "";

    /// <summary>GT as the file wrote it; its numbers are those of the file's record, which may have had other ALT alleles too.</summary>
    public string Genotype = "";

    /// <summary>How the call is counted.</summary>
    public Zygosity Zygosity;

    /// <summary>FORMAT GQ; null when absent.</summary>
    public int? Gq;

    /// <summary>FORMAT DP; null when absent.</summary>
    public int? Dp;

    /// <summary>AD of the reference; null when absent.</summary>
    public int? DepthRef;

    /// <summary>AD of this allele; null when absent.</summary>
    public int? DepthAlt;
}
