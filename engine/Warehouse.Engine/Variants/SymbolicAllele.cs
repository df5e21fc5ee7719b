using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>What a record says about the extent of a symbolic allele or breakend. Lengths and ends that are absent are 0 or less.</summary>
public readonly record struct SymbolicFields
{
    /// <summary>Length of REF.</summary>
    public required int RefBases { get; init; }

    /// <summary>fileformat as major * 100 + minor.</summary>
    public required int HeaderVersion { get; init; }

    /// <summary>Absolute INFO SVLEN of this ALT.</summary>
    public int SvLen { get; init; }

    /// <summary>INFO END: 1-based inclusive, which is 0-based exclusive.</summary>
    public int InfoEnd { get; init; }

    /// <summary>INFO CIPOS; (0, 0) when absent.</summary>
    public (int Low, int High) CiPos { get; init; }

    /// <summary>INFO CIEND; (0, 0) when absent.</summary>
    public (int Low, int High) CiEnd { get; init; }
}

/// <summary>
/// An allele that is described, not spelled: <c>&lt;DEL&gt;</c> and its like, or a breakend. Compared by place and size
/// (<see cref="Matches"/>), counted in a class of its own. Coordinates as in VCF but 0-based half-open: Start is POS, for most types the
/// base before the event, so the event itself is [Start + 1, End). Immutable.
/// </summary>
public sealed record SymbolicAllele
{
    /// <summary>Overlap that COUNTS.md asks for, as a part of either interval.</summary>
    public const double DefaultOverlap = 0.5;

    private const int ComputedEndVersion = 405;   // VCF 4.5: END is computed, SVLEN is what counts

    private SymbolicAllele(string contig, int start, string type)
    {
        Contig = contig;
        Start = start;
        Type = type;
    }

    /// <summary>Canonical contig.</summary>
    public string Contig { get; }

    /// <summary>0-based POS; -1 for the telomere.</summary>
    public int Start { get; }

    /// <summary>End, exclusive.</summary>
    public int End { get; private init; }

    /// <summary>The ALT item as written: <c>&lt;DUP:TANDEM&gt;</c>, <c>G]17:198982]</c>.</summary>
    public string Type { get; }

    /// <summary>Length of the event in bases (for insertions of what is inserted); -1 when unknown.</summary>
    public int LengthBases { get; private init; } = -1;

    /// <summary>Uncertainty of Start.</summary>
    public (int Low, int High) CiPos { get; private init; }

    /// <summary>Uncertainty of End.</summary>
    public (int Low, int High) CiEnd { get; private init; }

    /// <summary>The parsed breakend, its mate's contig canonical; null for other types.</summary>
    public Breakend? Mate { get; private init; }

