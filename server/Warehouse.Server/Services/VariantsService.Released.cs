using Warehouse.Engine.Arrow;
using Warehouse.Engine.Query;
using Warehouse.Engine.Release;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Release;
using SeenState = Warehouse.Protocol.V1.SeenState;

namespace Warehouse.Server.Services;

/// <summary>The same questions at the levels exists and aggregate: nothing leaves but through the <see cref="ReleaseDesk"/>.</summary>
internal sealed partial class VariantsService
{
    /// <summary>Most bytes of the released figures of a row with what is around them, and of a character of a group's name.</summary>
    private const int ReleasedBytes = 96, Utf8Bytes = 3;

    /// <summary>Bytes of what stands around the rows of a reply: what it rests on, and the names of joined columns.</summary>
    private const int AroundBytes = 64 << 10;

    private const string Banded = "banded: few carry it, which may be nobody, or another figure is small, or a small one could be derived";
    private const string Withheld = "withheld: of this variant something was told of a cohort that overlaps this one";
    private const string NotReleased = "alleles that are described, not spelled, are not released at this level";

    private async Task<(SeenReply, long?)> SeenReleased(SeenRequest request, SampleChoice samples, Call call)
    {
        var question = desk.Open(call, request.Asking, (samples, new Engine.Query.CountRules(), null), isListing: false);
        var isFull = Call.DetailOf(request.Asking) == Engine.Access.Detail.Aggregate;
        using var notes = JoinedNotes.Open(gate.Host, request.Annotate, question.Session.Snapshot);
        var (reply, asked, keys, cells) = (new SeenReply { Annotated = notes?.Columns }, new List<Protocol.V1.SeenAnswer>(), new List<string>(), new List<BaseCells>());
        // Whether it is too long is known before anything is charged, so by the most that its figures and reasons may take.
        var room = new ReplyRoom(gate);
        room.Take(AroundBytes);
        foreach (var answer in question.Session.Seen(request.Queries, samples, call.Stop))
        {
            var (wire, isAsked) = Unreleased(question, answer, request.Identify);
            notes?.AddTo(wire.Annotations, answer.Contig, answer.Start, answer.Ref, answer.Alt);
            room.Take(wire.CalculateSize() + ReleasedBytes + Banded.Length);
            reply.Answers.Add(wire);
            if (!isAsked) continue;
            asked.Add(wire);
            keys.Add(ReleasedQuestion.KeyOf(answer.Contig!, answer.Start, answer.Ref, answer.Alt));
            question.Add(cells, [answer.Figures]);
        }
        foreach (var wire in asked) wire.K = question.K;
        if (isFull) await Show(question, (asked, keys, cells.ToArray())).ConfigureAwait(false);
        else await Tell(question, (asked, keys, cells.ToArray())).ConfigureAwait(false);
        (reply.Context, reply.Completeness) = (call.Context(question.Epoch), Wire.Of(reply.Answers.Select(a => a.Damage)));
        return (reply, reply.Answers.Count);
    }

    /// <summary>What an answer says but for what the rules of release judge, and whether there is that to judge.</summary>
    private static (Protocol.V1.SeenAnswer Wire, bool IsAsked) Unreleased(ReleasedQuestion question, Engine.Query.SeenAnswer answer, bool isIdentified)
    {
        var wire = new Protocol.V1.SeenAnswer { Query = answer.Query, State = SeenState.NotAssessable, Reason = answer.Damage is null && answer.Contig is not null ? "" : answer.Reason ?? "", Damage = answer.Damage ?? "" };
        if (answer.Contig is not { } contig) return (wire, false);
        (wire.Contig, wire.Pos, wire.Ref, wire.Alt, wire.TrimmedOnly, wire.RefgetAccession) = (contig, answer.Start + 1, answer.Ref, answer.Alt, answer.TrimmedOnly, answer.RefgetAccession ?? "");
        if (answer.Damage is not null) return (wire, false);
        if (answer.MatchedAlleles is not null)
        {
            wire.Reason = NotReleased;
            return (wire, false);
        }
        if (isIdentified && question.Session.Identify(answer) is { } names) wire.Identifiers = Wire.Of(names);
        return (wire, true);
    }

    /// <summary>At the level aggregate: figures, or that they are banded, which has several reasons that are not told apart.</summary>
    private static async Task Show(ReleasedQuestion question, (List<Protocol.V1.SeenAnswer> Asked, List<string> Keys, BaseCells[] Cells) of)
    {
        var batch = await question.Call.ReleaseAsync(of.Keys, of.Cells).ConfigureAwait(false);
        question.Check(batch.Stopped);
        for (var i = 0; i < of.Asked.Count; i++)
        {
            (of.Asked[i].State, of.Asked[i].Reason) = batch.Rows[i].IsBanded ? (SeenState.Withheld, Banded) : (SeenState.Seen, "");
            of.Asked[i].Released = question.Show(batch.Rows[i]);
        }
    }

