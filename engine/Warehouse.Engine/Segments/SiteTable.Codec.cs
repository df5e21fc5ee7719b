using System.Buffers;
using System.Runtime.InteropServices;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>
/// The sites stream of a block. All numbers LEB128 unless said otherwise; columns one after the other so that each compresses with its like.
/// <code>
/// u8 version = 1 | recordCount | rowCount | textBytes
/// records: start - start before (first: start + 1) … | REF length … | ALT count … | u8 flags … | filter index …
/// rows:    u8 kind (bits 0-2) + 8 collapsed + 16 trimmed + 32 moved … | written ALT length …
///          trimmed rows: bases cut left, bases cut right;  moved rows: zig-zag(start - record start), REF length, ALT length
/// text:    per record REF, its ALTs, then REF and ALT of its moved rows, each in row order
/// extents: count, then per structural row: row, extent
/// filters: count, texts
/// </code>
/// </summary>
internal static class SiteTableCodec
{
    internal const byte Version = 1;
    internal const byte KindBits = 7;
    internal const byte Collapsed = 8;
    internal const byte Trimmed = 16;
    internal const byte Moved = 32;

    public static void Encode(SiteTable table, ByteWriter to)
    {
        to.Byte(Version);
        to.Var(table.RecordCount);
        to.Var(table.RowCount);
        var text = new ByteWriter(table.Text.Length);
        var rowFlags = new byte[table.RowCount];
        for (var record = 0; record < table.RecordCount; record++) WriteText(table, record, rowFlags, text);
        to.Var(text.Length);
        var before = -1;
        foreach (var start in table.RecordStart)
        {
            to.Var(start - before);
            before = start;
        }
        for (var i = 0; i < table.RecordCount; i++) to.Var(table.RecordEnd[i] - table.RecordStart[i]);
        for (var i = 0; i < table.RecordCount; i++) to.Var(table.FirstRow[i + 1] - table.FirstRow[i]);
        foreach (var flags in table.Flags) to.Byte((byte)flags);
        foreach (var filter in table.Filter) to.Var(filter);
        for (var row = 0; row < table.RowCount; row++) to.Byte(rowFlags[row]);
        for (var row = 0; row < table.RowCount; row++) to.Var(table.WrittenAlt[row].Length);
        for (var row = 0; row < table.RowCount; row++) WriteForm(table, row, rowFlags[row], to);
        to.Raw(text.Written);
        to.Var(table.Extents.Count);
        foreach (var (row, extent) in table.Extents.OrderBy(e => e.Key))
        {
            to.Var(row);
            extent.Write(to);
        }
        to.Var(table.FilterTexts.Length);
        foreach (var filter in table.FilterTexts) to.Text(filter);
    }

    private static void WriteText(SiteTable table, int record, byte[] rowFlags, ByteWriter text)
    {
        text.Raw(table.RecordRefText(record));
        var (first, end) = (table.FirstRow[record], table.FirstRow[record + 1]);
        for (var row = first; row < end; row++)
        {
            rowFlags[row] = (byte)((byte)table.RowKind[row] | (table.RowCollapsed[row] ? Collapsed : 0) | FormOf(table, row));
            text.Raw(table.WrittenAltText(row));
        }
        for (var row = first; row < end; row++)
        {
            if ((rowFlags[row] & Moved) == 0) continue;
            text.Raw(table.RowRefText(row));
            text.Raw(table.RowAltText(row));
        }
    }

    private static byte FormOf(SiteTable table, int row)
    {
        var record = table.RowRecord[row];
        if (table.RowStart[row] == table.RecordStart[record] && table.RowRefText(row).SequenceEqual(table.RecordRefText(record))
            && table.RowAltText(row).SequenceEqual(table.WrittenAltText(row))) return 0;
        var left = table.RowStart[row] - table.RecordStart[record];
        var reference = table.RecordRefText(record);
        var alternate = table.WrittenAltText(row);
        if (left >= 0 && left + table.RowRef[row].Length <= reference.Length && left + table.RowAlt[row].Length <= alternate.Length
            && reference.Length - left - table.RowRef[row].Length == alternate.Length - left - table.RowAlt[row].Length
            && reference.Slice(left, table.RowRef[row].Length).SequenceEqual(table.RowRefText(row))
            && alternate.Slice(left, table.RowAlt[row].Length).SequenceEqual(table.RowAltText(row))) return Trimmed;
        return Moved;
    }

    private static void WriteForm(SiteTable table, int row, byte flags, ByteWriter to)
    {
        var record = table.RowRecord[row];
        if ((flags & Trimmed) != 0)
        {
            var left = table.RowStart[row] - table.RecordStart[record];
            to.Var(left);
            to.Var(table.RecordRefText(record).Length - left - table.RowRef[row].Length);
        }
        else if ((flags & Moved) != 0)
        {
            to.Signed(table.RowStart[row] - table.RecordStart[record]);
            to.Var(table.RowRef[row].Length);
            to.Var(table.RowAlt[row].Length);
        }
    }

