using Google.Protobuf.WellKnownTypes;
using Warehouse.Client;
using Warehouse.Engine.Access;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>
/// The policy of a server, in the name of whoever calls it. Its entries become the engine's, so that what prints them cannot tell; a list of samples is one of none here, since
/// the server names none. One thread.
/// </summary>
internal sealed class RemoteAccess(WarehouseClient client, CancellationToken cancellation) : IAccess
{
    public (PolicySettings, ReleaseEpoch?) Settings => Wait(client.PolicyAsync(stop: cancellation)) is var policy
        ? (Of(policy.Settings, default), policy.Epoch is { } epoch ? new ReleaseEpoch((int)epoch.Epoch, epoch.Snapshot, default) : null) : default;

    public IReadOnlyList<(PolicyEntry, EntryState)> Entries(bool all) => [.. Wait(client.PolicyAsync(all, cancellation)).Entries.Select(e => (Of(e), Of(e.State)))];

    public IReadOnlyList<(ReviewFinding, string?)> Review() => [.. Wait(client.AccessReviewAsync(cancellation)).Select(f =>
        (new ReviewFinding(Of(f.Entry), Of(f.Entry.State), f.Finding, f.Due?.ToDateTimeOffset()), f is { HasIsPageDelivered: true, Entry.Reviewed: null } ? f.IsPageDelivered ? "delivered" : "undelivered" : null))];

    public IReadOnlyList<AccessReason> Explain(ExplainedQuestion question)
    {
        var ask = new AskOptions { Purpose = Of(question.Purpose), Detail = Of(question.Detail), Project = question.Project ?? "" };
        var about = question.Subject is not { } subject ? null : new V1.ExplainRequest
        {
            Principal = subject.Id, Roles = { subject.Roles.Order().Select(Of) }, Groups = { subject.Groups }, Attributes = { subject.Attributes.ToDictionary() }, HasSecondFactor = subject.HasSecondFactor,
        };
        return [.. Wait(client.ExplainAsync(ask, about, cancellation)).Select(r => new AccessReason(r.About, r.HasHolds ? r.Holds : null, r.Text))];
    }

    public PolicyChange Grant(GrantRequest request) => Change(client.GrantAsync(new V1.GrantRequest
    {
        Subject = request.Subject.ToString(), AllSamples = request.AllSamples, Cohort = request.Cohort ?? "", Samples = { request.Samples ?? [] }, Details = { request.Details.Select(Of) }, Purposes = { request.Purposes.Select(Of) },
        From = Of(request.FromUtc), Until = Of(request.UntilUtc), Reason = request.Reason,
    }, cancellation));

    public PolicyChange Elevate(GrantRequest request, int? minutes)
    {
        var wire = new V1.ElevateRequest { AllSamples = request.AllSamples, Cohort = request.Cohort ?? "", Samples = { request.Samples ?? [] }, Details = { request.Details.Select(Of) }, Purposes = { request.Purposes.Select(Of) }, Reason = request.Reason };
        if (minutes is { } some) wire.Minutes = some;
        return Change(client.ElevateAsync(wire, cancellation));
    }

    public PolicyChange BreakGlass(BreakGlassRequest request) => Change(client.BreakGlassAsync(request.Samples, request.Reason, (int?)request.Lasts?.TotalMinutes, cancellation));

    public PolicyChange Approve(int entry) => Change(client.ApproveAsync(entry, cancellation));

    public PolicyChange Revoke(int entry) => Change(client.RevokeAsync(entry, cancellation));

    public PolicyChange Attest(IReadOnlyCollection<int> entries) => Change(client.AttestAsync(entries, cancellation));

    public PolicyChange Assign(Subject subject, Role role) => Change(client.AssignAsync(subject.ToString(), Of(role), cancellation));

    public PolicyChange Unassign(Subject subject, Role role) => Change(client.UnassignAsync(subject.ToString(), Of(role), cancellation));

    public PolicyChange Register(ProjectRequest request) => Change(client.RegisterProjectAsync(new V1.Project
    {
        Name = request.Name, Members = { request.Members.Select(m => m.ToString()) }, Kind = (V1.ResearchKind)((int)request.Use.Kind + 1), CollusionGroup = request.CollusionGroup ?? "", Modifiers = { request.Use.Modifiers },
        Diseases = { request.Use.Diseases.Select(d => new V1.Disease { Term = d.Term, Broader = { d.Broader } }) },
    }, cancellation));

    public PolicyChange Set(SettingsRequest request)
    {
        var wire = new V1.Settings();
        if (request.K is { } k) wire.K = k;
        if (request.MinCohort is { } cohort) wire.MinCohort = cohort;
        if (request.MaxGrantDays is { } days) wire.MaxGrantDays = days;
        if (request.MaxElevationMinutes is { } elevation) wire.MaxElevationMinutes = elevation;
        if (request.MaxBreakGlassMinutes is { } glass) wire.MaxBreakGlassMinutes = glass;
        if (request.ChargesByVariant is { } charge) wire.ChargesByVariant = charge;
        return Change(client.ChangeAccessSettingsAsync(wire, cancellation));
    }

