using System.Globalization;
using System.Text;
using Grpc.Core;
using Warehouse.Engine.Audit;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;

namespace Warehouse.Server.Services;

/// <summary>The log of who asked what. Any thread.</summary>
internal sealed class AuditService(CallGate gate) : Protocol.V1.Audit.AuditBase
{
    public override Task Search(AuditSearchRequest request, IServerStreamWriter<Protocol.V1.AuditEntry> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Protocol.V1.AuditEntry>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var hidden = request.Sample.Length == 0 ? null : gate.Audit.Keys.Hide("sample", request.Sample);
            var (from, until) = (request.From?.ToDateTimeOffset(), request.Until?.ToDateTimeOffset());
            bool Matches(Engine.Audit.AuditEntry entry) =>
                (hidden is null || entry.Subjects.Contains(hidden)) && (request.Who.Length == 0 || entry.Who == request.Who) && (request.Verb.Length == 0 || entry.Verb == request.Verb) && (from is null || entry.Utc >= from) && (until is null || entry.Utc < until);
            var (rows, reader) = (0L, gate.Audit.Reader());
            // Without a condition every call is whole, and which ones there are need not be remembered.
            var isAll = hidden is null && request.Who.Length == 0 && request.Verb.Length == 0 && from is null && until is null;
            var calls = new HashSet<string>(StringComparer.Ordinal);
            if (request.WholeCalls && !isAll)
            {
                foreach (var (entry, _) in reader.Entries())
                {
                    call.Stop.ThrowIfCancellationRequested();
                    if (Matches(entry)) calls.Add(entry.Call);
                }
            }
            foreach (var (entry, line) in reader.Entries())
            {
                call.Stop.ThrowIfCancellationRequested();
                if (!isAll && !(request.WholeCalls ? calls.Contains(entry.Call) : Matches(entry))) continue;
                rows++;
                send(new Protocol.V1.AuditEntry { Sequence = entry.Sequence, Line = Encoding.ASCII.GetString(line.Span) });
            }
            return rows;
        });

    public override Task<Protocol.V1.AuditProof> Prove(AuditProofRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var reader = gate.Audit.Reader();
        var proof = reader.ProveEntry(request.Sequence);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"c2sp.org/tlog-proof@v1\nindex {request.Sequence}\n");
        foreach (var hash in proof.Path) text.Append(hash).Append('\n');
        text.Append('\n').Append(proof.Checkpoint);
        var reply = new Protocol.V1.AuditProof { Line = Encoding.ASCII.GetString(reader.Entries(request.Sequence).First().Line.Span), Proof = text.ToString(), Key = gate.Audit.Keys.VerifierKey };
        if (request.Since.Length > 0) reply.Consistency.AddRange(reader.ProveSince(Encoding.UTF8.GetBytes(request.Since), proof).Path);
        return Task.FromResult((reply, (long?)1));
    });

    public override Task<AuditCheckpoint> Checkpoint(AuditCheckpointRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
        Task.FromResult((new AuditCheckpoint { Note = Encoding.UTF8.GetString(gate.Audit.Reader().LatestCheckpoint() ?? []), Key = gate.Audit.Keys.VerifierKey }, (long?)1)));

    public override Task<AuditReview> Review(AuditReviewRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, async call =>
    {
        var entry = new Engine.Audit.AuditEntry { Kind = AuditKind.Review, Call = Guid.NewGuid().ToString("n"), Who = call.Who.Caller.Id, Role = "auditor", Verb = "audit review", Purpose = "operations", Note = request.Remark };
        return (new AuditReview { Sequence = await gate.Audit.Log.AppendAsync([entry]).ConfigureAwait(false) }, (long?)1);
    });
}
