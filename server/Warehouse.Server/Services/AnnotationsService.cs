using Grpc.Core;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;

namespace Warehouse.Server.Services;

/// <summary>Releases of annotations. Nothing here asks any sample. Any thread.</summary>
internal sealed class AnnotationsService(CallGate gate, StoreWriter writer) : Annotations.AnnotationsBase
{
    private const int MostVariants = 1000, MostNamed = 200_000, ReplyBytes = 1 << 20;

    public override Task<ListAnnotationsReply> List(ListAnnotationsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var reply = new ListAnnotationsReply();
        var (releases, version) = gate.Host.Ask(store => (store.AnnotationReleases(), store.Version));
        call.Audit.Asks(version, null, null);
        reply.Releases.AddRange(releases.Select(JoinedNotes.Of));
        return Task.FromResult((reply, (long?)reply.Releases.Count));
    });

    public override Task<AnnotationColumns> Describe(DescribeAnnotationsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        using var notes = Open(call, request.Asking, request.Annotate);
        return Task.FromResult((notes.Columns, (long?)notes.Columns.Columns.Count));
    });

    public override Task<LookupAnnotationsReply> Lookup(LookupAnnotationsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        VariantsService.CheckCount(request.Variants.Count, MostVariants);
        using var notes = Open(call, request.Asking, request.Annotate);
        var reply = new LookupAnnotationsReply { Columns = notes.Columns };
        foreach (var (variant, number) in request.Variants.Select((v, i) => (v, i + 1)))
        {
            var row = new AnnotationCells();
            var allele = AlleleOf(variant, number);
            notes.AddTo(row.Cells, allele.Contig, allele.Start, allele.Ref, allele.Alt);
            reply.Rows.Add(row);
        }
        return Task.FromResult((reply, (long?)reply.Rows.Count));
    });

    public override Task Search(SearchAnnotationsRequest request, IServerStreamWriter<SearchAnnotationsReply> responseStream, ServerCallContext context) =>
        gate.StreamAsync<SearchAnnotationsReply>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            VariantsService.CheckCount(request.Queries.Count, VariantsService.MostQueries);
            var snapshot = SnapshotOf(call, request.Asking);
            var set = gate.Host.Ask(store => store.SearchAnnotations(snapshot));
            try
            {
                var rows = 0L;
                foreach (var query in request.Queries)
                {
                    call.Stop.ThrowIfCancellationRequested();
                    rows += Send(query, NotationQuery.IsHgvs(query) || NotationQuery.IsGene(query) ? set?.Search(query, MostNamed) ?? [] : [], send);
                }
                send(new SearchAnnotationsReply { IsDone = true });
                return rows;
            }
            finally
            {
                gate.Host.Ask(_ =>
                {
                    set?.Dispose();
                    return true;
                });
            }
        });

    public override Task<RetireAnnotationsReply> Retire(RetireAnnotationsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        if (request.Asking is { HasSnapshot: true }) throw Refusals.BadRequest("snapshot");
        call.Audit.Begin();
        var retired = writer.Write(store => store.RetireAnnotations(request.Release), StoreWriter.SmallChangeWaits, call.Stop);
        call.Audit.Asks(retired.UntilVersion, null, null);
        return Task.FromResult((new RetireAnnotationsReply { Release = JoinedNotes.Of(retired) }, (long?)1));
    });

    private static int Send(string query, IReadOnlyList<Engine.Variants.Variant> variants, Action<SearchAnnotationsReply> send)
    {
        var (reply, bytes) = (new SearchAnnotationsReply { Query = query }, 0);
        foreach (var variant in variants.Select(v => v.ToString()))
        {
            if (bytes > 0 && bytes + variant.Length > ReplyBytes)
            {
                reply.GoesOn = true;
                send(reply);
                (reply, bytes) = (new SearchAnnotationsReply(), 0);
            }
            reply.Variants.Add(variant);
            bytes += variant.Length;
        }
        send(reply);
        return variants.Count;
    }

    private static AssessedAllele AlleleOf(string variant, int number)
    {
        try
        {
            return AssessedAllele.Parse(variant);
        }
        catch (InputException)
        {
            throw Refusals.BadRequest("variant", number);
        }
    }

    private JoinedNotes Open(Call call, Asking? asking, IReadOnlyList<string> choices) => JoinedNotes.Open(gate.Host, choices, SnapshotOf(call, asking)) ?? throw Refusals.BadRequest("annotate");

    private long SnapshotOf(Call call, Asking? asking)
    {
        var newest = gate.Host.Ask(store =>
        {
            store.AnnotationReleases(); // looks for a newer version
            return store.Version;
        });
        var snapshot = asking is { HasSnapshot: true } ? asking.Snapshot : newest;
        if (snapshot < 0 || snapshot > newest) throw new InputException("unknown-snapshot", "there is no such snapshot", InputPlace.None);
        call.Audit.Asks(snapshot, null, null);
        return snapshot;
    }
}
