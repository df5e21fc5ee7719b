using Warehouse.Engine.Audit;

namespace Warehouse.Cli;

/// <summary>That an entry is in the log, as it was proved.</summary>
/// <param name="Line">The entry as it is hashed.</param>
/// <param name="Proof">The proof.</param>
/// <param name="Consistency">Hashes that show that the log begins with that of an older checkpoint; null = none was named.</param>
/// <param name="Key">Of whoever signs the log.</param>
internal sealed record ProvedEntry(string Line, AuditProof Proof, IReadOnlyList<string>? Consistency, string Key);

/// <summary>The audit log that a line is about: of a store that lies here, or of a server. One thread.</summary>
internal interface IAuditRecord : IDisposable
{
    /// <summary>All entries, oldest first, with their lines as they are hashed.</summary>
    IEnumerable<(AuditEntry Entry, ReadOnlyMemory<byte> Line)> Entries();

    /// <summary>Entries of the calls of which one is of a sample, a principal and a verb; null = of any.</summary>
    IEnumerable<AuditEntry> CallsOf(string? sample, string? who, string? verb);

    /// <summary>Proves an entry, and that the log begins with that of an older checkpoint if one is named.</summary>
    ProvedEntry Prove(long index, byte[]? since);

    /// <summary>The last signed checkpoint, null when the log is empty; and the key of its signer.</summary>
    (byte[]? Note, string Key) Checkpoint();

    /// <summary>Puts into the log that everything up to here was looked through.</summary>
    void SignOff(string remark);

    /// <summary>Reads the whole log against a checkpoint that was kept elsewhere, or null.</summary>
    /// <returns>How many entries there are, what is wrong, and the key of the signer.</returns>
    (long Entries, IReadOnlyList<AuditFinding> Findings, string Key) Verify(byte[]? witness);
}
