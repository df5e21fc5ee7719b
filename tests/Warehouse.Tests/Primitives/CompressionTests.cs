using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Primitives;

public sealed class CompressionTests
{
    private const int Seed = 77;

    private delegate int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int level);

    private delegate void Decompress(ReadOnlySpan<byte> source, Span<byte> destination);

    [Theory]
    [InlineData("zstd", 1)]
    [InlineData("zstd", 19)]
    [InlineData("lz4", 1)]
    [InlineData("lz4", 9)]
    public void Bytes_return_unchanged_at_every_length(string codec, int level)
    {
        var (compress, decompress, bound) = Codec(codec);
        var random = new Random(Seed);
        foreach (var length in Enumerable.Range(0, 100).Concat([1000, 65536, 200_000]))
        {
            var source = new byte[length];
            random.NextBytes(source.AsSpan(length / 2));
            using var from = new GuardedMemory(length);
            using var to = new GuardedMemory(length);
            var packed = new byte[bound(length)];
            var packedBytes = compress(from.Copy<byte>(source), packed, level);
            var restored = to.Last<byte>(length);
            decompress(packed.AsSpan(0, packedBytes), restored);
            Assert.True(restored.SequenceEqual(source), $"{codec} {level}, {length} bytes, seed {Seed}");
        }
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("lz4")]
    public void A_wrong_length_or_a_truncated_source_is_refused_and_the_next_call_works(string codec)
    {
        var (compress, decompress, bound) = Codec(codec);
        var source = new byte[5000];
        new Random(Seed).NextBytes(source.AsSpan(0, 2000));
        var packed = new byte[bound(source.Length)];
        var length = compress(source, packed, 1);
        Assert.Throws<InvalidDataException>(() => decompress(packed.AsSpan(0, length), new byte[4999]));
        Assert.Throws<InvalidDataException>(() => decompress(packed.AsSpan(0, length), new byte[5001]));
        Assert.Throws<InvalidDataException>(() => decompress(packed.AsSpan(0, length - 1), new byte[5000]));
        Assert.Throws<InvalidDataException>(() => decompress(packed.AsSpan(0, length), []));
        Assert.Throws<InvalidDataException>(() => decompress([], new byte[5000]));
        Assert.Throws<ArgumentException>(() => compress(source, new byte[bound(source.Length) - 1], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => compress(source, packed, 0));
        var restored = new byte[5000];
        decompress(packed.AsSpan(0, length), restored);
        Assert.Equal(source, restored);
    }

    [Fact]
    public void A_missing_library_is_reported_with_the_package_that_brings_it()
    {
        var missing = Assert.Throws<SystemLibraryMissingException>(() => SystemLibrary.Require("libnosuchthing.so.1", "libnosuchthing1"));
        Assert.Contains("Debian package libnosuchthing1", missing.Message, StringComparison.Ordinal);
        Assert.IsAssignableFrom<DllNotFoundException>(missing);
    }

    private static (Compress Compress, Decompress Decompress, Func<int, int> Bound) Codec(string name) =>
        name == "zstd" ? (Zstd.Compress, Zstd.Decompress, Zstd.MaxCompressedLength) : (Lz4.Compress, Lz4.Decompress, Lz4.MaxCompressedLength);
}
