using System.Buffers.Text;
using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>The parsed ALT of a breakend (VCF 4.5, section 5.4): <c>t[p[</c>, <c>t]p]</c>, <c>]p]t</c>, <c>[p[t</c>, or single: <c>t.</c>, <c>.t</c>.</summary>
/// <param name="MateContig">Contig of the mate as written; empty for a single breakend.</param>
/// <param name="MateStart">0-based position of the mate; -1 for a single breakend and for the telomere (POS 0).</param>
/// <param name="JoinsAfter">True when the new sequence continues after t (<c>t[p[</c>, <c>t]p]</c>, <c>t.</c>).</param>
/// <param name="MateExtendsRight">True for <c>[</c>: what is joined extends to the right of the mate.</param>
public readonly record struct Breakend(string MateContig, int MateStart, bool JoinsAfter, bool MateExtendsRight)
{
    /// <summary>True when there is no mate.</summary>
    public bool IsSingle => MateContig.Length == 0;

    /// <summary>Parses one ALT item; false when it is no breakend.</summary>
    public static bool TryParse(ReadOnlySpan<byte> allele, out Breakend breakend)
    {
        breakend = default;
        if (allele.Length < 2) return false;
        var open = allele.IndexOfAny((byte)'[', (byte)']');
        if (open < 0)
        {
            if (allele[0] != '.' && allele[^1] != '.') return false;
            breakend = new Breakend("", -1, allele[^1] == '.', false);
            return allele is not [(byte)'.', .., (byte)'.'];
        }
        var bracket = allele[open];
        var close = allele.LastIndexOf(bracket);
        if (close <= open + 1 || allele[(open + 1)..close].ContainsAny((byte)'[', (byte)']')) return false;
        var joinsAfter = open > 0;
        if (joinsAfter ? close != allele.Length - 1 : close == allele.Length - 1) return false;   // bases on exactly one side
        var mate = allele[(open + 1)..close];
        var colon = mate.LastIndexOf((byte)':');   // contig names may hold colons
        if (colon < 1 || !Utf8Parser.TryParse(mate[(colon + 1)..], out int position, out var used) || used != mate.Length - colon - 1 || position < 0) return false;
        breakend = new Breakend(Encoding.UTF8.GetString(mate[..colon]), position - 1, joinsAfter, bracket == '[');
        return true;
    }
}
