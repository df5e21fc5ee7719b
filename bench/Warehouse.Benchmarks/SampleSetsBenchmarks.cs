using System.Buffers;
using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Attributes;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>
/// Cohort counts over one synthetic column: carriers per row by k^-1.25, and a random tenth of the samples as the mask. By
/// default 100,000 rows x 2,504 samples.
/// </summary>
public class SampleSetsBenchmarks
{
    private const int Seed = 1;
    private SampleSets _column = null!;
    private SampleMask _tenth = null!;
    private int[] _counts = null!;
    private ushort[] _members = null!;
    private ushort[] _groupSums = null!;
    private GroupMap _groups = null!;
    private byte[] _encoded = null!;

    [Params(2504)]
    public int SampleCount { get; set; } = 2504;

    public int RowCount { get; set; } = 100_000;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(Seed);
        _column = NewColumn(random, SampleCount, RowCount);
        _tenth = new SampleMask(SampleCount);
        for (var sample = 0; sample < SampleCount; sample++) _tenth[sample] = random.Next(10) == 0;
        (_counts, _members) = (new int[RowCount], new ushort[RowCount]);
        _groups = new GroupMap([.. Enumerable.Range(0, SampleCount).Select(_ => (byte)random.Next(10))], 10);
        _groupSums = new ushort[RowCount * _groups.Stride];
        var to = new ArrayBufferWriter<byte>();
        _column.Encode(to);
        _encoded = to.WrittenSpan.ToArray();
    }

    [Benchmark, Work(100_000, "rows")]
    public int CountTenth()
    {
        _column.CountMasked(0, _tenth, _counts);
        return _counts[^1];
    }

    [Benchmark, Work(100_000, "rows")]
    public int CountTenGroups()
    {
        _column.AddGroups(0, _groups, _groupSums);
        return _groupSums[^1];
    }

    [Benchmark, Work(100_000, "rows")]
    public int DecodeCounts()
    {
        SampleSets.DecodeCounts(_encoded, SampleCount, _members);
        return _members[^1];
    }

    [Benchmark, Work(100_000, "rows")]
    public int Encode()
    {
        var to = new ArrayBufferWriter<byte>(_encoded.Length * 2);
        _column.Encode(to);
        return to.WrittenCount;
    }

    [Benchmark, Work(100_000, "rows")]
    public SampleSets Decode() => SampleSets.Decode(_encoded);

    /// <summary>A quick reading by stopwatch, medians of 41 runs, as text.</summary>
    public IEnumerable<string> Quick()
    {
        Setup();
        yield return $"{RowCount} rows x {SampleCount} samples, hot {_column.HotBytes / 1e6:f2} MB, encoded {_encoded.Length / 1e6:f2} MB, AVX-512 {Avx512BW.IsSupported}, AVX2 {Avx2.IsSupported}";
        yield return Line("count a tenth", Median(() => CountTenth()));
        yield return Line("count ten groups", Median(() => CountTenGroups()));
        yield return Line("decode counts alone", Median(() => DecodeCounts()));
        yield return Line("encode", Median(() => Encode()));
        yield return Line("decode", Median(() => Decode()));
    }

    internal static SampleSets NewColumn(Random random, int sampleCount, int rowCount)
    {
        var cumulative = new double[sampleCount];
        for (var k = 1; k <= sampleCount; k++) cumulative[k - 1] = (k > 1 ? cumulative[k - 2] : 0) + Math.Pow(k, -1.25);
        var builder = new SampleSetsBuilder(sampleCount);
        var samples = Enumerable.Range(0, sampleCount).Select(sample => (ushort)sample).ToArray();
        for (var row = 0; row < rowCount; row++)
        {
            var at = Array.BinarySearch(cumulative, random.NextDouble() * cumulative[^1]);
            var count = Math.Min(sampleCount, (at < 0 ? ~at : at) + 1);
            for (var i = 0; i < count; i++)
            {
                var other = random.Next(i, sampleCount);
                (samples[i], samples[other]) = (samples[other], samples[i]);
            }
            var members = samples.AsSpan(0, count).ToArray();
            Array.Sort(members);
            builder.AddIds(members);
        }
        return builder.Build();
    }

    private static double Median(Action action)
    {
        var times = new double[41];
        for (var run = 0; run < times.Length; run++)
        {
            var start = Stopwatch.GetTimestamp();
            action();
            times[run] = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        }
        Array.Sort(times);
        return times[times.Length / 2];
    }

    private string Line(string what, double nanoseconds) =>
        $"{what}: {nanoseconds / 1e6:f3} ms, {nanoseconds / RowCount:f2} ns/row, {_column.HotBytes / nanoseconds:f2} GB/s of hot form";
}
