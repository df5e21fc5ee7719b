using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Release;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using Warehouse.Server.Release;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Services;

/// <summary>
/// What the laboratory says of alleles. Who may do what, and in which order, the engine decides (<see cref="AssessmentDesk"/>); who does it is who calls. Spellings and
/// figures are what the caller's own session makes of them. Any thread.
/// </summary>
internal sealed class AssessmentsService(CallGate gate, OwnInstance<AssessmentDesk> book, ReleaseDesk release) : V1.Assessments.AssessmentsBase
{
    private const int MostStatements = 1000, MostPairs = 10_000, MostLines = 100_000, MostImportBytes = 64 << 20, ReplyBytes = 1 << 20;

    public override Task List(V1.ListAssessmentsRequest request, IServerStreamWriter<V1.ListAssessmentsReply> responseStream, ServerCallContext context) =>
        gate.StreamAsync<V1.ListAssessmentsReply>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var (actor, state, sees) = (ActorOf(call), AssessmentWire.StateOf(request.State), SeesFigures(call, request.Asking));
            Readers(actor);
            var allele = request.Variant.Length == 0 ? null : Resolve(call, request.Asking, [request.Variant])[0];
            var (own, others, settings) = book.Ask((desk, store) =>
            {
                var asOf = AsOf(call, request.Asking, store);
                return (desk.List(actor, asOf, allele), request.Others ? desk.Others(actor, asOf, allele) : [], desk.Settings);
            });
            var batch = new Batch(send, call.Stop);
            foreach (var one in own.Where(a => state is null || a.State == state)) batch.Add(AssessmentWire.Of(one, sees));
            foreach (var one in others.Where(a => state is null || a.State == state)) batch.Add(AssessmentWire.Of(one));
            return batch.End(new V1.ListAssessmentsEnd { Laboratory = settings.Laboratory, Assembly = Assembly.Name });
        });

    public override Task<V1.ShowAssessmentReply> Show(V1.ShowAssessmentRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var actor = ActorOf(call);
        var versions = book.Ask((desk, store) =>
        {
            var history = desk.History(actor, request.Id);
            var asOf = AsOf(call, request.Asking, store) ?? long.MaxValue;
            return history.Where(v => v.ManifestVersion <= asOf).ToList();
        });
        // What is not there, and what he may not see, are the same.
        if (versions.Count == 0) throw new InputException("assess-unknown", "there is no such assessment", InputPlace.None);
        var (reply, sees) = (new V1.ShowAssessmentReply(), SeesFigures(call, request.Asking));
        reply.Versions.AddRange((request.History ? versions : versions[^1..]).Select(v => AssessmentWire.Of(v, sees)));
        return Task.FromResult((reply, (long?)reply.Versions.Count));
    });

    public override Task<V1.AssessmentReply> Draft(V1.DraftAssessmentRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var wire = request.Content ?? throw Refusals.BadRequest("content");
        if (request.HasEdit && request.HasSupersedes) throw Refusals.BadRequest("supersedes");
        long? looked = request.HasEdit ? request.Edit : request.HasSupersedes ? request.Supersedes : null;
        var actor = ActorOf(call);
        if (!Readers(actor)) throw AccessRefusedException.Role(); // who may not write is told nothing of what there is
        var before = looked is { } id ? book.Ask((desk, _) => desk.Get(id)) : null;
        if (request.HasEdit && before is not null && before.Version != request.Version) throw Refusals.Moved("assess-conflict", before.Version);
        var allele = before is not null && before.Content.Allele.ToString() == wire.Variant ? before.Content.Allele : Resolve(call, request.Asking, [wire.Variant])[0];
        var content = AssessmentWire.Of(wire, allele, before?.Content);
        return Change(call, request.Asking, looked, (desk, _) => request.HasEdit ? desk.Edit(actor, request.Edit, request.Version, content) : desk.Begin(actor, content, request.HasSupersedes ? request.Supersedes : null));
    });

    public override Task<V1.AssessmentReply> Submit(V1.AssessmentChangeRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
        request.Reason.Length > 0 ? throw Refusals.BadRequest("reason") : Change(call, request.Asking, request.Id, (desk, actor) => desk.Submit(actor, request.Id, request.Version)));

    public override Task<V1.AssessmentReply> Return(V1.AssessmentChangeRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
        Change(call, request.Asking, request.Id, (desk, actor) => desk.Return(actor, request.Id, request.Version, request.Reason)));

    public override Task<V1.AssessmentReply> Sign(V1.SignAssessmentRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var (meaning, sees) = (AssessmentWire.MeaningOf(request.Meaning), SeesFigures(call, request.Asking));
        return Change(call, request.Asking, request.Id, (desk, actor) =>
        {
            // Nobody signs what he was not shown. What he signs is of the version that he names, so what is looked at here is it, or nothing is signed.
            if (desk.RequireReader(actor) && !sees && desk.Get(request.Id) is { } now && AssessmentWire.HasFigures(now.Content)) throw Refusals.Denied("evidence-withheld");
            return desk.Sign(actor, request.Id, request.Version, meaning, request.Reason);
        });
    });

    public override Task<V1.AssessmentReply> Retire(V1.AssessmentChangeRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
        Change(call, request.Asking, request.Id, (desk, actor) => desk.Retire(actor, request.Id, request.Version, request.Reason)));

    public override Task<V1.AssessmentSettings> Settings(V1.AssessmentSettingsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        Readers(ActorOf(call));
        return Task.FromResult((AssessmentWire.Of(book.Ask((desk, _) => desk.Settings)), (long?)1));
    });

    public override Task<V1.AssessmentSettings> ChangeSettings(V1.ChangeAssessmentSettingsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        NoSnapshot(request.Asking);
        call.Audit.Begin();
        var changed = book.Ask((desk, _) =>
        {
            desk.Set(ActorOf(call), AssessmentWire.Of(request.Settings ?? throw Refusals.BadRequest("settings"), desk.Settings));
            return desk.Settings;
        });
        return Task.FromResult((AssessmentWire.Of(changed), (long?)1));
    });

    public override Task<V1.SuggestReply> Suggest(V1.SuggestRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        Readers(ActorOf(call));
        var (asking, samples, settings) = (call.Settle(request.Asking), Wire.Of(request.Samples), book.Ask((desk, _) => desk.Settings));
        if (Call.DetailOf(asking) < Detail.Record) return SuggestReleased((asking, request.Variant), samples, settings, call);
        var session = call.Ask(asking);
        var evidence = FrequencyEvidence.Of(session, Understood(session, [request.Variant], call)[0], samples, settings, call.Stop);
        var reply = ReplyOf(evidence);
        (reply.Figures, reply.Context) = (Wire.Of(evidence.Figures), call.Context());
        return Task.FromResult((reply, (long?)1));
    });

    public override Task<V1.DiscordanceReply> Discordance(V1.DiscordanceRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        if (request.With.Count > MostStatements) throw Refusals.BadRequest("with");
        NoSnapshot(request.Asking);
        var actor = ActorOf(call);
        Readers(actor);
        var alleles = request.With.Count == 0 ? [] : Resolve(call, request.Asking, request.With.Select(w => w.Variant));
        var with = request.With.Select((w, i) => new ClassStatement(w.Source, alleles[i], w.Condition.Length == 0 ? null : w.Condition, AssessmentWire.TierOf(w.Tier)));
        var pairs = book.Ask((desk, _) => DiscordantPair.Find(DiscordantPair.StatementsOf(desk.List(actor), desk.Others(actor), desk.Settings.Laboratory).Concat(with)));
        var reply = new V1.DiscordanceReply { Count = pairs.Count };
        reply.Pairs.AddRange(pairs.Take(MostPairs).Select(AssessmentWire.Of));
        return Task.FromResult((reply, (long?)reply.Pairs.Count));
    });

    public override async Task<V1.ImportAssessmentsReply> Import(IAsyncStreamReader<V1.ImportAssessmentsRequest> requestStream, ServerCallContext context)
    {
        await using var requests = new Requests<V1.ImportAssessmentsRequest>(requestStream, context);
        var first = await requests.FirstAsync(gate.Clock).ConfigureAwait(false) ?? new();
        return await gate.AnswerAsync(context, first.Asking ?? new(), first, async call =>
        {
            NoSnapshot(first.Asking);
            if (!Readers(ActorOf(call))) throw AccessRefusedException.Role();
            // Requests are waited for, by a thread that is nobody else's.
            var statements = await Task.Factory.StartNew(() => Read(first, requests), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            call.Audit.Begin();
            var receipt = book.Ask((desk, _) => desk.Import(ActorOf(call), statements));
            return (new V1.ImportAssessmentsReply { Taken = receipt.Taken, Known = receipt.Known, Older = receipt.Older }, (long?)statements.Count);
        }, isStreamed: true).ConfigureAwait(false);
    }

    public override Task Export(V1.ExportAssessmentsRequest request, IServerStreamWriter<V1.Chunk> responseStream, ServerCallContext context) =>
        gate.StreamAsync<V1.Chunk>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            if (request.Form is not (V1.AssessmentExportForm.Jsonl or V1.AssessmentExportForm.Vcf)) throw Refusals.BadRequest("assess-form");
            NoSnapshot(request.Asking);
            var (actor, sees) = (ActorOf(call), SeesFigures(call, request.Asking));
            var (own, others, settings) = book.Ask((desk, _) => (desk.List(actor).Where(a => request.All || a.State == AssessmentState.Signed).ToList(), request.All ? desk.Others(actor) : [], desk.Settings));
            var stream = new ChunkStream(send, CallGate.ChunkBytes);
            if (request.Form == V1.AssessmentExportForm.Vcf) Write(stream, AssessmentTables.VcfLines(own.Where(a => a.State == AssessmentState.Signed), Assembly.Name).Select(Encoding.ASCII.GetBytes));
            // A statement goes out whole: one with a part of its evidence left out would be another one under the same number.
            else if (!sees && own.Any(a => AssessmentWire.HasFigures(a.Content))) throw Refusals.Denied("evidence-withheld");
            else Write(stream, own.Select(a => OtherAssessment.Of(a, settings.Laboratory, Assembly.Name)).Concat(others).Select(o => o.ToLine()));
            stream.Send();
            var rows = own.Count + others.Count;
            send(new V1.Chunk { End = new V1.AnswerEnd { Completeness = new V1.Completeness { IsWhole = true }, Rows = rows } });
            return rows;
        });

    private Engine.Variants.Assembly Assembly => gate.Host.Ask(store => store.Assembly);

    private static AccessActor ActorOf(Call call) => AccessActor.Of(call.Who.Caller);

    /// <summary>Refuses who may read nothing of assessments; whether he may read what is not signed too.</summary>
    private bool Readers(AccessActor actor) => book.Ask((desk, _) => desk.RequireReader(actor));

    /// <summary>One change, in the audit log before it is made.</summary>
    private Task<(V1.AssessmentReply, long?)> Change(Call call, V1.Asking? asking, long? id, Func<AssessmentDesk, AccessActor, Assessment> change)
    {
        NoSnapshot(asking);
        var sees = SeesFigures(call, asking);
        call.Audit.Begin();
        var changed = book.Ask((desk, store) =>
        {
            try
            {
                var made = change(desk, ActorOf(call));
                call.Audit.Asks(store.Version, null, null);
                return made;
            }
            catch (InputException late) when (late.Code == "assess-conflict")
            {
                throw Refusals.Moved(late.Code, id is { } of ? desk.Get(of)?.Version ?? 0 : 0);
            }
        });
        return Task.FromResult((new V1.AssessmentReply { Assessment = AssessmentWire.Of(changed, sees) }, (long?)1));
    }

    /// <summary>
    /// Whether a caller is shown evidence that may hold figures of the store: they are over everybody, or over some that the assessment does not name, so it is
    /// who is granted everybody's records.
    /// </summary>
    private bool SeesFigures(Call call, V1.Asking? asking) => gate.Host.Ask(store => store.CoversAll(new SessionOptions
    {
        Caller = call.Who.Caller, Purpose = Call.PurposeOf(asking ?? new()), Project = asking is { Project.Length: > 0 } ? asking.Project : null, Detail = Detail.Record,
    }));

    /// <summary>What spellings mean in what the caller sees.</summary>
    private AssessedAllele[] Resolve(Call call, V1.Asking? asking, IEnumerable<string> spellings) => Understood(call.AskAtLevel(asking ?? new()), spellings, call);

    private AssessedAllele[] Understood(Session session, IEnumerable<string> spellings, Call call)
    {
        var assembly = Assembly;
        return [.. session.Resolve([.. spellings], call.Stop).Select((found, i) => AssessedAllele.TryOf(found, assembly) ?? throw NotUnderstood(found, i))];
    }

    /// <summary>What cannot be found because the store is damaged is no mistake of whoever asks.</summary>
    private static Exception NotUnderstood(SeenAnswer found, int index) => found.Damage is { } damage ? new InvalidDataException(damage) : Refusals.BadRequest("assess-variant", index + 1);

    private static long? AsOf(Call call, V1.Asking? asking, VariantStore store)
    {
        long? asOf = asking is { HasSnapshot: true } ? asking.Snapshot : null;
        if (asOf > store.Version) throw new InputException("unknown-snapshot", "there is no such snapshot", InputPlace.None);
        call.Audit.Asks(asOf ?? store.Version, null, null);
        return asOf;
    }

    private static void NoSnapshot(V1.Asking? asking)
    {
        if (asking is { HasSnapshot: true }) throw Refusals.BadRequest("snapshot");
    }

    private async Task<(V1.SuggestReply, long?)> SuggestReleased((V1.Asking Asking, string Variant) asked, SampleChoice samples, AssessmentSettings settings, Call call)
    {
        if (Call.DetailOf(asked.Asking) != Detail.Aggregate) throw Refusals.BadRequest("detail");
        var question = release.Open(call, asked.Asking, (samples, new CountRules(), null), isListing: false);
        var allele = Understood(question.Session, [asked.Variant], call)[0];
        var (keys, cells) = (new List<string>(), new List<BaseCells>());
        foreach (var row in question.Session.Frequencies(new FrequencyRequest { Variants = [allele.ToString()], Samples = samples }, call.Stop))
        {
            if (row.Damage is not null) throw new InvalidDataException(row.Damage);
            keys.Add(ReleasedQuestion.KeyOf(row.Contig, row.Start, row.Ref, row.Alt));
            question.Add(cells, [row.Figures]);
        }
        var batch = await question.Call.ReleaseAsync(keys, cells.ToArray()).ConfigureAwait(false);
        question.Check(batch.Stopped);
        var shown = question.Show(batch.Rows[0]);
        var reply = shown.IsBanded ? new V1.SuggestReply { Note = "the figures are banded: nothing is suggested" } : ReplyOf(FrequencyEvidence.OfReleased((shown.Ac, shown.An), (int)shown.NHomAlt, question.Epoch, settings));
        (reply.Released, reply.Context) = (shown, call.Context(question.Epoch));
        return (reply, 1);
    }

    private static V1.SuggestReply ReplyOf(FrequencyEvidence evidence) => new() { Note = evidence.Note, Criterion = evidence.Criterion is { } use ? AssessmentWire.Of(use) : null };

    private static List<OtherAssessment> Read(V1.ImportAssessmentsRequest first, Requests<V1.ImportAssessmentsRequest> requests)
    {
        var (statements, bytes) = (new List<OtherAssessment>(), 0L);
        for (var request = first; request is not null; request = requests.Next())
        {
            if (!ReferenceEquals(request, first) && request.Asking is not null) throw Refusals.BadRequest("asking");
            foreach (var line in request.Lines)
            {
                bytes += line.Length;
                if (statements.Count == MostLines || bytes > MostImportBytes) throw Refusals.BadRequest("assess-size");
                try
                {
                    statements.Add(OtherAssessment.Parse(line.Memory));
                }
                catch (InputException bad)
                {
                    throw Refusals.BadRequest(bad.Code, statements.Count + 1);
                }
            }
        }
        return statements;
    }

    private static void Write(ChunkStream stream, IEnumerable<byte[]> lines)
    {
        foreach (var line in lines)
        {
            stream.Write(line);
            stream.Write("\n"u8);
        }
    }

    /// <summary>Replies of a list, each of about a megabyte. One thread.</summary>
    private sealed class Batch(Action<V1.ListAssessmentsReply> send, CancellationToken stop)
    {
        private V1.ListAssessmentsReply _reply = new();
        private int _bytes;
        private long _rows;

        public void Add(V1.Assessment one) => Room(one).Own.Add(one);

        public void Add(V1.OtherAssessment one) => Room(one).Others.Add(one);

        public long End(V1.ListAssessmentsEnd end)
        {
            (end.Rows, _reply.End) = (_rows, end);
            send(_reply);
            return _rows;
        }

        private V1.ListAssessmentsReply Room(IMessage one)
        {
            stop.ThrowIfCancellationRequested();
            var more = one.CalculateSize();
            if (_bytes > 0 && _bytes + more > ReplyBytes)
            {
                send(_reply);
                (_reply, _bytes) = (new(), 0);
            }
            _bytes += more;
            _rows++;
            return _reply;
        }
    }
}
