namespace Warehouse.Engine.Ingest;

/// <summary>What <c>ingest</c> asks: all files become one commit, or none.</summary>
public sealed record IngestRequest
{
    /// <summary>Most threads.</summary>
    public const int MaxThreads = 64;

    /// <summary>VCF, gVCF or BCF files, plain, BGZF or gzip; <c>-</c> is standard input.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Sample sheet (TSV), or null.</summary>
    public string? SheetPath { get; init; }

    /// <summary>Callable regions (BED) of the assay of these samples, or null.</summary>
    public string? CallablePath { get; init; }

    /// <summary>Positions without a record are reference by assumption.</summary>
    public bool AssumeReference { get; init; }

    /// <summary>Least GQ or RGQ of a reference block that counts as evidence.</summary>
    public int BlockGq { get; init; } = 20;

    /// <summary>Skip records that are not understood (counted and listed) instead of refusing the file.</summary>
    public bool SkipBadRecords { get; init; }

    /// <summary>Retire the earlier parts of the samples named in these files.</summary>
    public bool Replace { get; init; }

    /// <summary>Report what cannot change a count too.</summary>
    public bool Lint { get; init; }

    /// <summary>Marks the batch in its own commit: a batch of the same key is not loaded again, by whomever. Null = none.</summary>
    public BatchMark? Mark { get; init; }

    /// <summary>Threads used, 1 to <see cref="MaxThreads"/>: 1 = all on the calling one. What is stored does not depend on it.</summary>
    public int Threads { get; init; } = Math.Min(Environment.ProcessorCount, MaxThreads);
}
