namespace Warehouse.Engine.Release;

/// <summary>The numbers by which figures of cohorts are released. Immutable, any thread.</summary>
public sealed record ReleasePolicy
{
    /// <summary>For projects of the house: k = 11, exact figures from k on, cohorts of 100 people or more, charged by variant.</summary>
    public static ReleasePolicy Research { get; } = new();

    /// <summary>The same, charged by information: for a house whose policy says so, by two people.</summary>
    public static ReleasePolicy ByInformation { get; } = new() { IsByInformation = true };

    /// <summary>For other sites: k = 21, every count to the nearest 5, cohorts of 1,000 people or more, charged by information.</summary>
    public static ReleasePolicy Federated { get; } = new() { K = 21, RoundTo = 5, MinimumCohort = 1000, IsByInformation = true };

    /// <summary>People of which a figure has to speak at least; 2 or more.</summary>
    public int K { get; init; } = 11;

    /// <summary>Counts of people and alleles are rounded to a multiple of this; 1 = as counted.</summary>
    public int RoundTo { get; init; } = 1;

    /// <summary>AN is rounded to a multiple of this.</summary>
    public int RoundAnTo { get; init; } = 10;

    /// <summary>People of a cohort, at least.</summary>
    public int MinimumCohort { get; init; } = 100;

    /// <summary>Units that a variant with fewer than <see cref="RareCarriers"/> carriers, or whose figures are suppressed, takes from the budget at least; others take 1.</summary>
    public int RareUnits { get; init; } = 5;

    /// <summary>
    /// Variants take as many units as non-carriers come to one carrier, where that is more: what an answer tells of somebody who is known to carry the
    /// variant, measured by what it tells of anybody. Holds against who picks the variants that his victim carries and knows how
    /// frequent each is; leaves about one rare variant per cohort and epoch.
    /// </summary>
    public bool IsByInformation { get; init; }

    /// <summary>Below so many carriers a variant is rare.</summary>
    public int RareCarriers => 3 * K;

    /// <summary>The budget of a cohort or group is its people divided by this, per project and epoch.</summary>
    public int PeoplePerUnit { get; init; } = 10;

    /// <summary>All projects together have the budget of one so many times.</summary>
    public int SharedFactor { get; init; } = 3;

    /// <summary>People of a group, at least: with fewer its budget would not do for one rare variant.</summary>
    public int MinimumGroup => Math.Max(K, RareUnits * PeoplePerUnit);

    /// <summary>Refusals of a project in one day (UTC) after which it is locked until somebody reviews it.</summary>
    public int RefusalsPerDay { get; init; } = 50;

    /// <summary>Cohorts and groups of one variant that are compared with each other; figures of more are suppressed.</summary>
    public int MaxSetsOfVariant { get; init; } = 8;

    /// <summary>Units that one variant of a set of so many people takes.</summary>
    /// <param name="people">People of the set.</param>
    /// <param name="carriers">Carriers as they are shown; null where they are not.</param>
    public int UnitsOf(int people, int? carriers)
    {
        var least = carriers is { } shown && shown >= RareCarriers ? 1 : RareUnits;
        var assumed = Math.Max(K, carriers ?? 0);
        return IsByInformation ? Math.Max(least, (people - 1) / assumed) : least;
    }

    /// <summary>Units that a set of so many people has for one project in one epoch.</summary>
    public int BudgetOf(int people) => people / PeoplePerUnit;
}
