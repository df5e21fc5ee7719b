using Warehouse.Engine;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Units.Query;

public sealed class RegionTextTests
{
    [Theory]
    [InlineData("22", "22", 0, Region.Unbounded)]
    [InlineData("chr22:1-1", "chr22", 0, 1)]
    [InlineData("22:16,050,075-16,060,000", "22", 16_050_074, 16_060_000)]
    [InlineData("X:5-2147483647", "X", 4, int.MaxValue)]
    [InlineData("HLA-A*01:01:7-9", "HLA-A*01:01", 6, 9)]
    [InlineData("HLA-DRB1*15:01N", "HLA-DRB1*15:01N", 0, Region.Unbounded)]
    public void A_region_is_one_based_with_both_ends(string text, string contig, int start, int end) => Assert.Equal(new Region(contig, start, end), RegionText.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData(":1-2")]
    [InlineData("22:")]
    [InlineData("22:5")]
    [InlineData("22:5-")]
    [InlineData("22:-5")]
    [InlineData("22:0-5")]
    [InlineData("22:6-5")]
    [InlineData("22:1-2-3")]
    [InlineData("22:1-2147483648")]
    [InlineData("22:1-99999999999999999999999")]
    public void A_text_that_is_no_region_is_refused(string text) => Assert.Equal("region", Assert.Throws<InputException>(() => RegionText.Parse(text)).Code);
}
