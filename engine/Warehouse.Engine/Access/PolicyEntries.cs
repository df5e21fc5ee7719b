namespace Warehouse.Engine.Access;

/// <summary>Who did something to the policy, and when.</summary>
/// <param name="Utc">When, by the clock of the store, which never goes back behind its last commit.</param>
/// <param name="By">The principal.</param>
public readonly record struct Stamp(DateTimeOffset Utc, string By);

/// <summary>One thing that was written into the policy. Entries are never removed: one that is over has <see cref="Ended"/>. Immutable.</summary>
public abstract record PolicyEntry
{
    /// <summary>Its number, from 1; never reused.</summary>
    public int Id { get; init; }

    /// <summary>Who granted, assigned, registered, requested or took it.</summary>
    public required Stamp Made { get; init; }

    /// <summary>Who approved it; null = nobody yet, and it is not in force (but for break-glass, which needs none).</summary>
    public Stamp? Approved { get; init; }

    /// <summary>The store's owner approved what he had made himself, while the policy named nobody else who could.</summary>
    public bool IsBootstrap { get; init; }

    /// <summary>Who revoked it; null = nobody.</summary>
    public Stamp? Ended { get; init; }

    /// <summary>True when a second principal has approved it, revoked since or not.</summary>
    internal bool WasApproved => Approved is { } approved && (IsBootstrap || approved.By != Made.By);

    /// <summary>True when a second principal has approved, and nobody revoked.</summary>
    internal bool IsApproved => Ended is null && WasApproved;
}

/// <summary>How a grant came about. The values are stored: do not renumber.</summary>
public enum GrantKind
{
    /// <summary>For long; lives from attestation to attestation.</summary>
    Standing = 0,

    /// <summary>Asked for by one principal for himself, for hours.</summary>
    Elevation = 1,

    /// <summary>Taken in an emergency, for one patient, without approval; reviewed afterwards.</summary>
    BreakGlass = 2,
}

/// <summary>Which samples a grant is about. Immutable.</summary>
public sealed record Target
{
    /// <summary>Every sample, those loaded later too.</summary>
    public static Target All { get; } = new();

    /// <summary>The members of this cohort as it is now; null = <see cref="Samples"/>, or all.</summary>
    public string? Cohort { get; init; }

    /// <summary>Numbers of samples in the catalog, ascending; null = the cohort, or all.</summary>
    public IReadOnlyList<int>? Samples { get; init; }

    /// <summary>True for every sample.</summary>
    public bool IsAll => Cohort is null && Samples is null;
}

/// <summary>Lets somebody see samples at some levels of detail, for some purposes, for a time.</summary>
public sealed record Grant : PolicyEntry
{
    /// <summary>How it came about.</summary>
    public required GrantKind Kind { get; init; }

    /// <summary>For whom.</summary>
    public required Subject Subject { get; init; }

    /// <summary>Which samples.</summary>
    public required Target Target { get; init; }

    /// <summary>Levels, ascending; each is granted for itself.</summary>
    public required IReadOnlyList<Detail> Details { get; init; }

    /// <summary>Purposes, ascending.</summary>
    public required IReadOnlyList<Purpose> Purposes { get; init; }

    /// <summary>First moment.</summary>
    public required DateTimeOffset FromUtc { get; init; }

    /// <summary>First moment that it is over.</summary>
    public required DateTimeOffset UntilUtc { get; init; }

    /// <summary>Why, in the words of whoever made it; must hold no name of a patient or sample.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Who confirmed in an access review that it is still needed, oldest first.</summary>
    public IReadOnlyList<Stamp> Attested { get; init; } = [];

    /// <summary>Who has looked into a break-glass afterwards; null = nobody yet.</summary>
    public Stamp? Reviewed { get; init; }

    /// <summary>What it opens, in words: no sample is named or counted.</summary>
    public string ToWords()
    {
        var target = Target.IsAll ? "all samples" : Target.Cohort is { } cohort ? "cohort " + cohort : Kind == GrantKind.BreakGlass ? "one patient" : "a list of samples";
        return target + $", {string.Join('+', Details)}, {string.Join('+', Purposes)}".ToLowerInvariant();
    }
}

/// <summary>Gives a role to a principal, or to a group.</summary>
public sealed record RoleAssignment : PolicyEntry
{
    /// <summary>A principal or a group.</summary>
    public required Subject Subject { get; init; }

    /// <summary>The role.</summary>
    public required Role Role { get; init; }
}

