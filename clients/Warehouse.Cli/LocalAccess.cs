using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Cli;

/// <summary>The policy of a store that lies here, as its owner. One thread.</summary>
/// <param name="store">The store.</param>
/// <param name="pageOf">What became of the page about a break-glass.</param>
internal sealed class LocalAccess(VariantStore store, Func<Grant, string> pageOf) : IAccess
{
    public (PolicySettings, ReleaseEpoch?) Settings => store.Policy() is var policy ? (policy.Settings, policy.Epoch) : default;

    public IReadOnlyList<(PolicyEntry, EntryState)> Entries(bool all)
    {
        var (policy, now) = (store.Policy(), store.NowUtc);
        return [.. policy.Entries.Select(e => (Entry: e, State: policy.StateOf(e, now))).Where(e => all || e.State is not (EntryState.Expired or EntryState.Revoked or EntryState.Replaced))];
    }

    public IReadOnlyList<(ReviewFinding, string?)> Review() =>
        [.. PolicyReview.Of(store.Policy(), store.NowUtc).Select(f => (f, f.Entry is Grant { Kind: GrantKind.BreakGlass, Reviewed: null } glass ? pageOf(glass) : null))];

    public IReadOnlyList<AccessReason> Explain(ExplainedQuestion question) => store.Explain(Engine.Owner, new SessionOptions
    {
        Caller = question.Subject ?? throw new InputException("access-subject", "the owner of a store is bound by no policy: name a SUBJECT", InputPlace.None), Purpose = question.Purpose, Detail = question.Detail, Project = question.Project,
    });

    public PolicyChange Grant(GrantRequest request) => Of(store.Grant(Engine.Owner, request));

    public PolicyChange Elevate(GrantRequest request, int? minutes) => Of(store.Elevate(Engine.Owner, request with { UntilUtc = minutes is { } some ? store.NowUtc + TimeSpan.FromMinutes(some) : null }));

    public PolicyChange BreakGlass(BreakGlassRequest request) => Of(store.BreakGlass(Engine.Owner, request));

    public PolicyChange Approve(int entry)
    {
        store.Approve(Engine.Owner, entry);
        return Of(entry);
    }

    public PolicyChange Revoke(int entry)
    {
        store.Revoke(Engine.Owner, entry);
        return Of(entry);
    }

    public PolicyChange Attest(IReadOnlyCollection<int> entries)
    {
        store.Attest(Engine.Owner, entries);
        return Of(0);
    }

    public PolicyChange Assign(Subject subject, Role role) => Of(store.Assign(Engine.Owner, subject, role));

    public PolicyChange Unassign(Subject subject, Role role)
    {
        store.Unassign(Engine.Owner, subject, role);
        return Of(0);
    }

    public PolicyChange Register(ProjectRequest request) => Of(store.Register(Engine.Owner, request));

    public PolicyChange Set(SettingsRequest request) => Of(store.Set(Engine.Owner, request));

    public PolicyChange ReviewBreakGlass(int entry)
    {
        store.ReviewBreakGlass(Engine.Owner, entry);
        return Of(entry);
    }

    public PolicyChange OpenEpoch(long? snapshot)
    {
        store.OpenEpoch(Engine.Owner, snapshot ?? store.Version);
        return Of(0);
    }

    private PolicyChange Of(int id)
    {
        var policy = store.Policy();
        return new PolicyChange(id, id == 0 ? null : policy.StateOf(policy.Entries[id - 1], store.NowUtc), store.Version);
    }
}
