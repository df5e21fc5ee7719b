using System.Numerics;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Compact;

/// <summary>
/// The block of a merged segment that is being built: each record is the union of the equal records of some inputs; samples of the
/// other inputs are absent from it. Memory: one block. One thread.
/// </summary>
internal sealed class MergedBlock
{
    private const RecordFlags Phase = RecordFlags.AllPhased | RecordFlags.MixedPhase;
    private readonly SegmentWriter _segment;
    private readonly ulong[] _valid, _present, _row, _anyHet, _anyAlt, _haploid, _exceptions, _phased, _swapped, _scratch;
    private readonly SampleSetsBuilder _hetRows, _homRows, _missingRows, _haploidRows, _absentRows, _adjRows, _phasedRows;
    private readonly BitAppender _swappedBits = new();
    private readonly DetailBuilder _detail = new();
    private readonly CarrierDetail[] _details;
    private readonly SiteTableBuilder _sites = new();
    private readonly EvidenceBuilder _evidence;
    private readonly List<RecordFlags> _phases = [];
    private readonly List<int> _collapsed = [];
    private readonly List<(int Record, int Sample, string Text)> _exceptionCalls = [];
    private readonly List<(int Row, int Panel)> _lost = [];
    private bool _anySwapped;
    private int _largestEnd = int.MinValue;

    public MergedBlock(SegmentWriter segment)
    {
        _segment = segment;
        var samples = segment.SampleCount;
        ulong[] Words() => new ulong[(samples + 63) / 64];
        (_valid, _present, _row, _anyHet, _anyAlt) = (Words(), Words(), Words(), Words(), Words());
        (_haploid, _exceptions, _phased, _swapped, _scratch) = (Words(), Words(), Words(), Words(), Words());
        _valid.AsSpan().Fill(ulong.MaxValue);
        if (samples % 64 != 0) _valid[^1] = (1UL << (samples % 64)) - 1;
        (_hetRows, _homRows, _missingRows, _haploidRows) = (new(samples), new(samples), new(samples), new(samples));
        (_absentRows, _adjRows, _phasedRows) = (new(samples), new(samples), new(samples));
        _details = new CarrierDetail[samples];
        _evidence = new EvidenceBuilder(samples);
    }

    /// <summary>Whether the next thing, which starts at <paramref name="start"/>, belongs into a new block. The limits are those of ingest.</summary>
    public bool IsFull(int start) => _sites.RecordCount >= 2 * CallSetWriter.BlockRecords
        || (_sites.RecordCount >= CallSetWriter.BlockRecords && start >= _largestEnd) || _evidence.Count >= CallSetWriter.BlockIntervals;

    public void AddEvidence(int sample, int start, int end, byte kind) => _evidence.Add(sample, start, end, kind);

    /// <summary>Adds one record: equal records, each of another input.</summary>
    public void Add(ReadOnlySpan<MergeRecord> parts)
    {
        var first = parts[0];
        AddSite(first, parts);
        Array.Clear(_present);
        foreach (var part in parts) part.Block.CollectPresent(part.Record, _present, _scratch);
        Array.Clear(_anyHet);
        Array.Clear(_anyAlt);
        for (var row = 0; row < first.Sites.FirstRow[first.Record + 1] - first.Sites.FirstRow[first.Record]; row++) AddRow(parts, row);
        AddUnion(_missingRows, parts, b => b.Missing, _row);
        AddUnion(_haploidRows, parts, b => b.Haploid, _haploid);
        AddUnion(_adjRows, parts, b => b.AdjFail, _row);
        for (var w = 0; w < _row.Length; w++) _row[w] = _valid[w] & ~_present[w];
        _absentRows.AddBits(_row);
        AddExceptions(parts);
        AddSwapped(parts);
        AddDetail(parts);
        _phases.Add(PhaseOf(parts));
    }

