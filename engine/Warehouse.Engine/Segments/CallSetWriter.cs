using Warehouse.Engine.Sealing;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Segments;

/// <summary>One ALT of a record, normalised. The spans of text live until the next record.</summary>
internal readonly record struct NormalizedRow(AlleleKind Kind, ReadOnlyMemory<byte> WrittenAlt, int Start, ReadOnlyMemory<byte> Ref, ReadOnlyMemory<byte> Alt, StructuralExtent? Extent);

/// <summary>How the calls of a file are written.</summary>
/// <param name="BlockGq">Least GQ or RGQ of evidence.</param>
/// <param name="SkipBad">An allele repeated with other genotypes is skipped and counted instead of refused.</param>
/// <param name="Threads">Threads used, the calling one among them; what is written does not depend on it.</param>
internal readonly record struct CallSetOptions(int BlockGq, bool SkipBad, int Threads);

/// <summary>
/// Writes the segments of one file: one per panel of <see cref="CallColumns.MaxSamples"/> samples, cut into blocks. Memory: one block
/// per panel (<see cref="BlockRecords"/> records, twice that where records overlap without a gap) plus its streams; two where another
/// thread encodes. After any exception the writer is of no use; its files are garbage that no manifest names. One calling thread.
/// </summary>
internal sealed class CallSetWriter : IDisposable
{
    /// <summary>Records per block; a block goes on until a gap between records, at most twice as long.</summary>
    public const int BlockRecords = 8192;

    /// <summary>Evidence intervals per block and panel.</summary>
    public const int BlockIntervals = 1 << 18;

    private readonly List<(int First, int Count)> _panels = [];
    private readonly List<SegmentWriter> _segments = [];
    private readonly CallSetOptions _options;
    private CollectedBlock _open;
    private CollectedBlock? _spare;
    private Errand _encoding = Errand.None;
    private List<Errand> _sealing = [];
    private int _contig = -1;
    private int _largestEnd = int.MinValue;

    /// <summary>Starts the segments of a file.</summary>
    /// <param name="createSegment">Makes the segment of samples [first, first + count).</param>
    /// <param name="samples">Samples of the file.</param>
    /// <param name="options">How.</param>
    public CallSetWriter(Func<int, int, SegmentWriter> createSegment, int samples, CallSetOptions options)
    {
        _options = options;
        for (var first = 0; first < samples; first += CallColumns.MaxSamples)
        {
            var count = Math.Min(CallColumns.MaxSamples, samples - first);
            _panels.Add((first, count));
            _segments.Add(createSegment(first, count));
        }
        _open = new CollectedBlock(_panels);
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
        foreach (var panel in _open.Panels)
            for (var s = 0; s < panel.Count; s++) AddEvidence(record, panel, s, until);
    }

    private void AddEvidence(VcfRecord record, CollectedBlock.Panel panel, int local, int until)
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
        if (gq >= 0 && gq < _options.BlockGq) return;
        var depth = Value(record, FormatFields.MinDp, record.MinDp, sample);
        if (depth < 0) depth = Value(record, FormatFields.Dp, record.Dp, sample);
        var length = Value(record, FormatFields.Len, record.Len, sample);
        var end = length > 0 ? record.Start + length : until;
        var start = Math.Max(0, record.Start); // POS 0 is the telomere, where no base can be asked for
        if (end <= start) return;
        Extend(_contig, record.Start, end);
        panel.Evidence.Add(local, start, end, ploidy, AdjRule.BlockPasses(gq, depth, ploidy));
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
        _open.Sites.AddRecord(record.Start, referenceUpper, flags, Text(record.Filter), Text(record.Id));
        _open.AddPlace(record.Line, record.OffsetBytes);
        foreach (var row in rows)
        {
            _open.Sites.AddRow(row.Kind, row.WrittenAlt.Span, row.Start, row.Ref.Span, row.Alt.Span);
            if (row.Extent is { } extent) _open.Sites.SetExtent(extent);
        }
        foreach (var panel in _open.Panels) panel.Phase.Add(panel.Calls.Add(record));
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
        var full = _open.Sites.RecordCount >= 2 * BlockRecords || (_open.Sites.RecordCount >= BlockRecords && start >= _largestEnd) || HasManyIntervals();
        if (contig == _contig && !full) return;
        FinishBlock();
        if (contig != _contig) _largestEnd = int.MinValue;
        _open.Contig = _contig = contig;
    }

    private bool HasManyIntervals()
    {
        foreach (var panel in _open.Panels)
            if (panel.Evidence.Count >= BlockIntervals) return true;
        return false;
    }

    /// <summary>
    /// Encodes and writes the open block: with more than one thread on another, while the next block is collected in a second set of
    /// buffers. There is never more than one under way, so blocks stay in order and memory is that of two.
    /// </summary>
    private void FinishBlock()
    {
        if (_open.IsEmpty) return;
        Settle();
        var block = _open;
        if (_options.Threads <= 1)
        {
            Write(block);
            return;
        }
        _open = _spare ?? new CollectedBlock(_panels);
        _spare = block;
        _encoding = Errand.Start(() => Write(block));
    }

    private void Write(CollectedBlock block)
    {
        var (panels, collapsed, skipped) = block.Encode(_options.SkipBad, isShared: _options.Threads > 1);
        for (var i = 0; i < panels.Length; i++) panels[i].WriteTo(_segments[i]);
        CollapsedCount += collapsed;
        SkippedDuplicates += skipped;
        block.Clear();
    }

    /// <summary>
    /// Waits for what is under way on another thread. Whoever gives the file up calls it first: what was wrong with an earlier record
    /// comes before what is wrong with a later one, whatever the number of threads.
    /// </summary>
    /// <exception cref="InputException">A block that was being written has a fault.</exception>
    public void Settle()
    {
        var encoding = _encoding;
        _encoding = Errand.None;
        if (!encoding.TryDo()) _spare?.Help();
        encoding.Finish();
    }

    /// <summary>Ends the file: seals every segment and returns its entry, panel by panel.</summary>
    public IReadOnlyList<(int First, int Count, FileEntry File, IReadOnlyList<BlockInfo> Blocks)> Complete()
    {
        if (_contig >= 0) FinishBlock();
        Settle();
        // Each waits for the disk: side by side they wait once.
        var files = new FileEntry[_segments.Count];
        var sealing = new List<Errand>();
        for (var i = 0; i < files.Length; i++)
        {
            var at = i;
            if (_options.Threads > 1 && files.Length > 1) sealing.Add(Errand.Start(() => files[at] = _segments[at].Complete()));
            else files[i] = _segments[i].Complete();
        }
        _sealing = sealing;
        foreach (var errand in sealing) errand.Finish();
        return [.. _panels.Select((p, i) => (p.First, p.Count, files[i], _segments[i].Blocks))];
    }

    public void Dispose()
    {
        // Only after an exception is anything still under way, and its own has been seen or does not matter any more.
        _encoding.Abandon();
        foreach (var errand in _sealing) errand.Abandon();
        _segments.ForEach(s => s.Dispose());
    }
}
