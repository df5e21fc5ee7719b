using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Primitives;

public sealed class CompressionTests
{
    private const int Seed = 77;

    [Theory]
    [InlineData(1)]
    [InlineData(19)]
    public void Bytes_return_unchanged_at_every_length(int level)
    {
        var random = new Random(Seed);
        foreach (var length in Enumerable.Range(0, 100).Concat([1000, 65536, 200_000]))
        {
            var source = new byte[length];
            random.NextBytes(source.AsSpan(length / 2));
            using var from = new GuardedMemory(length);
            using var to = new GuardedMemory(length);
            var packed = new byte[Zstd.MaxCompressedLength(length)];
            var packedBytes = Zstd.Compress(from.Copy<byte>(source), packed, level);
            var restored = to.Last<byte>(length);
            Zstd.Decompress(packed.AsSpan(0, packedBytes), restored);
            Assert.True(restored.SequenceEqual(source), $"level {level}, {length} bytes, seed {Seed}");
        }
    }

    [Fact]
    public void A_wrong_length_or_a_truncated_source_is_refused_and_the_next_call_works()
    {
        var source = new byte[5000];
        new Random(Seed).NextBytes(source.AsSpan(0, 2000));
        var packed = new byte[Zstd.MaxCompressedLength(source.Length)];
        var length = Zstd.Compress(source, packed, 1);
        Assert.Throws<InvalidDataException>(() => Zstd.Decompress(packed.AsSpan(0, length), new byte[4999]));
        Assert.Throws<InvalidDataException>(() => Zstd.Decompress(packed.AsSpan(0, length), new byte[5001]));
        Assert.Throws<InvalidDataException>(() => Zstd.Decompress(packed.AsSpan(0, length - 1), new byte[5000]));
        Assert.Throws<InvalidDataException>(() => Zstd.Decompress(packed.AsSpan(0, length), []));
        Assert.Throws<InvalidDataException>(() => Zstd.Decompress([], new byte[5000]));
        Assert.Throws<ArgumentException>(() => Zstd.Compress(source, new byte[Zstd.MaxCompressedLength(source.Length) - 1], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Zstd.Compress(source, packed, 0));
        var restored = new byte[5000];
        Zstd.Decompress(packed.AsSpan(0, length), restored);
        Assert.Equal(source, restored);
    }

    [Fact]
    public void A_missing_library_is_reported_with_the_package_that_brings_it()
    {
        var missing = Assert.Throws<SystemLibraryMissingException>(() => SystemLibrary.Require("libnosuchthing.so.1", "libnosuchthing1"));
        Assert.Contains("Debian package libnosuchthing1", missing.Message, StringComparison.Ordinal);
        Assert.IsAssignableFrom<DllNotFoundException>(missing);
    }
}
