using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.ClinVar;

/// <summary>In what ways an allele differs between two releases.</summary>
[Flags]
public enum ChangeKinds
{
    /// <summary>In nothing.</summary>
    None = 0,

    /// <summary>Towards pathogenic.</summary>
    Upgrade = 1,

    /// <summary>Towards benign.</summary>
    Downgrade = 2,

    /// <summary>Submitters do not agree any more.</summary>
    ConflictBegun = 4,

    /// <summary>Submitters agree again.</summary>
    ConflictEnded = 8,

    /// <summary>A class off the scale, or one that nobody knows, came or went.</summary>
    Sideways = 16,

    /// <summary>It has a class and had none before.</summary>
    Appeared = 32,

    /// <summary>It had a class and has none any more.</summary>
    Retracted = 64,

    /// <summary>The class stayed, its review did not.</summary>
    Stars = 128,

    /// <summary>The class stayed, for other conditions.</summary>
    MovedCondition = 256,

    /// <summary>Its record went into another one.</summary>
    Merged = 512,

    /// <summary>Its record was parted, or the old one stands for another allele now.</summary>
    Split = 1024,

    /// <summary>The class is again what it was before the last change.</summary>
    FlipFlop = 2048,
}

/// <summary>How much a change matters.</summary>
public enum Grade
{
    /// <summary>To nobody.</summary>
    None,

    /// <summary>To know.</summary>
    Minor,

    /// <summary>To look at.</summary>
    Major,

    /// <summary>To act on.</summary>
    Critical,
}

/// <summary>What became of one allele on one axis from one release to the next. Immutable.</summary>
public sealed record ClassChange
{
    /// <summary>The allele.</summary>
    public required Variant Allele { get; init; }

    /// <summary>The axis.</summary>
    public required ClinVarAxis Axis { get; init; }

    /// <summary>Class before.</summary>
    public required NetClass From { get; init; }

    /// <summary>Class now.</summary>
    public required NetClass To { get; init; }

    /// <summary>Stars before.</summary>
    public int FromStars { get; init; }

    /// <summary>Stars now.</summary>
    public int ToStars { get; init; }

    /// <summary>In what ways.</summary>
    public required ChangeKinds Kinds { get; init; }

    /// <summary>How much it matters, by the table in force.</summary>
    public Grade Grade { get; init; }

    /// <summary>Its genes, of either release, as GENEINFO or a list with commas.</summary>
    public string Genes { get; init; } = "";

    /// <summary>Whether it is known that it has these genes, or none; what the laboratory alone has assessed may have any.</summary>
    public bool AreGenesKnown { get; init; } = true;

    /// <summary>Variation ids now, before where there are none now; comma separated.</summary>
    public string Ids { get; init; } = "";

    /// <summary>Whether the net class changed.</summary>
    public bool IsOfClass => From != To;
}
