using Warehouse.Engine.Annotations;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Simulate;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>
/// What lies inside the sealed files of a store: streams, segments, parts of the catalog. No damage of a disk comes this far, for every
/// byte is authenticated first; a writer's mistake does, and must be told as damage.
/// </summary>
internal sealed class StoreTargets
{
    private static readonly byte[][] Numbers = FuzzTarget.WordsOf("\0", "\u0001", "\u007f", "\u0080\u0001", "\u00ff\u00ff\u00ff\u00ff\u0007", "\u00ff\u00ff\u00ff\u00ff\u000f", "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u0001");

    private static readonly FileKey Key = new(new byte[FileKey.SizeBytes]);
    private static readonly SealedHeader Header = new(new FileId(1, 2), SegmentWriter.FileKind, 1, 1);

    private readonly SimDisk _disk;
    private readonly SealedWriter _writer;
    private readonly SealedContent _sealed = new(Header, Key);
    private readonly StoreSeeds _seeds;

    public StoreTargets(StoreSeeds seeds)
    {
        (_seeds, _disk) = (seeds, new SimDisk(new SimMachine()));
        _writer = new SealedWriter(_disk, Header, Key, "segment");
        _writer.Complete();
    }

    /// <summary>All of them.</summary>
    public IEnumerable<FuzzTarget> All()
    {
        yield return Stream("sites", _seeds.Of(BlockStream.Sites), ReadSites);
        yield return Stream("sets", [.. ((BlockStream[])[BlockStream.Het, BlockStream.Hom, BlockStream.Missing, BlockStream.Haploid, BlockStream.Absent, BlockStream.AdjFail, BlockStream.Phased]).SelectMany(_seeds.Of)], ReadSets);
        yield return Stream("evidence", _seeds.Of(BlockStream.Evidence), ReadEvidence);
        yield return Stream("detail", _seeds.Of(BlockStream.Detail), b => DetailTable.Decode(b, new ByteReader(b).Count(MaxCount)));
        yield return Stream("bits", _seeds.Of(BlockStream.Swapped), b => BitAppender.Decode(b));
        yield return Stream("packed", [.. StoreSeeds.Packed.SelectMany(_seeds.Of).Select(b => PackedStream.Pack(b))], b => PackedStream.Unpack(b));
        yield return Haplotypes();
        yield return Gaps();
        yield return Catalog();
        yield return Stream("annotation-file", [AnnotationSeed(isIntervals: false), AnnotationSeed(isIntervals: true)], ReadAnnotations);
        yield return Stream("annotation-catalog", [AnnotationCatalog.Encode([Release])], b => AnnotationCatalog.Decode(b));
        var segments = Stream("segment", [.. _seeds.Segments.Select(s => StoreSeeds.Build(s, (_, _, b) => b))], ReadSegment);
        yield return segments with { Make = (random, mutator) => MakeSegment(random, mutator, segments) };
    }

    /// <summary>What the input itself says that it holds, as far as a block would say so.</summary>
    private const int MaxCount = 1 << 16;

    private static FuzzTarget Stream(string name, byte[][] contents, Action<byte[]> read) => new(name, contents, read) { Words = Numbers, Expects = e => e is InvalidDataException };

    /// <summary>The table, and the columns and keys that are read without it: all take a stream, or none does, and the columns find the rows of the table.</summary>
    private static void ReadSites(byte[] input)
    {
        var table = SiteTableCodec.Decode(input);
        for (var row = 0; row < table.RowCount; row++)
        {
            if ((uint)table.RowRecord[row] >= (uint)table.RecordCount) throw new InvalidOperationException("a row of no record");
            Slice(table.Text, table.RowRef[row]);
            Slice(table.Text, table.RowAlt[row]);
        }
        if (table.RecordCount > SiteColumns.MaxRows || table.RowCount > SiteColumns.MaxRows) return;
        var columns = new SiteColumns();
        columns.Load((byte[])input.Clone(), input.Length, table.RecordCount, table.RowCount);
        new SiteKeys().Load(columns);
        var rowFlags = columns.RowFlags;
        for (var row = 0; row < Math.Min(table.RowCount, 64); row++)
            if (SiteColumns.IsCountable(rowFlags[row]) && columns.Find(table.RowStart[row], table.RowRefText(row), table.RowAltText(row), out _, out _) == 0) throw new InvalidOperationException("the columns do not find a row of the table");
    }

