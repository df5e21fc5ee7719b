using Grpc.Core;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Release;

namespace Warehouse.Server.Services;

/// <summary>Questions about variants. Any thread.</summary>
internal sealed partial class VariantsService(CallGate gate, ReleaseDesk desk) : Variants.VariantsBase
{
    private const int MostQueries = 1000, MostAlleles = 10_000, MostCarriers = 4096;

    /// <summary>Fewer named samples than this: an aggregate over them is data of each of them.</summary>
    private const int FewestForAggregate = 11;

    public override Task<SeenReply> Seen(SeenRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        CheckCount(request.Queries.Count, MostQueries);
        var samples = Wire.Of(request.Samples);
        if (IsReleased(request.Asking)) return SeenReleased(request, samples, call);
        var session = call.Ask(request.Asking ?? new());
        ShowsNamed(call, samples);
        var reply = new SeenReply();
        foreach (var answer in session.Seen(request.Queries, samples, call.Stop)) reply.Answers.Add(Wire.Of(request.Identify ? answer with { Identifiers = session.Identify(answer) } : answer));
        reply.Context = call.Context();
        return Task.FromResult((reply, (long?)reply.Answers.Count));
    });

    public override Task Frequencies(FrequenciesRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var (regions, samples, rules, by) = (Wire.Of(request.Regions), Wire.Of(request.Samples), Wire.Of(request.Rules), request.By.Length == 0 ? null : request.By);
            if (IsReleased(request.Asking)) return FrequenciesReleased(request, (samples, rules, by), (call, send));
            var session = call.Ask(request.Asking ?? new(), isListing: true);
            ShowsNamed(call, samples);
            var stream = new ChunkStream(send, CallGate.ChunkBytes);
            var rows = new ArrowAnswer(stream, ArrowAnswer.Frequencies(request.Symbolic, by is not null));
            foreach (var batch in session.FrequencyBatches(new FrequencyRequest { Regions = regions, Samples = samples, By = by, Rules = rules, Symbolic = request.Symbolic, MinAc = request.MinAc }, call.Stop))
                rows.Write(batch, request.Symbolic, by is not null);
            rows.Complete();
            return End(call, send, rows.Rows);
        });

    public override Task<FrequenciesOfReply> FrequenciesOf(FrequenciesOfRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        CheckCount(request.Queries.Count, MostAlleles);
        var samples = Wire.Of(request.Samples);
        if (IsReleased(request.Asking)) return FrequenciesOfReleased(request, samples, call);
        var session = call.Ask(request.Asking ?? new());
        ShowsNamed(call, samples);
        var reply = new FrequenciesOfReply();
        foreach (var row in session.Frequencies(new FrequencyRequest { Variants = request.Queries, Samples = samples, By = request.By.Length == 0 ? null : request.By, Rules = Wire.Of(request.Rules) }, call.Stop))
        {
            var wire = new Protocol.V1.FrequencyRow { Contig = row.Contig, Pos = row.Start + 1, Ref = row.Ref, Alt = row.Alt, Damage = row.Damage ?? "" };
            if (row.End >= 0) wire.End = row.End;
            if (row.Group is { } group) wire.Group = group;
            if (row.Damage is null) wire.Figures = Wire.Of(row.Figures);
            reply.Rows.Add(wire);
        }
        reply.Context = call.Context();
        return Task.FromResult((reply, (long?)reply.Rows.Count));
    });

    public override Task CaseControl(CaseControlRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            RecordsOnly(request.Asking);
            var session = call.Ask(request.Asking ?? new(), isListing: true);
            var rows = new ArrowAnswer(new ChunkStream(send, CallGate.ChunkBytes), ArrowAnswer.CaseControl);
            foreach (var row in session.CaseControl(request.Cases, request.Controls, call.Stop)) rows.Write(row);
            rows.Complete();
            return End(call, send, rows.Rows);
        });

    public override Task Carriers(CarriersRequest request, IServerStreamWriter<CarriersReply> responseStream, ServerCallContext context) =>
        gate.StreamAsync<CarriersReply>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            CheckCount(request.Queries.Count, MostQueries);
            RecordsOnly(request.Asking);
            var session = call.Ask(request.Asking ?? new());
            var rows = 0L;
            foreach (var answer in session.Carriers(request.Queries, call.Stop))
            {
                foreach (var carrier in answer.Carriers) call.Audit.Shows(carrier.Sample);
                var reply = new CarriersReply { Seen = Wire.Of(answer.Seen) };
                for (var at = 0; at < answer.Carriers.Count; at++)
                {
                    if (reply.Carriers.Count == MostCarriers)
                    {
                        reply.GoesOn = true;
                        send(reply);
                        reply = new CarriersReply();
                    }
                    reply.Carriers.Add(Wire.Of(answer.Carriers[at]));
                }
                rows += answer.Carriers.Count;
                send(reply);
            }
            send(new CarriersReply { End = new AnswerEnd { Context = call.Context(), Completeness = new Completeness { IsWhole = true }, Rows = rows } });
            return rows;
        });

    public override Task Export(ExportRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            RecordsOnly(request.Asking);
            var asked = new GenotypeRequest { Regions = Wire.Of(request.Regions), Samples = Wire.Of(request.Samples) };
            var session = call.Ask(request.Asking ?? new(), isListing: true);
            session.Shown = call.Audit.Shows;
            var stream = new ChunkStream(send, CallGate.ChunkBytes);
            if (request.Format == ExportFormat.Arrow)
            {
                var rows = new ArrowAnswer(stream, ArrowAnswer.Genotypes);
                foreach (var row in session.Rows(asked, call.Stop)) rows.Write(row);
                rows.Complete();
                return End(call, send, rows.Rows);
            }
            var encoding = request.Format switch
            {
                ExportFormat.Vcf => VariantEncoding.Vcf, ExportFormat.VcfBgzf => VariantEncoding.VcfBgzf, ExportFormat.Bcf => VariantEncoding.Bcf, _ => throw Refusals.BadRequest("format"),
            };
            session.WriteLines(asked, (stream, encoding), null, call.Stop);
            stream.Send();
            return End(call, send, null);
        });

    public override Task<ResolveReply> Resolve(ResolveRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        CheckCount(request.Queries.Count, MostQueries);
        var session = call.Ask(request.Asking ?? new());
        var reply = new ResolveReply();
        foreach (var meaning in session.Resolve(request.Queries, call.Stop))
        {
            var wire = new Resolution { Query = meaning.Query, Fault = meaning.Reason ?? "", TrimmedOnly = meaning.TrimmedOnly };
            if (meaning.Contig is { } contig)
            {
                (wire.Contig, wire.Pos, wire.Ref, wire.Alt) = (contig, meaning.Start + 1, meaning.Ref, meaning.Alt);
                if (meaning.End >= 0) wire.End = meaning.End;
                if (session.Identify(meaning) is { } names) wire.Identifiers = Wire.Of(names);
            }
            reply.Resolutions.Add(wire);
        }
        return Task.FromResult((reply, (long?)reply.Resolutions.Count));
    });

    private static long End(Call call, Action<Chunk> send, long? rows)
    {
        send(new Chunk { End = new AnswerEnd { Context = call.Context(), Completeness = Wire.Of(call.Session.Unavailable), Rows = rows ?? 0 } });
        return rows ?? 0;
    }

    private static bool IsReleased(Asking? asking) => asking is not null && Call.DetailOf(asking) < Engine.Access.Detail.Record;

    /// <summary>What tells of single samples is asked at the level record, or not at all.</summary>
    private static void RecordsOnly(Asking? asking)
    {
        if (IsReleased(asking)) throw Refusals.BadRequest("detail");
    }

    private static void CheckCount(int count, int most)
    {
        if (count == 0 || count > most) throw Refusals.BadRequest("queries");
    }

    private static void ShowsNamed(Call call, SampleChoice samples)
    {
        if (samples.Names is not { Count: < FewestForAggregate } names) return;
        foreach (var name in names) call.Audit.Shows(name);
    }
}
