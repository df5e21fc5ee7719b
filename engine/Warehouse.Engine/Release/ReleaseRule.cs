namespace Warehouse.Engine.Release;

/// <summary>Why figures are not released. All of them follow from who is in the cohorts and from what was answered before, none from the genotypes asked for.</summary>
public enum ReleaseRule
{
    /// <summary>They are.</summary>
    None,

    /// <summary>No release epoch was opened yet.</summary>
    NoEpoch,

    /// <summary>The data is not that of the current epoch.</summary>
    OtherEpoch,

    /// <summary>The project had too many refusals in a day and waits for a review.</summary>
    ProjectLocked,

    /// <summary>Somebody in the cohort was withdrawn since the epoch was opened: the cohort is suppressed until the next one.</summary>
    Withdrawn,

    /// <summary>The cohort has fewer people than the policy asks for.</summary>
    CohortTooSmall,

    /// <summary>A group, or what is left over beside the groups, has fewer people than the policy asks for.</summary>
    GroupTooSmall,

    /// <summary>Together with cohorts answered before, the cohort or a group would isolate fewer than k people.</summary>
    IsolatesFew,

    /// <summary>The project has asked for more cohorts and groups than can be watched over, or the call for more groups.</summary>
    TooManyCohorts,

    /// <summary>The cohort or a group of it has not enough left of its budget, of the project's or of the one that all share.</summary>
    OverBudget,

    /// <summary>The same variant of the same set has other figures than those released in this epoch: they are not of its snapshot.</summary>
    FiguresChanged,
}

/// <summary>Names of the rules.</summary>
public static class ReleaseRules
{
    /// <summary>The name for programs, in lower case with hyphens.</summary>
    public static string NameOf(ReleaseRule rule) => rule switch
    {
        ReleaseRule.None => "",
        ReleaseRule.NoEpoch => "no-release-epoch",
        ReleaseRule.OtherEpoch => "not-current-epoch",
        ReleaseRule.ProjectLocked => "project-locked",
        ReleaseRule.Withdrawn => "cohort-suppressed",
        ReleaseRule.CohortTooSmall => "cohort-too-small",
        ReleaseRule.GroupTooSmall => "group-too-small",
        ReleaseRule.IsolatesFew => "isolates-few",
        ReleaseRule.TooManyCohorts => "too-many-cohorts",
        ReleaseRule.OverBudget => "over-budget",
        ReleaseRule.FiguresChanged => "figures-changed",
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };

    /// <summary>Whether such a refusal counts towards the lock of a project: those that probing meets, not those that time or others bring.</summary>
    internal static bool Counts(ReleaseRule rule) =>
        rule is ReleaseRule.CohortTooSmall or ReleaseRule.GroupTooSmall or ReleaseRule.IsolatesFew or ReleaseRule.TooManyCohorts or ReleaseRule.OverBudget;
}

/// <summary>A call is refused by a rule; nothing was released. The message names the rule and nothing else.</summary>
public sealed class ReleaseRefusedException(ReleaseRule rule) : Exception("refused: " + ReleaseRules.NameOf(rule))
{
    /// <summary>The rule.</summary>
    public ReleaseRule Rule { get; } = rule;
}
