using System.Text;
using Warehouse.Engine;

namespace Warehouse.Clinic.Assessments;

/// <summary>How a condition is inherited.</summary>
public enum Inheritance
{
    /// <summary>Not known, or not stated.</summary>
    Unknown,

    /// <summary>Autosomal dominant.</summary>
    AutosomalDominant,

    /// <summary>Autosomal recessive.</summary>
    AutosomalRecessive,

    /// <summary>Semidominant.</summary>
    Semidominant,

    /// <summary>X-linked.</summary>
    XLinked,

    /// <summary>Y-linked.</summary>
    YLinked,

    /// <summary>Mitochondrial.</summary>
    Mitochondrial,
}

/// <summary>What is said of an allele in a condition: all that an author writes and a signature covers. Immutable.</summary>
public sealed record AssessmentContent
{
    /// <summary>Longest evidence of a criterion, reason, and name of a condition, in bytes.</summary>
    public const int MaxShortBytes = 4096;

    /// <summary>Longest text, in bytes.</summary>
    public const int MaxTextBytes = 1 << 16;

    /// <summary>Most publications in one place.</summary>
    public const int MaxReferences = 200;

    /// <summary>The allele.</summary>
    public required AssessedAllele Allele { get; init; }

    /// <summary>The condition: <c>MONDO:</c> and seven digits.</summary>
    public required string ConditionId { get; init; }

    /// <summary>Its name.</summary>
    public string ConditionName { get; init; } = "";

    /// <summary>The class.</summary>
    public required Tier Class { get; init; }

    /// <summary>Third of uncertain; null = not stated.</summary>
    public UncertainTier? Uncertain { get; init; }

    /// <summary>Criteria met, each code once.</summary>
    public IReadOnlyList<CriterionUse> Criteria { get; init; } = [];

    /// <summary>Why the class differs from what the criteria imply; empty when it does not.</summary>
    public string DifferenceReason { get; init; } = "";

    /// <summary>How the condition is inherited.</summary>
    public Inheritance Inheritance { get; init; }

    /// <summary>Publications: <c>PMID:</c> and a number each.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>Free text.</summary>
    public string Text { get; init; } = "";

    /// <summary>Sum of the points of the criteria.</summary>
    public int Points => PointScale.Sum(Criteria);

    /// <summary>The class that the criteria imply.</summary>
    public Tier Implied => PointScale.Implied(Criteria);

    /// <summary>The same with its criteria in the order of the guideline, and checked.</summary>
    /// <exception cref="InputException">It says what no assessment says.</exception>
    public AssessmentContent Checked()
    {
        var ordered = this with { Criteria = [.. Criteria.OrderBy(c => Criterion.OrderOf(c.Code))] };
        foreach (var use in ordered.Criteria)
        {
            if ((use.Strength == Strength.StandAlone) != (use.Code == "BA1")) throw Bad("assess-strength", "BA1 stands alone, and nothing else does");
            Short(use.Evidence, "the evidence of a criterion");
            Check(use.References);
        }
        if (ordered.Criteria.Zip(ordered.Criteria.Skip(1)).Any(p => p.First.Code == p.Second.Code)) throw Bad("assess-criterion", "a criterion counts once");
        if (ConditionId.Length != 13 || !ConditionId.StartsWith("MONDO:", StringComparison.Ordinal) || !ConditionId.AsSpan(6).ContainsOnlyDigits()) throw Bad("assess-condition", "a condition is MONDO: and seven digits");
        if (Uncertain is not null && Class != Tier.Uncertain) throw Bad("assess-class", "high, mid and low are thirds of uncertain");
        var differs = Class != ordered.Implied;
        if (differs && DifferenceReason.Length == 0) throw Bad("assess-reason", $"the criteria imply {Words.Of(ordered.Implied)} ({ordered.Points} points): a reason is needed for another class");
        if (!differs && DifferenceReason.Length > 0) throw Bad("assess-reason", "the class is the one that the criteria imply: no reason for a difference is needed");
        Short(ConditionName, "the name of a condition");
        Short(DifferenceReason, "a reason");
        if (Encoding.UTF8.GetByteCount(Text) > MaxTextBytes) throw Bad("assess-text", $"a text has at most {MaxTextBytes} bytes");
        Check(References);
        return ordered;
    }

    /// <inheritdoc/>
    public bool Equals(AssessmentContent? other) => other is not null && AssessmentJson.Encode(this).AsSpan().SequenceEqual(AssessmentJson.Encode(other));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Allele, ConditionId, Class);

    internal static void Short(string text, string what)
    {
        if (Encoding.UTF8.GetByteCount(text) > MaxShortBytes) throw Bad("assess-text", $"{what} has at most {MaxShortBytes} bytes");
    }

    private static void Check(IReadOnlyList<string> references)
    {
        if (references.Count > MaxReferences) throw Bad("assess-reference", $"at most {MaxReferences} publications");
        foreach (var one in references)
            if (one.Length is < 6 or > 14 || !one.StartsWith("PMID:", StringComparison.Ordinal) || !one.AsSpan(5).ContainsOnlyDigits()) throw Bad("assess-reference", "a publication is PMID: and a number");
    }

    private static InputException Bad(string code, string text) => new(code, text, InputPlace.None);
}

internal static class Digits
{
    internal static bool ContainsOnlyDigits(this ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9');
}
