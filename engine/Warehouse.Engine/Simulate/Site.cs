namespace Warehouse.Engine.Simulate;

/// <summary>One normalised biallelic base allele of a site.</summary>
internal readonly record struct Allele(int Start, string Ref, string Alt)
{
    /// <summary>0-based exclusive end of the REF span.</summary>
    public int End => Start + Ref.Length;
}

/// <summary>One record as written. Start is 0-based. Allele 0 is REF; Alts[i] is allele i + 1; <c>*</c>, if there, is last.</summary>
internal sealed class Site
{
    /// <summary>Where.</summary>
    public required Contig Contig { get; init; }

    /// <summary>0-based written start.</summary>
    public required int Start { get; init; }

    /// <summary>REF as written.</summary>
    public required string Ref { get; init; }

    /// <summary>ALT items as written.</summary>
    public required string[] Alts { get; init; }

    /// <summary>Normalised alleles, one for each ALT but <c>*</c>.</summary>
    public required Allele[] Alleles { get; init; }

    /// <summary>The deletion record that overlaps this one, whose carriers have <c>*</c> here; null when there is none.</summary>
    public Site? Spanning { get; init; }

    /// <summary>QUAL.</summary>
    public int Qual { get; init; }

    /// <summary>FILTER is PASS.</summary>
    public bool Passes { get; init; }

    /// <summary>0-based exclusive end of the REF span as written.</summary>
    public int End => Start + Ref.Length;
}
