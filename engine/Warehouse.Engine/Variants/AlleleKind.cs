using System.Buffers;

namespace Warehouse.Engine.Variants;

/// <summary>What an ALT item is.</summary>
public enum AlleleKind
{
    /// <summary>Nothing that VCF allows as an ALT item.</summary>
    Invalid,

    /// <summary>Plain bases: ACGTN, any case.</summary>
    Bases,

    /// <summary><c>*</c>: missing because of a deletion that starts before.</summary>
    Star,

    /// <summary><c>&lt;*&gt;</c> or <c>&lt;NON_REF&gt;</c>: any allele not listed.</summary>
    Unspecified,

    /// <summary><c>&lt;DEL&gt;</c> and its like.</summary>
    Symbolic,

    /// <summary>A breakend, with or without a mate.</summary>
    Breakend,
}

/// <summary>Tells the kinds of ALT items apart (VCF 4.5, section 1.6.1). Any thread.</summary>
public static class AlleleKinds
{
    private static readonly SearchValues<byte> PlainBases = SearchValues.Create("ACGTNacgtn"u8);
    private static readonly SearchValues<byte> Brackets = SearchValues.Create("[]"u8);

    /// <summary>The kind of one ALT item as written.</summary>
    public static AlleleKind Classify(ReadOnlySpan<byte> allele)
    {
        if (allele.IsEmpty) return AlleleKind.Invalid;
        if (!allele.ContainsAnyExcept(PlainBases)) return AlleleKind.Bases;
        if (allele is [(byte)'*']) return AlleleKind.Star;
        // Before the brackets: an ID may hold them, and a breakend begins with bases or a bracket.
        if (allele[0] == '<')
        {
            if (allele.SequenceEqual("<*>"u8) || allele.SequenceEqual("<NON_REF>"u8)) return AlleleKind.Unspecified;
            return allele.Length > 2 && allele[^1] == '>' && !allele[1..^1].ContainsAny((byte)'<', (byte)'>', (byte)' ') ? AlleleKind.Symbolic : AlleleKind.Invalid;
        }
        if (allele.ContainsAny(Brackets)) return Breakend.TryParse(allele, out _) ? AlleleKind.Breakend : AlleleKind.Invalid;
        if (allele.Length > 1 && (allele[0] == '.' ? allele[1..] : allele[^1] == '.' ? allele[..^1] : []) is { IsEmpty: false } bases
            && !bases.ContainsAnyExcept(PlainBases)) return AlleleKind.Breakend;
        return AlleleKind.Invalid;
    }
}
