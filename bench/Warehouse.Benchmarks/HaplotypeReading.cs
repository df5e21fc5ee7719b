using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>
/// Times the packed form of genotypes on the blocks of a store, one thread, warm, and says what they take: medians over some rounds of
/// the sum over all blocks. Whatever form the store has, plain and packed are both made from it.
/// </summary>
internal static class HaplotypeReading
{
    private const int Warmup = 8;
    private const int Rounds = 9;

    private sealed record Case(int Samples, int[] FirstRow, HaplotypeColumns Columns, SampleSets? Missing, SampleSets? Absent)
    {
        public byte[]? Packed { get; set; }

        public byte[]? Gaps { get; set; }
    }

    public static IEnumerable<string> Of(string path)
    {
        using var store = VariantStore.Open(path);
        var cases = new List<Case>();
        foreach (var entry in store.CatalogNow.Segments)
        {
            using var segment = store.OpenSegmentNow(entry);
            foreach (var block in segment.Blocks.Where(b => b.RowCount > 0).Select(b => new Block(segment, b)))
                cases.Add(new Case(block.SampleCount, block.Sites.FirstRow, new HaplotypeColumns(block.Het, block.Hom, block.Swapped()), block.Missing, block.Absent));
        }
        var encodeMs = MedianMs(cases, c => c.Packed = c.Columns.Encode(c.Samples, c.FirstRow, c.Missing, c.Absent));
        var gapsEncodeMs = MedianMs(cases, c => c.Gaps = c.Missing is null ? null : SampleGaps.Encode(c.Missing));
        var decodeMs = MedianMs(cases, c => _ = c.Packed is null ? null : HaplotypeColumns.Decode(c.Packed, c.Samples, c.FirstRow, c.Missing, c.Absent));
        var gapsDecodeMs = MedianMs(cases, c => _ = c.Gaps is null ? null : SampleGaps.Decode(c.Gaps, c.Samples, c.FirstRow.Length - 1));
        var hot = cases.Sum(c => (c.Columns.Het?.HotBytes ?? 0) + (c.Columns.Hom?.HotBytes ?? 0));
        var streams = Enumerable.Range(0, HaplotypeColumns.StreamCount)
            .Select(i => $"{SumOf(cases, 8 * i)}/{SumOf(cases, (8 * i) + 4)}");
        yield return Text($"blocks {cases.Count}, not packable {cases.Count(c => c.Packed is null)}, hot het and hom {hot / 1e6:F2} MB");
        yield return Text($"haplotypes {cases.Sum(c => c.Packed?.Length ?? 0L)} bytes, encode {encodeMs:F0} ms, decode {decodeMs:F1} ms = {hot / decodeMs / 1e6:F2} GB/s of hot");
        yield return Text($"streams packed/raw {string.Join(' ', streams)}");
        yield return Text($"missing {cases.Sum(c => c.Gaps?.Length ?? 0L)} bytes, encode {gapsEncodeMs:F0} ms, decode {gapsDecodeMs:F1} ms");
    }

    /// <summary>A field of the stream table, over all blocks. Raw bytes count the rows (stream 0), the rare runs (3) and the common runs (4 to 7).</summary>
    private static long SumOf(List<Case> cases, int offset) =>
        cases.Where(c => c.Packed is not null).Sum(c => (long)BitConverter.ToInt32(c.Packed!, HaplotypeColumns.HeaderBytes + offset));

    private static double MedianMs(List<Case> cases, Action<Case> work)
    {
        var times = new List<double>();
        for (var round = -Warmup; round < Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            cases.ForEach(work);
            if (round >= 0) times.Add(watch.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        return times[Rounds / 2];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
