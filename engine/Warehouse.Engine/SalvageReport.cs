namespace Warehouse.Engine;

/// <summary>What <c>salvage</c> asks.</summary>
public sealed record SalvageOptions
{
    /// <summary>The damaged store's folder; it is only read.</summary>
    public required string Path { get; init; }

    /// <summary>Its key folder; null = beside it.</summary>
    public string? KeysPath { get; init; }

    /// <summary>Folder of the new store; nothing may have this name.</summary>
    public required string ToPath { get; init; }

    /// <summary>Key folder of the new store, of which the same holds; null = beside it.</summary>
    public string? ToKeysPath { get; init; }

    /// <summary>Take a version that is not proved to be the newest. What later ones withdrew may be visible in it again.</summary>
    public bool AcceptOlder { get; init; }

    /// <summary>The assembly, for a store whose identity file is lost; nothing proves it.</summary>
    public string? Assembly { get; init; }

    /// <summary>The reference, likewise.</summary>
    public string? ReferencePath { get; init; }
}

/// <summary>Something that is not whole, or that a salvage could not bring along.</summary>
/// <param name="Kind">What <paramref name="Name"/> names.</param>
/// <param name="Name">A file of the store (<c>keys/</c>: of its key folder), a snapshot, a sample, or what is lost.</param>
/// <param name="Range">Of a segment the stretch of a contig whose answers need what is lost, 1-based and inclusive; else null.</param>
/// <param name="Samples">Samples concerned that are not withdrawn, or null.</param>
/// <param name="Problem">What is wrong, in words without content.</param>
public sealed record SalvageFinding(SalvageKind Kind, string Name, string? Range, int? Samples, string Problem);

/// <summary>What a finding of a salvage is about.</summary>
public enum SalvageKind
{
    /// <summary>A file of the damaged store is not whole.</summary>
    File,

    /// <summary>A version that was acknowledged, or may have been, is lost.</summary>
    Snapshot,

    /// <summary>Answers over this stretch are not assessable in the new store.</summary>
    Range,

    /// <summary>A sample whose data are among them.</summary>
    Sample,

    /// <summary>Something that no count depends on is not in the new store.</summary>
    Lost,

    /// <summary>Something that the caller has to know of the new store.</summary>
    Note,

    /// <summary>Why no store was written.</summary>
    Refused,
}

/// <summary>What a salvage did.</summary>
/// <param name="Version">The version taken; 0 when no store was written.</param>
/// <param name="Samples">Samples of the new store that are not withdrawn.</param>
/// <param name="Findings">All that is not whole; none when all is.</param>
public sealed record SalvageReport(long Version, int Samples, IReadOnlyList<SalvageFinding> Findings)
{
    /// <summary>Whether the new store holds all that the old one was to hold, proved.</summary>
    public bool IsWhole => Version > 0 && Findings.Count == 0;
}
