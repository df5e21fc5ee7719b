using System.Text;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Units.Segments;

/// <summary>The sites stream, byte by byte: what it says comes back, each row in the shortest of its three forms, and what says nothing sensible is refused.</summary>
public sealed class SiteTableCodecTests
{
    /// <summary>ALT as written, what is added to the start, REF and ALT of the row, and the form that is expected: 0 as written, else flags of the codec.</summary>
    private static readonly (string Alt, int Moved, string RowRef, string RowAlt, byte Form)[] Rows =
    [
        ("GTCAG", 0, "GTCA", "GTCAG", 0), // as written
        ("GTCC", 3, "A", "C", SiteTableCodec.Trimmed), // cut left
        ("CTCA", 0, "G", "C", SiteTableCodec.Trimmed), // cut right
        ("GACA", 1, "T", "A", SiteTableCodec.Trimmed), // cut on both sides
        ("GTCAGG", 3, "A", "AGG", SiteTableCodec.Trimmed), // an insertion, cut left alone
        ("GA", 0, "GTC", "G", SiteTableCodec.Trimmed), // a deletion, cut right alone
        ("GTCC", 3, "A", "G", SiteTableCodec.Moved), // ALT is not a part of what was written
        ("GTCC", 3, "T", "C", SiteTableCodec.Moved), // nor REF
        ("GTCC", 2, "CA", "C", SiteTableCodec.Moved), // cut unequally on the right
        ("GTC", 1, "TCA", "TCA", SiteTableCodec.Moved), // beyond the end of ALT
        ("GTCAG", 2, "CAG", "CAG", SiteTableCodec.Moved), // beyond the end of REF
        ("GTCC", -1, "AG", "A", SiteTableCodec.Moved), // to the left
        ("GTCC", 0, "GTCA", "GTCG", SiteTableCodec.Moved), // at its place, with another ALT
        ("GTCC", 1, "GTCA", "GTCC", SiteTableCodec.Moved), // elsewhere, with equal alleles
    ];

    [Fact]
    public void Each_row_takes_the_shortest_form_that_gives_it_back()
    {
        var table = Build(Rows, collapsed: 4);
        var bytes = Encoded(table);
        var flags = bytes.AsSpan(5 + (5 * table.RecordCount), table.RowCount).ToArray(); // of the numbers before, the length of the text alone is above 127
        for (var row = 0; row < Rows.Length; row++) Assert.True(flags[row] == ((byte)AlleleKind.Bases | Rows[row].Form | (row == 4 ? SiteTableCodec.Collapsed : 0)), $"row {row} {Rows[row]}: flags {flags[row]}");
        var read = SiteTableCodec.Decode(bytes);
        Assert.Equal(bytes, Encoded(read));
        for (var row = 0; row < Rows.Length; row++)
        {
            Assert.Equal((read.RecordStart[read.RowRecord[row]] + Rows[row].Moved, Rows[row].RowRef, Rows[row].RowAlt, Rows[row].Alt), (read.RowStart[row], Text(read.RowRefText(row)), Text(read.RowAltText(row)), Text(read.WrittenAltText(row))));
            Assert.Equal(row == 4, read.RowCollapsed[row]);
            Assert.Equal("GTCA", Text(read.RecordRefText(read.RowRecord[row])));
        }
    }

