using Grpc.Core;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine.Access;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Services;

/// <summary>
/// What waits for the caller, and what he does about it: <see cref="AlertDesk"/> decides what is his, and writes that it was shown before it returns; the entry of the
/// audit log, with the samples, is durable before the reply leaves. What alerts are about is for treatment, and asked for that alone. Any thread.
/// </summary>
internal sealed class AlertsService(CallGate gate, AlertHost alerts, AlertRounds rounds) : Alerts.AlertsBase
{
    /// <summary>Alerts of one reply: with names and alleles of usual lengths far below the longest message.</summary>
    private const int MostShown = 5_000;

    private const int MostNamed = 10_000;

    /// <summary>A follower hears something at least so often, below the time that a stream may be idle.</summary>
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(30), LookEvery = TimeSpan.FromSeconds(1);

    public override Task<InboxReply> Inbox(InboxRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        RequireTreatment(request.Asking);
        var reply = new InboxReply();
        reply.Alerts.AddRange(alerts.Ask(call.Who.Caller, desk => desk.Inbox(request.Closed, MostShown).Select(a => Shown(call, desk, a)).ToList()));
        reply.HasMore = reply.Alerts.Count == MostShown;
        return Task.FromResult((reply, (long?)reply.Alerts.Count));
    });

    public override Task Follow(FollowRequest request, IServerStreamWriter<FollowReply> responseStream, ServerCallContext context) =>
        gate.StreamAsync<FollowReply>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            RequireTreatment(request.Asking);
            call.IsWaiting = true;
            var (sent, rows, saidAt) = (new HashSet<(string, DateTimeOffset)>(), 0L, default(long?));
            while (true)
            {
                var changed = alerts.Changed;
                var news = alerts.Ask(call.Who.Caller, desk => desk.Inbox(most: MostShown, isAsked: a => !sent.Contains((a.Id, a.RaisedUtc))).Select(a => (a.RaisedUtc, Wire: Shown(call, desk, a))).ToList());
                foreach (var (raised, wire) in news)
                {
                    send(new FollowReply { Alert = wire });
                    sent.Add((wire.Id, raised));
                    rows++;
                }
                if (news.Count == MostShown) continue;
                if (news.Count > 0 || saidAt is not { } said || TimeProvider.System.GetElapsedTime(said) >= SayEvery)
                {
                    send(new FollowReply { IsCurrent = true });
                    saidAt = TimeProvider.System.GetTimestamp();
                }
                do
                {
                    if (alerts.IsStopping) throw Refusals.Stopping();
                    gate.RequireStill(context.Method, call);
                }
                while (!changed.Wait((int)LookEvery.TotalMilliseconds, call.Stop) && TimeProvider.System.GetElapsedTime(saidAt!.Value) < SayEvery);
            }
        });

    public override Task<V1.Alert> Show(ShowAlertRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        RequireTreatment(request.Asking);
        return Task.FromResult((alerts.Ask(call.Who.Caller, desk => Shown(call, desk, desk.Show(request.Id))), (long?)1));
    });

    public override Task<CourseReply> Acknowledge(AcknowledgeRequest request, ServerCallContext context) => ActAsync(context, request.Asking, request, desk =>
    {
        if (request.Ids.Count is 0 or > MostNamed) throw Refusals.BadRequest("alert-ids");
        desk.Acknowledge(request.Ids, request.Reason);
        return request.Ids;
    });

    public override Task<CourseReply> Delegate(DelegateRequest request, ServerCallContext context) => ActAsync(context, request.Asking, request, desk =>
    {
        desk.Delegate(request.Id, Subject.Parse(request.To) is { Kind: SubjectKind.Principal } ? request.To : throw Refusals.BadRequest("alert-delegate"), request.Reason);
        return [request.Id];
    });

    public override Task<CourseReply> Snooze(SnoozeRequest request, ServerCallContext context) => ActAsync(context, request.Asking, request, desk =>
    {
        desk.Snooze(request.Id, desk.Book.NowUtc.AddHours(request.Hours), request.Reason);
        return [request.Id];
    });

    public override Task<CourseReply> Escalate(EscalateRequest request, ServerCallContext context) => ActAsync(context, request.Asking, request, desk =>
    {
        desk.Escalate(request.Id, request.Reason);
        return [request.Id];
    });

    public override Task Course(CourseRequest request, IServerStreamWriter<CourseReply> responseStream, ServerCallContext context) =>
        gate.StreamAsync<CourseReply>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (_, send) =>
        {
            var course = alerts.Ask((_, book) => book.Alerts.Where(a => request.Closed || a.State == Clinic.Alerts.AlertState.Open).Select(AlertWire.CourseOf).ToList());
            foreach (var some in course.Chunk(MostShown)) send(new CourseReply { Alerts = { some } });
            send(new CourseReply { IsEnd = true });
            return course.Count;
        });

    public override Task<V1.AlertStatus> Status(AlertStatusRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, _ =>
    {
        var status = AlertWire.Of(alerts.Ask((_, book) => Clinic.Alerts.AlertStatus.Of(book)));
        if (rounds.IsFailing) status.Alarms.Add(new V1.AlertAlarm { Kind = V1.AlertAlarmKind.RunFailed, Text = "the server could not bring alerts up to date, and tries again: its log says why" });
        return Task.FromResult((status, (long?)1));
    });

    public override Task<V1.AlertRun> Run(RunAlertsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        call.Audit.Begin();
        return Task.FromResult((AlertWire.Of(rounds.Run()), (long?)1));
    });

    public override Task<V1.AlertSettings> Settings(AlertSettingsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, _ =>
        Task.FromResult((AlertWire.Of(alerts.Ask((_, book) => book.Settings)), (long?)1)));

    public override Task<V1.AlertSettings> ChangeSettings(ChangeAlertSettingsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var next = WatchIntake.Checked(AlertWire.Of(request.Settings ?? throw Refusals.BadRequest("settings")));
        call.Audit.Begin();
        alerts.Change((sources, book) =>
        {
            book.AppendDecided(call.Who.Caller.Id, sources.Store.Version, () => [new SettingsSet(next)]);
            return 0;
        });
        return Task.FromResult((AlertWire.Of(next), (long?)1));
    });

    /// <summary>Something that he does about alerts of his: the call is in the audit log before.</summary>
    private Task<CourseReply> ActAsync(ServerCallContext context, Asking? asking, Google.Protobuf.IMessage request, Func<AlertDesk, IEnumerable<string>> act) => gate.AnswerAsync(context, asking ?? new(), request, call =>
    {
        RequireTreatment(asking);
        call.Audit.Begin();
        var reply = new CourseReply { IsEnd = true };
        reply.Alerts.AddRange(alerts.Change(call.Who.Caller, desk => act(desk).Select(id => AlertWire.CourseOf(desk.Book.Find(id)!)).ToList()));
        return Task.FromResult((reply, (long?)reply.Alerts.Count));
    });

    private static V1.Alert Shown(Call call, AlertDesk desk, Clinic.Alerts.Alert alert)
    {
        var samples = desk.SamplesOf(alert);
        foreach (var sample in samples) call.Audit.Shows(sample);
        return AlertWire.Of(alert, samples);
    }

    private static void RequireTreatment(Asking? asking)
    {
        if (asking?.Purpose != V1.Purpose.Treatment) throw Refusals.BadRequest("purpose-treatment");
    }
}
