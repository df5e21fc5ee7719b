using System.Globalization;

namespace Warehouse.Engine.Release;

/// <summary>
/// How far a ledger goes. Kept elsewhere (in the audit entry of each answer), it shows later that nothing up to there was taken back.
/// </summary>
/// <param name="File">Number of the file.</param>
/// <param name="Records">Records in it.</param>
/// <param name="Tag">The tag of the last of them, 32 hexadecimal digits.</param>
/// <param name="Epoch">The release epoch that was open.</param>
public sealed record LedgerHead(long File, long Records, string Tag, long Epoch)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}.{Records}.{Tag}.{Epoch}");

    /// <summary>Reads what <see cref="ToString"/> wrote; null for anything else.</summary>
    public static LedgerHead? TryParse(string text)
    {
        var parts = text.Split('.');
        return parts.Length == 4 && TryNumber(parts[0], out var file) && TryNumber(parts[1], out var records) && TryNumber(parts[3], out var epoch)
            && parts[2].Length == 32 && parts[2].All(char.IsAsciiHexDigitLower) ? new LedgerHead(file, records, parts[2], epoch) : null;
    }

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
