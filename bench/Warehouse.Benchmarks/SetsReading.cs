using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>
/// Times the plain form of genotypes on the blocks of a store, one thread, warm: medians over some rounds of the sum over all blocks, and
/// bytes by stream. A store that ingest wrote is read as it is and written anew beside it, so that it also compares two builds.
/// </summary>
internal static class SetsReading
{
    private const int WarmRounds = 40, Rounds = 21;

    private sealed record Case(SampleSets Sets, byte[]? Stored, byte[] Anew);

    public static IEnumerable<string> Of(string path)
    {
        using var store = VariantStore.Open(path);
        var swapped = 0L;
        var cases = new Dictionary<BlockStream, List<Case>> { [BlockStream.Het] = [], [BlockStream.Hom] = [], [BlockStream.Missing] = [] };
        foreach (var entry in store.CatalogNow.Segments)
        {
            using var segment = store.OpenSegmentNow(entry);
            foreach (var info in segment.Blocks)
            {
                var block = new Block(segment, info);
                swapped += segment.Read(info, BlockStream.Swapped)?.Length ?? 0;
                foreach (var (stream, sets) in new[] { (BlockStream.Het, block.Het), (BlockStream.Hom, block.Hom), (BlockStream.Missing, block.Missing) })
                    if (sets is not null) cases[stream].Add(new Case(sets, segment.Read(info, stream), Encoded(sets)));
            }
        }
        foreach (var (stream, held) in cases) yield return Line(stream.ToString().ToLowerInvariant(), held);
        yield return Line("all", [.. cases.Values.SelectMany(c => c)]);
        yield return Text($"swapped {swapped / 1e6:F2} MB");
    }

    private static string Line(string name, List<Case> cases)
    {
        var streams = Enumerable.Range(0, 6).Select(i => Text($"{Sum(cases, i, 16) / 1000}/{Sum(cases, i, 20) / 1000}"));
        return Text($"{name}: {cases.Count} columns, hot {cases.Sum(c => c.Sets.HotBytes) / 1e6:F2} MB; stored {cases.Sum(c => c.Stored?.LongLength ?? 0) / 1e6:F2} MB, decode {MedianMs(cases, c => Decode(c.Stored)):F2} ms; ")
            + Text($"anew {cases.Sum(c => c.Anew.LongLength) / 1e6:F2} MB, encode {MedianMs(cases, c => Encoded(c.Sets)):F1} ms, decode {MedianMs(cases, c => Decode(c.Anew)):F2} ms; ")
            + "kB packed/raw " + string.Join(' ', streams);
    }

    private static long Sum(List<Case> cases, int stream, int offset) => cases.Sum(c => (long)BitConverter.ToInt32(c.Anew, offset + (8 * stream)));

    private static void Decode(byte[]? encoded)
    {
        if (encoded is not null) SampleSets.Decode(encoded);
    }

    private static byte[] Encoded(SampleSets sets)
    {
        var to = new ArrayBufferWriter<byte>();
        sets.Encode(to);
        return to.WrittenSpan.ToArray();
    }

    private static double MedianMs(List<Case> cases, Action<Case> work)
    {
        var times = new List<double>();
        for (var round = 0; round < WarmRounds; round++) cases.ForEach(work);
        for (var round = 0; round < Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            cases.ForEach(work);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        return times[Rounds / 2];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
