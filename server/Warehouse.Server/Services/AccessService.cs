using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Calls;
using Warehouse.Server.Notify;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Services;

/// <summary>Who may see what. What an actor may do, the engine decides; a change is in the audit log before it happens. Any thread.</summary>
internal sealed class AccessService(CallGate gate, GlassPager pager) : V1.Access.AccessBase
{
    public override Task<V1.WhoAmIReply> WhoAmI(V1.WhoAmIRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var (caller, asking) = (call.Who.Caller, request.Asking ?? new());
        var levels = gate.Host.Ask(store => store.LevelsOf(new SessionOptions { Caller = caller, Purpose = Call.PurposeOf(asking), Project = asking.Project.Length == 0 ? null : asking.Project }));
        var reply = new V1.WhoAmIReply { Principal = caller.Id, HasSecondFactor = caller.HasSecondFactor, PolicyVersion = levels.PolicyVersion };
        reply.Roles.AddRange(gate.Host.RolesOf(caller).Order().Select(PolicyWire.Of));
        reply.OpenLevels.AddRange(levels.Open.Select(Wire.Of));
        if (levels.ValidUntilUtc < DateTimeOffset.MaxValue) reply.ValidUntil = Timestamp.FromDateTimeOffset(levels.ValidUntilUtc);
        return Task.FromResult((reply, (long?)null));
    });

    public override Task<V1.ExplainReply> Explain(V1.ExplainRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var asking = request.Asking ?? new();
        var about = request.Principal.Length == 0 ? call.Who.Caller : new Caller
        {
            Id = request.Principal, Roles = request.Roles.Select(PolicyWire.Of).ToHashSet(), Groups = request.Groups.ToHashSet(StringComparer.Ordinal),
            Attributes = request.Attributes.ToDictionary(StringComparer.Ordinal), HasSecondFactor = request.HasSecondFactor,
        };
        var asked = new SessionOptions { Caller = about, Purpose = Call.PurposeOf(asking), Project = asking.Project.Length == 0 ? null : asking.Project, Detail = Call.LevelOf(asking) };
        var reply = new V1.ExplainReply();
        foreach (var reason in gate.Host.Ask(store => store.Explain(ActorOf(call), asked)))
        {
            var wire = new V1.AccessReason { About = reason.Subject, Text = reason.Text };
            if (reason.Holds is { } holds) wire.Holds = holds;
            reply.Reasons.Add(wire);
        }
        return Task.FromResult((reply, (long?)reply.Reasons.Count));
    });

    public override Task<V1.ListAccessReply> List(V1.ListAccessRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var (policy, now) = PolicyNow();
        var roles = policy.RolesOf(call.Who.Caller);
        var mayReadAll = roles.Overlaps(Permissions.RolesFor(Permission.ReadPolicy)!) && call.Who.Caller.HasSecondFactor;
        var reply = new V1.ListAccessReply { PolicyVersion = policy.Version, Settings = PolicyWire.Of(policy.Settings) };
        if (policy.Epoch is { } epoch) reply.Epoch = new V1.OpenEpochReply { Epoch = epoch.Number, Snapshot = epoch.Snapshot };
        foreach (var entry in policy.Entries)
        {
            var state = policy.StateOf(entry, now);
            if (!request.All && state is EntryState.Expired or EntryState.Revoked or EntryState.Replaced) continue;
            if (mayReadAll || IsFor(entry, call.Who.Caller, roles)) reply.Entries.Add(PolicyWire.Of(entry, state));
        }
        return Task.FromResult((reply, (long?)reply.Entries.Count));
    });

    public override Task<V1.AccessChange> Grant(V1.GrantRequest request, ServerCallContext context) => ChangeAsync(context, request.Asking, request, request.Samples, (store, actor) => store.Grant(actor, new GrantRequest
    {
        Subject = Subject.Parse(request.Subject), AllSamples = request.AllSamples, Cohort = request.Cohort.Length == 0 ? null : request.Cohort, Samples = request.Samples.Count == 0 ? null : request.Samples,
        Details = PolicyWire.Of(request.Details), Purposes = PolicyWire.Of(request.Purposes), FromUtc = request.From?.ToDateTimeOffset(), UntilUtc = request.Until?.ToDateTimeOffset(), Reason = request.Reason,
    }));

    public override Task<V1.AccessChange> Assign(V1.AssignRequest request, ServerCallContext context) =>
        ChangeAsync(context, request.Asking, request, [], (store, actor) => store.Assign(actor, Subject.Parse(request.Subject), PolicyWire.Of(request.Role)));

    public override Task<V1.AccessChange> Unassign(V1.AssignRequest request, ServerCallContext context) =>
        ChangeAsync(context, request.Asking, request, [], (store, actor) => Done(() => store.Unassign(actor, Subject.Parse(request.Subject), PolicyWire.Of(request.Role)), 0));

    public override Task<V1.AccessChange> RegisterProject(V1.RegisterProjectRequest request, ServerCallContext context) =>
        ChangeAsync(context, request.Asking, request, [], (store, actor) => store.Register(actor, PolicyWire.Of(request.Project ?? throw Refusals.BadRequest("project"))));

    public override Task<V1.AccessChange> ChangeSettings(V1.ChangeSettingsRequest request, ServerCallContext context) =>
        ChangeAsync(context, request.Asking, request, [], (store, actor) => store.Set(actor, PolicyWire.Of(request.Settings ?? throw Refusals.BadRequest("settings"))));

    public override Task<V1.AccessChange> Approve(V1.EntryRequest request, ServerCallContext context) => ChangeAsync(context, request.Asking, request, [], (store, actor) => Done(() => store.Approve(actor, request.Id), request.Id));

    public override Task<V1.AccessChange> Revoke(V1.EntryRequest request, ServerCallContext context) => ChangeAsync(context, request.Asking, request, [], (store, actor) => Done(() => store.Revoke(actor, request.Id), request.Id));

    public override Task<V1.AccessChange> Attest(V1.AttestRequest request, ServerCallContext context) => ChangeAsync(context, request.Asking, request, [], (store, actor) => Done(() => store.Attest(actor, request.Ids), 0));

    public override Task<V1.AccessChange> Elevate(V1.ElevateRequest request, ServerCallContext context) => ChangeAsync(context, request.Asking, request, request.Samples, isOnce: true, change: (store, actor) => store.Elevate(actor, new GrantRequest
    {
        Subject = new Subject(SubjectKind.Principal, actor.Id), AllSamples = request.AllSamples, Cohort = request.Cohort.Length == 0 ? null : request.Cohort, Samples = request.Samples.Count == 0 ? null : request.Samples,
        Details = PolicyWire.Of(request.Details), Purposes = PolicyWire.Of(request.Purposes), UntilUtc = request.HasMinutes ? store.NowUtc + TimeSpan.FromMinutes(request.Minutes) : null, Reason = request.Reason,
    }));

    public override async Task<V1.AccessChange> BreakGlass(V1.BreakGlassRequest request, ServerCallContext context)
    {
        var change = await ChangeAsync(context, request.Asking, request, request.Samples, isOnce: true, change: (store, actor) =>
            store.BreakGlass(actor, new BreakGlassRequest { Samples = request.Samples, Reason = request.Reason, Lasts = request.HasMinutes ? TimeSpan.FromMinutes(request.Minutes) : null })).ConfigureAwait(false);
        pager.Wake(); // the page is durable before the caller sees anything by it
        return change;
    }

    public override Task<V1.AccessChange> ReviewBreakGlass(V1.EntryRequest request, ServerCallContext context) =>
        ChangeAsync(context, request.Asking, request, [], (store, actor) => Done(() => store.ReviewBreakGlass(actor, request.Id), request.Id));

    public override Task<V1.OpenEpochReply> OpenEpoch(V1.OpenEpochRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        call.Audit.Begin();
        var reply = gate.Host.Change(store =>
        {
            var snapshot = request.HasSnapshot ? request.Snapshot : store.Version;
            return new V1.OpenEpochReply { Epoch = store.OpenEpoch(ActorOf(call), snapshot), Snapshot = snapshot, Version = store.Version };
        });
        return Task.FromResult((reply, (long?)1));
    });

    public override Task<V1.ReviewAccessReply> Review(V1.ReviewAccessRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var (policy, now) = PolicyNow();
        policy.Require(ActorOf(call), Permission.ReadPolicy);
        var reply = new V1.ReviewAccessReply();
        foreach (var finding in PolicyReview.Of(policy, now))
        {
            var wire = new V1.ReviewFinding { Entry = PolicyWire.Of(finding.Entry, finding.State), Finding = finding.Word, Due = finding.Due is { } due ? Timestamp.FromDateTimeOffset(due) : null };
            if (finding.Entry is Grant { Kind: GrantKind.BreakGlass } glass) wire.IsPageDelivered = pager.IsDelivered(glass);
            reply.Findings.Add(wire);
        }
        return Task.FromResult((reply, (long?)reply.Findings.Count));
    });

    /// <summary>One change: named samples and the call itself are in the audit log before it is made; some may be asked once with a token.</summary>
    private Task<V1.AccessChange> ChangeAsync(ServerCallContext context, V1.Asking? asking, Google.Protobuf.IMessage request, IEnumerable<string> samples, Func<VariantStore, AccessActor, int> change, bool isOnce = false) =>
        gate.AnswerAsync(context, asking ?? new(), request, call =>
        {
            if (isOnce) gate.UseOnce(call);
            foreach (var sample in samples) call.Audit.Shows(sample);
            call.Audit.Begin();
            var reply = gate.Host.Change(store =>
            {
                var id = change(store, ActorOf(call));
                var policy = store.Policy();
                var made = new V1.AccessChange { Version = policy.Version };
                if (policy.Entries.FirstOrDefault(e => e.Id == id) is { } entry) made.Entry = PolicyWire.Of(entry, policy.StateOf(entry, store.NowUtc));
                return made;
            });
            // Somebody is told at once (C4); who and whom, the audit log tells.
            if (isOnce && reply.Entry is { Kind: V1.EntryKind.BreakGlass, Until: { } until }) gate.Report.GlassBroken(call.Who.Caller, until.ToDateTimeOffset());
            return Task.FromResult((reply, (long?)1));
        });

    private (Policy Policy, DateTimeOffset NowUtc) PolicyNow() => gate.Host.Ask(store => (store.Policy(), store.NowUtc));

    private static AccessActor ActorOf(Call call) => AccessActor.Of(call.Who.Caller);

    private static bool IsFor(PolicyEntry entry, Caller caller, IReadOnlySet<Role> roles) => entry.Made.By == caller.Id || entry switch
    {
        Grant grant => grant.Subject.Matches(caller, roles), RoleAssignment assignment => assignment.Subject.Matches(caller, roles), Project project => project.Members.Any(m => m.Matches(caller, roles)), _ => true,
    };

    private static int Done(Action change, int id)
    {
        change();
        return id;
    }
}
