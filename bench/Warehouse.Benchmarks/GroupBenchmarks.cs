using BenchmarkDotNet.Attributes;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>Ten groups at once: 8,192 lists of 16 or 128 ids, and 64 planes of 2,504 samples.</summary>
public class GroupBenchmarks
{
    private const int Groups = 10;
    private const int ListIds = 131072;
    private const int PlaneRows = 64;
    private const int SampleCount = 2504;
    private readonly ushort[] _counts = new ushort[8192 * 16];
    private readonly ushort[] _ids = new ushort[ListIds];
    private readonly ulong[] _planes = new ulong[PlaneRows * 40];
    private SampleRow[] _entries = null!;
    private SampleRow[] _planeEntries = null!;
    private int[] _rows = null!;
    private GroupMap _groups = null!;

    [Params(16, 128)]
    public int IdsPerRow { get; set; }

    private ListRows Lists => new() { Rows = _rows, Entries = _entries, Ids = _ids, FirstRow = 0 };

    private PlaneRows Planes => new() { Rows = _rows.AsSpan(0, PlaneRows), Entries = _planeEntries, Planes = _planes, FirstRow = 0 };

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _groups = new GroupMap([.. Enumerable.Range(0, SampleCount).Select(_ => (byte)random.Next(Groups))], Groups);
        _rows = [.. Enumerable.Range(0, ListIds / IdsPerRow)];
        // Half to three halves of the ids, so that the ends of lists cannot be foretold.
        var ends = _rows.Select(row => row == _rows.Length - 1 ? ListIds : row * IdsPerRow + IdsPerRow + random.Next(-IdsPerRow / 4, IdsPerRow / 4)).ToArray();
        _entries = [.. _rows.Select(row => new SampleRow(row == 0 ? 0 : ends[row - 1], (ushort)(ends[row] - (row == 0 ? 0 : ends[row - 1])), RowKind.List))];
        _planeEntries = [.. Enumerable.Range(0, PlaneRows).Select(row => new SampleRow(row, 0, RowKind.Plane))];
        for (var at = 0; at < ListIds; at++) _ids[at] = (ushort)random.Next(SampleCount);
        for (var i = 0; i < _planes.Length; i++) _planes[i] = i % 40 == 39 ? 0 : (ulong)(random.NextInt64() & random.NextInt64());
    }

    /// <summary>The definition: an increment per id. Counts go on growing, which changes no time.</summary>
    [Benchmark(Baseline = true), Work(ListIds, "ids")]
    public void ListScalar() => GroupCount.ListScalar(Lists, _groups, _counts);

    [Benchmark, Work(ListIds, "ids")]
    public void ListRegister() => GroupCount.ListRegister(Lists, _groups, _counts);

    [Benchmark, Work(ListIds, "ids")]
    public void ListFields() => GroupCount.ListFields(Lists, _groups, _counts);

    [Benchmark, Work(PlaneRows * 320, "B")]
    public void PlaneScalar() => GroupCount.PlaneScalar(Planes, _groups, _counts);

    [Benchmark, Work(PlaneRows * 320, "B")]
    public void PlaneTable256() => GroupCount.Planes<PlaneCount.Table256>(Planes, _groups, _counts);

    [Benchmark, Work(PlaneRows * 320, "B")]
    public void PlaneTable512() => GroupCount.Planes<PlaneCount.Table512>(Planes, _groups, _counts);
}
