using System.Globalization;

namespace Warehouse.Engine.Release;

/// <summary>
/// How far a ledger goes. Kept elsewhere (in the audit entry of each answer), it shows later that nothing up to there was taken back.
/// </summary>
/// <param name="File">Number of the file.</param>
/// <param name="Records">Records in it.</param>
/// <param name="Tag">The tag of the last of them, 32 hexadecimal digits.</param>
public sealed record LedgerHead(long File, long Records, string Tag)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}.{Records}.{Tag}");

    /// <summary>Reads what <see cref="ToString"/> wrote; null for anything else.</summary>
    public static LedgerHead? TryParse(string text)
    {
        var parts = text.Split('.');
        return parts.Length == 3 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var file) && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var records)
            && parts[2].Length == 32 && parts[2].All(char.IsAsciiHexDigitLower) ? new LedgerHead(file, records, parts[2]) : null;
    }
}
