using Warehouse.Engine.Query;
using Warehouse.Tests.Ingest;
using Xunit;

namespace Warehouse.Tests.Query;

/// <summary>Lists of alleles that are answered in several passes over a contig.</summary>
public sealed class LongListTests
{
    [Fact]
    public void A_list_longer_than_a_pass_is_answered_in_its_order()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("a.vcf", "a", "1 100 A C 0/1", "1 200 A C 1/1", "2 5 A C 0/1"));
        using var session = store.Store.OpenSession();
        string[] asked = [.. Enumerable.Range(0, 150_000).Select(i => (i % 4) switch { 0 => "1-200-A-C", 1 => "2-5-A-C", 2 => "1-100-A-C", _ => "3-7-A-C" })];
        var rows = session.Frequencies(new FrequencyRequest { Variants = asked }).Select(r => (Text: $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}", r.Figures.Ac)).ToList();
        Assert.Equal(asked, rows.Select(r => r.Text));
        Assert.All(rows, r => Assert.Equal(r.Text switch { "1-200-A-C" => 2, "3-7-A-C" => 0, _ => 1 }, r.Ac));
    }
}
