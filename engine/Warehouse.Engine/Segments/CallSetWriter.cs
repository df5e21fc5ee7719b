using Warehouse.Engine.Sealing;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Segments;

/// <summary>One ALT of a record, normalised. The spans of text live until the next record.</summary>
internal readonly record struct NormalizedRow(AlleleKind Kind, ReadOnlyMemory<byte> WrittenAlt, int Start, ReadOnlyMemory<byte> Ref, ReadOnlyMemory<byte> Alt, StructuralExtent? Extent);

/// <summary>
/// Writes the segments of one file: one per panel of <see cref="CallColumns.MaxSamples"/> samples, cut into blocks. Memory: one block
/// per panel (<see cref="BlockRecords"/> records, twice that where records overlap without a gap) plus its streams.
/// After any exception the writer is of no use; its files are garbage that no manifest names. One thread.
/// </summary>
internal sealed class CallSetWriter : IDisposable
{
    /// <summary>Records per block; a block goes on until a gap between records, at most twice as long.</summary>
    public const int BlockRecords = 8192;

    /// <summary>Evidence intervals per block and panel.</summary>
    public const int BlockIntervals = 1 << 18;

    private readonly List<Panel> _panels = [];
    private readonly SiteTableBuilder _sites = new();
    private readonly List<(long Line, long Offset)> _places = [];
    private readonly int _blockGq;
    private readonly bool _skipBad;
    private int _contig = -1;
    private int _largestEnd = int.MinValue;

    /// <summary>Starts the segments of a file.</summary>
    /// <param name="createSegment">Makes the segment of samples [first, first + count).</param>
    /// <param name="samples">Samples of the file.</param>
    /// <param name="blockGq">Least GQ or RGQ of evidence.</param>
    /// <param name="skipBad">Whether an allele repeated with other genotypes is skipped and counted instead of refused.</param>
    public CallSetWriter(Func<int, int, SegmentWriter> createSegment, int samples, int blockGq, bool skipBad)
    {
        (_blockGq, _skipBad) = (blockGq, skipBad);
        for (var first = 0; first < samples; first += CallColumns.MaxSamples)
        {
            var count = Math.Min(CallColumns.MaxSamples, samples - first);
            _panels.Add(new Panel(first, count, new CallColumns(first, count), new EvidenceBuilder(count), createSegment(first, count)));
        }
    }

    /// <summary>Records and evidence-only records written.</summary>
    public long RecordCount { get; private set; }

    /// <summary>Allele rows of bases.</summary>
    public long VariantCount { get; private set; }

    /// <summary>Rows that repeat an allele of the same file with the same genotypes.</summary>
    public long CollapsedCount { get; private set; }

    /// <summary>Rows skipped because they repeat an allele with other genotypes.</summary>
    public long SkippedDuplicates { get; private set; }

    /// <summary>True when any reference block was evidence.</summary>
    public bool HasBlocks { get; private set; }

    /// <summary>The stretch covered per contig ordinal: first start to last end.</summary>
    public Dictionary<int, (int Start, int End)> Stretches { get; } = [];

    /// <summary>Adds a reference block or a site without ALT.</summary>
    public void AddBlock(int contig, VcfRecord record)
    {
        Enter(contig, record.Start);
        RecordCount++;
        var reference = record.Start + record.Ref.Length;
        var until = record.InfoEnd != VcfRecord.MissingInt ? record.InfoEnd : reference;
        Extend(contig, record.Start, Math.Max(until, reference));
        HasBlocks |= record.Alts.Count > 0 || until > reference;
        if (!record.Passes || !record.HasGt) return;
        foreach (var panel in _panels)
            for (var s = 0; s < panel.Count; s++) AddEvidence(record, panel, s, until);
    }

    private void AddEvidence(VcfRecord record, Panel panel, int local, int until)
    {
        var sample = panel.First + local;
        int ploidy;
        if (record.First[sample] == VcfRecord.IrregularMark)
        {
            var call = record.Irregular.Find(c => c.Sample == sample);
            if (call.Alleles.Any(a => a != 0)) return;
            ploidy = call.Alleles.Length;
        }
        else if (record.First[sample] == 1 && record.Second[sample] is 1 or VcfRecord.NoAllele) ploidy = record.Second[sample] == 1 ? 2 : 1;
        else return;
        var gq = Value(record, FormatFields.Gq, record.Gq, sample);
        if (gq < 0) gq = Value(record, FormatFields.Rgq, record.Rgq, sample);
        if (gq >= 0 && gq < _blockGq) return;
        var depth = Value(record, FormatFields.MinDp, record.MinDp, sample);
        if (depth < 0) depth = Value(record, FormatFields.Dp, record.Dp, sample);
        var length = Value(record, FormatFields.Len, record.Len, sample);
        var end = length > 0 ? record.Start + length : until;
        if (end <= record.Start) return;
        Extend(_contig, record.Start, end);
        panel.Evidence.Add(local, record.Start, end, ploidy, AdjRule.BlockPasses(gq, depth, ploidy));
    }

    private static int Value(VcfRecord record, FormatFields field, int[] values, int sample) => (record.Fields & field) != 0 ? values[sample] : VcfRecord.MissingInt;

