using Warehouse.Engine.Query;

namespace Warehouse.Cli;

/// <summary>Where a store lies.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="KeysPath">Its key folder: --keys, else WAREHOUSE_KEYS, else null for the engine's default beside the store.</param>
internal sealed record StoreAddress(string Path, string? KeysPath);

/// <summary>What <c>init</c> asks.</summary>
/// <param name="Assembly">GRCh37, GRCh38 or a name of the user's own.</param>
/// <param name="ReferencePath">FASTA with .fai; null: variants are trimmed only.</param>
internal sealed record InitRequest(string Assembly, string? ReferencePath);

/// <summary>What <c>seen</c> asks.</summary>
/// <param name="Queries">Spellings; lazy, so that standard input can stream. Read once.</param>
/// <param name="Samples">Over which samples.</param>
internal sealed record SeenRequest(IEnumerable<string> Queries, SampleChoice Samples);

/// <summary>What <c>seen --vcf</c> asks.</summary>
/// <param name="InputPath">The file to annotate.</param>
/// <param name="OutputPath">Where to write it with INFO fields added.</param>
/// <param name="Samples">Over which samples.</param>
internal sealed record AnnotateRequest(string InputPath, string OutputPath, SampleChoice Samples);

/// <summary>What <c>cohort set</c> asks: exactly one of the two last is set.</summary>
/// <param name="Name">Of the cohort.</param>
/// <param name="Samples">A fixed list of sample names.</param>
/// <param name="Where">An expression over the sample sheet.</param>
internal sealed record CohortRequest(string Name, IReadOnlyList<string>? Samples, string? Where);

/// <summary>Formats of <c>export</c>.</summary>
internal enum ExportFormat
{
    /// <summary>VCF, BGZF when the name ends in .gz.</summary>
    Vcf,

    /// <summary>BCF 2.2.</summary>
    Bcf,

    /// <summary>Arrow IPC stream.</summary>
    Arrow,

    /// <summary>Tab-separated.</summary>
    Tsv,
}

/// <summary>What <c>export</c> asks.</summary>
internal sealed record ExportRequest
{
    /// <summary>Of the output.</summary>
    public required ExportFormat Format { get; init; }

    /// <summary>Regions by normalised POS; empty = everything.</summary>
    public IReadOnlyList<Region> Regions { get; init; } = [];

    /// <summary>Which samples.</summary>
    public SampleChoice Samples { get; init; } = SampleChoice.All;

    /// <summary>Destination; <c>-</c> is standard output.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Snapshot, as typed; null = newest.</summary>
    public string? AsOf { get; init; }
}
