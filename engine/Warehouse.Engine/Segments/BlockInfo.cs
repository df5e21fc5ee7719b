using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Segments;

/// <summary>Directory entry of a block: what lies in it and where. Ranges are 0-based half-open; an empty range has Start = End = 0.</summary>
internal sealed class BlockInfo
{
    public required int Contig { get; init; }

    public required int RecordCount { get; init; }

    public required int RowCount { get; init; }

    public required int EvidenceCount { get; init; }

    /// <summary>Starts of normalised rows: first to last + 1.</summary>
    public required (int Start, int End) Rows { get; init; }

    /// <summary>Spans of records as written: first start to largest end.</summary>
    public required (int Start, int End) Records { get; init; }

    /// <summary>Spans of evidence.</summary>
    public required (int Start, int End) Evidence { get; init; }

    /// <summary>True when the block has symbolic alleles or breakends.</summary>
    public required bool HasStructural { get; init; }

    public required IReadOnlyDictionary<BlockStream, (long Offset, int Length)> Streams { get; init; }

    /// <summary>Whether anything of the block can matter to a place.</summary>
    public bool Concerns(int start, int end) => Overlaps(Rows, start, end) || Overlaps(Records, start, end) || Overlaps(Evidence, start, end);

    public static bool Overlaps((int Start, int End) range, int start, int end) => range.Start < end && start < range.End;

    /// <summary>Per contig the stretch that any of some blocks can matter to.</summary>
    public static Dictionary<int, (int Start, int End)> StretchesOf(IReadOnlyList<BlockInfo> blocks)
    {
        var stretches = new Dictionary<int, (int Start, int End)>();
        foreach (var block in blocks)
            foreach (var range in (ReadOnlySpan<(int Start, int End)>)[block.Rows, block.Records, block.Evidence])
            {
                if (range.End <= range.Start) continue;
                var known = stretches.GetValueOrDefault(block.Contig, (Start: int.MaxValue, End: int.MinValue));
                stretches[block.Contig] = (Math.Min(known.Start, range.Start), Math.Max(known.End, range.End));
            }
        return stretches;
    }

    public void Write(ByteWriter to)
    {
        to.Var(Contig);
        to.Var(RecordCount);
        to.Var(RowCount);
        to.Var(EvidenceCount);
        foreach (var (start, end) in (ReadOnlySpan<(int, int)>)[Rows, Records, Evidence])
        {
            to.Signed(start);
            to.Signed(end);
        }
        to.Bool(HasStructural);
        to.Var(Streams.Count);
        foreach (var (stream, place) in Streams.OrderBy(s => s.Key))
        {
            to.Byte((byte)stream);
            to.Var((ulong)place.Offset);
            to.Var(place.Length);
        }
    }

    public static BlockInfo Read(ref ByteReader from, long lengthBytes)
    {
        var (contig, records, rows, evidence) = (from.Count(), from.Count(), from.Count(), from.Count());
        var ranges = new (int, int)[3];
        for (var i = 0; i < 3; i++) ranges[i] = (from.SignedInt32(), from.SignedInt32());
        var structural = from.Bool();
        var streams = new Dictionary<BlockStream, (long, int)>();
        for (var left = from.Count(256); left > 0; left--)
        {
            var stream = (BlockStream)from.Byte();
            var offset = (long)from.Var();
            var length = from.Count();
            if (offset < 0 || offset > lengthBytes - length) throw new InvalidDataException("a block lies outside its segment");
            if (!streams.TryAdd(stream, (offset, length))) throw new InvalidDataException("a block has a stream twice");
        }
        return new BlockInfo
        {
            Contig = contig, RecordCount = records, RowCount = rows, EvidenceCount = evidence,
            Rows = ranges[0], Records = ranges[1], Evidence = ranges[2], HasStructural = structural, Streams = streams,
        };
    }
}
