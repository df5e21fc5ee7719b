using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Samples;
using Xunit;

namespace Warehouse.Tests.Samples;

public sealed class SampleSheetTests
{
    private static SampleSheet Read(string text) => Read(Encoding.UTF8.GetBytes(text));

    private static SampleSheet Read(byte[] bytes) => SampleSheet.Read(new MemoryStream(bytes), "sheet.tsv");

    [Fact]
    public void Sheet_gives_typed_values_and_leaves_out_missing_ones()
    {
        var sheet = Read("sample\tperson\tcounts\tsex\tconsent_until\tward\tbatch:aggregate\nS1\tP1\tyes\tXX\t2030-02-28\tblue\t.\nS2\tP1\tno\tunknown\t\t\tb2\n");
        Assert.Equal(["S1", "S2"], sheet.Rows.Select(r => r.Sample));
        var first = sheet.Rows[0];
        Assert.Equal("P1", first.Person);
        Assert.True(first.Counts);
        Assert.Equal(RecordedSex.XX, first.Sex);
        Assert.Equal(new DateOnly(2030, 2, 28), first.ConsentUntil);
        Assert.False(first.Values.ContainsKey("batch"));
        var second = sheet.Rows[1];
        Assert.False(second.Counts);
        Assert.Equal(RecordedSex.Unknown, second.Sex);
        Assert.Null(second.ConsentUntil);
        Assert.Equal(["batch", "counts", "person", "sample", "sex"], second.Values.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_column_has_a_class_and_an_unknown_one_is_PHI_unless_the_header_says_aggregate()
    {
        var sheet = Read("sample\tward\tbatch:aggregate\tancestry\tperson\tduo\nS\t1\t2\t3\t4\t5\n");
        Assert.Equal(
            [DataClass.Pseudonymous, DataClass.Phi, DataClass.Aggregate, DataClass.Aggregate, DataClass.Phi, DataClass.Pseudonymous],
            sheet.Columns.Select(c => c.Class));
        Assert.Equal(["sample", "ward", "batch", "ancestry", "person", "duo"], sheet.Columns.Select(c => c.Name));
    }

    [Fact]
    public void Byte_order_mark_CRLF_missing_last_line_end_and_blank_end_are_understood()
    {
        var sheet = Read("\uFEFFsample\tsex\r\nS1\tXX\r\nS2\tXY");
        Assert.Equal([RecordedSex.XX, RecordedSex.XY], sheet.Rows.Select(r => r.Sex));
        Assert.Equal(2, Read("sample\nS1\nS2\n\n\n").Rows.Count);
        Assert.Empty(Read("sample\n").Rows);
    }

    [Theory]
    [InlineData("", "sheet-empty", 1, "")]
    [InlineData("person\nP\n", "sheet-no-sample", 1, "")]
    [InlineData("sample,sex\nS,XX\n", "sheet-column-name", 1, "")]
    [InlineData("sample\tsample\n", "sheet-column-twice", 1, "sample")]
    [InlineData("sample\tSex\n", "sheet-column-case", 1, "Sex")]
    [InlineData("sample\tsex:aggregate\n", "sheet-class", 1, "sex")]
    [InlineData("sample\tward:public\n", "sheet-column-name", 1, "")]
    [InlineData("sample\tin\n", "sheet-column-name", 1, "")]
    [InlineData("sample\tsex\nSECRET\n", "sheet-cells", 2, "")]
    [InlineData("sample\tsex\nSECRET\tXX\tmore\n", "sheet-cells", 2, "")]
    [InlineData("sample\tsex\nSECRET\tF\n", "sheet-sex", 2, "sex")]
    [InlineData("sample\tsex\nSECRET\txx\n", "sheet-sex", 2, "sex")]
    [InlineData("sample\tcounts\nS\tyes\nSECRET\t1\n", "sheet-counts", 3, "counts")]
    [InlineData("sample\tconsent_until\nSECRET\t31.12.2030\n", "sheet-date", 2, "consent_until")]
    [InlineData("sample\tconsent_until\nSECRET\t2030-02-30\n", "sheet-date", 2, "consent_until")]
    [InlineData("sample\nSECRET\nA\nSECRET\n", "sheet-duplicate", 4, "sample")]
    [InlineData("sample\tperson\tcounts\nA\tSECRET\tyes\nB\tSECRET\tyes\n", "sheet-counts", 3, "counts")]
    [InlineData("sample\tsex\n\tXX\n", "sheet-sample", 2, "sample")]
    [InlineData("sample\nSECRET\n\nB\n", "sheet-blank-line", 4, "")]
    [InlineData("sample\nSECRET\u0001\n", "sheet-control", 2, "")]
    public void Bad_sheet_is_refused_with_line_and_column_and_without_a_cell(string text, string code, long line, string field)
    {
        var error = Assert.Throws<InputException>(() => Read(text));
        Assert.Equal(code, error.Code);
        Assert.Equal(("sheet.tsv", line, field), (error.Place.File, error.Place.Line, error.Place.Field));
        Assert.DoesNotContain("SECRET", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_and_lines_over_the_cap_are_refused()
    {
        Assert.Equal("sheet-utf8", Assert.Throws<InputException>(() => Read([.. "sample\n"u8, 0xFF, 0xFE])).Code);
        // I11: what is over the limit is not read further.
        var endless = new RepeatingStream((byte)'x', 1L << 40);
        var error = Assert.Throws<InputException>(() => SampleSheet.Read(endless, "sheet.tsv"));
        Assert.Equal("line-length", error.Code);
        Assert.InRange(endless.Position, 1, 4 * SampleSheet.MaxLineBytes);
    }

    [Fact]
    public void Columns_have_a_limit()
    {
        string Header(int columns) => "sample\t" + string.Join('\t', Enumerable.Range(1, columns - 1).Select(i => $"c{i}")) + "\n";
        Assert.Equal(SampleSheet.MaxColumns, Read(Header(SampleSheet.MaxColumns)).Columns.Count);
        Assert.Equal("sheet-columns", Assert.Throws<InputException>(() => Read(Header(SampleSheet.MaxColumns + 1))).Code);
        Assert.Equal("sheet-column-name", Assert.Throws<InputException>(() => Read($"sample\t{new string('c', SampleSheet.MaxNameLength + 1)}\n")).Code);
    }

    [Fact]
    public void Places_are_right_when_lines_are_longer_than_the_buffer()
    {
        var ward = new string('w', 100_000);
        var text = "sample\tward\tsex\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"S{i}\t{ward}\tXX\n")) + "S20\tw\tbad\n";
        var error = Assert.Throws<InputException>(() => Read(text));
        Assert.Equal(22, error.Place.Line);
        Assert.Equal(text.IndexOf("S20", StringComparison.Ordinal), error.Place.OffsetBytes);
    }

    /// <summary>A stream of one byte repeated, to see how much of it is read.</summary>
    private sealed class RepeatingStream(byte value, long lengthBytes) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => lengthBytes;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, lengthBytes - Position);
            buffer.AsSpan(offset, read).Fill(value);
            Position += read;
            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