    /// <summary>At the level exists: whether k samples carry it.</summary>
    private static async Task Tell(ReleasedQuestion question, (List<Protocol.V1.SeenAnswer> Asked, List<string> Keys, BaseCells[] Cells) of)
    {
        var batch = await question.Call.TellAsync(of.Keys, of.Cells).ConfigureAwait(false);
        question.Check(batch.Stopped);
        for (var i = 0; i < of.Asked.Count; i++)
        {
            (of.Asked[i].State, of.Asked[i].Reason) = batch.States[i] switch
            {
                Presence.Reached => (SeenState.Seen, ""), Presence.Fewer => (SeenState.FewerThanK, FormattableString.Invariant($"fewer than {question.K} carry it, which may be nobody")), _ => (SeenState.Withheld, Withheld),
            };
        }
    }

    private async Task<(FrequenciesOfReply, long?)> FrequenciesOfReleased(FrequenciesOfRequest request, SampleChoice samples, Call call)
    {
        AggregateOnly(request.Asking);
        var by = request.By.Length == 0 ? null : request.By;
        var rules = Wire.Of(request.Rules);
        var question = desk.Open(call, request.Asking, (samples, rules, by), isListing: false);
        using var notes = JoinedNotes.Open(gate.Host, request.Annotate, question.Session.Snapshot);
        var (keys, cells, places, groups) = (new List<string>(), new List<BaseCells>(), new List<Protocol.V1.FrequencyRow>(), new List<CountFigures>());
        var (room, names) = (new ReplyRoom(gate), question.Groups.Sum(g => (long)g.Length * Utf8Bytes));
        room.Take(AroundBytes);
        foreach (var row in question.Session.Frequencies(new FrequencyRequest { Variants = request.Queries, Samples = samples, By = by, Rules = rules }, call.Stop))
        {
            if (row.End >= 0) throw Refusals.BadRequest("symbolic");
            if (row.Damage is not null) throw new InvalidDataException(row.Damage);
            groups.Add(row.Figures);
            if (groups.Count < Math.Max(1, question.Groups.Count)) continue;
            var place = new Protocol.V1.FrequencyRow { Contig = row.Contig, Pos = row.Start + 1, Ref = row.Ref, Alt = row.Alt };
            notes?.AddTo(place.Annotations, row.Contig, row.Start, row.Ref, row.Alt);
            // Whether it is too long is known before anything is charged, so by the most that its figures may take.
            room.Take(((place.CalculateSize() + ReleasedBytes) * (1L + question.Groups.Count)) + names);
            places.Add(place);
            keys.Add(ReleasedQuestion.KeyOf(row.Contig, row.Start, row.Ref, row.Alt));
            question.Add(cells, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(groups));
            groups.Clear();
        }
        var reply = new FrequenciesOfReply { Annotated = notes?.Columns };
        foreach (var chunk in Enumerable.Range(0, keys.Count).Chunk(ReleaseCall.MaxVariants))
        {
            var width = 1 + question.Groups.Count;
            var batch = await question.Call.ReleaseAsync(keys.GetRange(chunk[0], chunk.Length), cells.GetRange(chunk[0] * width, chunk.Length * width).ToArray()).ConfigureAwait(false);
            question.Check(batch.Stopped);
            for (var i = 0; i < batch.Rows.Length; i++)
            {
                var wire = new Protocol.V1.FrequencyRow(places[chunk[0] + (i / width)]) { Released = question.Show(batch.Rows[i]) };
                if (i % width > 0) wire.Group = question.Groups[(i % width) - 1];
                reply.Rows.Add(wire);
            }
        }
        (reply.Context, reply.Completeness) = (call.Context(question.Epoch), new Completeness { IsWhole = true }); // damage has ended it
        return (reply, reply.Rows.Count);
    }

