using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Warehouse.Engine.Audit;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>The digest of a stream beside BLAKE3 written down as its specification has it, a word at a time, and beside what its makers published.</summary>
public sealed class AnswerDigestTests
{
    private const uint ChunkStart = 1, ChunkEnd = 2, Parent = 4, Root = 8, KeyedHash = 16;

    private const int BlockBytes = 64, ChunkBytes = 1024;

    private static readonly uint[] Iv = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19];

    private static readonly int[] Permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

    [Fact]
    public void The_published_digest_of_nothing_is_had()
    {
        var key = Encoding.ASCII.GetBytes("whats the Elvish word for friend");
        Assert.Equal("92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26", Naive(key, []));
        using var digest = new AnswerDigest(key, isStream: true);
        Assert.Equal(AnswerDigest.StreamPrefix + Naive(key, []), digest.End());
    }

    [Fact]
    public void However_bytes_are_cut_their_digest_is_that_of_the_specification()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        foreach (var length in (int[])[0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 3072, 4097, 16 * 1024, (16 * 1024) + 1, 31 * 1024, 65_536, 100_001, (1 << 20) + 5, .. Enumerable.Range(0, 40).Select(_ => random.Next(40_000))])
        {
            var (key, bytes) = (new byte[32], new byte[length]);
            random.NextBytes(key);
            random.NextBytes(bytes);
            using AnswerDigest whole = new(key, isStream: true), cut = new(key, isStream: true);
            whole.Add(bytes);
            for (var at = 0; at < length;)
            {
                var some = Math.Min(length - at, 1 + random.Next(random.Next(2) == 0 ? 100 : 50_000));
                cut.Add(bytes.AsSpan(at, some));
                at += some;
            }
            var expected = AnswerDigest.StreamPrefix + Naive(key, bytes);
            Assert.True((expected, expected) == (whole.End(), cut.End()), $"seed {seed}, {length} bytes");
        }
    }

    private static string Naive(byte[] key, byte[] bytes)
    {
        var (cv, block, length, counter, flags) = Tree(Words(key), bytes, 0);
        var output = new byte[32];
        var last = Compress(cv, block, counter, length, flags | Root);
        for (var i = 0; i < 8; i++) BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(i * 4), last[i]);
        return Convert.ToHexStringLower(output);
    }

    /// <summary>The last compression of a subtree, not yet done.</summary>
    private static (uint[] Cv, uint[] Block, uint Length, ulong Counter, uint Flags) Tree(uint[] key, ReadOnlySpan<byte> bytes, ulong firstChunk)
    {
        if (bytes.Length <= ChunkBytes) return Chunk(key, bytes, firstChunk);
        // To the left the largest power of two of chunks that leaves something to the right.
        var left = (int)BitOperations.RoundUpToPowerOf2((uint)((bytes.Length + ChunkBytes - 1) / ChunkBytes)) / 2 * ChunkBytes;
        uint[] block = [.. Value(Tree(key, bytes[..left], firstChunk)), .. Value(Tree(key, bytes[left..], firstChunk + (ulong)(left / ChunkBytes)))];
        return (key, block, BlockBytes, 0, Parent | KeyedHash);
    }

    private static (uint[] Cv, uint[] Block, uint Length, ulong Counter, uint Flags) Chunk(uint[] key, ReadOnlySpan<byte> bytes, ulong counter)
    {
        var (cv, at, flags) = (key, 0, KeyedHash | ChunkStart);
        for (; bytes.Length - at > BlockBytes; at += BlockBytes, flags = KeyedHash) cv = Compress(cv, Words(bytes.Slice(at, BlockBytes)), counter, BlockBytes, flags)[..8];
        var last = new byte[BlockBytes];
        bytes[at..].CopyTo(last);
        return (cv, Words(last), (uint)(bytes.Length - at), counter, flags | ChunkEnd);
    }

    private static uint[] Value((uint[] Cv, uint[] Block, uint Length, ulong Counter, uint Flags) of) => Compress(of.Cv, of.Block, of.Counter, of.Length, of.Flags)[..8];

    private static uint[] Compress(uint[] cv, uint[] block, ulong counter, uint length, uint flags)
    {
        uint[] v = [.. cv, .. Iv[..4], (uint)counter, (uint)(counter >> 32), length, flags], m = block;
        void Mix(int a, int b, int c, int d, uint x, uint y)
        {
            v[a] += v[b] + x;
            v[d] = BitOperations.RotateRight(v[d] ^ v[a], 16);
            v[c] += v[d];
            v[b] = BitOperations.RotateRight(v[b] ^ v[c], 12);
            v[a] += v[b] + y;
            v[d] = BitOperations.RotateRight(v[d] ^ v[a], 8);
            v[c] += v[d];
            v[b] = BitOperations.RotateRight(v[b] ^ v[c], 7);
        }
        for (var round = 0; round < 7; round++)
        {
            for (var i = 0; i < 4; i++) Mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[(2 * i) + 1]);
            for (var i = 0; i < 4; i++) Mix(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4), m[8 + (2 * i)], m[9 + (2 * i)]);
            m = [.. Permutation.Select(p => m[p])];
        }
        for (var i = 0; i < 8; i++) (v[i], v[i + 8]) = (v[i] ^ v[i + 8], v[i + 8] ^ cv[i]);
        return v;
    }

    private static uint[] Words(ReadOnlySpan<byte> bytes)
    {
        var words = new uint[bytes.Length / 4];
        for (var i = 0; i < words.Length; i++) words[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * i)..]);
        return words;
    }
}
