using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>The small grammars of VCF text: names, integers, floats, alleles. All pure.</summary>
internal static class VcfText
{
    private static readonly SearchValues<byte> BaseLetters = SearchValues.Create("ACGTNacgtn"u8);
    private static readonly SearchValues<byte> NotInContigName = SearchValues.Create(NotPrintedOr("<>[](){},\"'`\\"u8));
    private static readonly SearchValues<byte> NotInSymbol = SearchValues.Create(NotPrintedOr("<>,\""u8));

    /// <summary>True when there is a control character other than tab.</summary>
    public static bool HasControl(ReadOnlySpan<byte> text) =>
        text.IndexOfAnyInRange((byte)0, (byte)8) >= 0 || text.IndexOfAnyInRange((byte)10, (byte)31) >= 0;

    /// <summary>False for names that make records ambiguous: white space, control characters, commas, quotes, brackets, not ASCII, nothing.</summary>
    public static bool IsContigName(ReadOnlySpan<byte> name) => !name.IsEmpty && name.IndexOfAny(NotInContigName) < 0;

    /// <summary>One or more of ACGTN, any case.</summary>
    public static bool IsBases(ReadOnlySpan<byte> text) => !text.IsEmpty && text.IndexOfAnyExcept(BaseLetters) < 0;

    /// <summary>An ALT item: bases, <c>*</c>, <c>&lt;ID&gt;</c>, a breakend or a single breakend.</summary>
    public static bool IsAlt(ReadOnlySpan<byte> item)
    {
        if (IsBases(item) || item is [(byte)'*']) return true;
        if (item.Length < 2) return false;
        if (item[0] == '<' && item[^1] == '>') return item.Length > 2 && item[1..^1].IndexOfAny(NotInSymbol) < 0;
        if (item[0] == '.' || item[^1] == '.')
        {
            if (IsBases(item[0] == '.' ? item[1..] : item[..^1])) return true;
        }
        return IsBreakend(item);
    }

    /// <summary>Decimal digits alone, up to the greatest int; no sign, no space.</summary>
    public static bool TryDigits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > 10) return false;
        long sum = 0;
        foreach (var b in text)
        {
            if (b is < (byte)'0' or > (byte)'9') return false;
            sum = sum * 10 + (b - '0');
        }
        if (sum > int.MaxValue) return false;
        value = (int)sum;
        return true;
    }

    /// <summary>Digits with an optional sign, within an int.</summary>
    public static bool TryInteger(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        if (text.IsEmpty) return false;
        var negative = text[0] == '-';
        if (!TryDigits(negative || text[0] == '+' ? text[1..] : text, out value)) return false;
        if (negative) value = -value;
        return true;
    }

    /// <summary>A float as the specification writes it: decimal or exponent form, or NaN, Inf, Infinity in any case. A number outside the range of float is none.</summary>
    public static bool TryFloat(ReadOnlySpan<byte> text, out float value)
    {
        if (Utf8Parser.TryParse(text, out double wide, out var used) && used == text.Length && text[^1] is <= (byte)'9')
        {
            value = (float)wide;
            return float.IsFinite(value);
        }
        return TrySpecialFloat(text, out value);
    }

    private static bool TrySpecialFloat(ReadOnlySpan<byte> text, out float value)
    {
        value = float.NaN;
        if (text.IsEmpty || text.Length > 9) return false;
        var negative = text[0] == '-';
        var word = Encoding.Latin1.GetString(negative || text[0] == '+' ? text[1..] : text).ToLower(CultureInfo.InvariantCulture);
        if (word == "nan") return true;
        value = negative ? float.NegativeInfinity : float.PositiveInfinity;
        return word is "inf" or "infinity";
    }

    /// <summary><c>t[p[</c>, <c>t]p]</c>, <c>]p]t</c> or <c>[p[t</c>; p is contig:position, t bases or, at a telomere, a point.</summary>
    private static bool IsBreakend(ReadOnlySpan<byte> item)
    {
        var first = item.IndexOfAny((byte)'[', (byte)']');
        if (first < 0) return false;
        var bracket = item[first];
        var last = item.LastIndexOf(bracket);
        if (last == first) return false;
        var inner = item[(first + 1)..last];
        var joined = first == 0 ? item[(last + 1)..] : item[..first];
        if (first != 0 && last != item.Length - 1) return false;
        if (!IsBases(joined) && joined is not [(byte)'.'] && !(joined.Length > 1 && joined[0] == '.' && IsBases(joined[1..]))) return false;
        var colon = inner.LastIndexOf((byte)':');
        if (colon <= 0 || !TryDigits(inner[(colon + 1)..], out _)) return false;
        var name = inner[..colon];
        if (name[0] == '<' && name[^1] == '>') name = name[1..^1];
        return IsContigName(name);
    }

    /// <summary>Blanks, controls and bytes beyond ASCII, and some more. A loop, since queries over bytes are compiled at each start.</summary>
    private static byte[] NotPrintedOr(ReadOnlySpan<byte> others)
    {
        var bytes = new List<byte>(33 + 129 + others.Length);
        for (var b = 0; b <= byte.MaxValue; b++)
            if (b is < 33 or > 126 || others.Contains((byte)b)) bytes.Add((byte)b);
        return [.. bytes];
    }
}
