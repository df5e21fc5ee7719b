using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>256 KiB of planes against a mask: bits shared, and members as ids.</summary>
public class PlaneBenchmarks
{
    private const int Bytes = 1 << 18;
    private readonly ulong[] _planes = new ulong[Bytes / 8];
    private readonly ushort[] _ids = new ushort[65536];
    private SampleRow[] _entries = null!;
    private int[] _rows = null!;
    private int[] _counts = null!;
    private SampleMask _mask = null!;

    [Params(2560, 32768)]
    public int SampleCount { get; set; }

    private PlaneRows Planes => new() { Rows = _rows, Entries = _entries, Planes = _planes, FirstRow = 0 };

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _mask = new SampleMask(SampleCount);
        for (var sample = 0; sample < SampleCount; sample++) _mask[sample] = random.Next(10) == 0;
        for (var i = 0; i < _planes.Length; i++) _planes[i] = (ulong)(random.NextInt64() & random.NextInt64());
        _rows = [.. Enumerable.Range(0, _planes.Length / _mask.Words.Length)];
        _entries = [.. _rows.Select(row => new SampleRow(row, 0, RowKind.Plane))];
        _counts = new int[_rows.Length];
    }

    /// <summary>The bound: planes loaded and met with the mask, nothing counted.</summary>
    [Benchmark(Baseline = true), Work(Bytes, "B")]
    public ulong LoadAnd()
    {
        var any = Vector512<ulong>.Zero;
        ref var planes = ref MemoryMarshal.GetArrayDataReference(_planes);
        ref var mask = ref MemoryMarshal.GetReference(_mask.Words);
        var words = (nuint)_mask.Words.Length;
        for (nuint plane = 0; plane + words <= (nuint)_planes.Length; plane += words)
            for (nuint i = 0; i < words; i += 8) any |= Vector512.LoadUnsafe(ref planes, plane + i) & Vector512.LoadUnsafe(ref mask, i);
        return any[0];
    }

    [Benchmark, Work(Bytes, "B")]
    public void Scalar() => PlaneCount.Rows<PlaneCount.Scalar>(Planes, _mask, _counts);

    [Benchmark, Work(Bytes, "B")]
    public void Table256() => PlaneCount.Rows<PlaneCount.Table256>(Planes, _mask, _counts);

    [Benchmark, Work(Bytes, "B")]
    public void Table512() => PlaneCount.Rows<PlaneCount.Table512>(Planes, _mask, _counts);

    [Benchmark, Work(Bytes, "B")]
    public void HarleySeal512() => PlaneCount.Rows<PlaneCount.HarleySeal512>(Planes, _mask, _counts);

    [Benchmark, Work(Bytes, "B")]
    public int IdsScalar() => Ids(compress: false);

    [Benchmark, Work(Bytes, "B")]
    public int IdsCompress512() => Ids(compress: true);

    private int Ids(bool compress)
    {
        var count = 0;
        for (var at = 0; at < _planes.Length; at += 512)
            count += compress ? BitsToIds.Compress512(_planes.AsSpan(at, 512), _ids) : BitsToIds.Scalar(_planes.AsSpan(at, 512), _ids);
        return count;
    }
}
