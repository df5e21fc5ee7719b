using System.Buffers.Binary;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Samples;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// A sealed file of annotations: rows by contig (<see cref="ContigOrder"/>), then start, in blocks whose starts do not touch. Content:
/// <code>
/// streams of the blocks | terms (TermIndex) | directory
/// trailer: i64 offset of the directory | i32 its length | u32 "WANN" (little-endian 0x4E4E4157)
/// </code>
/// Directory: u8 version; bool intervals; var normaliser version; bool trimmed only; list of text contigs; list of fields: text name, u8 type,
/// u8 class, u8 terms, text description; var rows; var bytes of the terms; var blocks; per block: var contig, var rows, var first start, var last start -
/// first, var largest end - last start, var offset of the streams, and a var per stream: its length as stored. The streams and the terms behind them fill all
/// before the directory. One thread.
/// </summary>
internal sealed class AnnotationFile : IDisposable
{
    /// <summary>Kind byte of annotation files.</summary>
    public const byte FileKind = 2;

    internal const byte Version = 1;
    internal const int Magic = 0x4E4E4157;
    internal const int TrailerBytes = 16;
    private const int MaxDirectoryBytes = 256 << 20;
    private const int MostSpare = 64;

    private readonly SealedReader _file;
    private readonly List<int[]> _spare = [];
    private byte[] _buffer = [];

    private AnnotationFile(SealedReader file, byte[] directory, long end)
    {
        _file = file;
        var from = new ByteReader(directory);
        if (from.Byte() != Version) throw new InvalidDataException("a file of annotations has an unknown version");
        IsIntervals = from.Bool();
        NormalizerVersion = from.Count();
        TrimmedOnly = from.Bool();
        var contigs = new string[from.Count(directory.Length)];
        for (var i = 0; i < contigs.Length; i++) contigs[i] = from.Text();
        Contigs = contigs;
        Fields = ReadFields(ref from);
        var rows = from.Var();
        var termBytes = (long)Math.Min(from.Var(), (ulong)end);
        Blocks = new AnnotationBlockInfo[from.Count(directory.Length)];
        var (bytes, first) = (0L, 0L);
        for (var i = 0; i < Blocks.Length; i++)
        {
            Blocks[i] = ReadBlock(ref from, i == 0 ? null : Blocks[i - 1], first, end);
            first += Blocks[i].Rows;
            foreach (var length in Blocks[i].Lengths) bytes += length;
        }
        from.End();
        if ((ulong)first != rows || bytes + termBytes != end) throw new InvalidDataException("a file of annotations is not what its directory says");
        (Rows, Terms) = (first, (bytes, termBytes));
    }

    /// <summary>Blocks of a file that has no directory yet, as they were written.</summary>
    public AnnotationFile(SealedReader file, AnnotationShape shape, IReadOnlyList<string> contigs, AnnotationBlockInfo[] blocks) =>
        (_file, IsIntervals, TrimmedOnly, Fields, Contigs, Blocks) = (file, shape.IsIntervals, shape.TrimmedOnly, shape.Fields, contigs, blocks);

    public bool IsIntervals { get; }

    public int NormalizerVersion { get; }

    public bool TrimmedOnly { get; }

    public IReadOnlyList<string> Contigs { get; }

    public IReadOnlyList<AnnotationField> Fields { get; }

    public long Rows { get; }

    public AnnotationBlockInfo[] Blocks { get; }

    /// <summary>Where the terms lie.</summary>
    public (long Offset, long Bytes) Terms { get; }

