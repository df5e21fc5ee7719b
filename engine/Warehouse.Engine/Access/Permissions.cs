namespace Warehouse.Engine.Access;

/// <summary>What can be done to the policy, and what else needs more than a grant.</summary>
public enum Permission
{
    /// <summary>Grant, assign roles, register projects, change settings: all of it waits for approval.</summary>
    Grant,

    /// <summary>Approve what somebody else has made.</summary>
    Approve,

    /// <summary>Revoke anything, at once.</summary>
    Revoke,

    /// <summary>Confirm in an access review that a grant is still needed.</summary>
    Attest,

    /// <summary>Open a release epoch.</summary>
    OpenEpoch,

    /// <summary>Look into a break-glass afterwards.</summary>
    ReviewBreakGlass,

    /// <summary>Read the policy.</summary>
    ReadPolicy,

    /// <summary>Ask for an elevation for oneself.</summary>
    Elevate,

    /// <summary>Break the glass for oneself.</summary>
    BreakGlass,

    /// <summary>Take genotypes out as a file.</summary>
    Export,
}

/// <summary>Somebody may not do what he asked for. The text is one of a fixed set and holds no data.</summary>
public sealed class AccessRefusedException : UnauthorizedAccessException
{
    /// <summary>Rules that others name.</summary>
    public const string NotGrantedRule = "not-granted", CohortGrantedRule = "cohort-granted";

    private AccessRefusedException(string rule, string text) : base(text) => Rule = rule;

    /// <summary>Name of the rule, for programs: <c>not-granted</c>, <c>blind-role</c>, <c>project</c>, <c>role</c>, <c>second-factor</c>, <c>second-person</c>, <c>review-overdue</c>, <c>cohort-granted</c>.</summary>
    public string Rule { get; }

    /// <summary>The refusal of a rule, for who was told its name alone; null = it is none of these.</summary>
    public static AccessRefusedException? OfRule(string rule) => rule switch
    {
        "blind-role" => BlindRole(), "project" => Project(), "role" => Role(), "second-factor" => SecondFactor(), "second-person" => SecondPerson(), "review-overdue" => ReviewOverdue(), _ => null,
    };

    internal static AccessRefusedException NotGranted() => new(NotGrantedRule, "nothing is granted to you at this level of detail for this purpose");

    /// <summary>Roles that see no data.</summary>
    public static AccessRefusedException BlindRole() => new("blind-role", "operators, data stewards and auditors see no data, whatever is granted to them");

    internal static AccessRefusedException Project() => new("project", "research is asked on behalf of a registered project of which you are a member");

    /// <summary>No role that allows it.</summary>
    public static AccessRefusedException Role() => new("role", "your roles do not allow this");

    /// <summary>No second factor was shown.</summary>
    public static AccessRefusedException SecondFactor() => new("second-factor", "this needs a second factor");

    /// <summary>What is said of <see cref="CohortGrantedRule"/>.</summary>
    public const string CohortGrantedText =
        "a grant opens the members of this cohort, so it gets no further ones and no other rule: make another cohort and have that one granted, or have the grant revoked (access list shows it)";

    internal static AccessRefusedException CohortGranted() => new(CohortGrantedRule, CohortGrantedText);

    internal static AccessRefusedException ReviewOverdue() => new("review-overdue", "an earlier break-glass was not reviewed within 72 hours: somebody else has to look into it first");

    /// <summary>Two people are needed.</summary>
    public static AccessRefusedException SecondPerson() => new("second-person", "this needs another principal than the one who asked for it, and than the one it is for");
}

/// <summary>Who changes the policy: the store's owner, who can read the keys and may do everything but is named, or a caller. Immutable.</summary>
public sealed record AccessActor
{
    private AccessActor(string id, Caller? caller) => (Id, Caller) = (id, caller);

    /// <summary>The principal.</summary>
    public string Id { get; }

    /// <summary>The caller; null = the owner.</summary>
    public Caller? Caller { get; }

    /// <summary>Whoever runs commands on the store's folder.</summary>
    /// <param name="account">Account of the machine.</param>
    public static AccessActor Owner(string account) => new("local:" + account, null);

    /// <summary>Somebody who was authenticated.</summary>
    public static AccessActor Of(Caller caller) => new(caller.Id, caller);
}

/// <summary>Who may do what to the policy.</summary>
public static class Permissions
{
    /// <summary>Roles of which one is needed; null = whoever was authenticated may. Everything here needs a second factor too.</summary>
    public static IReadOnlySet<Role>? RolesFor(Permission permission) => permission switch
    {
        Permission.Grant or Permission.OpenEpoch => new HashSet<Role> { Role.DataSteward },
        Permission.Approve or Permission.Revoke or Permission.Attest => new HashSet<Role> { Role.DataSteward, Role.LabDirector },
        Permission.ReviewBreakGlass or Permission.ReadPolicy => new HashSet<Role> { Role.DataSteward, Role.LabDirector, Role.Auditor },
        Permission.BreakGlass => new HashSet<Role> { Role.Clinician, Role.LabDirector },
        _ => null,
    };

    /// <summary>Whether an actor may.</summary>
    /// <exception cref="AccessRefusedException">No: rules <c>role</c>, <c>second-factor</c>, <c>blind-role</c>.</exception>
    public static void Require(this Policy policy, AccessActor actor, Permission permission)
    {
        if (actor.Caller is not { } caller) return;
        var roles = policy.RolesOf(caller);
        if (RolesFor(permission) is { } needed && !roles.Overlaps(needed)) throw AccessRefusedException.Role();
        if (permission is Permission.BreakGlass or Permission.Elevate or Permission.Export && roles.Overlaps(Policy.BlindRoles)) throw AccessRefusedException.BlindRole();
        if (!caller.HasSecondFactor) throw AccessRefusedException.SecondFactor();
    }

    /// <summary>Whether the policy names somebody who can approve: until then the owner may approve what he made himself.</summary>
    internal static bool NamesApprover(this Policy policy) =>
        policy.Entries.OfType<RoleAssignment>().Any(a => a.IsApproved && RolesFor(Permission.Approve)!.Contains(a.Role));
}
