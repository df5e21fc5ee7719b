namespace Warehouse.Engine.Catalog;

/// <summary>A contig of the store.</summary>
/// <param name="Canonical">Name without aliases: 1..22, X, Y, MT, others as they are.</param>
/// <param name="Spelling">As in the reference, else as first loaded; used in every answer.</param>
/// <param name="LengthBases">0 when unknown.</param>
internal sealed record ContigEntry(string Canonical, string Spelling, int LengthBases);

/// <summary>A sample of the store.</summary>
/// <param name="Name">As in the files; class pseudonymous.</param>
/// <param name="WithdrawnVersion">Manifest version that withdrew it; 0 = not withdrawn. A withdrawal holds for every snapshot.</param>
internal sealed record SampleEntry(string Name, long WithdrawnVersion);

/// <summary>What the sheet says of a sample from one version on, until the next entry of the same sample.</summary>
internal sealed record SheetEntry(int Sample, long FromVersion, IReadOnlyDictionary<string, string> Values);

/// <summary>A loaded part of a sample: never reused, seen by snapshots in [FromVersion, UntilVersion); UntilVersion 0 = still in force.</summary>
internal readonly record struct OrdinalEntry(int Sample, int Batch, long FromVersion, long UntilVersion)
{
    public bool InForce(long version) => FromVersion <= version && (UntilVersion == 0 || version < UntilVersion);
}

/// <summary>A file that was loaded: one call set part of all its samples.</summary>
internal sealed record BatchEntry
{
    /// <summary>SHA-256 of the bytes as read.</summary>
    public required byte[] InputSha256 { get; init; }

    public required long Version { get; init; }

    public required long LoadedUnixMs { get; init; }

    public required bool AssumeReference { get; init; }

    /// <summary>True when it has reference blocks.</summary>
    public required bool HasBlocks { get; init; }

    public required int BlockGq { get; init; }

    /// <summary>Index of its callable regions, or -1.</summary>
    public required int Callable { get; init; }

    public required int FirstOrdinal { get; init; }

    public required int Count { get; init; }

    public required long Records { get; init; }

    /// <summary>Per contig ordinal the stretch from first start to last end.</summary>
    public required IReadOnlyDictionary<int, (int Start, int End)> Stretches { get; init; }
}

/// <summary>A segment file.</summary>
internal sealed record SegmentEntry
{
    /// <summary>Hex id of the sealed file; in the stored part the hex digest of its content.</summary>
    public required string File { get; init; }

    /// <summary>Ordinals of its samples, ascending.</summary>
    public required int[] Ordinals { get; init; }

    /// <summary>Per contig ordinal the stretch that any of its blocks can matter to.</summary>
    public required IReadOnlyDictionary<int, (int Start, int End)> Stretches { get; init; }

    public required long Records { get; init; }

    public required long Rows { get; init; }
}

/// <summary>Callable regions of an assay.</summary>
/// <param name="Sha256">Of the canonical intervals, so that the same regions are stored once.</param>
/// <param name="Intervals">Contig ordinal to sorted disjoint intervals.</param>
internal sealed record CallableEntry(byte[] Sha256, IReadOnlyDictionary<int, (int Start, int End)[]> Intervals);

/// <summary>One version of a cohort: in force in [FromVersion, UntilVersion).</summary>
internal sealed record CohortEntry
{
    public required string Name { get; init; }

    public required long FromVersion { get; init; }

    public required long UntilVersion { get; init; }

    /// <summary>Expression over the sheet, or null for a list.</summary>
    public required string? Where { get; init; }

    /// <summary>Samples, ascending.</summary>
    public required int[] Samples { get; init; }

    public bool InForce(long version) => FromVersion <= version && (UntilVersion == 0 || version < UntilVersion);
}
