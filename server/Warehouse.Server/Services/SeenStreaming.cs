using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using SeenState = Warehouse.Engine.Query.SeenState;

namespace Warehouse.Server.Services;

/// <summary>One stream of queries, or one VCF, and its answers, by one session. One thread.</summary>
internal sealed class SeenStreaming
{
    /// <summary>Queries of a message.</summary>
    public const int MostQueries = 10_000;

    /// <summary>Bytes of answers after which a reply leaves.</summary>
    private const int ReplyBytes = 1 << 20;

    private readonly Requests<SeenStreamRequest> _requests;
    private readonly Call _call;
    private readonly Action<SeenStreamReply> _send;
    private readonly SeenRequest _asked;
    private readonly bool _isBrief;
    private readonly SampleChoice _samples;
    private readonly Session _session;
    private readonly JoinedNotes? _notes;
    private readonly SeenStreamEnd _end = new();
    private readonly SortedDictionary<string, string> _accessions = new(StringComparer.Ordinal);

    private BriefAnswer[] _answers = [];

    private SeenStreaming(SeenStreamRequest first, Requests<SeenStreamRequest> requests, Call call, StoreHost host, Action<SeenStreamReply> send)
    {
        (_requests, _call, _send, _isBrief) = (requests, call, send, first.Brief);
        _asked = first.Request ?? throw Refusals.BadRequest("request");
        if (_isBrief && (_asked.Identify || _asked.Annotate.Count > 0)) throw Refusals.BadRequest("brief");
        _samples = Wire.Of(_asked.Samples);
        _session = call.Ask(_asked.Asking ?? new());
        _notes = JoinedNotes.Open(host, _asked.Annotate, _session.Snapshot);
        _end.Annotated = _notes?.Columns;
    }

    /// <summary>Answers until there is no further request; returns how many queries or records there were.</summary>
    /// <param name="first">The first request; null when there was none.</param>
    /// <param name="requests">Those after it.</param>
    /// <param name="call">The call.</param>
    /// <param name="host">Has the annotations.</param>
    /// <param name="send">Takes replies.</param>
    public static long Run(SeenStreamRequest? first, Requests<SeenStreamRequest> requests, Call call, StoreHost host, Action<SeenStreamReply> send)
    {
        if (first is null) throw Refusals.BadRequest("request");
        var stream = new SeenStreaming(first, requests, call, host, send);
        using (stream._notes) return stream.Run(first);
    }

    private long Run(SeenStreamRequest first)
    {
        first.Queries.AddRange(_asked.Queries);
        if (_asked.Queries.Count > 0 && first.Queries.Count > _asked.Queries.Count) throw Refusals.BadRequest("queries");
        var message = first;
        while (message is { Queries.Count: 0, Vcf.IsEmpty: true })
            if ((message = Next()) is null) break;
        var rows = message switch { null => Nothing(), { Vcf.IsEmpty: false } => Annotate(message), _ => Answer(message) };
        (_end.Context, _end.Completeness) = (_call.Context(), new Completeness { IsWhole = _end.Damage.Length == 0 });
        _end.Context.RefgetAccessions.Clear();
        foreach (var (contig, accession) in _accessions) _end.Context.RefgetAccessions.Add(contig, accession);
        _send(new SeenStreamReply { End = _end });
        return rows;
    }

    private SeenStreamRequest? Next() => _requests.Next() is not { } next ? null : next.Request is null && !next.Brief ? next : throw Refusals.BadRequest("request");

    private long Nothing()
    {
        _ = _session.PrepareBrief(_samples); // a question about nothing has a context too
        return 0;
    }

    private long Answer(SeenStreamRequest? message)
    {
        var rows = 0L;
        var brief = _isBrief ? _session.PrepareBrief(_samples) : null;
        for (; message is not null; message = Next())
        {
            if (!message.Vcf.IsEmpty || message.Queries.Count > MostQueries) throw Refusals.BadRequest("queries");
            if (message.Queries.Count == 0) continue;
            if (brief is null) Full(message.Queries);
            else Brief(brief, message.Queries);
            rows += message.Queries.Count;
            Gather();
        }
        return rows;
    }

    private void Full(IReadOnlyList<string> queries)
    {
        var (reply, bytes) = (new SeenStreamReply(), 0);
        foreach (var answer in _session.Seen(queries, _samples, _call.Stop))
        {
            Count(answer.State, answer.Damage);
            var wire = Wire.Of(_asked.Identify ? answer with { Identifiers = _session.Identify(answer) } : answer);
            _notes?.AddTo(wire.Annotations, answer.Contig, answer.Start, answer.Ref, answer.Alt);
            var more = wire.CalculateSize();
            if (bytes > 0 && bytes + more > ReplyBytes)
            {
                _send(reply);
                (reply, bytes) = (new SeenStreamReply(), 0);
            }
            reply.Answers.Add(wire);
            bytes += more;
        }
        if (reply.Answers.Count > 0) _send(reply);
    }

    private void Brief(BriefLookup lookup, IReadOnlyList<string> queries)
    {
        if (_answers.Length < queries.Count) _answers = new BriefAnswer[queries.Count];
        var answers = _answers.AsSpan(0, queries.Count);
        answers.Clear();
        lookup.Answer(queries, answers, _call.Stop);
        var columns = new BriefAnswers { States = { Capacity = answers.Length }, Ac = { Capacity = answers.Length }, An = { Capacity = answers.Length }, Carriers = { Capacity = answers.Length } };
        for (var i = 0; i < answers.Length; i++)
        {
            ref readonly var answer = ref answers[i];
            Count(answer.State, answer.Damage);
            columns.States.Add(Wire.Of(answer.State));
            columns.Ac.Add(answer.Figures.Ac);
            columns.An.Add(answer.Figures.An);
            columns.Carriers.Add(answer.Figures.Carriers);
            if (!answer.IsUnderstood) columns.NotUnderstood.Add(i);
            if (answer.Damage is not null) columns.Damaged.Add(i);
        }
        _send(new SeenStreamReply { Brief = columns });
    }

    private long Annotate(SeenStreamRequest first)
    {
        if (_isBrief || _asked.Identify) throw Refusals.BadRequest("vcf");
        var message = first;
        using var input = new RequestBytes(() =>
        {
            var taken = message;
            message = null;
            taken ??= Next();
            if (taken is { Queries.Count: > 0 }) throw Refusals.BadRequest("vcf");
            return taken?.Vcf.Memory;
        });
        var output = new ChunkStream(chunk => _send(new SeenStreamReply { Vcf = chunk.Data }), CallGate.ChunkBytes);
        var summary = Annotation.Annotate((_session, _notes?.Set), (input, "vcf"), _samples, output, _call.Stop);
        output.Send();
        Gather();
        (_end.Seen, _end.NotSeen, _end.NotAssessable, _end.Damage) = (summary.Seen, summary.NotSeen, summary.NotAssessable, summary.Damage ?? "");
        return summary.Records;
    }

    private void Count(SeenState state, string? damage)
    {
        switch (state)
        {
            case SeenState.Seen: _end.Seen++; break;
            case SeenState.NotSeen: _end.NotSeen++; break;
            default: _end.NotAssessable++; break;
        }
        if (_end.Damage.Length == 0) _end.Damage = damage ?? "";
    }

    /// <summary>Keeps which contigs the last answers touched: the next ones are a question of their own to the session.</summary>
    private void Gather()
    {
        foreach (var (contig, accession) in _session.AnsweredFrom!.RefgetAccessions) _accessions[contig] = accession;
    }
}