    private void AddSite(MergeRecord first, ReadOnlySpan<MergeRecord> parts)
    {
        var (sites, record) = (first.Sites, first.Record);
        // Files may name one variant differently; the first name is kept, as it identifies nothing here.
        var id = ".";
        foreach (var part in parts)
            if (id == ".") id = part.Block.Id(part.Record);
        _sites.AddRecord(sites.RecordStart[record], sites.RecordRefText(record), sites.Flags[record] & ~Phase, sites.FilterTexts[sites.Filter[record]], id);
        for (var row = sites.FirstRow[record]; row < sites.FirstRow[record + 1]; row++)
        {
            var asWritten = sites.RowStart[row] == sites.RecordStart[record] && sites.RowRefText(row).SequenceEqual(sites.RecordRefText(record))
                && sites.RowAltText(row).SequenceEqual(sites.WrittenAltText(row));
            _sites.AddRow(sites.RowKind[row], sites.WrittenAltText(row), sites.RowStart[row], asWritten ? [] : sites.RowRefText(row), asWritten ? [] : sites.RowAltText(row));
            if (sites.Extents.TryGetValue(row, out var extent)) _sites.SetExtent(extent);
            if (sites.RowCollapsed[row]) _collapsed.Add(_sites.RowCount - 1);
        }
        _largestEnd = Math.Max(_largestEnd, sites.RecordEnd[record]);
    }

    private void AddRow(ReadOnlySpan<MergeRecord> parts, int index)
    {
        Array.Clear(_row);
        Array.Clear(_scratch);
        foreach (var part in parts)
        {
            var row = part.Sites.FirstRow[part.Record] + index;
            part.Block.Collect(part.Block.Het, row, _row);
            part.Block.Collect(part.Block.Hom, row, _scratch);
            foreach (var panel in part.Block.LostPanels(row)) _lost.Add((_hetRows.RowCount, panel));
        }
        for (var w = 0; w < _row.Length; w++)
        {
            _anyHet[w] |= _row[w];
            _anyAlt[w] |= _row[w] | _scratch[w];
        }
        _hetRows.AddBits(_row);
        _homRows.AddBits(_scratch);
    }

    private static void AddUnion(SampleSetsBuilder rows, ReadOnlySpan<MergeRecord> parts, Func<MergeBlock, SampleSets?> column, ulong[] bits)
    {
        Array.Clear(bits);
        foreach (var part in parts) part.Block.Collect(column(part.Block), part.Record, bits);
        rows.AddBits(bits);
    }

    private void AddExceptions(ReadOnlySpan<MergeRecord> parts)
    {
        Array.Clear(_exceptions);
        var firstOfRecord = _exceptionCalls.Count;
        foreach (var part in parts)
            foreach (var call in part.Block.Exceptions(part.Record))
            {
                if (part.Block.Input.Places[call.Sample] is not (>= 0 and var place)) continue;
                _exceptionCalls.Add((_phases.Count, place, call.Text));
                _exceptions[place >> 6] |= 1UL << (place & 63);
                if (CallText.CarriesAlt(call.Text)) _anyAlt[place >> 6] |= 1UL << (place & 63);
            }
        _exceptionCalls.Sort(firstOfRecord, _exceptionCalls.Count - firstOfRecord, Comparer<(int Record, int Sample, string Text)>.Create((a, b) => a.Sample.CompareTo(b.Sample)));
    }

    private void AddSwapped(ReadOnlySpan<MergeRecord> parts)
    {
        Array.Clear(_swapped);
        foreach (var part in parts) part.Block.CollectSwapped(part.Record, _swapped);
        for (var w = 0; w < _swapped.Length; w++)
        {
            if (_anyHet[w] == 0) continue;
            _anySwapped |= _swapped[w] != 0;
            _swappedBits.Append(CallColumns.Extract(_swapped[w], _anyHet[w]), BitOperations.PopCount(_anyHet[w]));
        }
    }

    private void AddDetail(ReadOnlySpan<MergeRecord> parts)
    {
        var any = false;
        foreach (var part in parts) any |= part.Block.HasDetail(part.Record);
        if (any) Array.Fill(_details, new CarrierDetail(-1, -1, []));
        foreach (var part in parts) part.Block.CollectDetail(part.Record, _details);
        var carriers = new List<CarrierDetail>();
        for (var w = 0; any && w < _anyAlt.Length; w++)
            for (var bits = _anyAlt[w]; bits != 0; bits &= bits - 1) carriers.Add(_details[(w * 64) + BitOperations.TrailingZeroCount(bits)]);
        var (sites, record) = (parts[0].Sites, parts[0].Record);
        _detail.Add(carriers, sites.FirstRow[record + 1] - sites.FirstRow[record] + 1);
    }

