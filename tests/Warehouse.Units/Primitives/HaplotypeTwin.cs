using System.Buffers;
using Warehouse.Primitives;

namespace Warehouse.Units.Primitives;

/// <summary>The dull twin of the decoder: one haplotype and one bit at a time, as the disk form is described, without a check. For sound bytes only.</summary>
internal sealed class HaplotypeTwin
{
    private readonly int[] _at;
    private readonly byte[] _streams;
    private readonly List<bool> _swapped = [];
    private long _extraAt;
    private List<int> _order;

    private HaplotypeTwin(byte[] streams, int[] starts, int samples)
    {
        (_streams, _at, _order) = (streams, starts, [.. Enumerable.Range(0, 2 * samples)]);
        _extraAt = starts[HaplotypeColumns.ExtraBits] * 8L;
    }

    /// <summary>Reads the disk form; a column without members comes back as one of empty rows.</summary>
    public static (SampleSets Het, SampleSets Hom, bool[] Swapped) Decode(byte[] encoded, RandomHaplotypes block)
    {
        var starts = new int[HaplotypeColumns.StreamCount + 1];
        var rented = StreamTable.Unpack(encoded, HaplotypeColumns.HeaderBytes, 0, starts);
        var twin = new HaplotypeTwin(rented.AsSpan(0, starts[^1]).ToArray(), starts, block.SampleCount);
        ArrayPool<byte>.Shared.Return(rented);
        SampleSetsBuilder hets = new(block.SampleCount), homs = new(block.SampleCount);
        for (var record = 0; record < block.FirstRow.Length - 1; record++) twin.AddRecord(block, record, hets, homs);
        return (hets.Build(), homs.Build(), [.. twin._swapped]);
    }

    private void AddRecord(RandomHaplotypes block, int record, SampleSetsBuilder hets, SampleSetsBuilder homs)
    {
        var samples = block.SampleCount;
        var swapped = new SortedDictionary<int, bool>();
        for (var row = block.FirstRow[record]; row < block.FirstRow[record + 1]; row++)
        {
            var carriers = ReadRow(samples).Where(h => !block.Missing.Contains(record, h % samples) && !block.Absent.Contains(record, h % samples)).ToHashSet();
            var carrying = carriers.Select(h => h % samples).Distinct().Order().ToLookup(s => carriers.Contains(s) && carriers.Contains(samples + s));
            foreach (var sample in carrying[false]) swapped[sample] = carriers.Contains(sample);
            hets.AddIds([.. carrying[false].Select(s => (ushort)s)]);
            homs.AddIds([.. carrying[true].Select(s => (ushort)s)]);
        }
        _swapped.AddRange(swapped.Values);
    }

    /// <summary>The haplotypes inside the runs of the next row.</summary>
    private List<int> ReadRow(int samples)
    {
        var kind = (RowOfRuns)_streams[_at[0]++];
        if (kind == RowOfRuns.Empty) return [];
        var runs = 1 + _streams[_at[1]++] + (256 * _streams[_at[2]++]);
        var inside = new bool[2 * samples];
        var (end, stream) = (-1, HaplotypeColumns.CommonSymbols);
        for (var run = 0; run < runs; run++)
        {
            var code = _streams[_at[kind == RowOfRuns.Common ? stream : HaplotypeColumns.RareSymbols]++];
            var start = end + 1 + Number(code & 15);
            end = start + 1 + Number(code >> 4);
            Array.Fill(inside, true, start, end - start);
            stream = HaplotypeColumns.CommonSymbols + Math.Min(code & 15, 3);
        }
        List<int> chosen = [.. _order.Where((_, place) => inside[place])];
        if (kind == RowOfRuns.Common) _order = [.. _order.Where((_, place) => !inside[place]), .. chosen];
        return chosen;
    }

    /// <summary>A number by its class: its length in bits, and what lies below its leading bit; class 15 is 16 whole bits.</summary>
    private int Number(int numberClass) => numberClass switch
    {
        0 => 0,
        15 => ExtraBits(16),
        _ => (1 << (numberClass - 1)) + ExtraBits(numberClass - 1),
    };

    private int ExtraBits(int count)
    {
        var number = 0;
        for (var bit = 0; bit < count; bit++, _extraAt++) number |= (_streams[_extraAt / 8] >> (int)(_extraAt % 8) & 1) << bit;
        return number;
    }
}
