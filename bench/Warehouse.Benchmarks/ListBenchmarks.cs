using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>8,192 lists of 16 ids against a mask of a tenth of the samples, and the same lists from their distances; all in the second-level cache.</summary>
public class ListBenchmarks
{
    private const int RowCount = 8192;
    private const int RowIds = 16;
    private const double Ids = RowCount * RowIds;
    private readonly int[] _rows = [.. Enumerable.Range(0, RowCount)];
    private readonly int[] _counts = new int[RowCount];
    private readonly SampleRow[] _entries = [.. Enumerable.Range(0, RowCount).Select(row => new SampleRow(row * RowIds, RowIds, RowKind.List))];
    private readonly byte[] _low = new byte[RowCount * RowIds];
    private readonly byte[] _high = new byte[RowCount * RowIds];
    private readonly ushort[] _ids = new ushort[RowCount * RowIds + ListCount.SlackIds];
    private readonly ushort[] _output = new ushort[RowCount * RowIds + ListCount.SlackIds];
    private SampleMask _mask = null!;

    [Params(2504, 25000)]
    public int SampleCount { get; set; }

    private ListRows Lists => new() { Rows = _rows, Entries = _entries, Ids = _ids, FirstRow = 0 };

    private DistanceRows Distances => new() { Rows = _entries, Low = _low, High = _high, SampleCount = SampleCount };

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _mask = new SampleMask(SampleCount);
        for (var sample = 0; sample < SampleCount; sample++) _mask[sample] = random.Next(10) == 0;
        for (var at = 0; at < RowCount * RowIds; at++)
        {
            // One id in each sixteenth of the panel.
            var (within, width) = (at % RowIds, SampleCount / RowIds);
            _ids[at] = (ushort)(within * width + random.Next(width));
            var distance = within == 0 ? _ids[at] : _ids[at] - _ids[at - 1] - 1;
            (_low[at], _high[at]) = ((byte)distance, (byte)(distance >> 8));
        }
    }

    /// <summary>The bound: each id loaded once.</summary>
    [Benchmark(Baseline = true), Work(Ids, "ids")]
    public ushort LoadAnd()
    {
        var all = Vector512<ushort>.AllBitsSet;
        ref var ids = ref MemoryMarshal.GetArrayDataReference(_ids);
        for (nuint at = 0; at < RowCount * RowIds; at += 32) all &= Vector512.LoadUnsafe(ref ids, at);
        return all[0];
    }

    [Benchmark, Work(Ids, "ids")]
    public void Scalar() => ListCount.Scalar(Lists, _mask, _counts);

    [Benchmark, Work(Ids, "ids")]
    public void ByteMask() => ListCount.ByteMask(Lists, _mask, _counts);

    /// <summary>To 4,096 samples, with AVX-512.</summary>
    [Benchmark, Work(Ids, "ids")]
    public void Register512() => ListCount.Register512(Lists, _mask, _counts);

    [Benchmark, Work(Ids, "ids")]
    public bool DistancesScalar() => DistanceSums.Scalar(Distances, _output);

    [Benchmark, Work(Ids, "ids")]
    public bool Distances256() => DistanceSums.Sum256(Distances, _output);

    [Benchmark, Work(Ids, "ids")]
    public bool Distances512() => DistanceSums.Sum512(Distances, _output);
}
