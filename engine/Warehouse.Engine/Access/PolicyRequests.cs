namespace Warehouse.Engine.Access;

/// <summary>What a new grant, or an elevation, is to say. Exactly one of <see cref="AllSamples"/>, <see cref="Cohort"/> and <see cref="Samples"/> is given.</summary>
public sealed record GrantRequest
{
    /// <summary>For whom; of an elevation a principal.</summary>
    public required Subject Subject { get; init; }

    /// <summary>Every sample, those loaded later too.</summary>
    public bool AllSamples { get; init; }

    /// <summary>The members of a cohort, as it is whenever somebody asks.</summary>
    public string? Cohort { get; init; }

    /// <summary>Names of samples.</summary>
    public IReadOnlyList<string>? Samples { get; init; }

    /// <summary>Levels; each is granted for itself.</summary>
    public required IReadOnlyList<Detail> Details { get; init; }

    /// <summary>Purposes.</summary>
    public required IReadOnlyList<Purpose> Purposes { get; init; }

    /// <summary>First moment; null = now. An elevation begins when it is approved.</summary>
    public DateTimeOffset? FromUtc { get; init; }

    /// <summary>First moment that it is over; null = as late as the settings allow.</summary>
    public DateTimeOffset? UntilUtc { get; init; }

    /// <summary>Why; must hold no name of a patient or sample.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>What an emergency is to open.</summary>
public sealed record BreakGlassRequest
{
    /// <summary>For which principal; null = who asks. The store's owner alone may name another.</summary>
    public Subject? Subject { get; init; }

    /// <summary>Names of samples of one person; all samples of this person are opened.</summary>
    public required IReadOnlyList<string> Samples { get; init; }

    /// <summary>Why; must hold no name of a patient or sample.</summary>
    public required string Reason { get; init; }

    /// <summary>For how long; null = as long as the settings allow.</summary>
    public TimeSpan? Lasts { get; init; }
}

/// <summary>What a project is registered as; it takes the place of one of the same name when it is approved.</summary>
public sealed record ProjectRequest
{
    /// <summary>Its name: letters, digits, _ - or .</summary>
    public required string Name { get; init; }

    /// <summary>Who may ask on its behalf.</summary>
    public required IReadOnlyList<Subject> Members { get; init; }

    /// <summary>What it may do.</summary>
    public required RegisteredUse Use { get; init; }

    /// <summary>Projects of one collusion group share their budgets; null = the project alone.</summary>
    public string? CollusionGroup { get; init; }
}

/// <summary>New bounds; what is null stays as it is.</summary>
public sealed record SettingsRequest
{
    /// <summary>Least number of samples shown; at least <see cref="PolicySettings.LeastK"/>.</summary>
    public int? K { get; init; }

    /// <summary>Least size of a cohort; at least k.</summary>
    public int? MinCohort { get; init; }

    /// <summary>Longest life of a standing grant, days; at least 1.</summary>
    public int? MaxGrantDays { get; init; }

    /// <summary>Longest life of an elevation, minutes; 1 to 480.</summary>
    public int? MaxElevationMinutes { get; init; }

    /// <summary>Longest life of a break-glass, minutes; 1 to 60.</summary>
    public int? MaxBreakGlassMinutes { get; init; }

    /// <summary>Whether projects are charged per variant, and not by what an answer tells: <see cref="PolicySettings.ChargesByVariant"/>.</summary>
    public bool? ChargesByVariant { get; init; }
}