    private bool IsInsertion => Type.StartsWith("<INS", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Makes one from a record. SVLEN gives the end where the header is VCF 4.5 or END is absent or useless, END otherwise; insertions and
    /// breakends end with REF.
    /// </summary>
    /// <param name="assembly">Names the mate's contig.</param>
    /// <param name="contig">Canonical contig.</param>
    /// <param name="start">0-based POS.</param>
    /// <param name="alternate">The ALT item: symbolic or breakend.</param>
    /// <param name="fields">What the record says about its extent.</param>
    /// <exception cref="InputException">The mate of a breakend lies on an accession of another assembly.</exception>
    public static SymbolicAllele Create(Assembly assembly, string contig, int start, ReadOnlySpan<byte> alternate, SymbolicFields fields)
    {
        var refEnd = start + fields.RefBases;
        var allele = new SymbolicAllele(contig, start, Encoding.UTF8.GetString(alternate)) { End = refEnd, CiPos = fields.CiPos, CiEnd = fields.CiEnd };
        if (alternate[0] != '<' && Breakend.TryParse(alternate, out var mate))
            return allele with { Mate = mate.IsSingle ? mate : mate with { MateContig = assembly.CanonicalContig(mate.MateContig) } };
        if (allele.IsInsertion) return allele with { LengthBases = fields.SvLen > 0 ? fields.SvLen : -1 };
        var byLength = fields.SvLen > 0 ? (int)Math.Min(int.MaxValue, start + 1L + fields.SvLen) : -1;
        var byEnd = fields.InfoEnd > refEnd ? fields.InfoEnd : -1;
        var end = fields.HeaderVersion >= ComputedEndVersion || byEnd < 0 ? byLength : byEnd;
        if (end < 0) end = byEnd;
        end = Math.Max(refEnd, end);
        return allele with { End = end, LengthBases = fields.SvLen > 0 ? fields.SvLen : end - start - 1 is > 0 and var length ? length : -1 };
    }

    /// <summary>An allele that <see cref="Create"/> made when it was stored.</summary>
    /// <param name="assembly">Names the mate's contig.</param>
    /// <param name="contig">Canonical contig.</param>
    /// <param name="place">0-based start, and end, exclusive.</param>
    /// <param name="alternate">The ALT item.</param>
    /// <param name="rest">Length, -1 when unknown, and both uncertainties.</param>
    internal static SymbolicAllele FromStored(Assembly assembly, string contig, (int Start, int End) place, ReadOnlySpan<byte> alternate, (int LengthBases, (int Low, int High) CiPos, (int Low, int High) CiEnd) rest)
    {
        var made = Create(assembly, contig, place.Start, alternate, new SymbolicFields { RefBases = 1, HeaderVersion = ComputedEndVersion, CiPos = rest.CiPos, CiEnd = rest.CiEnd });
        return made with { End = place.End, LengthBases = rest.LengthBases };
    }

    /// <summary>
    /// True when a stored allele answers a question for this one. The stored type is this type or a subtype of it. Intervals match when each
    /// covers at least <paramref name="overlap"/> of the other, or when both ends agree within their confidence intervals. Insertions match
    /// when their positions agree within the confidence intervals and their lengths, where both are known, are as alike. Breakends match
    /// when position and mate agree within the confidence interval and face the same way.
    /// </summary>
    public bool Matches(SymbolicAllele stored, double overlap = DefaultOverlap)
    {
        if (Contig != stored.Contig) return false;
        var startsAgree = Touch(Start, CiPos, stored.Start, stored.CiPos);
        if (Mate is not null || stored.Mate is not null)
            return Mate is { } m && stored.Mate is { } s && startsAgree && m.JoinsAfter == s.JoinsAfter && m.MateExtendsRight == s.MateExtendsRight
                && m.MateContig == s.MateContig && Touch(m.MateStart, CiPos, s.MateStart, stored.CiPos);
        if (!CoversType(stored.Type)) return false;
        if (IsInsertion)
            return startsAgree && (LengthBases < 0 || stored.LengthBases < 0 || Math.Min(LengthBases, stored.LengthBases) >= overlap * Math.Max(LengthBases, stored.LengthBases));
        if (startsAgree && Touch(End, CiEnd, stored.End, stored.CiEnd)) return true;
        var shared = Math.Min(End, stored.End) - Math.Max(Start + 1, stored.Start + 1);
        return shared > 0 && shared >= overlap * Math.Max(End - Start - 1, stored.End - stored.Start - 1);
    }

    /// <summary>contig:POS-END type, 1-based: a spelling that <see cref="VariantQuery.Parse"/> reads back; a breakend as contig:POS N type.</summary>
    public override string ToString() => Mate is null
        ? FormattableString.Invariant($"{Contig}:{Start + 1L}-{End} {Type}")
        : FormattableString.Invariant($"{Contig}:{Start + 1L} N {Type}");

    private bool CoversType(string stored) => stored.Equals(Type, StringComparison.OrdinalIgnoreCase)
        || stored.Length > Type.Length && stored[Type.Length - 1] == ':' && stored.AsSpan(0, Type.Length - 1).Equals(Type.AsSpan(0, Type.Length - 1), StringComparison.OrdinalIgnoreCase);

    private static bool Touch(int a, (int Low, int High) ciA, int b, (int Low, int High) ciB) =>
        (long)a + Math.Min(0, ciA.Low) <= (long)b + Math.Max(0, ciB.High) && (long)b + Math.Min(0, ciB.Low) <= (long)a + Math.Max(0, ciA.High);
}
