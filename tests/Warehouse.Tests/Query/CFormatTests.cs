using System.Globalization;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Tests.Query;

public sealed class CFormatTests
{
    [Theory]
    [InlineData(0.0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(1.0, "1")]
    [InlineData(0.5, "0.5")]
    [InlineData(1.0 / 3, "0.333333")]
    [InlineData(2.0 / 3, "0.666667")]
    [InlineData(1.0 / 1024, "0.000976562")]
    [InlineData(3.0 / 1024, "0.00292969")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00009999995, "0.0001")]
    [InlineData(0.00009999994, "9.99999e-05")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1.0 / 250_000, "4e-06")]
    [InlineData(999_999.5, "1e+06")]
    [InlineData(999_999.4, "999999")]
    [InlineData(100_000.0, "100000")]
    [InlineData(1e6, "1e+06")]
    [InlineData(1234567e100, "1.23457e+106")]
    [InlineData(double.Epsilon, "4.94066e-324")]
    [InlineData(double.MaxValue, "1.79769e+308")]
    [InlineData(double.PositiveInfinity, "inf")]
    [InlineData(double.NegativeInfinity, "-inf")]
    [InlineData(double.NaN, "nan")]
    public void Six_digits_print_as_in_C(double value, string expected) => Assert.Equal(expected, CFormat.G(value, 6));

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void Frequencies_print_as_exact_arithmetic_rounds_them(int precision)
    {
        const int seed = 20_27;
        var random = new Random(seed);
        for (var i = 0; i < 1_000_000; i++)
        {
            var an = i < 400_000 ? (i % 1000) + 1 : random.Next(1, 1 << random.Next(1, 31));
            var value = (double)random.Next(0, an + 1) / an;
            if (i % 5 == 0) value = Math.Round(value, 7); // near ties in the last digit
            if (i % 7 == 0) value = Math.BitIncrement(value);
            Assert.True(ByDecimal(value, precision) == CFormat.G(value, precision), $"seed {seed}: {value:R} in {precision} digits is {ByDecimal(value, precision)}, not {CFormat.G(value, precision)}");
        }
    }

    /// <summary>The dull twin: the exact decimal expansion of the double, rounded half to even as text.</summary>
    private static string ByDecimal(double value, int precision)
    {
        if (value == 0) return "0";
        // The digits of a tie end long before the 61st, and those of anything else differ from one before it.
        var text = value.ToString("E60", CultureInfo.InvariantCulture);
        var digits = text[0] + text[2..text.IndexOf('E')];
        var exponent = int.Parse(text[(text.IndexOf('E') + 1)..], CultureInfo.InvariantCulture);
        var (kept, rest) = (digits[..precision], digits[precision..].TrimEnd('0'));
        var up = rest.Length > 0 && (rest[0] > '5' || (rest[0] == '5' && (rest.Length > 1 || (kept[^1] - '0') % 2 == 1)));
        var whole = long.Parse(kept, CultureInfo.InvariantCulture) + (up ? 1 : 0);
        if (whole.ToString(CultureInfo.InvariantCulture).Length > precision) (whole, exponent) = (whole / 10, exponent + 1);
        var significant = whole.ToString(CultureInfo.InvariantCulture).TrimEnd('0');
        if (exponent < -4) return $"{significant[0]}{(significant.Length > 1 ? "." + significant[1..] : "")}e-{-exponent:00}";
        return exponent >= 0 ? significant.PadRight(exponent + 1, '0') + (significant.Length > exponent + 1 ? throw new InvalidOperationException("above 1") : "") : $"0.{new string('0', -exponent - 1)}{significant}";
    }

    [Fact]
    public void Seventeen_digits_give_the_number_back()
    {
        for (var seed = 0; seed < 20_000; seed++)
        {
            var value = BitConverter.Int64BitsToDouble(new Random(seed).NextInt64());
            if (!double.IsFinite(value)) continue;
            Assert.True(double.Parse(CFormat.G(value, 17), CultureInfo.InvariantCulture) == value, $"seed {seed}: {value:R}");
        }
    }

    [PeerFact("python3")]
    public void Every_precision_prints_as_python3_does()
    {
        const int seed = 20_26;
        var random = new Random(seed);
        var values = new List<double>();
        for (var i = 0; i < 40_000; i++)
        {
            var an = random.Next(1, 1 << random.Next(1, 24));
            values.Add((double)random.Next(0, an + 1) / an);
            values.Add((double)random.Next(0, an + 1) / (1 << random.Next(0, 30))); // exact halves
            values.Add(BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)));
            values.Add(double.Parse($"{random.Next(1_000_000)}.5e{random.Next(-30, 30)}", CultureInfo.InvariantCulture));
        }
        values.RemoveAll(v => !double.IsFinite(v));
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["values"], System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.ToArray().AsSpan()));
        var expected = Peer.Output("python3", "-c",
            "import sys,array;a=array.array('d',open(sys.argv[1],'rb').read());print('\\n'.join('%.*g'%(i%17+1,v) for i,v in enumerate(a)))", folder["values"]).Split('\n');
        for (var i = 0; i < values.Count; i++)
            Assert.True(expected[i] == CFormat.G(values[i], i % 17 + 1), $"seed {seed}: {values[i]:R} in {i % 17 + 1} digits is {expected[i]}, not {CFormat.G(values[i], i % 17 + 1)}");
    }
}
