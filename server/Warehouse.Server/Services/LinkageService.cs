using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Linkage;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;

namespace Warehouse.Server.Services;

/// <summary>Whom samples are of, from the vault, which is opened for each call and not kept. Any thread.</summary>
internal sealed class LinkageService(CallGate gate, Func<VariantStore, LinkageVault?> open) : Linkage.LinkageBase
{
    public override Task<ResolvePersonsReply> Resolve(ResolvePersonsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        VariantsService.CheckCount(request.Samples.Count + request.Persons.Count, VariantsService.MostQueries);
        var session = call.AskForLinkage(request.Asking ?? new());
        using var vault = gate.Host.Ask(open) ?? throw Refusals.Unserved("no-linkage");
        var table = vault.Read();
        var reply = new ResolvePersonsReply { Columns = { table.Columns }, Snapshot = session.Snapshot };
        foreach (var link in session.Link(table, request.Samples, request.Persons))
            reply.Samples.Add(new LinkedSample { Sample = link.Sample, Person = link.Person, IsKnown = link.Cells is not null, Cells = { link.Cells ?? [] } });
        reply.Context = call.Context();
        return Task.FromResult((reply, (long?)reply.Samples.Count));
    });
}
