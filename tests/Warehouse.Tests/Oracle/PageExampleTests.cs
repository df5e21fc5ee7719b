using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>The product where COUNTS.md and the program that executes it differ (a to d of <see cref="NaiveCountsPythonTests"/>): the page holds.</summary>
[Trait("needs", "product")]
public sealed class PageExampleTests
{
    private const string Records = """
        1	100	.	A	C	.	PASS	.	GT:GQ:DP:AD	0/1:60:30:15,15
        1	101	.	C	T	.	PASS	.	GT:GQ:DP:AD	./.:60:30:15,15
        1	200	.	A	*,<NON_REF>	.	PASS	.	GT:GQ:DP:AD	0/1:60:30:15,15,0
        1	300	.	A	C	.	PASS	.	GT:GQ:DP:AD	0/1/.:60:30:29,1
        1	400	.	A	C,G	.	PASS	.	GT:GQ:DP:AD	0/1:60:30:24,6,.

        """;

    [Theory]
    [InlineData("1-100-ACG-A", "ac 0 an 0 n_no_call 0 n_not_assessed 1")] // (a) one of the records that touch passes
    [InlineData("1-200-A-C", "ac 0 an 2 n_no_call 0 n_not_assessed 0")] // (b) a record by rule 2
    [InlineData("1-300-A-C", "ac 1 an 2 n_no_call 0 n_not_assessed 0")] // (c) no balance test
    [InlineData("1-400-A-C", "ac 1 an 2 n_no_call 0 n_not_assessed 0")] // (d) AD of G is not asked
    public void Adj_figures_are_those_of_the_page(string variant, string expected)
    {
        using var store = new ProductStore("any1");
        store.Ingest([store.Write("s.vcf", "##fileformat=VCFv4.2\n##contig=<ID=1>\n##ALT=<ID=NON_REF,Description=\"any\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n" +
            "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"q\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"a\">\n" +
            "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n" + Records)]);
        var row = Assert.Single(store.FreqOf([variant], new NaiveQuery { Adj = true }));
        Assert.Equal($"{variant}: {expected}", $"{variant}: ac {row.Ac} an {row.An} n_no_call {row.NNoCall} n_not_assessed {row.NNotAssessed}");
    }
}
