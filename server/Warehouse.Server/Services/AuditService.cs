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
            var rows = 0L;
            foreach (var (entry, line) in gate.Audit.Reader().Entries())
            {
                call.Stop.ThrowIfCancellationRequested();
                if ((hidden is not null && !entry.Subjects.Contains(hidden)) || (request.Who.Length > 0 && entry.Who != request.Who) || (request.Verb.Length > 0 && entry.Verb != request.Verb)) continue;
                if ((from is not null && entry.Utc < from) || (until is not null && entry.Utc >= until)) continue;
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
        return Task.FromResult((new Protocol.V1.AuditProof { Line = Encoding.ASCII.GetString(reader.Entries(request.Sequence).First().Line.Span), Proof = text.ToString() }, (long?)1));
    });

    public override Task<AuditCheckpoint> Checkpoint(AuditCheckpointRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
        Task.FromResult((new AuditCheckpoint { Note = Encoding.UTF8.GetString(gate.Audit.Reader().LatestCheckpoint() ?? []), Key = gate.Audit.Keys.VerifierKey }, (long?)1)));

    public override Task<AuditReview> Review(AuditReviewRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, async call =>
    {
        var entry = new Engine.Audit.AuditEntry { Kind = AuditKind.Review, Call = Guid.NewGuid().ToString("n"), Who = call.Who.Caller.Id, Role = "auditor", Verb = "audit review", Purpose = "operations", Note = request.Remark };
        return (new AuditReview { Sequence = await gate.Audit.Log.AppendAsync([entry]).ConfigureAwait(false) }, (long?)1);
    });
}