    public PolicyChange ReviewBreakGlass(int entry) => Change(client.ReviewBreakGlassAsync(entry, cancellation));

    public PolicyChange OpenEpoch(long? snapshot) => new(0, null, Wait(client.OpenEpochAsync(snapshot, cancellation)).Version);

    private static PolicyChange Change(Task<V1.AccessChange> change) => Wait(change) is var made && made.Entry is { } entry ? new(entry.Id, Of(entry.State), made.Version) : new(0, null, made.Version);

    private static T Wait<T>(Task<T> task)
    {
        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (WarehouseException refused) when (AccessRefusedException.OfRule(refused.Rule) is { } words)
        {
            throw words; // of a store that lies here
        }
    }

    private static PolicyEntry Of(V1.AccessEntry wire)
    {
        var (id, made, approved, ended) = (wire.Id, Of(wire.Made), wire.Approved is null ? default(Stamp?) : Of(wire.Approved), wire.Revoked is null ? default(Stamp?) : Of(wire.Revoked));
        PolicyEntry entry = wire.Kind switch
        {
            V1.EntryKind.Role => new RoleAssignment { Made = made, Subject = Subject.Parse(wire.Subjects[0]), Role = Of(wire.Role) },
            V1.EntryKind.Project => Of(wire.Project, made),
            V1.EntryKind.Settings => Of(wire.Settings, made),
            V1.EntryKind.Grant or V1.EntryKind.Elevation or V1.EntryKind.BreakGlass => GrantOf(wire, made),
            _ => throw new InvalidDataException("the server's policy has an entry that this version does not understand"),
        };
        return entry with { Id = id, Approved = approved, Ended = ended, IsBootstrap = wire.IsBootstrap };
    }

    private static Grant GrantOf(V1.AccessEntry wire, Stamp made) => new()
    {
        Made = made, Kind = wire.Kind switch { V1.EntryKind.Elevation => GrantKind.Elevation, V1.EntryKind.BreakGlass => GrantKind.BreakGlass, _ => GrantKind.Standing }, Subject = Subject.Parse(wire.Subjects[0]),
        Target = wire.AllSamples ? Target.All : wire.Cohort.Length > 0 ? new Target { Cohort = wire.Cohort } : new Target { Samples = [] },
        Details = [.. wire.Details.Select(d => (Detail)((int)d - 1))], Purposes = [.. wire.Purposes.Select(Of)], FromUtc = wire.From.ToDateTimeOffset(), UntilUtc = wire.Until.ToDateTimeOffset(), Reason = wire.Reason,
        Attested = [.. wire.Attested.Select(Of)], Reviewed = wire.Reviewed is null ? null : Of(wire.Reviewed),
    };

    private static Project Of(V1.Project wire, Stamp made) => new()
    {
        Made = made, Name = wire.Name, Members = [.. wire.Members.Select(Subject.Parse)], CollusionGroup = wire.CollusionGroup,
        Use = new RegisteredUse { Kind = (ResearchKind)((int)wire.Kind - 1), Diseases = [.. wire.Diseases.Select(d => new Disease(d.Term, [.. d.Broader]))], Modifiers = [.. wire.Modifiers] },
    };

    private static PolicySettings Of(V1.Settings wire, Stamp made) => new()
    {
        Made = made, K = wire.K, MinCohort = wire.MinCohort, MaxGrantDays = wire.MaxGrantDays, MaxElevationMinutes = wire.MaxElevationMinutes, MaxBreakGlassMinutes = wire.MaxBreakGlassMinutes, ChargesByVariant = wire.ChargesByVariant,
    };

    private static EntryState Of(V1.EntryState state) => (EntryState)((int)state - 1);

    private static Stamp Of(V1.Stamp stamp) => new(stamp.Time.ToDateTimeOffset(), stamp.Principal);

    private static V1.Role Of(Role role) => (V1.Role)((int)role + 1);

    private static Role Of(V1.Role role) => (Role)((int)role - 1);

    private static V1.Detail Of(Detail detail) => (V1.Detail)((int)detail + 1);

    private static V1.Purpose Of(Purpose purpose) => purpose switch { Purpose.Treatment => V1.Purpose.Treatment, Purpose.Research => V1.Purpose.Research, _ => V1.Purpose.Operations };

    private static Purpose Of(V1.Purpose purpose) => purpose switch { V1.Purpose.Treatment => Purpose.Treatment, V1.Purpose.Research => Purpose.Research, _ => Purpose.Operations };

    private static Timestamp? Of(DateTimeOffset? time) => time is { } there ? Timestamp.FromDateTimeOffset(there) : null;
}
