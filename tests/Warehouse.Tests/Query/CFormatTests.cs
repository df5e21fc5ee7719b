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
