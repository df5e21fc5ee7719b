using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Query;

/// <summary>
/// Regions as users write them: <c>CONTIG</c> or <c>CONTIG:FROM-TO</c>, 1-based with both ends included, commas allowed
/// between digits: <c>chr22:16,050,075-16,060,000</c>.
/// A contig name may hold colons itself (<c>HLA-A*01:01</c>): only the last one can start the numbers. <c>CONTIG:POS</c>
/// is refused, because tools disagree on whether it means one base or everything from there on.
/// </summary>
public static class RegionText
{
    /// <summary>Understands one region.</summary>
    /// <exception cref="InputException"><c>region</c>: the text is no region.</exception>
    public static Region Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        var numbers = colon < 0 ? [] : text.AsSpan(colon + 1);
        if (colon < 0 || numbers.ContainsAnyExcept("0123456789,-")) return Whole(text);

        var dash = numbers.IndexOf('-');
        if (dash < 0) throw Bad(text, "say where it ends, CONTIG:FROM-TO (one base is CONTIG:P-P)");
        var from = Position(text, numbers[..dash]);
        var to = Position(text, numbers[(dash + 1)..]);
        if (to < from) throw Bad(text, "it ends before it starts");
#if PLANTED_REGION_ONE_LONGER
        return new Region(Whole(text[..colon]).Contig, from - 1, to + (to < int.MaxValue ? 1 : 0));
#else
        return new Region(Whole(text[..colon]).Contig, from - 1, to);
#endif
    }

    private static Region Whole(string contig) =>
        contig.Length > 0 ? new Region(contig, 0, Region.Unbounded) : throw Bad(contig, "the contig's name is missing");

    private static int Position(string text, ReadOnlySpan<char> digits)
    {
        Span<char> kept = stackalloc char[16];
        var length = 0;
        foreach (var c in digits)
        {
            if (c == ',') continue;
            if (length == kept.Length || !char.IsAsciiDigit(c)) throw Bad(text, "positions are whole numbers from 1 to 2147483647");
            kept[length++] = c;
        }
        return int.TryParse(kept[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var position) && position >= 1
            ? position
            : throw Bad(text, "positions are whole numbers from 1 to 2147483647");
    }

    private static InputException Bad(string text, string why) =>
        new("region", $"region {InputException.Quote(Encoding.UTF8.GetBytes(text))}: {why}", InputPlace.None);
}
