using Warehouse.Engine;

namespace Warehouse.Clinic.Assessments;

/// <summary>How much a criterion weighs.</summary>
public enum Strength
{
    /// <summary>Supporting.</summary>
    Supporting,

    /// <summary>Moderate.</summary>
    Moderate,

    /// <summary>Strong.</summary>
    Strong,

    /// <summary>Very strong.</summary>
    VeryStrong,

    /// <summary>Decides alone: BA1.</summary>
    StandAlone,
}

/// <summary>The 28 criteria of ACMG/AMP 2015 by their codes.</summary>
public static class Criterion
{
    /// <summary>All codes, in the order of the guideline.</summary>
    public static IReadOnlyList<string> Codes { get; } =
    [
        "PVS1", "PS1", "PS2", "PS3", "PS4", "PM1", "PM2", "PM3", "PM4", "PM5", "PM6", "PP1", "PP2", "PP3", "PP4", "PP5",
        "BA1", "BS1", "BS2", "BS3", "BS4", "BP1", "BP2", "BP3", "BP4", "BP5", "BP6", "BP7",
    ];

    /// <summary>Whether a code speaks for benign.</summary>
    public static bool IsBenign(string code) => code[0] == 'B';

    /// <summary>Whether a code is met by how often a variant was counted in some people: what is said for it may hold figures of a store.</summary>
    public static bool IsOfFigures(string code) => code is "BA1" or "BS1" or "BS2" or "PM2" or "PS4";

    /// <summary>The strength that the guideline gives a code; an assessment may weigh it otherwise.</summary>
    public static Strength DefaultStrength(string code) => code[1] switch
    {
        'A' => Strength.StandAlone,
        'V' => Strength.VeryStrong,
        'S' => Strength.Strong,
        'M' => Strength.Moderate,
        _ => Strength.Supporting,
    };

    /// <summary>Place of a code in <see cref="Codes"/>.</summary>
    /// <exception cref="InputException">There is no such code: rule <c>assess-criterion</c>.</exception>
    public static int OrderOf(string code)
    {
        for (var i = 0; i < Codes.Count; i++)
            if (Codes[i] == code) return i;
        throw new InputException("assess-criterion", "a criterion is one of the 28 codes of ACMG/AMP 2015: PVS1, PS1 … BP7", InputPlace.None);
    }
}

/// <summary>A criterion that was met.</summary>
/// <param name="Code">Its code.</param>
/// <param name="Strength">How much it weighs here.</param>
/// <param name="Evidence">Why it is met.</param>
public sealed record CriterionUse(string Code, Strength Strength, string Evidence)
{
    /// <summary>Publications that say so, <c>PMID:</c> and a number each.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>What it adds to the points of a variant; 0 for BA1, which is not counted but decides.</summary>
    public int Points => Strength == Strength.StandAlone ? 0 : (Criterion.IsBenign(Code) ? -1 : 1) * PointScale.PointsOf(Strength);

    /// <inheritdoc/>
    public bool Equals(CriterionUse? other) => other is not null && (Code, Strength, Evidence) == (other.Code, other.Strength, other.Evidence) && References.SequenceEqual(other.References);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Code, Strength, Evidence);
}
