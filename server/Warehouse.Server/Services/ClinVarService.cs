using Grpc.Core;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Services;

/// <summary>Releases of ClinVar and what follows from them. What reads whole releases has an instance of the store of its own, so no call waits for it. Any thread.</summary>
internal sealed class ClinVarService(CallGate gate, AlertHost alerts) : V1.ClinVar.ClinVarBase
{
    private const int ChangesAtOnce = 5_000;

    public override Task<ClinVarReleasesReply> Releases(ClinVarReleasesRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, _ =>
    {
        var reply = new ClinVarReleasesReply();
        foreach (var row in alerts.Ask(ReleaseRow.Of))
            reply.Releases.Add(new ClinVarRelease { Release = row.Release, Digest = row.Digest, Alleles = row.Alleles ?? 0, Unrecognised = row.Unrecognised ?? 0, Holds = row.Holds, IsThere = row.IsThere });
        return Task.FromResult((reply, (long?)reply.Releases.Count));
    });

    public override Task<ClinVarFacts> Look(ClinVarReleaseRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, _ =>
        Task.FromResult((AlertWire.Of(LookAt(request.Release)), (long?)1)));

    public override Task Compare(CompareReleasesRequest request, IServerStreamWriter<ClassChanges> responseStream, ServerCallContext context) =>
        gate.StreamAsync<ClassChanges>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (_, send) => Apart((sources, book) =>
        {
            var rows = 0L;
            var changes = ReleaseComparison.Run(ReleaseIntake.Shelved(sources, request.Before), ReleaseIntake.Shelved(sources, request.After), book.Grades);
            foreach (var some in changes.Where(c => request.All || c.IsOfClass).Select(AlertWire.Of).Chunk(ChangesAtOnce))
            {
                send(new ClassChanges { Changes = { some } });
                rows += some.Length;
            }
            send(new ClassChanges { IsEnd = true });
            return rows;
        }));

    public override Task<ClinVarPreview> Preview(ClinVarReleaseRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, _ =>
        Task.FromResult((Apart((sources, _) => AlertWire.Of(ReleasePreview.Of(sources, gate.Clock, request.Release))), (long?)1)));

    public override Task<AcceptReleaseReply> Accept(AcceptReleaseRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var facts = LookAt(request.Release);
        var options = new AcceptOptions { Unrecognised = request.Unrecognised, Retracted = request.HasRetracted ? request.Retracted : null };
        call.Audit.Begin();
        var isNew = alerts.Change((sources, book) => ReleaseIntake.Accept(sources, book, call.Who.Caller.Id, (request.Release, facts), options));
        return Task.FromResult((new AcceptReleaseReply { Facts = AlertWire.Of(facts), IsNew = isNew }, (long?)1));
    });

    public override Task<ClinVarHistory> History(ClinVarHistoryRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        // What a spelling means is told as the caller's own questions would tell it (I4).
        var asked = call.AskAtLevel(request.Asking ?? new()).Resolve([request.Allele]).Single();
        var reply = new ClinVarHistory();
        reply.Rows.AddRange(Apart((sources, book) => ReleaseHistory.Of(sources, book, asked).Select(AlertWire.Of).ToList()));
        return Task.FromResult((reply, (long?)reply.Rows.Count));
    });

    public override Task<GradesReply> Grades(GradesRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, _ =>
        Task.FromResult((new GradesReply { Text = alerts.Ask((_, book) => book.Grades.Text) }, (long?)1)));

    public override Task<GradesReply> SetGrades(SetGradesRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        if (request.Text.Length > WatchIntake.MaxGradeBytes) throw Refusals.BadRequest("grade-file");
        var table = GradeTable.Parse(request.Text);
        call.Audit.Begin();
        alerts.Change((sources, book) =>
        {
            book.AppendDecided(call.Who.Caller.Id, sources.Store.Version, () => [new GradesSet(table.Text)]);
            return 0;
        });
        return Task.FromResult((new GradesReply { Text = table.Text }, (long?)1));
    });

    private ReleaseFacts LookAt(string release) => Apart((sources, book) => ReleaseIntake.Look(sources, book, release));

    private T Apart<T>(Func<AlertSources, AlertBook, T> question) => gate.Host.Apart(store => question(alerts.Over(store), new AlertBook(store.Events, gate.Clock)));
}
