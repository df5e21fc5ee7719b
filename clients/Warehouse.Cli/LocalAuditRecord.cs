using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Audit;

namespace Warehouse.Cli;

/// <summary>The audit log of a store that lies here, as its owner. One thread.</summary>
internal sealed class LocalAuditRecord(StoreAudit audit, CancellationToken cancellation) : IAuditRecord
{
    public IEnumerable<(AuditEntry, ReadOnlyMemory<byte>)> Entries() => audit.Reader().Entries();

    public IEnumerable<AuditEntry> CallsOf(string? sample, string? who, string? verb)
    {
        var subject = sample is null ? null : audit.Keys.Hide("sample", sample);
        // A call is found by any of its entries, and shown with all of them: what it showed stands in one, how it ended in another.
        var calls = new HashSet<string>(StringComparer.Ordinal);
        var reader = audit.Reader();
        foreach (var (entry, _) in reader.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            if ((who is null || entry.Who == who) && (verb is null || entry.Verb == verb) && (subject is null || entry.Subjects.Contains(subject))) calls.Add(entry.Call);
        }
        return reader.Entries().Select(e => e.Entry).Where(e => calls.Contains(e.Call));
    }

    public ProvedEntry Prove(long index, byte[]? since)
    {
        var reader = audit.Reader();
        var proof = reader.ProveEntry(index);
        return new ProvedEntry(Encoding.ASCII.GetString(reader.Entries(index).First().Line.Span), proof, since is null ? null : reader.ProveSince(since, proof).Path, audit.Keys.VerifierKey);
    }

    public (byte[]?, string) Checkpoint() => (audit.Reader().LatestCheckpoint(), audit.Keys.VerifierKey);

    public void SignOff(string remark) =>
        audit.Log.Append([new AuditEntry { Kind = AuditKind.Review, Call = Guid.NewGuid().ToString("n"), Who = Engine.Principal, Role = "owner", Verb = "audit review", Purpose = "operations", Note = remark }]);

    public (long, IReadOnlyList<AuditFinding>, string) Verify(byte[]? witness)
    {
        var (entries, findings) = audit.Verify(witness, cancellation);
        // A damaged log cannot say how far the ledger went.
        if (!findings.Any(f => f.IsDamage) && audit.CheckLedger() is { } ledger) findings = [.. findings, ledger];
        return (entries, findings, audit.Keys.VerifierKey);
    }

    public void Dispose() => audit.Dispose();
}
