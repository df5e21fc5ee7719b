using Warehouse.Engine.Coding;
using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>A call outside the set columns.</summary>
internal readonly record struct ExceptionCall(int Record, int Sample, int[] Alleles, string Text);

/// <summary>A block opened: its streams decode on first use. Null columns are empty in every row. One thread.</summary>
internal sealed class Block(Segment segment, BlockInfo info)
{
    private SampleSets?[] _sets = new SampleSets?[16];
    private int _loaded;
    private SiteTable? _sites;
    private ExceptionCall[]? _exceptions;
    private int[]? _firstException;
    private EvidenceTable? _evidence;
    private HashSet<(int Row, int Panel)>? _lost;
    private DetailTable? _detail;
    private bool _detailLoaded;

    public Segment Segment => segment;

    public BlockInfo Info => info;

    public int SampleCount => segment.Ordinals.Length;

    public SiteTable Sites => _sites ??= LoadSites();

    public SampleSets? Het => Sets(BlockStream.Het, info.RowCount);

    public SampleSets? Hom => Sets(BlockStream.Hom, info.RowCount);

    public SampleSets? Missing => Sets(BlockStream.Missing, info.RecordCount);

    public SampleSets? Haploid => Sets(BlockStream.Haploid, info.RecordCount);

    public SampleSets? Absent => Sets(BlockStream.Absent, info.RecordCount);

    public SampleSets? AdjFail => Sets(BlockStream.AdjFail, info.RecordCount);

    public SampleSets? Phased => Sets(BlockStream.Phased, info.RecordCount);

    public EvidenceTable Evidence => _evidence ??= LoadEvidence();

    /// <summary>Whether every call of a record is plainly diploid; samples may be absent.</summary>
    public bool IsPlain(int record) => Haploid?.IsEmpty(record) is not false && Exceptions(record).IsEmpty;

    /// <summary>Whether every sample has the record.</summary>
    public bool IsWhole(int record) => Absent?.IsEmpty(record) is not false;

    public DetailTable? Detail
    {
        get
        {
            if (_detailLoaded) return _detail;
            _detailLoaded = true;
            return segment.Read(info, BlockStream.Detail) is { } packed ? _detail = DetailTable.Decode(PackedStream.Unpack(packed), info.RecordCount) : null;
        }
    }

    /// <summary>Exceptions of a record, samples ascending.</summary>
    public ReadOnlySpan<ExceptionCall> Exceptions(int record)
    {
        if (_exceptions is null) LoadExceptions();
        return _exceptions.AsSpan(_firstException![record].._firstException[record + 1]);
    }

    /// <summary>ID of a record.</summary>
    public string[]? Ids()
    {
        if (segment.Read(info, BlockStream.Ids) is not { } packed) return null;
        var from = new ByteReader(PackedStream.Unpack(packed));
        var ids = new string[info.RecordCount];
        for (var i = 0; i < ids.Length; i++) ids[i] = from.Text();
        from.End();
        return ids;
    }

    /// <summary>The swapped bits of the block, in record order over heterozygous calls; null when none is swapped.</summary>
    public ulong[]? Swapped() => segment.Read(info, BlockStream.Swapped) is { } packed ? BitAppender.Decode(PackedStream.Unpack(packed)) : null;

    /// <summary>Rows of which a panel lost its last carrier by compaction, with the panel's first ordinal. Empty for most blocks.</summary>
    public IReadOnlySet<(int Row, int Panel)> Lost => _lost ??= LoadLost();

    private HashSet<(int Row, int Panel)> LoadLost()
    {
        if (segment.Read(info, BlockStream.Lost) is not { } packed) return [];
        var from = new ByteReader(PackedStream.Unpack(packed));
        var lost = new HashSet<(int, int)>();
        for (var left = from.Count(from.Remaining); left > 0; left--)
            if (!lost.Add((from.Count(info.RowCount - 1), from.Count()))) throw new InvalidDataException("a lost carrier is listed twice");
        from.End();
        return lost;
    }

    private SampleSets? Sets(BlockStream stream, int rows)
    {
        var bit = 1 << (int)stream;
        if ((_loaded & bit) != 0) return _sets[(int)stream];
        _loaded |= bit;
        if (segment.Read(info, stream) is not { } bytes) return null;
        var sets = SampleSets.Decode(bytes);
        if (sets.RowCount != rows || sets.SampleCount != SampleCount) throw new InvalidDataException("a set column has the wrong shape");
        return _sets[(int)stream] = sets;
    }

    private SiteTable LoadSites()
    {
        var packed = segment.Read(info, BlockStream.Sites);
        var sites = packed is null ? new SiteTable(0, 0) : SiteTableCodec.Decode(PackedStream.Unpack(packed));
        if (sites.RecordCount != info.RecordCount || sites.RowCount != info.RowCount) throw new InvalidDataException("a block and its sites disagree");
        return sites;
    }

    private EvidenceTable LoadEvidence() => segment.Read(info, BlockStream.Evidence) is { } packed
        ? EvidenceTable.Decode(PackedStream.Unpack(packed), SampleCount)
        : EvidenceTable.Empty(SampleCount);

    private void LoadExceptions()
    {
        _firstException = new int[info.RecordCount + 1];
        if (segment.Read(info, BlockStream.Exceptions) is not { } packed)
        {
            _exceptions = [];
            return;
        }
        var from = new ByteReader(PackedStream.Unpack(packed));
        var calls = new ExceptionCall[from.Count(from.Remaining)];
        var record = 0;
        for (var i = 0; i < calls.Length; i++)
        {
            record = checked(record + from.Count(info.RecordCount));
            if (record >= info.RecordCount) throw new InvalidDataException("an exception names a record that the block lacks");
            var sample = from.Count(SampleCount - 1);
            var text = from.Text();
            calls[i] = new ExceptionCall(record, sample, CallText.Parse(text), text);
            _firstException[record + 1]++;
        }
        from.End();
        for (var i = 0; i < info.RecordCount; i++) _firstException[i + 1] += _firstException[i];
        _exceptions = calls;
    }
}