    /// <summary>Opens a file; it closes the sealed one, also when this throws.</summary>
    /// <exception cref="InvalidDataException">The content is not a file of annotations.</exception>
    public static AnnotationFile Open(SealedReader file)
    {
        try
        {
            if (file.LengthBytes < TrailerBytes) throw new InvalidDataException("a file of annotations is too short");
            Span<byte> trailer = stackalloc byte[TrailerBytes];
            file.Read(file.LengthBytes - TrailerBytes, trailer);
            var (offset, length) = (BinaryPrimitives.ReadInt64LittleEndian(trailer), BinaryPrimitives.ReadInt32LittleEndian(trailer[8..]));
            if (BinaryPrimitives.ReadInt32LittleEndian(trailer[12..]) != Magic || length is < 0 or > MaxDirectoryBytes || offset < 0 || offset + length + TrailerBytes != file.LengthBytes)
                throw new InvalidDataException("a file of annotations has no directory where its end says");
            var directory = new byte[length];
            file.Read(offset, directory);
            return new AnnotationFile(file, directory, offset);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public AnnotationBlock Read(AnnotationBlockInfo info) => new(this, info, ReadStream(info, 0));

    public AnnotationColumn ReadColumn(AnnotationBlockInfo info, int field) => AnnotationColumn.Decode(Fields[field], ReadStream(info, field + 1), Numbers(info.Rows));

    /// <summary>Memory for numbers, to be overwritten: of a block that nobody needs any more, where there is some of just that length.</summary>
    public int[] Numbers(int count)
    {
        for (var i = _spare.Count - 1; i >= 0; i--)
        {
            if (_spare[i].Length != count) continue;
            var numbers = _spare[i];
            _spare.RemoveAt(i);
            return numbers;
        }
        return new int[count];
    }

    /// <summary>Takes memory back that nobody looks at any more.</summary>
    public void Spare(int[] numbers)
    {
        if (_spare.Count == MostSpare) _spare.Clear();
        _spare.Add(numbers);
    }

    /// <summary>Bytes of the content.</summary>
    public void Read(long offset, Span<byte> destination) => _file.Read(offset, destination);

    public void Dispose() => _file.Dispose();

    internal static void WriteFields(ByteWriter to, IReadOnlyList<AnnotationField> fields)
    {
        to.Var(fields.Count);
        foreach (var field in fields)
        {
            to.Text(field.Name);
            to.Byte((byte)field.Type);
            to.Byte((byte)field.Class);
            to.Byte((byte)field.Terms);
            to.Text(field.Description);
        }
    }

    internal static AnnotationField[] ReadFields(ref ByteReader from)
    {
        var fields = new AnnotationField[from.Count(AnnotationField.MaxFields)];
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i] = new AnnotationField(from.Text(), (AnnotationType)from.Byte(), (DataClass)from.Byte(), (AnnotationTerms)from.Byte(), from.Text());
            if (!AnnotationField.IsName(fields[i].Name) || fields[i].Type > AnnotationType.Flag || fields[i].Class > DataClass.Public || fields[i].Terms > AnnotationTerms.Hgvs
                || (fields[i].Terms != AnnotationTerms.None && fields[i].Type != AnnotationType.Text))
                throw new InvalidDataException("a field of annotations is unknown");
        }
        return fields;
    }

    private AnnotationBlockInfo ReadBlock(ref ByteReader from, AnnotationBlockInfo? before, long firstRow, long limit)
    {
        var (contig, rows) = (from.Count(), from.Count());
        if (contig >= Contigs.Count) throw new InvalidDataException("a block of annotations is of no contig");
        var first = from.Count();
        var last = ByteReader.Sum(first, from.Count());
        var end = ByteReader.Sum(last, from.Count());
        var offset = (long)Math.Min(from.Var(), (ulong)limit);
        var (lengths, bytes) = (new int[Fields.Count + 1], 0L);
        for (var i = 0; i < lengths.Length; i++) bytes += lengths[i] = from.Count();
        if (offset + bytes > limit) throw new InvalidDataException("a block of annotations lies outside its file");
        if (rows == 0) throw new InvalidDataException("a block of annotations is empty");
        if (before is not null && (before.Contig > contig || (before.Contig == contig && before.LastStart >= first))) throw new InvalidDataException("blocks of annotations are out of order");
        return new AnnotationBlockInfo(contig, rows, first, last, end, firstRow, offset, lengths);
    }

    private byte[] ReadStream(AnnotationBlockInfo info, int stream)
    {
        var offset = info.Offset;
        for (var i = 0; i < stream; i++) offset += info.Lengths[i];
        if (_buffer.Length < info.Lengths[stream]) _buffer = new byte[Math.Max(info.Lengths[stream], 2 * _buffer.Length)];
        var packed = _buffer.AsSpan(0, info.Lengths[stream]);
        _file.Read(offset, packed);
        return PackedStream.Unpack(packed);
    }
}
