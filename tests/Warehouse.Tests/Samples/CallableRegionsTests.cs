using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Samples;
using Xunit;

namespace Warehouse.Tests.Samples;

public sealed class CallableRegionsTests
{
    private static CallableRegions Read(string text) => CallableRegions.Read(new MemoryStream(Encoding.Latin1.GetBytes(text)), "a.bed");

    [Fact]
    public void Intervals_are_sorted_and_merged_and_headers_are_skipped()
    {
        var regions = Read("browser position chr1\ntrack name=x\n# comment\nchr2\t5\t6\nchr1\t20\t30\tname\t0\t+\n\nchr1\t10\t20\nchr1\t12\t15\r\nchr1\t40\t50\nchr1\t60\t60");
        Assert.Equal(["chr2", "chr1"], regions.Contigs);
        Assert.Equal([new CallableInterval(10, 30), new CallableInterval(40, 50)], regions.Of("chr1").ToArray());
        Assert.Equal([new CallableInterval(5, 6)], regions.Of("chr2").ToArray());
        Assert.True(regions.Of("chr3").IsEmpty);
    }

    [Fact]
    public void Spaces_separate_columns_where_a_line_has_no_tab() =>
        Assert.Equal([new CallableInterval(1, 2)], Read("chr1 1 2 x").Of("chr1").ToArray());

    [Theory]
    [InlineData("chr1\t5\n", "bed-columns", "")]
    [InlineData("chr1\t-5\t6\n", "bed-position", "start")]
    [InlineData("chr1\t+5\t6\n", "bed-position", "start")]
    [InlineData("chr1\t5\t6x\n", "bed-position", "end")]
    [InlineData("chr1\t5\t\n", "bed-position", "end")]
    [InlineData("chr1\t5\t2147483648\n", "bed-position", "end")]
    [InlineData("chr1\t1e2\t200\n", "bed-position", "start")]
    [InlineData("chr1\t6\t5\n", "bed-order", "end")]
    [InlineData("\t5\t6\n", "bed-contig", "contig")]
    [InlineData("chr\u00e9\t5\t6\n", "bed-contig", "contig")]
    public void Bad_line_is_refused_with_its_place(string text, string code, string field)
    {
        var error = Assert.Throws<InputException>(() => Read("chr1\t1\t2\n" + text));
        Assert.Equal((code, 2L, field), (error.Code, error.Place.Line, error.Place.Field));
    }

    [Theory]
    [InlineData("c\tJaneDoe\t7\n", "7 bytes that are not digits alone")]
    [InlineData("c\t1\t\n", "nothing")]
    [InlineData("c\t-777\t7\n", "a number with a sign")]
    [InlineData("c\t1\t77777777777\n", "a larger one")]
    public void A_number_that_is_none_is_described_and_not_quoted(string text, string kind)
    {
        var error = Assert.Throws<InputException>(() => Read(text));
        Assert.Equal($"expected a whole number from 0 to {int.MaxValue}, found {kind}", error.Expected);
    }

    [Fact]
    public void Compressed_file_is_refused_with_what_to_do() =>
        Assert.Equal("bed-compressed", Assert.Throws<InputException>(() => Read("\u001f\u008b\u0008\u0000\n")).Code);

    [Fact]
    public void Covers_equals_a_set_of_bases_on_random_regions()
    {
        const int seed = 71, length = 200;
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var bases = new bool[length];
            var text = new StringBuilder();
            for (var i = random.Next(12); i > 0; i--)
            {
                var start = random.Next(length);
                var end = random.Next(start, Math.Min(length, start + 40) + 1);
                text.Append($"c\t{start}\t{end}\n");
                bases.AsSpan(start, end - start).Fill(true);
            }
            var regions = Read(text.ToString());
            for (var i = 0; i < 100; i++)
            {
                var start = random.Next(length);
                var end = random.Next(start + 1, length + 1);
                Assert.True(!bases.AsSpan(start, end - start).Contains(false) == regions.Covers("c", start, end), $"seed {seed}, round {round}: {start} to {end} of\n{text}");
            }
            foreach (var interval in regions.Of("c")) Assert.True(interval.Start < interval.End, $"seed {seed}, round {round}: an empty interval");
        }
    }
}