    [Fact]
    public void Filters_and_extents_come_back()
    {
        var builder = new SiteTableBuilder();
        for (var i = 0; i < 40; i++)
        {
            builder.AddRecord(10 * i, "A"u8, RecordFlags.Speaks, "f" + (i % 7), ".");
            builder.AddRow(AlleleKind.Symbolic, "<DEL>"u8, 10 * i, [], []);
            builder.SetExtent(new StructuralExtent((10 * i) + 5, 4, (0, 0), (0, 0)));
        }
        var table = builder.Build(new RecordFlags[40]);
        var read = SiteTableCodec.Decode(Encoded(table));
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal("f" + (i % 7), read.FilterTexts[read.Filter[i]]);
            Assert.Equal(table.Extents[i], read.Extents[i]);
            Assert.Equal(table.Flags[i], read.Flags[i]);
        }
        Assert.Equal(40, read.Extents.Count);
    }

    [Fact]
    public void As_many_filters_as_an_index_tells_apart_are_read()
    {
        foreach (var (count, isTaken) in ((int, bool)[])[(65_536, true), (65_537, false)])
        {
            var bytes = Stream(filters: Enumerable.Repeat("", count).ToArray());
            if (isTaken) Assert.Equal(count, SiteTableCodec.Decode(bytes).FilterTexts.Length);
            else Assert.Contains("too large", Assert.Throws<InvalidDataException>(() => SiteTableCodec.Decode(bytes)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_does_not_add_up_is_refused_with_what_is_wrong()
    {
        var read = SiteTableCodec.Decode(Stream());
        Assert.Equal((4, "CA", "CC", 2), (read.RowStart[0], Text(read.RowRefText(0)), Text(read.RowAltText(0)), read.RowCount));
        Refused("unknown version", Stream(version: 2));
        Refused("after its end", [.. Stream(), 0]);
        Refused("do not add up", Stream(altCount: 1));
        Refused("text of a block does not add up", Stream(text: "GTCAGTCCCA"));
        Refused("text of a block is too short", Stream(written: 6));
        Refused("a filter that the block lacks", Stream(filter: 1));
        Refused("a filter that the block lacks", Stream(filter: 2));
        Refused("trimmed to nothing", Stream(left: 2, right: 3));
        Refused("trimmed to nothing", Stream(left: 0, right: 5));
        Refused("trimmed to nothing", Stream(left: 3, right: 2));
        Refused("too large", Stream(extentRow: 2)); // there are rows 0 and 1
        Assert.Single(SiteTableCodec.Decode(Stream(extentRow: 1)).Extents);
    }

    /// <summary>One record GTCA at 2 with the ALTs GTCC, trimmed, and T; then what a test changes.</summary>
    private static byte[] Stream(byte version = 1, int altCount = 2, string text = "GTCAGTCCC", int written = 4, int filter = 0, int left = 2, int right = 0, int extentRow = -1, string[]? filters = null)
    {
        var to = new ByteWriter();
        to.Byte(version);
        foreach (var number in (int[])[1, 2, text.Length, 3, 4, altCount, (int)RecordFlags.Speaks, filter, (int)AlleleKind.Bases | SiteTableCodec.Trimmed, (int)AlleleKind.Bases, written, 1, left, right]) to.Var(number);
        to.Raw(Encoding.ASCII.GetBytes(text));
        to.Var(extentRow < 0 ? 0 : 1);
        if (extentRow >= 0)
        {
            to.Var(extentRow);
            new StructuralExtent(9, 4, (0, 0), (0, 0)).Write(to);
        }
        to.Var((filters ?? ["PASS"]).Length);
        foreach (var one in filters ?? ["PASS"]) to.Text(one);
        return to.ToArray();
    }

    private static SiteTable Build((string Alt, int Moved, string RowRef, string RowAlt, byte Form)[] rows, int collapsed)
    {
        var builder = new SiteTableBuilder();
        var start = 5;
        foreach (var (alt, moved, rowRef, rowAlt, form) in rows)
        {
            builder.AddRecord(start, "GTCA"u8, RecordFlags.Speaks, "PASS", ".");
            if (form == 0) builder.AddRow(AlleleKind.Bases, Encoding.ASCII.GetBytes(alt), start, [], []);
            else builder.AddRow(AlleleKind.Bases, Encoding.ASCII.GetBytes(alt), start + moved, Encoding.ASCII.GetBytes(rowRef), Encoding.ASCII.GetBytes(rowAlt));
            start += 10;
        }
        var table = builder.Build(new RecordFlags[rows.Length]);
        table.RowCollapsed[collapsed] = true;
        return table;
    }

    private static byte[] Encoded(SiteTable table)
    {
        var to = new ByteWriter(64);
        SiteTableCodec.Encode(table, to);
        return to.ToArray();
    }

    private static string Text(ReadOnlySpan<byte> bases) => Encoding.ASCII.GetString(bases);

    private static void Refused(string reason, byte[] bytes) => Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => SiteTableCodec.Decode(bytes)).Message, StringComparison.Ordinal);
}
