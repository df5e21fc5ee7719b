using System.Numerics;

namespace Warehouse.Engine.Query;

/// <summary>
/// Numbers as C's <c>printf("%.Ng")</c> writes them in the C locale: N significant digits of the exact binary value, rounded half to even,
/// trailing zeros dropped, exponent form below 1e-4 and from 10^N on. The formatter of .NET rounds exact halves (1/1024 in six digits)
/// away from zero, so its text would differ from what other tools print.
/// Source of the rules: ISO C, fprintf, conversion g.
/// </summary>
public static class CFormat
{
    /// <summary>Longest text <see cref="G(double, int, Span{byte})"/> can write.</summary>
    public const int MaxLengthBytes = 32;

    /// <summary>Most digits that can be asked for: enough to tell any two doubles apart.</summary>
    public const int MaxPrecision = 17;

    // 5^0 .. 5^27: the powers that fit 64 bits.
    private static readonly ulong[] PowersOfFive = Powers(5, 28);
    private static readonly ulong[] PowersOfTen = Powers(10, 20);

    // Exact as doubles.
    private static ReadOnlySpan<double> TensUpTo15 => [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>The text of a value.</summary>
    /// <param name="value">Any value; infinities and NaN give <c>inf</c>, <c>-inf</c>, <c>nan</c>.</param>
    /// <param name="precision">Significant digits, 1 to 17.</param>
    public static string G(double value, int precision)
    {
        Span<byte> text = stackalloc byte[MaxLengthBytes];
        return System.Text.Encoding.ASCII.GetString(text[..G(value, precision, text)]);
    }

    /// <summary>Writes the text of a value as ASCII and returns its length. <paramref name="text"/> has room for <see cref="MaxLengthBytes"/>.</summary>
    public static int G(double value, int precision, Span<byte> text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(precision, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(precision, MaxPrecision);
        if (double.IsNaN(value)) return Put("nan"u8, text);
        var used = 0;
        if (double.IsNegative(value)) text[used++] = (byte)'-';
        if (double.IsInfinity(value)) return used + Put("inf"u8, text[used..]);
        if (value == 0) return used + Put("0"u8, text[used..]);

        if (!TryDigitsOfFraction(Math.Abs(value), precision, out var digits, out var exponent)) (digits, exponent) = Digits(Math.Abs(value), precision);
        Span<byte> decimals = stackalloc byte[MaxPrecision];
        for (var i = precision - 1; i >= 0; i--, digits /= 10) decimals[i] = (byte)('0' + digits % 10);
        var significant = decimals[..(decimals[..precision].LastIndexOfAnyExcept((byte)'0') + 1)];
        return used + (exponent < -4 || exponent >= precision
            ? PutExponential(significant, exponent, text[used..])
            : PutFixed(significant, exponent, text[used..]));
    }

    /// <summary>
    /// The same for a frequency, quickly: value x 10^n in double arithmetic, when that cannot round to another number than the exact product
    /// does. The product is under 10^6 and its error under 2^-33; what comes within 2^-20 of a half, or falls out of the digits, is left to
    /// <see cref="Digits"/>.
    /// </summary>
    private static bool TryDigitsOfFraction(double value, int precision, out ulong digits, out int exponent)
    {
        (digits, exponent) = (0, -1);
        if (value is >= 1 or < 1e-9 || precision > 6) return false;
        var scaled = value * TensUpTo15[precision];
        for (var at = precision; scaled < TensUpTo15[precision - 1]; exponent--) scaled = value * TensUpTo15[++at];
        var whole = (uint)scaled;
        var rest = scaled - whole;
        if (Math.Abs(rest - 0.5) < 1.0 / (1 << 20)) return false;
        digits = rest > 0.5 ? whole + 1 : whole;
        return digits < PowersOfTen[precision] && scaled - TensUpTo15[precision - 1] > 1.0 / (1 << 20);
    }

    /// <summary>Value rounded to digits x 10^(exponent - precision + 1), with 10^(precision-1) &lt;= digits &lt; 10^precision.</summary>
    private static (ulong Digits, int Exponent) Digits(double value, int precision)
    {
        // The logarithm may be off by one next to a power of ten; the result tells, and one more round mends it.
        var exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            var digits = Scaled(value, precision - 1 - exponent);
            if (digits >= PowersOfTen[precision]) exponent++;
            else if (digits < PowersOfTen[precision - 1]) exponent--;
            else return (digits, exponent);
        }
    }

    /// <summary>value x 10^power, rounded half to even without any other rounding on the way.</summary>
    private static ulong Scaled(double value, int power)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var biased = (int)(bits >> 52);
        var mantissa = bits & ((1UL << 52) - 1);
        if (biased == 0) biased = 1;
        else mantissa |= 1UL << 52;
        var shift = -(biased - 1075 + power);
        if ((uint)power >= (uint)PowersOfFive.Length || shift is < 1 or > 126) return ScaledSlowly(mantissa, biased - 1075, power);

        var high = Math.BigMul(mantissa, PowersOfFive[power], out var low);
        var (whole, side) = shift < 64 ? ((high << (64 - shift)) | (low >> shift), Side(0, low << (64 - shift)))
            : shift == 64 ? (high, Side(0, low))
            : (high >> (shift - 64), Side(low, high << (128 - shift)));
        if (side > 0 || (side == 0 && (whole & 1) == 1)) whole++;
        return whole;
    }

