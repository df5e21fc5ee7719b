using System.Text;
using Warehouse.Engine.Export;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Tests.Ingest;
using Xunit;

namespace Warehouse.Tests.Query;

/// <summary>A contig that no file has a record of: assumption speaks there as it does beside records, and other samples change nothing.</summary>
public sealed class ContigWithoutDataTests
{
    private const string Sheet = "sample\tsex\nx\tXX\ny\tXY\nz\tXY\n";

    [Theory]
    [InlineData("3-100-A-C", "an 4 assumed 4 not 1")]
    [InlineData("X-100000-A-C", "an 4 assumed 4 not 1")] // PAR
    [InlineData("X-10000000-A-C", "an 3 assumed 3 not 1")]
    [InlineData("Y-10000000-A-C", "an 1 assumed 1 not 2")]
    [InlineData("MT-100-A-C", "an 2 assumed 2 not 1")]
    public void Assumption_holds_where_nobody_has_a_record(string variant, string expected)
    {
        using var store = Fill();
        var contig = variant[..variant.IndexOf('-', StringComparison.Ordinal)];
        for (var round = 0; round < 2; round++)
        {
            using (var session = store.Store.OpenSession())
            {
                Assert.Equal(expected, Show(Assert.Single(session.Frequencies(new FrequencyRequest { Variants = [variant] })).Figures));
                var seen = Assert.Single(session.Seen([variant], SampleChoice.All));
                Assert.Equal((SeenState.NotSeen, expected), (seen.State, Show(seen.Figures)));
                var position = variant.Split('-')[1];
                var vcf = store.Write("in.vcf", $"##fileformat=VCFv4.3\n##contig=<ID={contig}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{contig}\t{position}\t.\tA\tC\t.\t.\t.\n");
                using var output = new MemoryStream();
                session.Annotate(vcf, SampleChoice.All, output);
                Assert.Contains($"WH_AN={seen.Figures.An};", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
            }
            // Nobody's state may change because another sample brings the contig into the store.
            var other = store.Vcf("o.vcf", "o", "1 50 A C 0/0");
            File.WriteAllText(other, File.ReadAllText(other).Replace("\n1\t", $"\n{contig}\t", StringComparison.Ordinal).Replace("<ID=1>", $"<ID={contig}>", StringComparison.Ordinal).Replace("<ID=2>", "<ID=22>", StringComparison.Ordinal));
            store.Ingest(other);
            expected = expected[..^1] + (char)(expected[^1] + 1);
        }
    }

    [Fact]
    public void Nobody_assessed_stays_not_assessable()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("a.vcf", "a", "1 100 A C 0/1"));
        using var session = store.Store.OpenSession();
        var seen = Assert.Single(session.Seen(["3-100-A-C"], SampleChoice.All));
        Assert.Equal((SeenState.NotAssessable, "an 0 assumed 0 not 1"), (seen.State, Show(seen.Figures)));
        Assert.NotNull(seen.Reason);
    }

    private static IngestStore Fill()
    {
        var store = new IngestStore();
        var sheet = store.Write("sheet.tsv", Sheet);
        store.Store.Ingest(new IngestRequest { Files = [store.Vcf("a.vcf", "x y", "1 100 A C 0/1 0/1")], AssumeReference = true, SheetPath = sheet });
        store.Store.Ingest(new IngestRequest { Files = [store.Vcf("z.vcf", "z", "1 100 A C 0/1")], SheetPath = sheet });
        return store;
    }

    private static string Show(CountFigures f) => FormattableString.Invariant($"an {f.An} assumed {f.AnAssumed} not {f.NNotAssessed}");
}