    private long FrequenciesReleased(FrequenciesRequest request, (SampleChoice Samples, Engine.Query.CountRules Rules, string? By) of, (Call Call, Action<Chunk> Send) to)
    {
        AggregateOnly(request.Asking);
        if (request.MinAc > 0 || request.Symbolic) throw Refusals.BadRequest("min_ac");
        var question = desk.Open(to.Call, request.Asking, of, isListing: true);
        using var notes = JoinedNotes.Open(gate.Host, request.Annotate, question.Session.Snapshot);
        var rows = new ReleasedArrow(new ChunkStream(to.Send, CallGate.ChunkBytes), question, notes);
        var (keys, cells, sites) = (new List<string>(), new List<BaseCells>(), new List<(string, int, string, string)>());
        var figures = new CountFigures[Math.Max(1, question.Groups.Count)];
        foreach (var batch in question.Session.FrequencyBatches(new FrequencyRequest { Regions = Wire.Of(request.Regions), Samples = of.Samples, By = of.By, Rules = of.Rules }, to.Call.Stop))
        {
            for (var variant = 0; variant < batch.Count; variant++)
            {
                for (var group = 0; group < batch.GroupCount; group++) figures[group] = batch.Figures(variant, group);
                var site = (batch.Contig, batch.Start(variant), System.Text.Encoding.ASCII.GetString(batch.Ref(variant)), System.Text.Encoding.ASCII.GetString(batch.Alt(variant)));
                sites.Add(site);
                keys.Add(ReleasedQuestion.KeyOf(site.Item1, site.Item2, site.Item3, site.Item4));
                question.Add(cells, figures);
                if (keys.Count == ReleaseCall.MaxVariants) Release();
            }
        }
        if (question.Session.Unavailable is { Count: > 0 } cut) throw new InvalidDataException(cut[0].Damage);
        Release();
        rows.Complete();
        to.Send(new Chunk { End = new AnswerEnd { Context = to.Call.Context(question.Epoch), Completeness = new Completeness { IsWhole = true }, Rows = rows.Rows } });
        return rows.Rows;

        void Release()
        {
            var batch = question.Call.Release(keys, cells.ToArray());
            rows.Write(sites, batch);
            question.Check(batch.Stopped);
            keys.Clear();
            cells.Clear();
            sites.Clear();
        }
    }

    private static void AggregateOnly(Asking asking)
    {
        if (Call.DetailOf(asking) != Engine.Access.Detail.Aggregate) throw Refusals.BadRequest("detail");
    }

    /// <summary>Released rows as an Arrow stream: contig, pos, ref, alt, [group,] banded, carriers, ac, n_hom_alt, an, af, and what is joined; figures are null where banded. Of each variant the cohort comes first, its group null.</summary>
    private sealed class ReleasedArrow
    {
        private static readonly string[] Figures = ["carriers", "ac", "n_hom_alt", "an"];

        private readonly ChunkStream _stream;
        private readonly ReleasedQuestion _question;
        private readonly JoinedNotes? _notes;
        private readonly ArrowBatchBuilder _batch;
        private readonly ArrowStreamWriter _writer;

        public ReleasedArrow(ChunkStream stream, ReleasedQuestion question, JoinedNotes? notes)
        {
            (_stream, _question, _notes) = (stream, question, notes);
            List<ArrowField> fields = [new("contig", ArrowType.Utf8), new("pos", ArrowType.Int64), new("ref", ArrowType.Utf8), new("alt", ArrowType.Utf8)];
            if (question.Groups.Count > 0) fields.Add(new("group", ArrowType.Utf8));
            fields.Add(new("banded", ArrowType.Bool));
            fields.AddRange(Figures.Select(f => new ArrowField(f, ArrowType.Int64)));
            fields.Add(new("af", ArrowType.Float64));
            fields.AddRange(notes?.Fields ?? []);
            var schema = new ArrowSchema(fields);
            (_batch, _writer) = (new ArrowBatchBuilder(schema), new ArrowStreamWriter(stream, schema));
        }

        public long Rows { get; private set; }

        public void Write(List<(string Contig, int Start, string Ref, string Alt)> sites, ReleasedBatch batch)
        {
            var width = 1 + _question.Groups.Count;
            for (var i = 0; i < batch.Rows.Length; i++) Write(sites[i / width], i % width, batch.Rows[i]);
            if (_batch.RowCount > 0) _writer.Write(_batch);
            _batch.Clear();
            _stream.Send();
        }

        public void Complete()
        {
            _writer.Complete();
            _stream.Send();
        }

        private void Write((string Contig, int Start, string Ref, string Alt) site, int group, ReleasedRow row)
        {
            var at = 0;
            _batch[at++].Append(site.Contig);
            _batch[at++].Append(site.Start + 1L);
            _batch[at++].Append(site.Ref);
            _batch[at++].Append(site.Alt);
            if (_question.Groups.Count > 0) _batch[at++].Append(group == 0 ? null : _question.Groups[group - 1]);
            _batch[at++].Append(row.IsBanded);
            foreach (var figure in (ReadOnlySpan<long>)[row.Carriers, row.Ac, row.Hom, row.An])
            {
                if (row.IsBanded) _batch[at++].AppendNull();
                else _batch[at++].Append(figure);
            }
            if (row.IsBanded) _batch[at++].AppendNull();
            else _batch[at++].Append(row.Frequency);
            _notes?.AppendTo(_batch, at, site);
            Rows++;
        }
    }
}
