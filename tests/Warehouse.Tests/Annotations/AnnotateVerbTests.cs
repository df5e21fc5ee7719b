using Warehouse.Cli;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Annotations;

/// <summary>What --annotate adds to answers, and questions by gene and HGVS.</summary>
public sealed class AnnotateVerbTests
{
    private const string ClinVar = "##fileformat=VCFv4.1\n##reference=GRCh38\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"class, as \\\"given\\\"\">\n##INFO=<ID=AF_EXAC,Number=1,Type=Float,Description=\"f\">\n##INFO=<ID=GENEINFO,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    private const string Map = "format tsv\ncontig c\npos p\nref r\nalt a\nfield HGVS text terms hgvs\nfield N integer\n";

    [Fact]
    public void Every_answer_has_the_columns_of_annotations_and_missing_is_missing()
    {
        using var store = Store();
        var seen = ExportStore.Must("seen", store.Path, "1-100-A-G", "1-100-A-T", "1-300-C-T", "--annotate", "clinvar.CLNSIG,clinvar.AF_EXAC,panel", "--format", "tsv").Split('\n');
        Assert.EndsWith("\tclinvar.CLNSIG\tclinvar.AF_EXAC\tpanel.HGVS\tpanel.N\tpanel.records", seen[0], StringComparison.Ordinal);
        Assert.EndsWith("\tPathogenic/Likely_pathogenic,_low_penetrance|other\t0.25\tNM_1.2:c.5A>G\t-1\t1", seen[1], StringComparison.Ordinal);
        Assert.EndsWith("\t.\t.\t.\t.\t.", seen[2], StringComparison.Ordinal);
        Assert.EndsWith("\tBenign\t.\tNM_1.2:c.7C>T\t.\t1", seen[3], StringComparison.Ordinal);
        Assert.Contains("\"clinvar.CLNSIG\":\"Benign\",\"clinvar.GENEINFO\":\"BRCA2:675|OTHER:1\",\"clinvar.AF_EXAC\":null,\"clinvar.records\":1}", ExportStore.Must("seen", store.Path, "1-300-C-T", "--annotate", "clinvar", "--json"), StringComparison.Ordinal);
        var freq = ExportStore.Must("freq", store.Path, "--annotate", "clinvar.CLNSIG", "--format", "tsv").Split('\n');
        Assert.Equal(["clinvar.CLNSIG", "Pathogenic/Likely_pathogenic,_low_penetrance|other", ".", "Benign"], freq[..4].Select(l => l.Split('\t')[^1]));
        var carriers = ExportStore.Must("carriers", store.Path, "1-100-A-G", "--annotate", "panel.N", "--format", "tsv").Split('\n');
        Assert.Equal(["panel.N", "-1"], carriers[..2].Select(l => l.Split('\t')[^1]));
        var rows = File.ReadAllLines(store.Export("rows.tsv", "tsv", "--annotate", "panel.N"));
        Assert.Equal(["panel.N", "-1", ".", "."], rows[..4].Select(l => l.Split('\t')[^1]).ToArray());
    }

