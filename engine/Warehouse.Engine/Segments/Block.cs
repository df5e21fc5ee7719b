using System.Buffers;
using Warehouse.Engine.Coding;
using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>A call outside the set columns.</summary>
internal readonly record struct ExceptionCall(int Record, int Sample, int[] Alleles, string Text);

/// <summary>
/// A block opened: its streams decode on first use and stay as long as the block does. Null columns are empty in every row. What decoding
/// finds damaged throws, every time. Any thread: two that ask at once may both decode, and one of the equal results stays.
/// </summary>
internal sealed class Block(Segment segment, BlockInfo info)
{
    /// <summary>Stands for a stream that the block does not have.</summary>
    private static readonly object None = new();

    /// <summary>Decoded streams by number; null = not asked for yet.</summary>
    private readonly object?[] _columns = new object?[16];

    public Segment Segment => segment;

    public BlockInfo Info => info;

    public int SampleCount => segment.Ordinals.Length;

    public SiteTable Sites => (SiteTable)Column(BlockStream.Sites);

    public SampleSets? Het => Haplotypes is { } held ? held.Het : Sets(BlockStream.Het);

    public SampleSets? Hom => Haplotypes is { } held ? held.Hom : Sets(BlockStream.Hom);

    public SampleSets? Missing => Sets(BlockStream.MissingGaps) ?? Sets(BlockStream.Missing);

    public SampleSets? Haploid => Sets(BlockStream.Haploid);

    public SampleSets? Absent => Sets(BlockStream.Absent);

    public SampleSets? AdjFail => Sets(BlockStream.AdjFail);

    public SampleSets? Phased => Sets(BlockStream.Phased);

    public EvidenceTable Evidence => (EvidenceTable)Column(BlockStream.Evidence);

