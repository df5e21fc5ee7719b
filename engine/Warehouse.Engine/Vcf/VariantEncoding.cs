namespace Warehouse.Engine.Vcf;

/// <summary>How variants are written.</summary>
public enum VariantEncoding
{
    /// <summary>VCF text.</summary>
    Vcf = 0,

    /// <summary>VCF text in BGZF blocks.</summary>
    VcfBgzf = 1,

    /// <summary>BCF 2.2 in BGZF blocks.</summary>
    Bcf = 2,
}
