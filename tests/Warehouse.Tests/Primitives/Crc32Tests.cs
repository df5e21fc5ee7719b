using System.Runtime.Intrinsics.X86;
using System.Text;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Primitives;

public sealed class Crc32Tests
{
    [Fact]
    public void Check_value_of_the_catalogue() => Assert.Equal(0xCBF43926u, Crc32.Compute(Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void Every_path_equals_one_bit_at_a_time_on_every_length()
    {
        var data = new byte[1400];
        new Random(20).NextBytes(data);
        for (var length = 0; length < data.Length; length++)
        {
            var expected = BitByBit(data.AsSpan(0, length), 0);
            Assert.Equal(expected, Crc32.ComputeTable(data.AsSpan(0, length), 0));
            Assert.Equal(expected, Crc32.Compute(data.AsSpan(0, length)));
            if (Pclmulqdq.IsSupported && length >= 128) Assert.Equal(expected, Crc32.ComputeFolding(data.AsSpan(0, length), 0));
        }
    }

    [Fact]
    public void Pieces_sum_to_the_whole()
    {
        var data = new byte[5000];
        new Random(21).NextBytes(data);
        var whole = BitByBit(data, 0);
        foreach (var cut in new[] { 0, 1, 63, 127, 128, 129, 1000, 4999, 5000 })
            Assert.Equal(whole, Crc32.Compute(data.AsSpan(cut), Crc32.Compute(data.AsSpan(0, cut))));
    }

    private static uint BitByBit(ReadOnlySpan<byte> data, uint seed)
    {
        var crc = ~seed;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }
}