    /// <summary>
    /// <see cref="Het"/>, <see cref="Hom"/> or <see cref="Missing"/> for one who passes through: read into memory that he brings, and not kept
    /// here. Where the column is here already, or has a second form, it is the column of the block as ever.
    /// </summary>
    /// <param name="stream">Of the three.</param>
    /// <param name="own">A column of this method that nobody uses any more, or null; afterwards the new one, if it is the caller's.</param>
    public SampleSets? Pass(BlockStream stream, ref SampleSets? own)
    {
        var second = stream == BlockStream.Missing ? BlockStream.MissingGaps : BlockStream.Haplotypes;
        if (Volatile.Read(ref _columns[(int)stream]) is not null || info.Streams.ContainsKey(second))
            return stream switch { BlockStream.Het => Het, BlockStream.Hom => Hom, _ => Missing };
        if (!info.Streams.TryGetValue(stream, out var place)) return null;
        var rented = ArrayPool<byte>.Shared.Rent(place.Length);
        var spent = own;
        own = null;
        try
        {
            var sets = SampleSets.Decode(segment.Read(info, stream, ref rented), spent);
            CheckShape(sets, stream);
            return own = sets;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Decodes streams now, so that what is damaged in them shows.</summary>
    public void Load(params ReadOnlySpan<BlockStream> streams)
    {
        foreach (var stream in streams) Column(stream);
    }

    /// <summary>Whether every call of a record is plainly diploid; samples may be absent.</summary>
    public bool IsPlain(int record) => Haploid?.IsEmpty(record) is not false && Exceptions(record).IsEmpty;

    /// <summary>Whether every sample has the record.</summary>
    public bool IsWhole(int record) => Absent?.IsEmpty(record) is not false;

    public DetailTable? Detail => Column(BlockStream.Detail) as DetailTable;

    /// <summary>Whether any record has exceptions.</summary>
    public bool HasExceptions => Column(BlockStream.Exceptions) is ExceptionColumn;

    /// <summary>Exceptions of a record, samples ascending.</summary>
    public ReadOnlySpan<ExceptionCall> Exceptions(int record) => Column(BlockStream.Exceptions) is ExceptionColumn calls ? calls.Of(record) : [];

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
    public ulong[]? Swapped()
    {
        if (Haplotypes is { } held) return held.Swapped;
        return segment.Read(info, BlockStream.Swapped) is { } packed ? BitAppender.Decode(PackedStream.Unpack(packed)) : null;
    }

    /// <summary>Rows of which a panel lost its last carrier by compaction, with the panel's first ordinal. Empty for most blocks.</summary>
    public IReadOnlySet<(int Row, int Panel)> Lost => (HashSet<(int Row, int Panel)>)Column(BlockStream.Lost);

    /// <summary>The column of a stream, decoded now or before; <see cref="None"/> when it is null.</summary>
    private object Column(BlockStream stream)
    {
        if (Volatile.Read(ref _columns[(int)stream]) is { } known) return known;
        var (column, bytes) = Decode(stream);
        if (Interlocked.CompareExchange(ref _columns[(int)stream], column, null) is { } earlier) return earlier;
        if (bytes > 0) segment.Grew(info, bytes);
        return column;
    }

    private (object Column, long Bytes) Decode(BlockStream stream)
    {
        if (!info.Streams.TryGetValue(stream, out var place)) return Missed(stream);
        var rented = ArrayPool<byte>.Shared.Rent(place.Length);
        try
        {
            return Decode(stream, segment.Read(info, stream, ref rented));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>What stands for a stream that the block does not have.</summary>
    private (object Column, long Bytes) Missed(BlockStream stream) => stream switch
    {
        BlockStream.Sites => (RightShape(new SiteTable(0, 0)), 0),
        BlockStream.Evidence => (EvidenceTable.Empty(SampleCount), 4L * SampleCount),
        BlockStream.Lost => (new HashSet<(int, int)>(), 0),
        _ => (None, 0),
    };

    private (object Column, long Bytes) Decode(BlockStream stream, ReadOnlySpan<byte> stored) => stream switch
    {
        BlockStream.Sites => DecodeSites(stored),
        BlockStream.Evidence => DecodeEvidence(PackedStream.Unpack(stored)),
        BlockStream.Lost => DecodeLost(PackedStream.Unpack(stored)),
        BlockStream.Detail => DecodeDetail(PackedStream.Unpack(stored)),
        BlockStream.Exceptions => DecodeExceptions(PackedStream.Unpack(stored)),
        BlockStream.Haplotypes => DecodeHaplotypes(stored),
        BlockStream.MissingGaps => WithBytes(SampleGaps.Decode(stored, SampleCount, info.RecordCount)),
        _ => DecodeSets(stream, stored),
    };

    private SampleSets? Sets(BlockStream stream) => Column(stream) as SampleSets;

    /// <summary>Het, hom and swapped, where compaction wrote them as one stream.</summary>
    private HaplotypeColumns? Haplotypes => Column(BlockStream.Haplotypes) as HaplotypeColumns;

    private (object, long) DecodeHaplotypes(ReadOnlySpan<byte> stored)
    {
        var columns = HaplotypeColumns.Decode(stored, SampleCount, Sites.FirstRow, Missing, Absent);
        return (columns, (columns.Het?.HotBytes ?? 0) + (columns.Hom?.HotBytes ?? 0) + (8L * (columns.Swapped?.Length ?? 0)));
    }

    private (object, long) DecodeSets(BlockStream stream, ReadOnlySpan<byte> stored)
    {
        var sets = SampleSets.Decode(stored);
        CheckShape(sets, stream);
        return WithBytes(sets);
    }

    private void CheckShape(SampleSets sets, BlockStream stream)
    {
        var rows = stream is BlockStream.Het or BlockStream.Hom ? info.RowCount : info.RecordCount;
        if (sets.RowCount != rows || sets.SampleCount != SampleCount) throw new InvalidDataException("a set column has the wrong shape");
    }

    private static (object, long) WithBytes(SampleSets sets) => (sets, sets.HotBytes);

    private (object, long) DecodeSites(ReadOnlySpan<byte> stored)
    {
        var (sites, bytes) = segment.DecodeSites(stored);
        return (RightShape(sites), bytes);
    }

    private SiteTable RightShape(SiteTable sites)
    {
        if (sites.RecordCount != info.RecordCount || sites.RowCount != info.RowCount) throw new InvalidDataException("a block and its sites disagree");
        return sites;
    }

    private (object, long) DecodeEvidence(byte[] raw)
    {
        var evidence = EvidenceTable.Decode(raw, SampleCount);
        return (evidence, (13L * evidence.Count) + (4L * SampleCount));
    }

    /// <summary>An entry takes about 16 times its stored bytes: objects for a few small numbers.</summary>
    private (object, long) DecodeDetail(byte[] raw) => (DetailTable.Decode(raw, info.RecordCount), 16L * raw.Length);

    private (object, long) DecodeLost(byte[] raw)
    {
        var from = new ByteReader(raw);
        var lost = new HashSet<(int, int)>();
        for (var left = from.Count(from.Remaining); left > 0; left--)
            if (!lost.Add((from.Count(info.RowCount - 1), from.Count()))) throw new InvalidDataException("a lost carrier is listed twice");
        from.End();
        return (lost, 24L * lost.Count);
    }

    private (object, long) DecodeExceptions(byte[] raw)
    {
        var first = new int[info.RecordCount + 1];
        var from = new ByteReader(raw);
        var calls = new ExceptionCall[from.Count(from.Remaining)];
        var record = 0;
        for (var i = 0; i < calls.Length; i++)
        {
            record = ByteReader.Sum(record, from.Count(info.RecordCount));
            if (record >= info.RecordCount) throw new InvalidDataException("an exception names a record that the block lacks");
            var sample = from.Count(SampleCount - 1);
            var text = from.Text();
            calls[i] = new ExceptionCall(record, sample, CallText.Parse(text), text);
            first[record + 1]++;
        }
        from.End();
        for (var i = 0; i < info.RecordCount; i++) first[i + 1] += first[i];
        return (new ExceptionColumn(calls, first), (112L * calls.Length) + (4L * first.Length));
    }

    /// <summary>Exceptions by record.</summary>
    private sealed class ExceptionColumn(ExceptionCall[] calls, int[] first)
    {
        public ReadOnlySpan<ExceptionCall> Of(int record) => calls.AsSpan(first[record]..first[record + 1]);
    }
}
