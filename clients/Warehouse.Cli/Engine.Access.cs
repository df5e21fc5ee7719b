using Warehouse.Cli.Options;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>The owner, as changes of the policy name him.</summary>
    public static AccessActor Owner => AccessActor.Owner(Principal);

    /// <summary>The policy of a store, and the moment at which it is looked at.</summary>
    public virtual (Policy Policy, DateTimeOffset NowUtc) Policy(StoreAddress store)
    {
        using var opened = Open(store);
        return (opened.Policy(), opened.NowUtc);
    }

    /// <summary>Changes the policy; returns what became of it, and the entry that the change is about (0 = none).</summary>
    public virtual Report ChangePolicy(StoreAddress store, Func<VariantStore, int> change)
    {
        using var opened = Open(store);
        var id = change(opened);
        var policy = opened.Policy();
        var entry = id == 0 ? null : policy.Entries[id - 1];
        var state = entry is null ? [] : new[] { ("entry", Text(id)), ("state", AccessReports.Word(policy.StateOf(entry, opened.NowUtc))) };
        return Changed(opened, Report.OfFacts([.. state, ("committed snapshot", Text(opened.Version))]));
    }

    /// <summary>Whether whoever reviews was paged of a break-glass, as the log of the running call knows: <c>delivered</c>, <c>undelivered</c>, or <c>not paged</c> while no server has seen it.</summary>
    public string PageOf(Grant glass)
    {
        bool Says(bool isDelivered) => _audit?.PageOf(glass.Id, Warehouse.Engine.StoreAudit.TakenPage, isDelivered) is not null;
        return Says(isDelivered: true) ? "delivered" : Says(isDelivered: false) ? "undelivered" : "not paged";
    }

    /// <summary>Why somebody is refused, or how his answers are bounded.</summary>
    public virtual Report Explain(StoreAddress store, SessionOptions asked)
    {
        using var opened = Open(store);
        return AccessReports.Of(opened.Explain(Owner, asked));
    }
}
