using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;

namespace Warehouse.Server.Services;

/// <summary>Named sets of samples, as far as the caller sees their members. Any thread.</summary>
internal sealed class CohortsService(CallGate gate, StoreWriter writer) : Cohorts.CohortsBase
{
    /// <summary>What a caller's own names begin with in requests, and in the store, with a digest of who he is behind it.</summary>
    private const string Own = "own.";

    public override Task<ListCohortsReply> List(ListCohortsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var session = call.AskAtLevel(request.Asking ?? new());
        var reply = new ListCohortsReply();
        foreach (var cohort in session.Cohorts())
        {
            var wire = new Cohort { Name = cohort.Name, FromVersion = cohort.Version };
            if (session.Detail == Engine.Access.Detail.Record) (wire.Samples, wire.Where) = (cohort.Samples, cohort.Where ?? "");
            reply.Cohorts.Add(wire);
        }
        reply.Context = call.Context();
        return Task.FromResult((reply, (long?)reply.Cohorts.Count));
    });

    public override Task<ShowCohortReply> Show(ShowCohortRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var reply = new ShowCohortReply();
        foreach (var sample in call.Ask(request.Asking ?? new()).CohortMembers(request.Name))
        {
            call.Audit.Shows(sample);
            reply.Samples.Add(sample);
        }
        reply.Context = call.Context();
        return Task.FromResult((reply, (long?)reply.Samples.Count));
    });

    public override Task<CohortReply> Set(SetCohortRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        if (request.Samples.Count > 0 == request.Where.Length > 0) throw Refusals.BadRequest("samples");
        var (name, isOwn) = NameOf(call, request.Name);
        if (!isOwn && !call.Who.Caller.HasSecondFactor) throw Engine.Access.AccessRefusedException.SecondFactor();
        return Change(call, request.Asking, (name, isOwn), (store, session) => store.SetCohort(name, request.Where.Length > 0 ? null : request.Samples, request.Where.Length > 0 ? request.Where : null, session));
    });

    public override Task<CohortReply> Refresh(RefreshCohortRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var (name, isOwn) = NameOf(call, request.Name);
        return Change(call, request.Asking, (name, isOwn), (store, session) => store.RefreshCohort(name, session));
    });

    /// <summary>
    /// The name in the store, and whether it is the caller's own. A lab director may use any; everybody else his own, whose place no other can have taken: so no answer tells that a
    /// cohort is there of which he sees nobody (I4), and nobody changes a cohort under those who rely on it.
    /// </summary>
    private (string Name, bool IsOwn) NameOf(Call call, string name)
    {
        var caller = call.Who.Caller;
        var own = Own + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller.Id)))[..16] + ".";
        if (name.StartsWith(own, StringComparison.Ordinal)) return (name, true);
        if (gate.Host.RolesOf(caller).Contains(Engine.Access.Role.LabDirector)) return (name, false);
        return name.StartsWith(Own, StringComparison.Ordinal) ? (own + name[Own.Length..], true) : throw Refusals.Denied("cohort-name");
    }

    private Task<(CohortReply, long?)> Change(Call call, Asking? asking, (string Name, bool IsOwn) of, Func<VariantStore, Session, CohortInfo> change)
    {
        var wanted = asking?.Clone() ?? new();
        if (wanted.HasSnapshot) throw Refusals.BadRequest("snapshot");
        wanted.Detail = Protocol.V1.Detail.Record;
        var session = call.Ask(wanted);
        // On others' cohorts, and on those that a grant opens, somebody relies: a review of the log lists these changes.
        if (!of.IsOwn || gate.Host.Ask(store => store.Policy().Following(of.Name, store.NowUtc).Any())) call.Audit.Note = Engine.Audit.AuditCall.SharedCohort;
        call.Audit.Begin();
        var made = writer.Write(store => change(store, session), StoreWriter.SmallChangeWaits, call.Stop);
        return Task.FromResult((new CohortReply { Version = made.Version, Cohort = new Cohort { Name = made.Name, Samples = made.Samples, Where = made.Where ?? "", FromVersion = made.Version } }, (long?)made.Samples));
    }
}
