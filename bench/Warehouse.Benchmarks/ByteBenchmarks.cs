using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using BenchmarkDotNet.Attributes;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>Bytes of genotypes: codes to bits, and GT columns of a VCF line to codes.</summary>
public class ByteBenchmarks
{
    private const int SampleCount = 65536;
    private const int TextBytes = SampleCount * 4 - 1;
    private readonly byte[] _codes = new byte[SampleCount];
    private readonly ulong[] _bits = new ulong[SampleCount / 64];
    private readonly byte[] _first = new byte[SampleCount];
    private readonly byte[] _second = new byte[SampleCount];
    private readonly byte[] _phased = new byte[SampleCount];
    private byte[] _text = null!;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (var i = 0; i < _codes.Length; i++) _codes[i] = (byte)random.Next(3);
        _text = Encoding.ASCII.GetBytes(string.Join('\t', _codes.Select(code => code == 0 ? "0|1" : "0|0")));
    }

    /// <summary>The bound: the text loaded once.</summary>
    [Benchmark(Baseline = true), Work(TextBytes, "B")]
    public byte LoadAnd()
    {
        var all = Vector512<byte>.AllBitsSet;
        ref var text = ref MemoryMarshal.GetArrayDataReference(_text);
        for (nuint at = 0; at + 64 <= TextBytes; at += 64) all &= Vector512.LoadUnsafe(ref text, at);
        return all[0];
    }

    [Benchmark, Work(SampleCount, "B")]
    public void MatchScalar() => ByteMatch.ToBits<ByteMatch.Scalar>(_codes, 1, _bits);

    [Benchmark, Work(SampleCount, "B")]
    public void Match256() => ByteMatch.ToBits<ByteMatch.Compare256>(_codes, 1, _bits);

    [Benchmark, Work(SampleCount, "B")]
    public void Match512() => ByteMatch.ToBits<ByteMatch.Compare512>(_codes, 1, _bits);

    [Benchmark, Work(TextBytes, "B")]
    public bool GenotypesScalar() => VcfGenotypeKernel.Scalar(_text, 1, _first, _second, _phased);

    [Benchmark, Work(TextBytes, "B")]
    public bool Genotypes256() => VcfGenotypeKernel.Steps(_text, 1, _first, _second, _phased, wide: false);

    [Benchmark, Work(TextBytes, "B")]
    public bool Genotypes512() => VcfGenotypeKernel.Steps(_text, 1, _first, _second, _phased, wide: true);
}
