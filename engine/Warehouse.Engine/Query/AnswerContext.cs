using System.Security.Cryptography;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Query;

/// <summary>
/// What an answer rests on. The same question with an equal context gives the same bytes, and only answers whose assembly, refget digests,
/// normaliser version and <see cref="TrimmedOnly"/> are equal may be added. Digests are SHA-256 in lower-case hexadecimal. Immutable.
/// </summary>
public sealed record AnswerContext
{
    /// <summary>Name of the assembly.</summary>
    public required string Assembly { get; init; }

    /// <summary>Version of the rules by which variants were normalised.</summary>
    public required int NormalizerVersion { get; init; }

    /// <summary>True when the store has no reference sequence: nothing was left-aligned.</summary>
    public required bool TrimmedOnly { get; init; }

    /// <summary>Manifest version whose data was answered.</summary>
    public required long Snapshot { get; init; }

    /// <summary>Digest of what that version holds: loaded files, sheet and cohorts, without samples withdrawn since; for a caller of the samples that he sees. Compaction does not change it.</summary>
    public required string SnapshotDigest { get; init; }

    /// <summary>Digest of the scope: of the rule, not of whom it finds.</summary>
    public required string ScopeDigest { get; init; }

    /// <summary>Digest of the set of samples withdrawn so far, whichever snapshot is asked; for a caller, who sees none of them, of nothing.</summary>
    public required string WithdrawnDigest { get; init; }

    /// <summary>Digest of the samples that are counted and their groups.</summary>
    public required string SamplesDigest { get; init; }

    /// <summary>Refget accession of each contig touched, by canonical name; none without a reference.</summary>
    public required IReadOnlyDictionary<string, string> RefgetAccessions { get; init; }

    /// <summary>Digest of numbers in their order.</summary>
    internal static string DigestOf(string kind, IEnumerable<int> numbers)
    {
        var to = new ByteWriter(256);
        to.Text(kind);
        foreach (var number in numbers) to.Signed(number);
        return Convert.ToHexStringLower(SHA256.HashData(to.Written));
    }
}

/// <summary>What a store tells a session about itself beside its catalog.</summary>
/// <param name="RefgetAccessions">Per canonical contig of the reference; empty without one.</param>
internal sealed record StoreFacts(IReadOnlyDictionary<string, string> RefgetAccessions)
{
    public bool HasReference => RefgetAccessions.Count > 0;
}