/// <summary>What kind of research a project does, as the consent of samples asks. The values are stored: do not renumber.</summary>
public enum ResearchKind
{
    /// <summary>Any (DUO:0000042).</summary>
    General = 0,

    /// <summary>Health, medical and biomedical (DUO:0000006).</summary>
    Biomedical = 1,

    /// <summary>The diseases named (DUO:0000007).</summary>
    Disease = 2,

    /// <summary>Population origins or ancestry (DUO:0000011).</summary>
    Ancestry = 3,
}

/// <summary>A disease that a project studies.</summary>
/// <param name="Term">Its MONDO term.</param>
/// <param name="Broader">Terms of which it is a kind: a consent for one of them covers it.</param>
public sealed record Disease(string Term, IReadOnlyList<string> Broader);

/// <summary>What a project's use of data was registered as. Immutable.</summary>
public sealed record RegisteredUse
{
    /// <summary>Kind of research.</summary>
    public required ResearchKind Kind { get; init; }

    /// <summary>Diseases studied; of the kind <see cref="ResearchKind.Disease"/> at least one.</summary>
    public IReadOnlyList<Disease> Diseases { get; init; } = [];

    /// <summary>Conditions that the project is bound to keep: DUO modifiers, each <c>DUO:0000018</c> or <c>DUO:0000022=VALUE</c>.</summary>
    public IReadOnlyList<string> Modifiers { get; init; } = [];
}

/// <summary>A registered project. Of the entries of one name the last that was approved counts.</summary>
public sealed record Project : PolicyEntry
{
    /// <summary>Its name: as for cohorts.</summary>
    public required string Name { get; init; }

    /// <summary>Who may ask on its behalf.</summary>
    public required IReadOnlyList<Subject> Members { get; init; }

    /// <summary>What it may do.</summary>
    public required RegisteredUse Use { get; init; }

    /// <summary>Projects of one collusion group share their budgets: their members may put answers together.</summary>
    public required string CollusionGroup { get; init; }
}

/// <summary>Bounds of release and of lifetimes. The last entry that was approved counts; without one these defaults. Settings are replaced, never revoked, since older ones would come back.</summary>
public sealed record PolicySettings : PolicyEntry
{
    /// <summary>Least <see cref="K"/>.</summary>
    public const int LeastK = 11;

    /// <summary>Longest that any elevation lasts.</summary>
    public static readonly TimeSpan LongestElevation = TimeSpan.FromHours(8);

    /// <summary>Longest that any break-glass lasts.</summary>
    public static readonly TimeSpan LongestBreakGlass = TimeSpan.FromMinutes(60);

    /// <summary>A standing grant that nobody attested for so long is suspended.</summary>
    public static readonly TimeSpan AttestedFor = TimeSpan.FromDays(90);

    /// <summary>A break-glass has to be reviewed this soon.</summary>
    public static readonly TimeSpan ReviewWithin = TimeSpan.FromHours(72);

    /// <summary>What holds before anything was set.</summary>
    public static PolicySettings Default { get; } = new() { Made = new Stamp(default, "") };

    /// <summary>Least number of samples that is shown at the levels exists and aggregate.</summary>
    public int K { get; init; } = LeastK;

    /// <summary>Least size of a cohort that is answered at the level aggregate; at least <see cref="K"/>.</summary>
    public int MinCohort { get; init; } = 100;

    /// <summary>Longest life of a standing grant, days.</summary>
    public int MaxGrantDays { get; init; } = 366;

    /// <summary>Longest life of an elevation, minutes; at most <see cref="LongestElevation"/>.</summary>
    public int MaxElevationMinutes { get; init; } = 480;

    /// <summary>Longest life of a break-glass, minutes; at most <see cref="LongestBreakGlass"/>.</summary>
    public int MaxBreakGlassMinutes { get; init; } = 60;

    /// <summary>
    /// A project is charged per variant of a cohort, a tenth of its people in an epoch; else by what an answer tells about a carrier. The former allows ordinary
    /// questions about rare variants, and holds back less whoever picks variants that a person of interest carries: ARCHITECTURE.md has both in figures.
    /// </summary>
    public bool ChargesByVariant { get; init; } = true;
}

/// <summary>A version of the store whose data is answered at the levels exists and aggregate until the next epoch opens. Kept here; when one may open is decided elsewhere.</summary>
/// <param name="Number">From 1, without a gap.</param>
/// <param name="Snapshot">Manifest version.</param>
/// <param name="Opened">By whom, and when.</param>
public sealed record ReleaseEpoch(int Number, long Snapshot, Stamp Opened);
