using System.Buffers;
using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>What a spelling turned out to be.</summary>
public enum VariantQueryKind
{
    /// <summary>An allele of plain bases.</summary>
    Bases,

    /// <summary>A symbolic allele or breakend.</summary>
    Symbolic,

    /// <summary>A VRS 2.0 allele identifier, to be found among stored variants by computing theirs.</summary>
    VrsId,
}

/// <summary>
/// A variant that someone asks for, read from any of these spellings:
/// <code>
/// 22-16050075-A-G   chr22:16050075:A:G   22:16050075 A>G   22 16050075 A G (blanks or tabs)       POS 1-based, as in VCF
/// NC_000022.10:g.16050075A>G   22:g.100del   g.100_102delACG   g.100_102dup   g.100_101insAC   g.100_101delinsAC   g.100_103inv
/// NC_000022.10:16050074:A:G   NC_000022.10:16050074:1:G                                           SPDI: 0-based, deletion by length or bases
/// ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt                                                       VRS 2.0
/// 22:1000-2000 &lt;DEL>   22:1000 &lt;INS>   22:1000 N ]13:500]N                                   symbolic: POS-END as in VCF
/// </code>
/// All spellings of one change give equal results. Immutable.
/// </summary>
public sealed record VariantQuery
{
    /// <summary>Longest spelling that is read.</summary>
    public const int MaxCharacters = 1_000_000;

    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*.");

    private VariantQuery(VariantQueryKind kind) => Kind = kind;

    /// <summary>Which of the three below is set.</summary>
    public VariantQueryKind Kind { get; }

    /// <summary>The normalised variant; null for other kinds.</summary>
    public Variant? Variant { get; private init; }

    /// <summary>The symbolic allele; null for other kinds.</summary>
    public SymbolicAllele? Symbolic { get; private init; }

    /// <summary>The 32 characters after <c>ga4gh:VA.</c>; null for other kinds.</summary>
    public string? VrsDigest { get; private init; }

    /// <summary>True when no reference was there to left-align with.</summary>
    public bool TrimmedOnly { get; private init; }

    /// <summary>How the spelling was understood, when it is not what was written; else null.</summary>
    public string? Note { get; private init; }

    /// <summary>Reads a spelling.</summary>
    /// <exception cref="InputException">It is not understood, or contradicts assembly or reference; the message says what is wrong.</exception>
    public static VariantQuery Parse(string text, VariantContext context)
    {
        text = text.Trim();
        if (text.Length == 0) throw VariantContext.Bad("variant-form", "the variant is empty");
        if (text.Length > MaxCharacters) throw VariantContext.Bad("variant-length", FormattableString.Invariant($"a variant of {text.Length} characters is too long (at most {MaxCharacters})"));
        if (text.StartsWith("ga4gh:", StringComparison.OrdinalIgnoreCase)) return ParseVrs(text);
        var hgvs = Hgvs.IsHgvs(text);
        if (!hgvs && text.AsSpan().ContainsAny("<[]")) return new VariantQuery(VariantQueryKind.Symbolic) { Symbolic = SymbolicText.Parse(text, context) };
        var variant = hgvs ? Hgvs.Parse(text, context) : Spdi.IsSpdi(text) ? Spdi.Parse(text, context) : ParseFields(text, context);
        var written = variant.ToString();
        return new VariantQuery(VariantQueryKind.Bases)
        {
            Variant = variant,
            TrimmedOnly = context.Reference?.Has(variant.Contig) != true,
            Note = text == written ? null : $"read as {written}",
        };
    }

    /// <summary>Takes contig, POS, REF and ALT from the right, because contig names may hold any separator.</summary>
    private static Variant ParseFields(string text, VariantContext context)
    {
        var rest = text.AsSpan();
        var alternate = TakeLetters(ref rest);
        if (alternate.Length == 0) throw Unknown(text, "it should end with the bases of ALT");
        var between = TakeSeparator(ref rest);
        if (between == 0) throw Unknown(text, "REF and ALT should be two words");
        if (between == ',') throw Unknown(text, "one ALT at a time");
        var reference = TakeLetters(ref rest);
        if (reference.Length == 0) throw Unknown(text, "REF has no bases");
        TakeSeparator(ref rest);
        var position = TakePosition(ref rest, text);
        var beforePosition = TakeSeparator(ref rest);
        if (beforePosition == 0) throw Unknown(text, "contig and POS should be two words");
        if (beforePosition == ',') throw Unknown(text, "positions are written without commas");
        if (position == 0) throw VariantContext.Bad("variant-position", "POS 0: positions count from 1, except in SPDI with a RefSeq accession");
        var contig = context.Contig(rest.ToString());
        context.RequireInside(contig, position - 1L, position - 1L + reference.Length);
        return new Normalizer(context.Reference).Normalize(contig, position - 1, reference, alternate);
    }

    private static VariantQuery ParseVrs(string text)
    {
        if (!text.StartsWith(Vrs.AllelePrefix, StringComparison.Ordinal))
            throw VariantContext.Bad("variant-vrs", $"of VRS identifiers only alleles can be asked for, which start with {Vrs.AllelePrefix}");
        var digest = text[Vrs.AllelePrefix.Length..];
        if (digest.Length != Vrs.DigestCharacters || !digest.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw VariantContext.Bad("variant-vrs", $"a VRS 2.0 allele identifier has {Vrs.DigestCharacters} letters, digits, - or _ after {Vrs.AllelePrefix}");
        return new VariantQuery(VariantQueryKind.VrsId) { VrsDigest = digest };
    }

    /// <summary>Takes bases (or what stands in their place) from the right end.</summary>
    internal static string TakeLetters(ref ReadOnlySpan<char> rest)
    {
        var at = rest.LastIndexOfAnyExcept(Letters) + 1;
        var taken = rest[at..].ToString();
        rest = rest[..at];
        return taken;
    }

    /// <summary>Takes one separator from the right end, blanks around it too; 0 when there is none, a blank when there are only blanks.</summary>
    internal static char TakeSeparator(ref ReadOnlySpan<char> rest)
    {
        var trimmed = rest.TrimEnd();
        if (!trimmed.IsEmpty && trimmed[^1] is '-' or ':' or '>' or '/' or '_' or '|' or ',')
        {
            rest = trimmed[..^1].TrimEnd();
            return trimmed[^1];
        }
        var found = trimmed.Length < rest.Length ? ' ' : '\0';
        rest = trimmed;
        return found;
    }

    /// <summary>Takes a position from the right end.</summary>
    internal static int TakePosition(ref ReadOnlySpan<char> rest, string text)
    {
        var at = rest.LastIndexOfAnyExceptInRange('0', '9') + 1;
        var digits = rest[at..];
        rest = rest[..at];
        if (digits.IsEmpty) throw Unknown(text, "there should be a position before REF");
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position
            : throw VariantContext.Bad("variant-position", $"position {VariantContext.Quote(digits.ToString())} is larger than any contig");
    }

    /// <summary>The error for a spelling of no known form.</summary>
    internal static InputException Unknown(string text, string reason) => VariantContext.Bad("variant-form",
        $"{InputException.Quote(Encoding.UTF8.GetBytes(text))} is no variant: {reason}. Write 22-16050075-A-G, 22:g.16050075A>G, NC_000022.10:16050074:A:G, ga4gh:VA.… or 22:1000-2000 <DEL>");
}
