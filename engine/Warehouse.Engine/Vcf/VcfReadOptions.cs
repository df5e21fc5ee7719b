namespace Warehouse.Engine.Vcf;

/// <summary>How a variant file is read.</summary>
public sealed record VcfReadOptions
{
    /// <summary>Skip records that are not understood, counted by code, instead of refusing the file. Header faults and damaged streams still refuse it.</summary>
    public bool SkipBadRecords { get; init; }

    /// <summary>Also check what cannot change a count, into <see cref="VariantReader.LintWarnings"/>.</summary>
    public bool Lint { get; init; }

    /// <summary>Threads used: above 1, BGZF blocks are inflated and the file is hashed beside the caller's own. Results do not depend on it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Do not decode genotypes: records have no samples.</summary>
    public bool SitesOnly { get; init; }

    /// <summary>Caps.</summary>
    public VcfLimits Limits { get; init; } = new();
}

/// <summary>What a file may claim at most. Beyond a limit the file (or the record, where records may be skipped) is refused before memory is taken for it.</summary>
public sealed record VcfLimits
{
    /// <summary>Decompressed bytes of one BGZF or gzip file. The ratio is no reason to refuse: genotype text shrinks a hundredfold.</summary>
    public long MaxInflatedBytes { get; init; } = 10L << 30;

    /// <summary>Bytes of one record or of the column line.</summary>
    public int MaxLineBytes { get; init; } = 64 << 20;

    /// <summary>Bytes of one meta line, of REF, of one ALT item and of every other field before the genotypes but INFO.</summary>
    public int MaxFieldBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of all meta lines of a header: they are kept, so a header that never ends must not fill the memory line by line.</summary>
    public int MaxMetaBytes { get; init; } = 64 << 20;

    /// <summary>Meta lines of a header.</summary>
    public int MaxMetaLines { get; init; } = 1_000_000;

    /// <summary>Empty lines at the end of a file.</summary>
    public int MaxEmptyLines { get; init; } = 1_000;

    /// <summary>Contigs, declared or not.</summary>
    public int MaxContigs { get; init; } = 1_000_000;

    /// <summary>Samples of a file.</summary>
    public int MaxSamples { get; init; } = 1_000_000;

    /// <summary>Alleles of a record, REF among them.</summary>
    public int MaxAlleles { get; init; } = 1_024;

    /// <summary>INFO keys of a record.</summary>
    public int MaxInfoKeys { get; init; } = 4_096;

    /// <summary>FORMAT keys of a record.</summary>
    public int MaxFormatKeys { get; init; } = 1_024;

    /// <summary>Alleles of one genotype.</summary>
    public int MaxPloidy { get; init; } = 16;

    /// <summary>Samples times alleles of an AD column.</summary>
    public int MaxDepthCells { get; init; } = 64 << 20;
}
