namespace Warehouse.Engine.Manifests;

/// <summary>What verify found wrong.</summary>
/// <param name="Kind">How bad it is.</param>
/// <param name="File">Name in the store folder, or <c>keys/</c> and a name in the key folder.</param>
/// <param name="Problem">What is wrong, in words without content.</param>
public readonly record struct VerifyFinding(FindingKind Kind, string File, string Problem);

/// <summary>How bad a finding is.</summary>
public enum FindingKind
{
    /// <summary>Bytes are not what was written.</summary>
    Damaged,

    /// <summary>Something that the newest version needs is not there.</summary>
    Missing,

    /// <summary>Nothing names it: left by a stop or by an older version, or put there by someone else. No answer depends on it.</summary>
    Surplus,
}
