using Grpc.Core;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using Warehouse.Server.Release;

namespace Warehouse.Server.Services;

/// <summary>Questions about variants. Any thread.</summary>
internal sealed partial class VariantsService(CallGate gate, ReleaseDesk desk) : Variants.VariantsBase
{
    internal const int MostQueries = 1000;

    private const int MostAlleles = 10_000, MostCarriers = 4096;

    // Streams of queries, over all callers: each keeps decoded blocks of its own.
    private readonly Places _streams = new(gate.Limits.SeenStreams, "streams");

    public override Task<SeenReply> Seen(SeenRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        CheckCount(request.Queries.Count, MostQueries);
        var samples = Wire.Of(request.Samples);
        request.Asking = call.Settle(request.Asking);
        if (IsReleased(request.Asking)) return SeenReleased(request, samples, call);
        var session = call.Ask(request.Asking ?? new());
        using var notes = JoinedNotes.Open(gate.Host, request.Annotate, session.Snapshot);
        var (reply, room) = (new SeenReply { Annotated = notes?.Columns }, new ReplyRoom(gate));
        foreach (var answer in session.Seen(request.Queries, samples, call.Stop))
        {
            var wire = Wire.Of(request.Identify ? answer with { Identifiers = session.Identify(answer) } : answer);
            notes?.AddTo(wire.Annotations, answer.Contig, answer.Start, answer.Ref, answer.Alt);
            room.Take(wire.CalculateSize());
            reply.Answers.Add(wire);
        }
        (reply.Context, reply.Completeness) = (call.Context(), Wire.Of(reply.Answers.Select(a => a.Damage)));
        return Task.FromResult((reply, (long?)reply.Answers.Count));
    });

    public override async Task SeenStream(IAsyncStreamReader<SeenStreamRequest> requestStream, IServerStreamWriter<SeenStreamReply> responseStream, ServerCallContext context)
    {
        await using var requests = new Requests<SeenStreamRequest>(requestStream, context);
        var first = await requests.FirstAsync(gate.Clock).ConfigureAwait(false);
        var question = first?.Request ?? new();
        await gate.StreamAsync<SeenStreamReply>(context, question.Asking ?? new(), question, responseStream.WriteAsync, (call, send) =>
        {
            using var room = _streams.Enter();
            return SeenStreaming.Run(first, requests, call, gate.Host, send);
        }).ConfigureAwait(false);
    }

    public override Task Frequencies(FrequenciesRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var (samples, rules, by) = (Wire.Of(request.Samples), Wire.Of(request.Rules), request.By.Length == 0 ? null : request.By);
            request.Asking = call.Settle(request.Asking, isListing: true);
            if (IsReleased(request.Asking)) return FrequenciesReleased(request, (samples, rules, by), (call, send));
            var rows = List(call, request, new ChunkStream(send, CallGate.ChunkBytes), (false, gate.Host));
            return End(call, send, rows);
        });

    /// <summary>Writes frequencies, or the variants that have them, as an Arrow stream; returns the rows. Without a host nothing can be joined.</summary>
    internal static long List(Call call, FrequenciesRequest request, AnswerStream stream, (bool SitesOnly, StoreHost? Notes) how)
    {
        var sitesOnly = how.SitesOnly;
        if (how.Notes is null && request.Annotate.Count > 0) throw Refusals.BadRequest("annotate");
        var (regions, samples, rules, by) = (Wire.Of(request.Regions), Wire.Of(request.Samples), Wire.Of(request.Rules), request.By.Length == 0 ? null : request.By);
        var session = call.Ask(request.Asking ?? new(), isListing: true);
        using var notes = how.Notes is { } host ? JoinedNotes.Open(host, request.Annotate, session.Snapshot) : null;
        var rows = new ArrowAnswer(stream, sitesOnly ? ArrowAnswer.Sites(request.Symbolic) : ArrowAnswer.Frequencies(request.Symbolic, by is not null), notes);
        foreach (var batch in session.FrequencyBatches(new FrequencyRequest { Regions = regions, Samples = samples, By = sitesOnly ? null : by, Rules = rules, Symbolic = request.Symbolic, MinAc = request.MinAc }, call.Stop))
        {
            if (sitesOnly) rows.WriteSites(batch, request.Symbolic);
            else rows.Write(batch, request.Symbolic, by is not null);
        }
        rows.Complete();
        return rows.Rows;
    }

    public override Task<FrequenciesOfReply> FrequenciesOf(FrequenciesOfRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        CheckCount(request.Queries.Count, MostAlleles);
        var samples = Wire.Of(request.Samples);
        request.Asking = call.Settle(request.Asking);
        if (IsReleased(request.Asking)) return FrequenciesOfReleased(request, samples, call);
        var session = call.Ask(request.Asking ?? new());
        using var notes = JoinedNotes.Open(gate.Host, request.Annotate, session.Snapshot);
        var (reply, room) = (new FrequenciesOfReply { Annotated = notes?.Columns }, new ReplyRoom(gate));
        foreach (var row in session.Frequencies(new FrequencyRequest { Variants = request.Queries, Samples = samples, By = request.By.Length == 0 ? null : request.By, Rules = Wire.Of(request.Rules) }, call.Stop))
        {
            var wire = new Protocol.V1.FrequencyRow { Contig = row.Contig, Pos = row.Start + 1, Ref = row.Ref, Alt = row.Alt, Damage = row.Damage ?? "" };
            if (row.End >= 0) wire.End = row.End;
            if (row.Group is { } group) wire.Group = group;
            if (row.Damage is null) wire.Figures = Wire.Of(row.Figures);
            notes?.AddTo(wire.Annotations, row.Contig, row.Start, row.Ref, row.End < 0 ? row.Alt : "");
            room.Take(wire.CalculateSize());
            reply.Rows.Add(wire);
        }
        (reply.Context, reply.Completeness) = (call.Context(), Wire.Of(reply.Rows.Select(r => r.Damage)));
        return Task.FromResult((reply, (long?)reply.Rows.Count));
    });

    /// <summary>What a reply still has room for: one of many alleles, long ones or in many groups, is refused when it is known to be too long, before it fills the memory.</summary>
    private sealed class ReplyRoom(CallGate gate)
    {
        private long _left = gate.Limits.Call.SendBytes;

        public void Take(long bytes)
        {
            if ((_left -= bytes) < 0) throw Refusals.TooLong();
        }
    }

    public override Task CaseControl(CaseControlRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
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
            var session = call.Ask(request.Asking ?? new());
            using var notes = JoinedNotes.Open(gate.Host, request.Annotate, session.Snapshot);
            var (rows, isWhole) = (0L, true);
            foreach (var answer in session.Carriers(request.Queries, call.Stop))
            {
                isWhole &= answer.Seen.Damage is null;
                var reply = new CarriersReply { Seen = Wire.Of(answer.Seen) };
                notes?.AddTo(reply.Seen.Annotations, answer.Seen.Contig, answer.Seen.Start, answer.Seen.Ref, answer.Seen.Alt);
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
            send(new CarriersReply { Annotated = notes?.Columns, End = new AnswerEnd { Context = call.Context(), Completeness = new Completeness { IsWhole = isWhole }, Rows = rows } });
            return rows;
        });

    public override Task Export(ExportRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var session = call.Ask(request.Asking ?? new(), isListing: true);
            using var notes = JoinedNotes.Open(gate.Host, request.Annotate, session.Snapshot);
            var asked = new GenotypeRequest { Regions = Wire.Of(request.Regions), Samples = Wire.Of(request.Samples), Annotations = notes?.Set };
            var stream = new ChunkStream(send, CallGate.ChunkBytes);
            if (request.Format == ExportFormat.Arrow)
            {
                var rows = new ArrowAnswer(stream, ArrowAnswer.Genotypes, notes);
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
        var session = call.AskAtLevel(request.Asking ?? new());
        var (reply, room, assembly) = (new ResolveReply(), new ReplyRoom(gate), gate.Host.Ask(store => store.Assembly));
        foreach (var meaning in session.Resolve(request.Queries, call.Stop))
        {
            var wire = new Resolution { Query = meaning.Query, Fault = meaning.Damage is null ? meaning.Reason ?? "" : "", Damage = meaning.Damage ?? "", TrimmedOnly = meaning.TrimmedOnly };
            if (meaning.Contig is { } contig)
            {
                (wire.Contig, wire.Pos, wire.Ref, wire.Alt, wire.CanonicalContig) = (contig, meaning.Start + 1, meaning.Ref, meaning.Alt, assembly.CanonicalContig(contig));
                if (meaning.End >= 0) wire.End = meaning.End;
                if (session.Identify(meaning) is { } names) wire.Identifiers = Wire.Of(names);
            }
            room.Take(wire.CalculateSize());
            reply.Resolutions.Add(wire);
        }
        (reply.Context, reply.Completeness) = (call.Context(), Wire.Of(reply.Resolutions.Select(r => r.Damage)));
        return Task.FromResult((reply, (long?)reply.Resolutions.Count));
    });

    private static long End(Call call, Action<Chunk> send, long? rows)
    {
        send(new Chunk { End = new AnswerEnd { Context = call.Context(), Completeness = Wire.Of(call.Session.Unavailable), Rows = rows ?? 0 } });
        return rows ?? 0;
    }

    private static bool IsReleased(Asking asking) => Call.DetailOf(asking) < Engine.Access.Detail.Record;

    internal static void CheckCount(int count, int most)
    {
        if (count == 0 || count > most) throw Refusals.BadRequest("queries");
    }
}
