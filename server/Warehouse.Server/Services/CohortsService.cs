using Grpc.Core;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;

namespace Warehouse.Server.Services;

/// <summary>Named sets of samples, as far as the caller sees their members. Any thread.</summary>
internal sealed class CohortsService(CallGate gate) : Cohorts.CohortsBase
{
    public override Task<ListCohortsReply> List(ListCohortsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var session = call.Ask(request.Asking ?? new());
        var reply = new ListCohortsReply();
        foreach (var cohort in session.Cohorts())
        {
            var wire = new Cohort { Name = cohort.Name, FromVersion = cohort.Version };
            if (session.Detail == Engine.Access.Detail.Record) (wire.Samples, wire.Where) = (cohort.Samples, cohort.Where ?? "");
            reply.Cohorts.Add(wire);
        }
        return Task.FromResult((reply, (long?)reply.Cohorts.Count));
    });

    public override Task<ShowCohortReply> Show(ShowCohortRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        if (Call.DetailOf(request.Asking ?? new()) < Engine.Access.Detail.Record) throw Refusals.BadRequest("detail");
        var reply = new ShowCohortReply();
        foreach (var sample in call.Ask(request.Asking ?? new()).CohortMembers(request.Name))
        {
            call.Audit.Shows(sample);
            reply.Samples.Add(sample);
        }
        return Task.FromResult((reply, (long?)reply.Samples.Count));
    });
}
