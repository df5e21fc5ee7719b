using System.Globalization;

namespace Warehouse.Engine.Variants;

/// <summary>Order of canonical contigs in every listing: 1 to 22, X, Y, MT, then by name, ordinal. Any thread.</summary>
public sealed class ContigOrder : IComparer<string>
{
    private const int OtherRank = 26;

    private ContigOrder()
    {
    }

    /// <summary>The only one.</summary>
    public static ContigOrder Instance { get; } = new();

    /// <summary>1 to 22, 23 for X, 24 for Y, 25 for MT, 26 for any other contig.</summary>
    public static int Rank(string canonical) => canonical switch
    {
        "X" => 23,
        "Y" => 24,
        "MT" or Assembly.OldMitochondrion => 25,
        _ => canonical.Length is 1 or 2 && canonical[0] != '0'
            && int.TryParse(canonical, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 22 ? number : OtherRank,
    };

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null) return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        var ranks = Rank(x).CompareTo(Rank(y));
        return ranks != 0 ? ranks : string.CompareOrdinal(x, y);
    }
}
