using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Tests.Query;

/// <summary>The chrM of UCSC hg19 is another sequence than MT: kept apart, yet asked by the name that its users write.</summary>
public sealed class OldMitochondrionTests
{
    [Fact]
    public void A_store_whose_only_mitochondrion_is_that_of_hg19_answers_for_chrM_and_names_no_accession_of_MT()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["a.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=chrM,length=16571>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\nchrM\t73\t.\tG\tA\t.\tPASS\t.\tGT\t1\n");
        using var store = VariantStore.Create(new CreateOptions { Path = folder["s"], Assembly = "hg19" });
        store.Ingest(new IngestRequest { Files = [folder["a.vcf"]] });
        using var session = store.OpenSession();
        var seen = Assert.Single(session.Seen(["chrM:73:G:A"], SampleChoice.All));
        Assert.Equal((SeenState.Seen, "chrM", 1, 1L), (seen.State, seen.Contig, seen.Figures.NHemi, seen.Figures.An));
        Assert.Null(session.Identify(seen)?.Spdi);
        Assert.Single(session.Frequencies(new FrequencyRequest { Regions = [new Region("chrM", 0, 100)] }));
        Assert.Equal(SeenState.NotAssessable, Assert.Single(session.Seen(["NC_012920.1:g.73G>A"], SampleChoice.All)).State);
    }
}
