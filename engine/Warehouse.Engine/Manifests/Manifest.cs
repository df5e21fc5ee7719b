using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// One version of the store: everything that a reader of it may see (I2). Immutable, so a query that holds one sees no later change.
/// </summary>
/// <param name="Version">1 for the empty store that creation publishes, then rising by 1.</param>
/// <param name="Epoch">Rises with every writer that took the lease.</param>
/// <param name="PreviousSha256">SHA-256 of the sealed manifest of the version before; zero for version 1.</param>
/// <param name="CreatedUtc">When it was published; never before the time of the version before it, whatever the clock says.</param>
/// <param name="Parts">Small named parts.</param>
/// <param name="Files">Data files, in the order in which they were added.</param>
public sealed record Manifest(
    long Version,
    ulong Epoch,
    Digest PreviousSha256,
    DateTimeOffset CreatedUtc,
    IReadOnlyDictionary<string, FileEntry> Parts,
    FileList Files)
{
    /// <summary>Every sealed file that this version needs: parts, file lists and data files.</summary>
    internal IEnumerable<FileEntry> Named => Parts.Values.Concat(Files.Chunks.Select(c => c.ListFile)).Concat(Files);

    /// <summary>SHA-256 of its sealed file.</summary>
    public required Digest Sha256 { get; init; }
}
