using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>A block in a scan, with the counts of whole columns that the plain path shares between rows. One thread.</summary>
internal sealed class OpenBlock(Block block)
{
    /// <summary>Decoded records kept at once.</summary>
    private const int MaxDecoded = 64;

    private readonly Dictionary<int, RecordCalls> _decoded = [];
    private int[]?[]? _het;
    private int[]?[]? _hom;
    private int[]?[]? _missing;
    private CallPhase? _phase;
    private string[]? _ids;
    private bool _idsLoaded;
    private int[]?[]? _absent;

    public Block Block => block;

    public SiteTable Sites => block.Sites;

    /// <summary>Phase and order of the calls.</summary>
    public CallPhase Phase => _phase ??= new CallPhase(block);

    /// <summary>ID of a record.</summary>
    public string IdOf(int record)
    {
        if (!_idsLoaded) (_ids, _idsLoaded) = (block.Ids(), true);
        return _ids is null ? "." : _ids[record];
    }

    /// <summary>Smallest start and largest end of anything in the block.</summary>
    public static (int Start, int End) Span(BlockInfo info)
    {
        var (start, end) = (int.MaxValue, int.MinValue);
        foreach (var range in (ReadOnlySpan<(int Start, int End)>)[info.Rows, info.Records, info.Evidence])
        {
            if (range.End <= range.Start) continue;
            (start, end) = (Math.Min(start, range.Start), Math.Max(end, range.End));
        }
        return (start, end);
    }

    /// <summary>Carriers with another allele too, diploid, none missing, in a group of samples.</summary>
    public int Het(int row, int group, SampleMask mask) => Counts(ref _het, block.Het, block.Info.RowCount, group, mask)[row];

    /// <summary>Carriers with nothing but this allele.</summary>
    public int Hom(int row, int group, SampleMask mask) => Counts(ref _hom, block.Hom, block.Info.RowCount, group, mask)[row];

    /// <summary>Samples without a call.</summary>
    public int Missing(int record, int group, SampleMask mask) => Counts(ref _missing, block.Missing, block.Info.RecordCount, group, mask)[record];

    /// <summary>Samples whose files do not have the record.</summary>
    public int Absent(int record, int group, SampleMask mask) => block.Absent is null ? 0 : Counts(ref _absent, block.Absent, block.Info.RecordCount, group, mask)[record];

    private static int[] Counts(ref int[]?[]? counts, SampleSets? sets, int rows, int group, SampleMask mask)
    {
        if (counts is null || counts.Length <= group) Array.Resize(ref counts, group + 1);
        if (counts[group] is { } done) return done;
        var all = new int[rows];
        sets?.CountMasked(0, mask, all);
        return counts[group] = all;
    }

    /// <summary>The sorted rows that a sample of a mask carries.</summary>
    public int[] CarriedRows(SampleMask mask)
    {
        var (carriers, one) = (new int[block.Info.RowCount], new int[block.Info.RowCount]);
        foreach (var sets in (SampleSets?[])[block.Het, block.Hom])
        {
            if (sets is null) continue;
            sets.CountMasked(0, mask, one);
            for (var row = 0; row < one.Length; row++) carriers[row] += one[row];
        }
        if (block.Info.Streams.ContainsKey(BlockStream.Exceptions))
            for (var record = 0; record < block.Info.RecordCount; record++)
                foreach (var call in block.Exceptions(record))
                    foreach (var allele in call.Alleles)
                        if (allele > 0 && Sites.FirstRow[record] + allele <= Sites.FirstRow[record + 1] && mask[call.Sample]) carriers[Sites.FirstRow[record] + allele - 1]++;
        return Array.FindAll(Sites.SortedRows, row => carriers[row] > 0);
    }

    /// <summary>Whether a filter in force fails a record for a local sample.</summary>
    public bool Fails(int record, int local, CountRules rules) =>
        (rules.PassOnly && (Sites.Flags[record] & RecordFlags.Passes) == 0) || (rules.Adj && block.AdjFail is { } fails && fails.Contains(record, local));

    public RecordCalls Decode(int record)
    {
        if (_decoded.TryGetValue(record, out var calls)) return calls;
        if (_decoded.Count >= MaxDecoded) _decoded.Clear();
        return _decoded[record] = RecordCalls.Decode(block, record);
    }
}
