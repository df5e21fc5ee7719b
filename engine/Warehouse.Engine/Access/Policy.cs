namespace Warehouse.Engine.Access;

/// <summary>Where an entry stands at a moment.</summary>
public enum EntryState
{
    /// <summary>In force.</summary>
    InForce,

    /// <summary>Nobody else has approved it.</summary>
    Awaiting,

    /// <summary>Its time has not come.</summary>
    NotYet,

    /// <summary>Nobody has attested it for 90 days; an attestation brings it back.</summary>
    Suspended,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>Revoked.</summary>
    Revoked,

    /// <summary>A later entry has taken its place.</summary>
    Replaced,
}

/// <summary>
/// Who may see what: everything that was ever granted, assigned, registered and set, with who did it. A part of the manifest and versioned with
/// it; what holds is always what the newest version says, at the moment of the question. Nothing that is not granted is visible. Immutable, any thread.
/// </summary>
public sealed record Policy
{
    /// <summary>Roles that see no data: while a principal has one of them, all that is granted to him is void.</summary>
    public static IReadOnlySet<Role> BlindRoles { get; } = new HashSet<Role> { Role.DataSteward, Role.Auditor, Role.Operator };

    /// <summary>The policy of a store that has none: nobody but the owner sees anything.</summary>
    public static Policy Empty { get; } = new();

    /// <summary>Manifest version that changed it last; 0 = none has.</summary>
    public long Version { get; init; }

    /// <summary>All entries; the one with number n at place n - 1.</summary>
    public IReadOnlyList<PolicyEntry> Entries { get; init; } = [];

    /// <summary>Release epochs, oldest first.</summary>
    public IReadOnlyList<ReleaseEpoch> Epochs { get; init; } = [];

    /// <summary>All grants, elevations and uses of break-glass.</summary>
    public IEnumerable<Grant> Grants => Entries.OfType<Grant>();

    /// <summary>The settings in force.</summary>
    public PolicySettings Settings => Entries.OfType<PolicySettings>().LastOrDefault(s => s.WasApproved) ?? PolicySettings.Default;

    /// <summary>The release epoch that is open; null before the first.</summary>
    public ReleaseEpoch? Epoch => Epochs.Count == 0 ? null : Epochs[^1];

    /// <summary>The project of a name that is in force; null = none. The last that was approved counts alone: where it was revoked, none before it comes back.</summary>
    public Project? ProjectOf(string name) => Entries.OfType<Project>().LastOrDefault(p => p.Name == name && p.WasApproved) is { Ended: null } project ? project : null;

    /// <summary>Roles of a caller: those that the identity provider states, and those assigned to him or to a group of his.</summary>
    public IReadOnlySet<Role> RolesOf(Caller caller)
    {
        var roles = new HashSet<Role>(caller.Roles);
        foreach (var assignment in Entries.OfType<RoleAssignment>())
            if (assignment.IsApproved && assignment.Subject.Kind is SubjectKind.Principal or SubjectKind.Group && assignment.Subject.Matches(caller, roles)) roles.Add(assignment.Role);
        return roles;
    }

    /// <summary>Where an entry stands at a moment.</summary>
    public EntryState StateOf(PolicyEntry entry, DateTimeOffset nowUtc)
    {
        if (entry.Ended is not null) return EntryState.Revoked;
        return entry switch
        {
            Grant { Kind: GrantKind.BreakGlass } glass => nowUtc < EndOf(glass) ? EntryState.InForce : EntryState.Expired,
            Grant grant => CourseOf(grant, nowUtc),
            _ when !entry.IsApproved => EntryState.Awaiting,
            Project project when !ReferenceEquals(ProjectOf(project.Name), project) => EntryState.Replaced,
            PolicySettings settings when !ReferenceEquals(Settings, settings) => EntryState.Replaced,
            _ => EntryState.InForce,
        };
    }

    /// <summary>First moment at which a grant is over, whatever it says itself: an elevation lasts 8 hours at most, a break-glass 60 minutes.</summary>
    public static DateTimeOffset EndOf(Grant grant)
    {
        var longest = grant.Kind switch { GrantKind.Elevation => PolicySettings.LongestElevation, GrantKind.BreakGlass => PolicySettings.LongestBreakGlass, _ => TimeSpan.MaxValue };
        return longest == TimeSpan.MaxValue || grant.UntilUtc <= grant.Made.Utc + longest ? grant.UntilUtc : grant.Made.Utc + longest;
    }

    /// <summary>First moment at which a standing grant is suspended unless somebody attests it before.</summary>
    public static DateTimeOffset LapseOf(Grant grant)
    {
        var last = grant.Approved?.Utc ?? grant.Made.Utc;
        foreach (var attested in grant.Attested)
            if (attested.Utc > last) last = attested.Utc;
        return last + PolicySettings.AttestedFor;
    }

    /// <summary>
    /// Grants that open the members of a cohort, as it is whenever somebody asks: now, or once their time comes, somebody attests them, or approves a standing one. An elevation that
    /// waits is not among them: anybody may ask for one of any name.
    /// </summary>
    public IEnumerable<Grant> Following(string cohort, DateTimeOffset nowUtc) => Grants.Where(g => g.Target.Cohort == cohort && StateOf(g, nowUtc) switch
    {
        EntryState.InForce or EntryState.NotYet or EntryState.Suspended => true,
        EntryState.Awaiting => g.Kind == GrantKind.Standing,
        _ => false,
    });

    /// <summary>Uses of break-glass that nobody has reviewed.</summary>
    public IEnumerable<Grant> Unreviewed => Grants.Where(g => g is { Kind: GrantKind.BreakGlass, Reviewed: null });

    /// <summary>The state of a grant that is not revoked and not break-glass.</summary>
    private static EntryState CourseOf(Grant grant, DateTimeOffset nowUtc)
    {
        if (nowUtc >= EndOf(grant)) return EntryState.Expired;
#if !PLANTED_UNAPPROVED_GRANT_HOLDS
        if (!grant.IsApproved) return EntryState.Awaiting;
#endif
        if (nowUtc < grant.FromUtc) return EntryState.NotYet;
        return grant.Kind == GrantKind.Standing && nowUtc >= LapseOf(grant) ? EntryState.Suspended : EntryState.InForce;
    }
}
