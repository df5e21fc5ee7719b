using System.Numerics;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Compact;

/// <summary>A block of an input, its sets read in the sample numbers of the merged segment. One thread.</summary>
internal sealed class MergeBlock
{
    private readonly Block _block;
    private readonly ushort[] _ids;
    private readonly ulong[] _local;
    private readonly string[]? _idTexts;
    private readonly ulong[]? _swapped;
    private readonly int[] _firstHet;
    private ILookup<int, int>? _lost;

    public MergeBlock(MergeInput input, Block block)
    {
        (Input, _block) = (input, block);
        _ids = new ushort[block.SampleCount];
        _local = new ulong[(block.SampleCount + 511) / 512 * 8];
        _idTexts = block.Ids();
        _swapped = block.Swapped();
        _firstHet = _swapped is null ? [] : CountHets();
    }

    public MergeInput Input { get; }

    public SiteTable Sites => _block.Sites;

    public SampleSets? Het => _block.Het;

    public SampleSets? Hom => _block.Hom;

    public SampleSets? Missing => _block.Missing;

    public SampleSets? Haploid => _block.Haploid;

    public SampleSets? Absent => _block.Absent;

    public SampleSets? AdjFail => _block.AdjFail;

    public SampleSets? Phased => _block.Phased;

    /// <summary>ID text of a record; <c>.</c> when missing.</summary>
    public string Id(int record) => _idTexts?[record] ?? ".";

    public ReadOnlySpan<ExceptionCall> Exceptions(int record) => _block.Exceptions(record);

    /// <summary>Sets the bits of the kept members of a row.</summary>
    public void Collect(SampleSets? sets, int row, Span<ulong> to)
    {
        foreach (var local in RecordCalls.Ids(sets, row, _ids))
#if PLANTED_COMPACTION_LOSES_A_SAMPLE
            if (Input.Places[local] is >= 0 and < 64 and var place) to[place >> 6] |= 1UL << (place & 63);
#else
            if (Input.Places[local] is >= 0 and var place) to[place >> 6] |= 1UL << (place & 63);
#endif
    }

    /// <summary>Sets the bits of the kept samples that have a record.</summary>
    public void CollectPresent(int record, Span<ulong> to, Span<ulong> scratch)
    {
        scratch.Clear();
        Collect(Absent, record, scratch);
        for (var w = 0; w < scratch.Length; w++) to[w] |= Input.SampleWords[w] & ~scratch[w];
    }

    /// <summary>Whether a kept sample has the record.</summary>
    public bool IsKept(int record)
    {
        if (Absent is not { } absent || absent.IsEmpty(record)) return true;
        absent.CopyBits(record, _local);
        for (var w = 0; w < Input.KeptWords.Length; w++)
            if ((Input.KeptWords[w] & ~_local[w]) != 0) return true;
        return false;
    }

    /// <summary>Sets the bits of the kept heterozygous samples of a record whose alleles are written in descending order.</summary>
    public void CollectSwapped(int record, Span<ulong> to)
    {
        if (_swapped is null) return;
        var at = _firstHet[record];
        if (_firstHet[record + 1] > _swapped.Length * 64) throw new InvalidDataException("a block has fewer swapped bits than heterozygous calls");
        LocalHets(record);
        for (var w = 0; w < _local.Length; w++)
            for (var bits = _local[w]; bits != 0; bits &= bits - 1, at++)
                if ((_swapped[at >> 6] >> (at & 63) & 1) != 0 && Input.Places[(w * 64) + BitOperations.TrailingZeroCount(bits)] is >= 0 and var place)
                    to[place >> 6] |= 1UL << (place & 63);
    }

    /// <summary>Whether the block has GQ, DP or AD of a record's carriers.</summary>
    public bool HasDetail(int record) => _block.Detail?.Of(record) is not null;

    /// <summary>Stores GQ, DP and AD of the kept carriers of a record at their new numbers.</summary>
    public void CollectDetail(int record, CarrierDetail[] to)
    {
        if (_block.Detail?.Of(record) is not { } details) return;
        LocalHets(record);
        for (var row = Sites.FirstRow[record]; row < Sites.FirstRow[record + 1]; row++)
            foreach (var local in RecordCalls.Ids(Hom, row, _ids)) _local[local >> 6] |= 1UL << (local & 63);
        foreach (var call in Exceptions(record))
            if (CallText.CarriesAlt(call.Text)) _local[call.Sample >> 6] |= 1UL << (call.Sample & 63);
        var entry = 0;
        for (var w = 0; w < _local.Length; w++)
            for (var bits = _local[w]; bits != 0; bits &= bits - 1, entry++)
            {
                if (entry == details.Length) throw new InvalidDataException("a block has fewer details than carriers");
                if (Input.Places[(w * 64) + BitOperations.TrailingZeroCount(bits)] is >= 0 and var place) to[place] = details[entry];
            }
    }

    /// <summary>Panels that keep a sample but, after the drop, no carrier of a row, though they had one.</summary>
    public IEnumerable<int> LostPanels(int row)
    {
        foreach (var panel in (_lost ??= _block.Lost.ToLookup(l => l.Row, l => l.Panel))[row])
            if (Input.KeptPanels.Contains(panel)) yield return panel;
        if (!Input.HasDropped) yield break;
        var (dropped, kept) = (new SortedSet<int>(), new HashSet<int>());
        foreach (var local in Carriers(row))
            if (Input.Places[local] < 0) dropped.Add(Input.Panels[local]);
            else kept.Add(Input.Panels[local]);
        foreach (var panel in dropped)
            if (Input.KeptPanels.Contains(panel) && !kept.Contains(panel) && !_block.Lost.Contains((row, panel))) yield return panel;
    }

    private List<int> Carriers(int row)
    {
        var carriers = new List<int>();
        foreach (var local in RecordCalls.Ids(Het, row, _ids)) carriers.Add(local);
        foreach (var local in RecordCalls.Ids(Hom, row, _ids)) carriers.Add(local);
        foreach (var call in Exceptions(Sites.RowRecord[row]))
            if (call.Alleles.AsSpan().Contains(Sites.AltIndex(row))) carriers.Add(call.Sample);
        return carriers;
    }

    /// <summary>Puts the heterozygous samples of a record into the scratch bits, in the block's own numbers.</summary>
    private void LocalHets(int record)
    {
        Array.Clear(_local);
        for (var row = Sites.FirstRow[record]; row < Sites.FirstRow[record + 1]; row++)
            foreach (var local in RecordCalls.Ids(Het, row, _ids)) _local[local >> 6] |= 1UL << (local & 63);
    }

    private int[] CountHets()
    {
        var first = new int[_block.Info.RecordCount + 1];
        for (var record = 0; record < _block.Info.RecordCount; record++)
        {
            LocalHets(record);
            var count = 0;
            foreach (var word in _local) count += BitOperations.PopCount(word);
            first[record + 1] = checked(first[record] + count);
        }
        return first;
    }
}