    /// <summary>Decodes a sites stream.</summary>
    /// <exception cref="InvalidDataException">The bytes are not what <see cref="Encode"/> writes.</exception>
    public static SiteTable Decode(ReadOnlySpan<byte> bytes)
    {
        var from = new ByteReader(bytes);
        if (from.Byte() != Version) throw new InvalidDataException("the sites stream has an unknown version");
        var recordCount = from.Count(bytes.Length);
        var rowCount = from.Count(bytes.Length);
        var textBytes = from.Count(bytes.Length);
        var table = new SiteTable(recordCount, rowCount);
        var scratch = ArrayPool<int>.Shared.Rent(Math.Max(recordCount, rowCount));
        try
        {
            ReadRecords(table, ref from, scratch);
            var flags = from.Raw(rowCount);
            var written = scratch.AsSpan(0, rowCount);
            from.Counts(written, textBytes);
            var forms = from;
            SkipForms(flags, ref from, textBytes);
            table.Text = from.Raw(textBytes).ToArray();
            PlaceText(table, flags, written, forms);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(scratch);
        }
        for (var left = from.Count(rowCount); left > 0; left--)
        {
            var row = from.Count(rowCount - 1);
            table.Extents[row] = StructuralExtent.Read(ref from);
        }
        table.FilterTexts = new string[from.Count(ushort.MaxValue + 1)];
        for (var i = 0; i < table.FilterTexts.Length; i++) table.FilterTexts[i] = from.Text();
        foreach (var filter in table.Filter)
            if (filter >= table.FilterTexts.Length) throw new InvalidDataException("a record names a filter that the block lacks");
        from.End();
        table.Index();
        return table;
    }

    private static void ReadRecords(SiteTable table, ref ByteReader from, int[] scratch)
    {
        var values = scratch.AsSpan(0, table.RecordCount);
        from.Counts(values, int.MaxValue);
        var (starts, ends, firsts) = (table.RecordStart, table.RecordEnd, table.FirstRow);
        var before = -1;
        for (var i = 0; i < values.Length; i++) starts[i] = before = ByteReader.Sum(before, values[i]);
        from.Counts(values, int.MaxValue);
        for (var i = 0; i < values.Length; i++) ends[i] = ByteReader.Sum(starts[i], values[i]);
        from.Counts(values, table.RowCount);
        before = firsts[0] = 0;
        for (var i = 0; i < values.Length; i++) firsts[i + 1] = before = ByteReader.Sum(before, values[i]);
        if (before != table.RowCount) throw new InvalidDataException("the rows of a block do not add up");
        MemoryMarshal.Cast<byte, RecordFlags>(from.Raw(values.Length)).CopyTo(table.Flags);
        from.Counts(values, ushort.MaxValue);
        for (var i = 0; i < values.Length; i++) table.Filter[i] = (ushort)values[i];
    }

    /// <summary>Moves past the numbers of trimmed and moved rows: they are read with the text, which lies behind them.</summary>
    private static void SkipForms(ReadOnlySpan<byte> flags, ref ByteReader from, int textBytes)
    {
        foreach (var flag in flags)
        {
            if ((flag & (Trimmed | Moved)) == 0) continue;
            if ((flag & Trimmed) != 0) from.Count(textBytes);
            else from.Signed();
            from.Count(textBytes);
            if ((flag & Trimmed) == 0) from.Count(textBytes);
        }
    }

    private static void PlaceText(SiteTable table, ReadOnlySpan<byte> flags, ReadOnlySpan<int> written, ByteReader forms)
    {
        var at = 0;
        for (var record = 0; record < table.RecordCount; record++)
        {
            var refLength = table.RecordEnd[record] - table.RecordStart[record];
            var refAt = table.RefAt[record] = Advance(table, ref at, refLength);
            var (first, end) = (table.FirstRow[record], table.FirstRow[record + 1]);
            for (var row = first; row < end; row++)
            {
                var flag = flags[row];
                table.RowRecord[row] = record;
                table.RowKind[row] = (AlleleKind)(flag & KindBits);
                table.RowCollapsed[row] = (flag & Collapsed) != 0;
                // Most rows are as written; what the others are is said below, over these.
                table.RowStart[row] = table.RecordStart[record];
                table.RowRef[row] = (refAt, refLength);
                table.RowAlt[row] = table.WrittenAlt[row] = (Advance(table, ref at, written[row]), written[row]);
            }
            for (var row = first; row < end; row++)
                if ((flags[row] & (Trimmed | Moved)) != 0) PlaceRow(table, row, flags[row], ref forms, ref at);
        }
        if (at != table.Text.Length) throw new InvalidDataException("the text of a block does not add up");
    }

    /// <summary>Places a row that is not as written. Its numbers were checked when they were passed.</summary>
    private static void PlaceRow(SiteTable table, int row, byte flags, ref ByteReader forms, ref int at)
    {
        if ((flags & Trimmed) == 0)
        {
            table.RowStart[row] = Shifted(table.RowStart[row], forms.Signed());
            var (refLength, altLength) = (forms.Count(), forms.Count());
            table.RowRef[row] = (Advance(table, ref at, refLength), refLength);
            table.RowAlt[row] = (Advance(table, ref at, altLength), altLength);
            return;
        }
        var (left, right) = (forms.Count(), forms.Count());
        var (reference, alternate) = (table.RowRef[row], table.RowAlt[row]);
        if ((long)left + right > Math.Min(reference.Length, alternate.Length)) throw new InvalidDataException("a row is trimmed to nothing");
        table.RowStart[row] += left;
        table.RowRef[row] = (reference.At + left, reference.Length - left - right);
        table.RowAlt[row] = (alternate.At + left, alternate.Length - left - right);
    }

    private static int Shifted(int start, long bases) => start + bases is >= -1 and <= int.MaxValue and var moved ? (int)moved : throw new InvalidDataException("a place of a block is out of range");

    private static int Advance(SiteTable table, ref int at, int length)
    {
        var here = at;
        at = ByteReader.Sum(at, length);
        return at <= table.Text.Length ? here : throw new InvalidDataException("the text of a block is too short");
    }
}
