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
        ReadRecords(table, ref from);
        var forms = new (byte Flags, int A, int B, int C)[rowCount];
        for (var row = 0; row < rowCount; row++) forms[row].Flags = from.Byte();
        for (var row = 0; row < rowCount; row++) table.WrittenAlt[row].Length = from.Count(textBytes);
        for (var row = 0; row < rowCount; row++)
        {
            if ((forms[row].Flags & Trimmed) != 0) (forms[row].A, forms[row].B) = (from.Count(textBytes), from.Count(textBytes));
            else if ((forms[row].Flags & Moved) != 0) (forms[row].A, forms[row].B, forms[row].C) = (checked((int)from.Signed()), from.Count(textBytes), from.Count(textBytes));
        }
        table.Text = from.Raw(textBytes).ToArray();
        PlaceText(table, forms);
        for (var left = from.Count(rowCount); left > 0; left--)
        {
            var row = from.Count(rowCount - 1);
            table.Extents[row] = StructuralExtent.Read(ref from);
        }
        table.FilterTexts = new string[from.Count(ushort.MaxValue + 1)];
        for (var i = 0; i < table.FilterTexts.Length; i++) table.FilterTexts[i] = from.Text();
        if (table.Filter.Any(f => f >= table.FilterTexts.Length)) throw new InvalidDataException("a record names a filter that the block lacks");
        from.End();
        table.Index();
        return table;
    }

    private static void ReadRecords(SiteTable table, ref ByteReader from)
    {
        var before = -1;
        for (var i = 0; i < table.RecordCount; i++) table.RecordStart[i] = before = checked(before + from.Count());
        for (var i = 0; i < table.RecordCount; i++) table.RecordEnd[i] = checked(table.RecordStart[i] + from.Count());
        for (var i = 0; i < table.RecordCount; i++) table.FirstRow[i + 1] = checked(table.FirstRow[i] + from.Count(table.RowCount));
        if (table.FirstRow[^1] != table.RowCount) throw new InvalidDataException("the rows of a block do not add up");
        for (var i = 0; i < table.RecordCount; i++) table.Flags[i] = (RecordFlags)from.Byte();
        for (var i = 0; i < table.RecordCount; i++) table.Filter[i] = (ushort)from.Count(ushort.MaxValue);
    }

    private static void PlaceText(SiteTable table, (byte Flags, int A, int B, int C)[] forms)
    {
        var at = 0;
        for (var record = 0; record < table.RecordCount; record++)
        {
            var refLength = table.RecordEnd[record] - table.RecordStart[record];
            table.RefAt[record] = Advance(table, ref at, refLength);
            var (first, end) = (table.FirstRow[record], table.FirstRow[record + 1]);
            for (var row = first; row < end; row++)
            {
                table.RowRecord[row] = record;
                table.RowKind[row] = (AlleleKind)(forms[row].Flags & KindBits);
                table.RowCollapsed[row] = (forms[row].Flags & Collapsed) != 0;
                table.WrittenAlt[row].At = Advance(table, ref at, table.WrittenAlt[row].Length);
            }
            for (var row = first; row < end; row++) PlaceRow(table, row, forms[row], ref at);
        }
        if (at != table.Text.Length) throw new InvalidDataException("the text of a block does not add up");
    }

    private static void PlaceRow(SiteTable table, int row, (byte Flags, int A, int B, int C) form, ref int at)
    {
        var record = table.RowRecord[row];
        var (start, refLength) = (table.RecordStart[record], table.RecordEnd[record] - table.RecordStart[record]);
        var written = table.WrittenAlt[row];
        if ((form.Flags & Moved) != 0)
        {
            table.RowStart[row] = checked(start + form.A);
            table.RowRef[row] = (Advance(table, ref at, form.B), form.B);
            table.RowAlt[row] = (Advance(table, ref at, form.C), form.C);
            return;
        }
        var (left, right) = (form.Flags & Trimmed) != 0 ? (form.A, form.B) : (0, 0);
        if (left + right > Math.Min(refLength, written.Length)) throw new InvalidDataException("a row is trimmed to nothing");
        table.RowStart[row] = start + left;
        table.RowRef[row] = (table.RefAt[record] + left, refLength - left - right);
        table.RowAlt[row] = (written.At + left, written.Length - left - right);
    }

    private static int Advance(SiteTable table, ref int at, int length)
    {
        var here = at;
        at = checked(at + length);
        return at <= table.Text.Length ? here : throw new InvalidDataException("the text of a block is too short");
    }
}
