using Google.Protobuf.WellKnownTypes;
using Warehouse.Engine.Access;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>Between messages and the policy. Samples of a grant are never named. Stateless.</summary>
internal static class PolicyWire
{
    public static V1.Role Of(Role role) => (V1.Role)((int)role + 1);

    public static Role Of(V1.Role role) => role is V1.Role.Unspecified or > V1.Role.Spoke or < 0 ? throw Refusals.BadRequest("role") : (Role)((int)role - 1);

    public static IReadOnlyList<Detail> Of(IEnumerable<V1.Detail> details) => [.. details.Select(d => d switch
    {
        V1.Detail.Exists => Detail.Exists, V1.Detail.Aggregate => Detail.Aggregate, V1.Detail.Record => Detail.Record, V1.Detail.Linkage => Detail.Linkage, _ => throw Refusals.BadRequest("detail"),
    })];

    public static IReadOnlyList<Purpose> Of(IEnumerable<V1.Purpose> purposes) => [.. purposes.Select(p => Call.PurposeOf(new V1.Asking { Purpose = p }))];

    public static V1.Settings Of(PolicySettings settings) => new()
    {
        K = settings.K, MinCohort = settings.MinCohort, MaxGrantDays = settings.MaxGrantDays, MaxElevationMinutes = settings.MaxElevationMinutes, MaxBreakGlassMinutes = settings.MaxBreakGlassMinutes,
        ChargesByVariant = settings.ChargesByVariant,
    };

    public static SettingsRequest Of(V1.Settings wire) => new()
    {
        K = wire.HasK ? wire.K : null, MinCohort = wire.HasMinCohort ? wire.MinCohort : null, MaxGrantDays = wire.HasMaxGrantDays ? wire.MaxGrantDays : null,
        MaxElevationMinutes = wire.HasMaxElevationMinutes ? wire.MaxElevationMinutes : null, MaxBreakGlassMinutes = wire.HasMaxBreakGlassMinutes ? wire.MaxBreakGlassMinutes : null,
        ChargesByVariant = wire.HasChargesByVariant ? wire.ChargesByVariant : null,
    };

    public static ProjectRequest Of(V1.Project wire) => new()
    {
        Name = wire.Name, Members = [.. wire.Members.Select(Subject.Parse)], CollusionGroup = wire.CollusionGroup.Length == 0 ? null : wire.CollusionGroup,
        Use = new RegisteredUse
        {
            Kind = wire.Kind switch
            {
                V1.ResearchKind.General => ResearchKind.General, V1.ResearchKind.Biomedical => ResearchKind.Biomedical, V1.ResearchKind.Disease => ResearchKind.Disease, V1.ResearchKind.Ancestry => ResearchKind.Ancestry,
                _ => throw Refusals.BadRequest("research-kind"),
            },
            Diseases = [.. wire.Diseases.Select(d => new Disease(d.Term, [.. d.Broader]))], Modifiers = [.. wire.Modifiers],
        },
    };

    public static V1.AccessEntry Of(PolicyEntry entry, EntryState state)
    {
        var wire = new V1.AccessEntry
        {
            Id = entry.Id, State = StateOf(state), Made = Of(entry.Made), Approved = Of(entry.Approved), Revoked = Of(entry.Ended), IsBootstrap = entry.IsBootstrap,
            Kind = entry switch
            {
                Grant { Kind: GrantKind.Elevation } => V1.EntryKind.Elevation, Grant { Kind: GrantKind.BreakGlass } => V1.EntryKind.BreakGlass, Grant => V1.EntryKind.Grant,
                RoleAssignment => V1.EntryKind.Role, Project => V1.EntryKind.Project, _ => V1.EntryKind.Settings,
            },
        };
        switch (entry)
        {
            case Grant grant: Fill(wire, grant); break;
            case RoleAssignment assignment:
                wire.Subjects.Add(assignment.Subject.ToString());
                wire.Role = Of(assignment.Role);
                break;
            case Project project: wire.Project = Of(project); break;
            case PolicySettings settings: wire.Settings = Of(settings); break;
        }
        return wire;
    }

    private static void Fill(V1.AccessEntry wire, Grant grant)
    {
        wire.Subjects.Add(grant.Subject.ToString());
        (wire.AllSamples, wire.Cohort, wire.Reason) = (grant.Target.IsAll, grant.Target.Cohort ?? "", grant.Reason);
        wire.Details.AddRange(grant.Details.Order().Select(Wire.Of));
        wire.Purposes.AddRange(grant.Purposes.Order().Select(p => p switch { Purpose.Treatment => V1.Purpose.Treatment, Purpose.Research => V1.Purpose.Research, _ => V1.Purpose.Operations }));
        (wire.From, wire.Until) = (Timestamp.FromDateTimeOffset(grant.FromUtc), Timestamp.FromDateTimeOffset(Policy.EndOf(grant)));
        wire.Attested.AddRange(grant.Attested.Select(Of));
        wire.Reviewed = Of(grant.Reviewed);
    }

    private static V1.Project Of(Project project)
    {
        var wire = new V1.Project
        {
            Name = project.Name, CollusionGroup = project.CollusionGroup,
            Kind = project.Use.Kind switch { ResearchKind.General => V1.ResearchKind.General, ResearchKind.Biomedical => V1.ResearchKind.Biomedical, ResearchKind.Disease => V1.ResearchKind.Disease, _ => V1.ResearchKind.Ancestry },
        };
        wire.Members.AddRange(project.Members.Select(m => m.ToString()));
        wire.Modifiers.AddRange(project.Use.Modifiers);
        foreach (var disease in project.Use.Diseases)
        {
            var one = new V1.Disease { Term = disease.Term };
            one.Broader.AddRange(disease.Broader);
            wire.Diseases.Add(one);
        }
        return wire;
    }

    private static V1.EntryState StateOf(EntryState state) => state switch
    {
        EntryState.InForce => V1.EntryState.InForce, EntryState.Awaiting => V1.EntryState.Awaiting, EntryState.NotYet => V1.EntryState.NotYet, EntryState.Suspended => V1.EntryState.Suspended,
        EntryState.Expired => V1.EntryState.Expired, EntryState.Revoked => V1.EntryState.Revoked, _ => V1.EntryState.Replaced,
    };

    private static V1.Stamp Of(Stamp stamp) => new() { Time = Timestamp.FromDateTimeOffset(stamp.Utc), Principal = stamp.By };

    private static V1.Stamp? Of(Stamp? stamp) => stamp is { } there ? Of(there) : null;
}
