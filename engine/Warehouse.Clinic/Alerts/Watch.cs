using Warehouse.Clinic.ClinVar;

namespace Warehouse.Clinic.Alerts;

/// <summary>What may raise an alert.</summary>
[Flags]
public enum WatchTriggers
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The net class of an allele changed in ClinVar, conflicts too.</summary>
    Class = 1,

    /// <summary>Its review, condition or record changed.</summary>
    Review = 2,

    /// <summary>A sample that was loaded carries an allele that is pathogenic already.</summary>
    NewlySeen = 4,

    /// <summary>An assessment of the laboratory was signed, with another class than the one before.</summary>
    Assessment = 8,

    /// <summary>An assessment of the laboratory and ClinVar do not agree.</summary>
    Discordance = 16,

    /// <summary>A sample that was loaded carries an allele that the laboratory has assessed.</summary>
    AssessedCarried = 32,

    /// <summary>The frequency of an allele among the store's own samples crossed a line.</summary>
    Frequency = 64,

    /// <summary>All but a frequency, which needs its line.</summary>
    Default = Class | NewlySeen | Assessment | Discordance | AssessedCarried,
}

/// <summary>Whose and which alleles a watch looks at.</summary>
public enum WatchScope
{
    /// <summary>Whoever carries.</summary>
    Everybody,

    /// <summary>Members of a cohort, as it is at the moment.</summary>
    Cohort,

    /// <summary>One person.</summary>
    Person,

    /// <summary>Alleles of genes.</summary>
    Genes,

    /// <summary>Alleles that begin in regions.</summary>
    Regions,

    /// <summary>Named alleles.</summary>
    Alleles,
}

/// <summary>What to look at, which changes matter, and who hears of them. Immutable.</summary>
public sealed record Watch
{
    /// <summary>Longest name.</summary>
    public const int MaxName = 100;

    /// <summary>Most genes, regions, alleles or hearers.</summary>
    public const int MaxItems = 20_000;

    /// <summary>Its name; a watch of the same name is replaced.</summary>
    public required string Name { get; init; }

    /// <summary>What it looks at.</summary>
    public WatchScope Scope { get; init; }

    /// <summary>The cohort, the person, the genes, the regions as <c>CONTIG:FROM-TO</c>, or the alleles as <c>CONTIG-POS-REF-ALT</c>, normalised.</summary>
    public IReadOnlyList<string> Items { get; init; } = [];

    /// <summary>The persons whom it names: one at the most.</summary>
    public IReadOnlyList<string> Persons => Scope == WatchScope.Person ? Items : [];

    /// <summary>Which changes matter.</summary>
    public WatchTriggers Triggers { get; init; } = WatchTriggers.Default;

    /// <summary>Changes of a lower grade raise nothing.</summary>
    public Grade Least { get; init; } = Grade.Minor;

    /// <summary>Who hears of them: ids of callers, or <c>role:NAME</c> for all who are known to hold a role. None = those who care for the person.</summary>
    public IReadOnlyList<string> Hears { get; init; } = [];

    /// <summary>The line of <see cref="WatchTriggers.Frequency"/>, above 0 and below 1; 0 = none.</summary>
    public double FrequencyLine { get; init; }
}

/// <summary>Who cares for a person. Immutable.</summary>
/// <param name="Person">As column <c>person</c> of the sample sheet has it; where a sample has none, its name.</param>
/// <param name="Responsible">Id of the responsible clinician.</param>
/// <param name="Deputies">Ids of those who come next, in their order.</param>
public sealed record CareRow(string Person, string Responsible, IReadOnlyList<string> Deputies);

/// <summary>When alerts that nobody acknowledges go further, and what else the director sets. Immutable.</summary>
public sealed record AlertSettings
{
    /// <summary>Settings of a store whose director has set none.</summary>
    public static AlertSettings Default { get; } = new();

    /// <summary>Hours without acknowledgement until a critical alert goes to the next deputy, again and again.</summary>
    public int CriticalHours { get; init; } = 4;

    /// <summary>The same of a major one.</summary>
    public int MajorHours { get; init; } = 72;

    /// <summary>The same of a minor one.</summary>
    public int MinorHours { get; init; } = 336;

    /// <summary>Messages an hour to one recipient by one way; what is more goes as one message over all.</summary>
    public int MessagesAnHour { get; init; } = 30;

    /// <summary>Ids of those who hear when no deputy is left, of alerts that nobody else may see, and of the self-test; none = the store's owner.</summary>
    public IReadOnlyList<string> Directors { get; init; } = [];

    /// <summary>Hours until escalation of a grade.</summary>
    public int HoursOf(Grade grade) => grade switch { Grade.Critical => CriticalHours, Grade.Major => MajorHours, _ => MinorHours };
}