    [Fact]
    public void A_VCF_has_one_value_per_allele_with_what_VCF_forbids_encoded()
    {
        using var store = Store();
        var lines = File.ReadAllLines(store.Export("all.vcf", "vcf", "--annotate", "clinvar.CLNSIG,panel.N"));
        Assert.Contains("##INFO=<ID=clinvar.CLNSIG,Number=A,Type=String,Description=\"class, as 'given'\">", lines);
        Assert.Contains(lines, l => l.StartsWith("##warehouse_annotation=<ID=clinvar,Release=2024-01-07,Number=1,Sha256=", StringComparison.Ordinal));
        Assert.Equal(["AC=1,1;AN=4;AF=0.25,0.25;clinvar.CLNSIG=Pathogenic/Likely_pathogenic%2C_low_penetrance|other,.;panel.N=-1,.", "AC=1;AN=4;AF=0.25;clinvar.CLNSIG=Benign", "AC=0;AN=4;AF=0"], lines.Where(l => l[0] != '#').Select(l => l.Split('\t')[7]));
        var input = store.Write("asked.vcf", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t99\t.\tTA\tTG,TT,*\t.\t.\tX=1\n1\t300\t.\tC\tT\t.\t.\t.\n1\t301\t.\tC\tT\t.\t.\t.\n");
        new Cli.Cli().Run("seen", store.Path, "--vcf", input, "-o", store["out.vcf"], "--annotate", "clinvar.CLNSIG,panel.N");
        var annotated = File.ReadAllLines(store["out.vcf"]).Where(l => l[0] != '#').Select(l => l.Split('\t')[7]).ToList();
        Assert.EndsWith(";clinvar.CLNSIG=Pathogenic/Likely_pathogenic%2C_low_penetrance|other,.,.;panel.N=-1,.,.", annotated[0], StringComparison.Ordinal);
        Assert.EndsWith(";clinvar.CLNSIG=Benign", annotated[1], StringComparison.Ordinal);
        Assert.DoesNotContain("clinvar", annotated[2], StringComparison.Ordinal);
        var again = new Cli.Cli();
        Assert.Equal(ExitCode.BadInput, again.Run("seen", store.Path, "--vcf", store["out.vcf"], "-o", store["twice.vcf"], "--annotate", "clinvar"));
    }

    [Fact]
    public void A_gene_is_answered_by_its_alleles_that_are_seen_and_HGVS_by_all_of_its_name()
    {
        using var store = Store();
        string[] Answers(params string[] queries)
        {
            var cli = new Cli.Cli();
            cli.Run(["seen", store.Path, .. queries, "--format", "tsv"]);
            return [.. cli.Output.Split('\n')[1..^1].Select(l => string.Join(' ', l.Split('\t')[..6]))];
        }
        Assert.Equal(["NM_1.2:c.5A>G seen 1 100 A G", "BRCA2 seen 1 100 A G", "brca2 seen 1 100 A G"], Answers("NM_1.2:c.5A>G", "BRCA2", "brca2").Where(l => !l.Contains("300")));
        Assert.Equal(["c.7C>T seen 1 300 C T", "c.7C>T not seen 1 302 C T"], Answers("c.7C>T"));
        Assert.Equal(["UNSEEN not seen . . . ."], Answers("UNSEEN"));
        Assert.Equal(["NOGENE not assessable . . . ."], Answers("NOGENE"));
        Assert.Equal(["NM_1.2:c.6A>G not assessable . . . ."], Answers("NM_1.2:c.6A>G"));
        Assert.Contains("\nNM_1.2:c.5A>G\t1\t100\t", ExportStore.Must("carriers", store.Path, "NM_1.2:c.5A>G", "--format", "tsv"), StringComparison.Ordinal);
    }

    [Fact]
    public void Releases_side_by_side_have_columns_of_their_own()
    {
        using var store = Store();
        ExportStore.Must("annotations", "load", store.Path, "clinvar", store.Write("new.vcf", ClinVar + "1\t100\t7\tA\tG\t.\t.\tCLNSIG=Uncertain_significance\n"), "--release", "2024-02-01");
        var seen = ExportStore.Must("seen", store.Path, "1-100-A-G", "--annotate", "clinvar@2024-01-07.CLNSIG,clinvar.CLNSIG", "--format", "tsv").Split('\n');
        Assert.EndsWith("\tclinvar_20240107.CLNSIG\tclinvar_20240201.CLNSIG", seen[0], StringComparison.Ordinal);
        Assert.EndsWith("|other\tUncertain_significance", seen[1], StringComparison.Ordinal);
        var unknown = new Cli.Cli();
        Assert.Equal(ExitCode.BadInput, unknown.Run("freq", store.Path, "--annotate", "clinvar.NOPE"));
        Assert.Contains("has no field 'NOPE'; it has: ID CLNSIG".Replace(" CLNSIG", ", CLNSIG", StringComparison.Ordinal), unknown.Error, StringComparison.Ordinal);
    }

    private static ExportStore Store()
    {
        var store = new ExportStore();
        store.Ingest("in.vcf", "a b", ["1 100 . A G,T . PASS . GT 0/1 0/2", "1 300 . C T . PASS . GT 0/0 0/1", "1 302 . C T . PASS . GT 0/0 0/0"]);
        ExportStore.Must("annotations", "load", store.Path, "clinvar", store.Write("clinvar.vcf", ClinVar
            + "chr1\t99\t7\tTA\tTG\t.\t.\tCLNSIG=Pathogenic/Likely_pathogenic,_low_penetrance|other;AF_EXAC=0.25;GENEINFO=BRCA2:675\n1\t300\t9\tC\tT\t.\t.\tCLNSIG=Benign;GENEINFO=BRCA2:675|OTHER:1\n1\t302\t10\tC\tT\t.\t.\tGENEINFO=UNSEEN:1\n"), "--release", "2024-01-07");
        ExportStore.Must("annotations", "load", store.Path, "panel", store.Write("panel.tsv", "c\tp\tr\ta\tHGVS\tN\n1\t100\tA\tG\tNM_1.2:c.5A>G\t-1\n1\t302\tC\tT\tNM_2.1:c.7C>T\t.\n1\t300\tC\tT\tNM_1.2:c.7C>T\t.\n"), "--release", "2024-01-01", "--mapping", store.Write("panel.map", Map));
        return store;
    }
}