    /// <summary>Compares a fraction with a half: its leading word, most significant bit first, and whether anything follows.</summary>
    private static int Side(ulong below, ulong fraction) => fraction != 1UL << 63 ? fraction.CompareTo(1UL << 63) : below == 0 ? 0 : 1;

    private static ulong ScaledSlowly(ulong mantissa, int exponent, int power)
    {
        BigInteger above = mantissa, below = BigInteger.One;
        if (power >= 0) above *= BigInteger.Pow(10, power);
        else below *= BigInteger.Pow(10, -power);
        if (exponent >= 0) above <<= exponent;
        else below <<= -exponent;
        var whole = BigInteger.DivRem(above, below, out var rest);
        var side = (rest << 1).CompareTo(below);
        return (ulong)(side > 0 || (side == 0 && !whole.IsEven) ? whole + 1 : whole);
    }

    private static int PutFixed(ReadOnlySpan<byte> digits, int exponent, Span<byte> text)
    {
        if (exponent < 0)
        {
            var zeros = -exponent - 1;
            text[0] = (byte)'0';
            text[1] = (byte)'.';
            text.Slice(2, zeros).Fill((byte)'0');
            return 2 + zeros + Put(digits, text[(2 + zeros)..]);
        }
        var wholeDigits = exponent + 1;
        if (digits.Length <= wholeDigits)
        {
            digits.CopyTo(text);
            text[digits.Length..wholeDigits].Fill((byte)'0');
            return wholeDigits;
        }
        digits[..wholeDigits].CopyTo(text);
        text[wholeDigits] = (byte)'.';
        return wholeDigits + 1 + Put(digits[wholeDigits..], text[(wholeDigits + 1)..]);
    }

    private static int PutExponential(ReadOnlySpan<byte> digits, int exponent, Span<byte> text)
    {
        var used = 0;
        text[used++] = digits[0];
        if (digits.Length > 1)
        {
            text[used++] = (byte)'.';
            used += Put(digits[1..], text[used..]);
        }
        text[used++] = (byte)'e';
        text[used++] = (byte)(exponent < 0 ? '-' : '+');
        var size = Math.Abs(exponent);
        if (size >= 100) text[used++] = (byte)('0' + size / 100);
        text[used++] = (byte)('0' + size / 10 % 10);
        text[used++] = (byte)('0' + size % 10);
        return used;
    }

    private static int Put(ReadOnlySpan<byte> from, Span<byte> to)
    {
        from.CopyTo(to);
        return from.Length;
    }

    private static ulong[] Powers(ulong factor, int count)
    {
        var powers = new ulong[count];
        powers[0] = 1;
        for (var i = 1; i < count; i++) powers[i] = powers[i - 1] * factor;
        return powers;
    }
}
