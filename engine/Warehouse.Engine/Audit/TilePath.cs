using System.Globalization;

namespace Warehouse.Engine.Audit;

/// <summary>
/// Where a tile lies below the prefix of a log that is served (C2SP tlog-tiles): <c>tile/L/N[.p/W]</c>, entries <c>tile/entries/N[.p/W]</c>,
/// N in groups of three digits, all but the last behind an x. On this disk the same tiles have flat names (<see cref="AuditFiles"/>).
/// </summary>
internal static class TilePath
{
    /// <summary>Hashes of a full tile, and entries of a full bundle.</summary>
    internal const int Width = 256;

    /// <summary>Levels of the tree per level of tiles.</summary>
    internal const int Height = 8;

    /// <summary>The path of a tile of hashes.</summary>
    internal static string Of(int level, long tile, int width = Width) => string.Create(CultureInfo.InvariantCulture, $"tile/{level}/{Groups(tile)}{Partial(width)}");

    /// <summary>The path of a bundle of entries.</summary>
    internal static string OfEntries(long bundle, int width = Width) => $"tile/entries/{Groups(bundle)}{Partial(width)}";

    /// <summary>Hashes of the last tile of a level in a tree of a size; 0 = it is full, or there is none.</summary>
    internal static int PartialWidth(int level, long size) => level > 7 ? 0 : (int)((size >> (Height * level)) % Width);

    private static string Groups(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        var text = (number % 1000).ToString("d3", CultureInfo.InvariantCulture);
        for (var rest = number / 1000; rest > 0; rest /= 1000) text = string.Create(CultureInfo.InvariantCulture, $"x{rest % 1000:d3}/{text}");
        return text;
    }

    private static string Partial(int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, Width);
        return width == Width ? "" : string.Create(CultureInfo.InvariantCulture, $".p/{width}");
    }
}