    /// <summary>As in ingest: over the diploid samples that have the record; those without a call count as written.</summary>
    private RecordFlags PhaseOf(ReadOnlySpan<MergeRecord> parts)
    {
        Array.Clear(_phased);
        foreach (var part in parts)
        {
            if ((part.Sites.Flags[part.Record] & RecordFlags.AllPhased) != 0) part.Block.CollectPresent(part.Record, _phased, _scratch);
            else part.Block.Collect(part.Block.Phased, part.Record, _phased);
        }
        var (some, all) = (false, true);
        for (var w = 0; w < _phased.Length; w++)
        {
            var diploid = _present[w] & ~_haploid[w] & ~_exceptions[w];
            _phased[w] &= diploid;
            some |= _phased[w] != 0;
            all &= _phased[w] == diploid;
        }
        if (some && !all) _phasedRows.AddBits(_phased);
        else _phasedRows.AddEmpty();
        return !some ? RecordFlags.None : all ? RecordFlags.AllPhased : RecordFlags.MixedPhase;
    }

    /// <summary>Writes the block, if it holds anything, and starts the next.</summary>
    public void Write(int contig)
    {
        if (_sites.RecordCount > 0 || _evidence.Count > 0)
        {
            var table = _sites.Build(_phases);
            foreach (var row in _collapsed) table.RowCollapsed[row] = true;
            table.Index();
            BlockEncoder.Encode(contig, table, _sites.Ids, _evidence, Streams(table)).WriteTo(_segment);
        }
        _sites.Clear();
        _evidence.Clear();
        _phases.Clear();
        _collapsed.Clear();
        _lost.Clear();
        _exceptionCalls.Clear();
        _swappedBits.Clear();
        _detail.Clear();
        (_anySwapped, _largestEnd) = (false, int.MinValue);
    }

    private Dictionary<BlockStream, byte[]> Streams(SiteTable table)
    {
        var streams = new Dictionary<BlockStream, byte[]>();
        var (het, hom, missing, absent) = (_hetRows.Build(), _homRows.Build(), _missingRows.Build(), _absentRows.Build());
        CallColumns.Put(streams, BlockStream.Het, _hetRows, het);
        CallColumns.Put(streams, BlockStream.Hom, _homRows, hom);
        CallColumns.Put(streams, BlockStream.Missing, _missingRows, missing);
        CallColumns.Put(streams, BlockStream.Haploid, _haploidRows, null);
        CallColumns.Put(streams, BlockStream.Absent, _absentRows, absent);
        CallColumns.Put(streams, BlockStream.AdjFail, _adjRows, null);
        CallColumns.Put(streams, BlockStream.Phased, _phasedRows, null);
        var swapped = _anySwapped ? _swappedBits.Finish() : null;
        if (swapped is not null) streams[BlockStream.Swapped] = PackedStream.Pack(swapped);
        if (_segment.IsPacked)
        {
            var columns = new HaplotypeColumns(het, hom, swapped is null ? null : BitAppender.Decode(swapped));
            PackedGenotypes.ReplaceIfSmaller(streams, table.FirstRow, _segment.SampleCount, columns, (missing, absent));
        }
        if (_exceptionCalls.Count > 0) streams[BlockStream.Exceptions] = PackedStream.Pack(CallColumns.EncodeExceptions(_exceptionCalls));
        if (_detail.Any) streams[BlockStream.Detail] = PackedStream.Pack(_detail.Finish());
        if (_lost.Count > 0) streams[BlockStream.Lost] = PackedStream.Pack(EncodeLost());
        return streams;
    }

    private byte[] EncodeLost()
    {
        var to = new ByteWriter((_lost.Count * 8) + 8);
        to.Var(_lost.Count);
        foreach (var (row, panel) in _lost)
        {
            to.Var(row);
            to.Var(panel);
        }
        return to.ToArray();
    }
}
