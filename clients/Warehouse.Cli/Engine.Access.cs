using Warehouse.Cli.Options;
using Warehouse.Engine.Access;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>The owner, as changes of the policy name him.</summary>
    public static AccessActor Owner => AccessActor.Owner(Principal);

    /// <summary>What is asked of a policy.</summary>
    public virtual Report Access(StoreAddress store, Func<IAccess, Report> ask)
    {
        using var opened = Open(store);
        return ask(new LocalAccess(opened, PageOf));
    }

    /// <summary>What is changed in a policy.</summary>
    public virtual Report ChangeAccess(StoreAddress store, Func<IAccess, PolicyChange> change)
    {
        using var opened = Open(store);
        return Changed(opened, AccessReports.Of(change(new LocalAccess(opened, PageOf))));
    }

    /// <summary>The audit log of a store, or of a server.</summary>
    public virtual IAuditRecord AuditRecord(StoreAddress store, CancellationToken cancellation) => new LocalAuditRecord(OpenAudit(store), cancellation);

    /// <summary>Whether whoever reviews was paged of a break-glass, as the log of the running call knows: <c>delivered</c>, <c>undelivered</c>, or <c>not paged</c> while no server has seen it.</summary>
    private string PageOf(Grant glass)
    {
        bool Says(bool isDelivered) => _audit?.PageOf(glass.Id, Warehouse.Engine.StoreAudit.TakenPage, isDelivered) is not null;
        return Says(isDelivered: true) ? "delivered" : Says(isDelivered: false) ? "undelivered" : "not paged";
    }
}
