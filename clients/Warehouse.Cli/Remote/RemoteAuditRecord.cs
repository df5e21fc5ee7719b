using System.Globalization;
using System.Text;
using Warehouse.Client;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>The audit log of a server, for an auditor. What it proves is checked here, since a proof is for who trusts nobody. One thread.</summary>
internal sealed class RemoteAuditRecord(WarehouseClient client, CancellationToken cancellation) : IAuditRecord
{
    private const string ProofHead = "c2sp.org/tlog-proof@v1\n";

    public IEnumerable<(AuditEntry, ReadOnlyMemory<byte>)> Entries() => Read(new V1.AuditSearchRequest());

    public IEnumerable<AuditEntry> CallsOf(string? sample, string? who, string? verb) =>
        Read(new V1.AuditSearchRequest { Sample = sample ?? "", Who = who ?? "", Verb = verb ?? "", WholeCalls = true }).Select(e => e.Entry);

    public ProvedEntry Prove(long index, byte[]? since)
    {
        var older = since is null ? null : Encoding.UTF8.GetString(since);
        var reply = client.AuditProofAsync(index, older, cancellation).GetAwaiter().GetResult();
        var proof = ProofOf(reply.Proof, index);
        if (!proof.Shows(reply.Key, index, Encoding.ASCII.GetBytes(reply.Line))) throw new InvalidDataException("the server's proof does not show that the entry is in the log");
        if (older is not null && !proof.Continues(reply.Key, older, reply.Consistency)) throw new InvalidDataException("the server's proof does not show that the log begins with that of the older checkpoint");
        return new ProvedEntry(reply.Line, proof, older is null ? null : reply.Consistency, reply.Key);
    }

    public (byte[]?, string) Checkpoint()
    {
        var reply = client.AuditCheckpointAsync(cancellation).GetAwaiter().GetResult();
        return (reply.Note.Length == 0 ? null : Encoding.UTF8.GetBytes(reply.Note), reply.Key);
    }

    public void SignOff(string remark) => client.SignOffAuditAsync(remark, cancellation).GetAwaiter().GetResult();

    public (long, IReadOnlyList<AuditFinding>, string) Verify(byte[]? witness) => throw new InputException("audit-verify",
        "audit verify reads the files of the log, and these lie at the server: run it there on the STORE. From here keep checkpoints (audit checkpoint), and prove entries against them (audit prove ENTRY --since CHECKPOINT), which shows what was changed or cut off since", InputPlace.None);

    public void Dispose()
    {
    }

    private IEnumerable<(AuditEntry Entry, ReadOnlyMemory<byte> Line)> Read(V1.AuditSearchRequest request)
    {
        foreach (var wire in Wait.Each(client.AuditEntriesAsync(request, cancellation), cancellation))
        {
            var line = Encoding.ASCII.GetBytes(wire.Line);
            if (!AuditEntry.TryParse(line, out var entry) || entry.Sequence != wire.Sequence) throw new InvalidDataException(FormattableString.Invariant($"entry {wire.Sequence} of the server's audit log is not one that this version understands"));
            yield return (entry, line);
        }
    }

    /// <summary>Takes a proof apart: a head, the index, a hash per line, an empty line, the checkpoint, whose second line is the size.</summary>
    private static AuditProof ProofOf(string text, long index)
    {
        var head = FormattableString.Invariant($"{ProofHead}index {index}\n");
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (text.StartsWith(head, StringComparison.Ordinal) && end >= head.Length - 1)
        {
            var (hashes, checkpoint) = (text[head.Length..(end + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries), text[(end + 2)..]);
            if (checkpoint.Split('\n') is [_, var size, ..] && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var entries)) return new AuditProof(hashes, checkpoint, entries);
        }
        throw new InvalidDataException("the server's proof is not one that this version understands");
    }
}