    /// <summary>Adds a record with its rows, one per ALT in order.</summary>
    public void AddRecord(int contig, VcfRecord record, ReadOnlySpan<byte> referenceUpper, IReadOnlyList<NormalizedRow> rows)
    {
        Enter(contig, record.Start);
        RecordCount++;
        var end = record.Start + referenceUpper.Length;
        Extend(contig, record.Start, Math.Max(end, record.InfoEnd));
        var flags = record.Passes ? RecordFlags.Passes : RecordFlags.None;
        foreach (var row in rows)
        {
            if (row.Kind is AlleleKind.Bases or AlleleKind.Star) flags |= RecordFlags.Speaks;
            if (row.Kind == AlleleKind.Bases) VariantCount++;
        }
        _sites.AddRecord(record.Start, referenceUpper, flags, Text(record.Filter), Text(record.Id));
        _places.Add((record.Line, record.OffsetBytes));
        foreach (var row in rows)
        {
            _sites.AddRow(row.Kind, row.WrittenAlt.Span, row.Start, row.Ref.Span, row.Alt.Span);
            if (row.Extent is { } extent) _sites.SetExtent(extent);
        }
        foreach (var panel in _panels) panel.Phase.Add(panel.Calls.Add(record));
        _largestEnd = Math.Max(_largestEnd, end);
    }

    private static string Text(ReadOnlyMemory<byte> text) => text.Length == 1 && text.Span[0] == '.' ? "." : System.Text.Encoding.UTF8.GetString(text.Span);

    private void Extend(int contig, int start, int end)
    {
        var stretch = Stretches.GetValueOrDefault(contig, (Start: int.MaxValue, End: int.MinValue));
        Stretches[contig] = (Math.Min(stretch.Start, start), Math.Max(stretch.End, Math.Max(end, start + 1)));
    }

    private void Enter(int contig, int start)
    {
        var full = _sites.RecordCount >= 2 * BlockRecords || (_sites.RecordCount >= BlockRecords && start >= _largestEnd)
            || _panels.Any(p => p.Evidence.Count >= BlockIntervals);
        if (contig == _contig && !full) return;
        FinishBlock();
        if (contig != _contig) _largestEnd = int.MinValue;
        _contig = contig;
    }

    private void FinishBlock()
    {
        if (_sites.RecordCount == 0 && _panels.All(p => p.Evidence.Count == 0)) return;
        var collapsed = FindRepeats();
        foreach (var panel in _panels) WritePanel(panel, collapsed);
        _sites.Clear();
        _places.Clear();
    }

    /// <summary>Rows that repeat an earlier row of the block: the better ranked one stays (COUNTS.md: starts at its place, shortest, then as text).</summary>
    private List<(int Row, bool Skipped)> FindRepeats()
    {
        var repeats = new List<(int, bool)>();
        var table = _sites.Build(_panels[0].Phase);
        for (var i = 1; i < table.SortedRows.Length; i++)
        {
            var (a, b) = (table.SortedRows[i - 1], table.SortedRows[i]);
            if (table.CompareRows(a, b) != 0) continue;
            var (recordA, recordB) = (table.RowRecord[a], table.RowRecord[b]);
            if (recordA == recordB) throw Refuse("vcf-alt-twice", "two ALT items of the record are the same allele", recordB);
            var same = _panels.TrueForAll(p => p.Calls.SameCalls((a, recordA, table.AltIndex(a)), (b, recordB, table.AltIndex(b))));
            if (!same && !_skipBad) throw Refuse("vcf-repeated-allele", $"the allele of line {_places[recordA].Line} again, with other genotypes", recordB);
            var (keep, drop) = same && Rank(table, b, a) < 0 ? (b, a) : (a, b);
            repeats.Add((drop, !same));
            table.SortedRows[i] = keep;
            if (same) CollapsedCount++;
            else SkippedDuplicates++;
        }
        return repeats;
    }

    private static int Rank(SiteTable table, int a, int b)
    {
        var (recordA, recordB) = (table.RowRecord[a], table.RowRecord[b]);
        var start = table.RowStart[a];
        var byStart = (table.RecordStart[recordA] != start).CompareTo(table.RecordStart[recordB] != start);
        if (byStart != 0) return byStart;
        var byLength = (table.RecordEnd[recordA] - table.RecordStart[recordA]).CompareTo(table.RecordEnd[recordB] - table.RecordStart[recordB]);
        return byLength != 0 ? byLength : table.CompareText(recordA, recordB);
    }

    private InputException Refuse(string code, string text, int record) => new(code, text, new InputPlace("", _places[record].Line, _places[record].Offset, "ALT"));

    private void WritePanel(Panel panel, List<(int Row, bool Skipped)> repeats)
    {
        var table = _sites.Build(panel.Phase);
        foreach (var (row, skipped) in repeats)
        {
            table.RowCollapsed[row] = true;
            if (skipped) table.Flags[table.RowRecord[row]] &= ~RecordFlags.Speaks;
        }
        table.Index();
        var streams = panel.Calls.Finish();
        BlockEncoder.Write(panel.Segment, _contig, table, _sites.Ids, panel.Evidence, streams);
        panel.Phase.Clear();
        panel.Evidence.Clear();
    }

    /// <summary>Ends the file: seals every segment and returns its entry, panel by panel.</summary>
    public IReadOnlyList<(int First, int Count, FileEntry File, IReadOnlyList<BlockInfo> Blocks)> Complete()
    {
        if (_contig >= 0) FinishBlock();
        return [.. _panels.Select(p => (p.First, p.Count, p.Segment.Complete(), p.Segment.Blocks))];
    }

    public void Dispose() => _panels.ForEach(p => p.Segment.Dispose());

    private sealed record Panel(int First, int Count, CallColumns Calls, EvidenceBuilder Evidence, SegmentWriter Segment)
    {
        public List<RecordFlags> Phase { get; } = [];
    }
}
