namespace Warehouse.Engine.Ingest;

/// <summary>What an ingest did. Holds no sample name.</summary>
public sealed record IngestReceipt
{
    /// <summary>Manifest version of the commit; that of the store before when nothing was committed.</summary>
    public required long Version { get; init; }

    /// <summary>True when a commit was made.</summary>
    public required bool Committed { get; init; }

    /// <summary>One entry per file, in the order of the command.</summary>
    public required IReadOnlyList<FileReceipt> Files { get; init; }

    /// <summary>Things to look at: samples that look alike, sexes that disagree, sheet rows without a sample …</summary>
    public required IReadOnlyList<string> Findings { get; init; }
}

/// <summary>What became of one file.</summary>
public sealed record FileReceipt
{
    /// <summary>Path as given.</summary>
    public required string File { get; init; }

    /// <summary>SHA-256 of the bytes read, lower-case hex.</summary>
    public required string Sha256 { get; init; }

    /// <summary>loaded, unchanged (the same bytes are in the store), or empty (no samples or no records).</summary>
    public required string Outcome { get; init; }

    /// <summary>Samples in the file.</summary>
    public required int Samples { get; init; }

    /// <summary>Records read, reference blocks among them.</summary>
    public required long Records { get; init; }

    /// <summary>Base alleles (rows after splitting).</summary>
    public required long Variants { get; init; }

    /// <summary>Alleles that repeat another of the file with the same genotypes, counted once.</summary>
    public required long Collapsed { get; init; }

    /// <summary>Records skipped under --on-error skip, by reason.</summary>
    public required IReadOnlyDictionary<string, long> Skipped { get; init; }

    /// <summary>First places of what was skipped.</summary>
    public required IReadOnlyList<string> SkippedPlaces { get; init; }

    /// <summary>Lint warnings, when asked for.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
