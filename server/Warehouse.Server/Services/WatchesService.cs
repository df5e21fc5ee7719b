using Grpc.Core;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Services;

/// <summary>What is looked at, and who hears. A change is in the audit log before it is made. Any thread.</summary>
internal sealed class WatchesService(CallGate gate, AlertHost alerts) : Watches.WatchesBase
{
    public override Task<ListWatchesReply> List(ListWatchesRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call => Task.FromResult(All(call)));

    public override Task<V1.Watch> Set(SetWatchRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var asked = AlertWire.Of(request.Watch ?? throw Refusals.BadRequest("watch"));
        alerts.Name(asked.Persons, call.Audit.Shows);
        call.Audit.Begin();
        var kept = alerts.Change((sources, book) =>
        {
            using var session = sources.Store.OpenSession();
            var watch = WatchIntake.Checked(asked, session);
            book.AppendDecided(call.Who.Caller.Id, sources.Store.Version, () => [new WatchSet(watch)]);
            var wire = AlertWire.Of(watch);
            wire.Unheld.AddRange(WatchIntake.Unheld(sources, watch.Hears));
            return wire;
        });
        return Task.FromResult((kept, (long?)1));
    });

    public override Task<ListWatchesReply> Remove(RemoveWatchRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        call.Audit.Begin();
        alerts.Change((sources, book) =>
        {
            book.AppendDecided(call.Who.Caller.Id, sources.Store.Version, () =>
                book.Watches.ContainsKey(request.Name) ? [new WatchRemoved(request.Name)] : throw new InputException("watch-unknown", "there is no watch of that name", InputPlace.None));
            return 0;
        });
        return Task.FromResult(All(call));
    });

    private (ListWatchesReply, long?) All(Call call)
    {
        var reply = new ListWatchesReply();
        reply.Watches.AddRange(alerts.Ask((sources, book) =>
        {
            sources.Name(book.Watches.Values.SelectMany(w => w.Persons), call.Audit.Shows);
            return book.Watches.Values.Select(AlertWire.Of).ToList();
        }));
        return (reply, reply.Watches.Count);
    }
}