    private static void Slice(ReadOnlySpan<byte> text, (int At, int Length) place) => _ = text.Slice(place.At, place.Length);

    private static void ReadSets(byte[] input)
    {
        var sets = SampleSets.Decode(input);
        var counts = new ushort[Math.Min(sets.RowCount, MaxCount)];
        if (sets.RowCount <= 4_096) SampleSets.DecodeCounts(input, sets.SampleCount, counts);
        var words = new ulong[(sets.SampleCount + 511) / 512 * 8];
        for (var row = 0; row < Math.Min(sets.RowCount, 64); row++)
        {
            sets.CopyBits(row, words);
            var members = words.Sum(w => System.Numerics.BitOperations.PopCount(w));
            if (members != sets.Count(row) || (sets.RowCount <= 4_096 && members != counts[row])) throw new InvalidOperationException("a row has other members than its count says");
        }
    }

    private static void ReadEvidence(byte[] input)
    {
        var evidence = EvidenceTable.Decode(input, new ByteReader(input).Count(MaxCount));
        for (var sample = 0; sample < evidence.SampleCount; sample++)
            foreach (var (start, end, _) in evidence.Raw(sample))
                if (end < start || start < 0) throw new InvalidOperationException("evidence that ends before it starts");
    }

    private FuzzTarget Haplotypes()
    {
        var blocks = _seeds.Segments.SelectMany(s => s.Blocks).Where(b => b.Streams.ContainsKey(BlockStream.Haplotypes)).ToList();
        var block = blocks.MaxBy(b => b.Streams[BlockStream.Haplotypes].Length)!;
        return Stream("haplotypes", [block.Streams[BlockStream.Haplotypes]], b => HaplotypeColumns.Decode(b, block.SampleCount, block.FirstRow, block.Missing, block.Absent));
    }

    private static FuzzTarget Gaps()
    {
        const int Samples = 70, Rows = 40;
        var builder = new SampleSetsBuilder(Samples);
        var random = new Prng(3, 3);
        for (var row = 0; row < Rows; row++)
        {
            var first = random.Below(Samples);
            builder.AddIds([.. Enumerable.Range(first, random.Below(Samples - first)).Select(i => (ushort)i)]);
        }
        return Stream("gaps", [SampleGaps.Encode(builder.Build())!], b => SampleGaps.Decode(b, Samples, Rows));
    }

    /// <summary>One byte that names the part, then its content; parts that are not changed are as they were.</summary>
    private FuzzTarget Catalog()
    {
        var parts = _seeds.Parts.DistinctBy(p => p.Name).ToList();
        var contents = _seeds.Parts.Where(p => p.Content.Length < 1 << 12).Select(p => (byte[])[(byte)parts.FindIndex(q => q.Name == p.Name), .. p.Content]).ToArray();
        return Stream("catalog", contents, input =>
        {
            var changed = input.Length == 0 ? "" : parts[input[0] % parts.Count].Name;
            byte[]? Read(string name) => name == changed ? input[1..] : parts.Find(p => p.Name == name).Content;
            var catalog = CatalogCodec.Decode(Read, page => page());
            foreach (var sample in catalog.Samples) _ = sample.Name;
            foreach (var ordinal in catalog.Ordinals) _ = ordinal.Sample;
            foreach (var batch in catalog.Batches) _ = batch.Version;
            foreach (var lineage in catalog.Lineages) _ = lineage.Count;
            foreach (var sheet in catalog.Sheets) _ = sheet.Values.Count;
            if (changed.StartsWith("sketches/", StringComparison.Ordinal)) SketchPart.Decode(input[1..]);
        }) with { Expects = e => e is InvalidDataException or ArgumentException or OverflowException, MaxAllocatedBytes = 64 << 20 };
    }

