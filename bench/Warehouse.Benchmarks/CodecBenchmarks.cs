using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Warehouse.Engine.Sealing;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>What every stored byte goes through: one chunk of a sealed file of 64 KiB, its digest, and zstd around bytes that pack to a third.</summary>
public class CodecBenchmarks
{
    private const int ChunkBytes = 65536;
    private readonly byte[] _plain = new byte[ChunkBytes];
    private readonly byte[] _sealed = new byte[ChunkBytes + SealedFormat.TagBytes];
    private readonly byte[] _back = new byte[ChunkBytes];
    private readonly byte[] _room = new byte[Zstd.MaxCompressedLength(ChunkBytes)];
    private byte[] _packed = null!;
    private AesGcm _cipher = null!;
    private readonly byte[] _nonce = new byte[12];

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (var i = 0; i < ChunkBytes; i++) _plain[i] = random.Next(4) == 0 ? (byte)random.Next(16) : (byte)0;
        _cipher = new AesGcm(new byte[32], SealedFormat.TagBytes);
        Seal();
        _packed = _room.AsSpan(0, Zstd.Compress(_plain, _room, 1)).ToArray();
    }

    [GlobalCleanup]
    public void Cleanup() => _cipher.Dispose();

    [Benchmark(Baseline = true), Work(ChunkBytes, "B")]
    public void Copy() => _plain.AsSpan().CopyTo(_back);

    [Benchmark, Work(ChunkBytes, "B")]
    public void Seal() => _cipher.Encrypt(_nonce, _plain, _sealed.AsSpan(0, ChunkBytes), _sealed.AsSpan(ChunkBytes));

    [Benchmark, Work(ChunkBytes, "B")]
    public void Open() => _cipher.Decrypt(_nonce, _sealed.AsSpan(0, ChunkBytes), _sealed.AsSpan(ChunkBytes), _back);

    [Benchmark, Work(ChunkBytes, "B")]
    public byte[] Digest() => SHA256.HashData(_plain);

    [Benchmark, Work(ChunkBytes, "B")]
    public int Pack() => Zstd.Compress(_plain, _room, 1);

    [Benchmark, Work(ChunkBytes, "B")]
    public void Unpack() => Zstd.Decompress(_packed, _back);
}
