namespace Warehouse.Cli.Output;

/// <summary>Whole numbers in decimal, as ASCII: what the runtime writes, without its questions about culture. Any thread.</summary>
internal static class Decimal
{
    /// <summary>Longest text of a 64-bit number.</summary>
    public const int MaxLengthBytes = 20;

    // 00 01 02 … 99
    private static ReadOnlySpan<byte> Pairs =>
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"u8;

    /// <summary>Writes a number and returns its length; <paramref name="text"/> has room for <see cref="MaxLengthBytes"/>.</summary>
    public static int Put(long value, Span<byte> text)
    {
        if ((ulong)value < 10)
        {
            text[0] = (byte)('0' + value);
            return 1;
        }
        if ((ulong)value > 99_999_999)
        {
            value.TryFormat(text, out var written, default, System.Globalization.CultureInfo.InvariantCulture);
            return written;
        }
        var rest = (uint)value;
        var length = rest < 100 ? 2 : rest < 1000 ? 3 : rest < 10_000 ? 4 : rest < 100_000 ? 5 : rest < 1_000_000 ? 6 : rest < 10_000_000 ? 7 : 8;
        var at = length;
        while (rest >= 10)
        {
            var pair = (int)(rest % 100) * 2;
            rest /= 100;
            text[--at] = Pairs[pair + 1];
            text[--at] = Pairs[pair];
        }
        if (at > 0) text[0] = (byte)('0' + rest);
        return length;
    }
}