    private static readonly AnnotationField[] AnnotationFields =
        [new("T", AnnotationType.Text, Terms: AnnotationTerms.Hgvs), new("N", AnnotationType.Integer), new("R", AnnotationType.Real), new("F", AnnotationType.Flag), new("G", AnnotationType.Text, Terms: AnnotationTerms.Gene)];

    private static AnnotationRelease Release => new()
    {
        Source = "s", Date = new DateOnly(2024, 1, 7), Number = 1, SourceSha256 = new string('a', 64), MappingSha256 = new string('b', 64), ContentSha256 = new string('c', 64), FromVersion = 2, IsIntervals = false, TrimmedOnly = true,
        Records = 9, Rows = 9, LeftOut = [("no ALT", 1)], Lineage = ["##source=x"], Fields = AnnotationFields,
    };

    /// <summary>A file of so few rows that its streams are stored, not compressed: changes get inside.</summary>
    private byte[] AnnotationSeed(bool isIntervals)
    {
        var disk = new SimDisk(new SimMachine());
        var file = new SealedWriter(disk, Header, Key, "annotations");
        using var writer = new AnnotationWriter(file, new AnnotationShape(isIntervals, true, AnnotationFields) { Sizes = (64, 3, 10) });
        var rows = new AnnotationRows(AnnotationFields, 64);
        for (var i = 0; i < 9; i++)
        {
            if (isIntervals) rows.Add(writer.ContigOf(i < 6 ? "1" : "X"), 10 * i, 25, i);
            else rows.Add(writer.ContigOf(i < 6 ? "1" : "X"), 10 * i, "AC"u8, "A"u8, i);
            if (i % 2 == 0) rows.Column(0).Set("NM_1.2:c.5A>G"u8);
            if (i % 3 == 0) rows.Column(1).Set(-i);
            if (i % 2 == 1) rows.Column(2).Set(0.5 * i);
            if (i == 4) rows.Column(3).Set(1);
            rows.Column(4).Set("GENE:1"u8);
        }
        writer.Add(rows, rows.Order(writer.Ranks()));
        writer.Complete();
        using var reader = SealedReader.OpenUnfinished(disk, file);
        var content = new byte[reader.LengthBytes];
        reader.Read(0, content);
        return content;
    }

    private void ReadAnnotations(byte[] content)
    {
        _disk.Poke(_writer.UnfinishedName, _sealed.Of(content));
        var file = AnnotationFile.Open(SealedReader.OpenUnfinished(_disk, _writer));
        using var reader = new AnnotationReader(Release with { IsIntervals = file.IsIntervals, Rows = file.Rows, Fields = file.Fields }, file, null);
        reader.Check(CancellationToken.None);
        foreach (var contig in reader.Contigs)
        {
            reader.Find(contig, 10, "AC"u8, "A"u8);
            foreach (var hit in reader.Overlapping(contig, 10, 12)) _ = hit.Count;
        }
        reader.Search("gene", 10);
        reader.Search("NM_1:c.5A>G", 10);
    }

    private byte[] MakeSegment(Prng random, Mutator mutator, FuzzTarget target)
    {
        var which = random.Below(_seeds.Segments.Count);
        if (random.Below(3) == 0) return mutator.Change(random, target.Seeds[which], [target.Seeds[which]], target.Words);
        var segment = _seeds.Segments[which];
        var (block, stream) = (segment.Blocks[random.Below(segment.Blocks.Count)], random.Below(16));
        return StoreSeeds.Build(segment, (b, s, content) => b == block && b.Streams.Keys.Order().ElementAt(stream % b.Streams.Count) == s ? mutator.Change(random, content, [content], Numbers) : content);
    }

    /// <summary>The disk knows one file, whose content is put in place of the one before.</summary>
    private void ReadSegment(byte[] content)
    {
        _disk.Poke(_writer.UnfinishedName, _sealed.Of(content));
        using var segment = Segment.Open(SealedReader.OpenUnfinished(_disk, _writer));
        SegmentCheck.Run(segment, CancellationToken.None);
    }
}
