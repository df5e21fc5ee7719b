using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Annotations;

/// <summary>ClinVar's VCF before 2018: several ALT in a record, and lists that say which of them is spoken of.</summary>
public sealed class AlleleListTests : IDisposable
{
    private static readonly string Header = "##fileformat=VCFv4.0\n##reference=GRCh37\n##INFO=<ID=CLNALLE,Number=.,Type=Integer,Description=\"a\">\n"
        + string.Concat(((string[])["CLNSIG", "CLNREVSTAT", "CLNHGVS", "CLNDBN", "CLNACC"]).Select(k => $"##INFO=<ID={k},Number=.,Type=String,Description=\"x\">\n")) + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    private readonly TempFolder _folder = new();

    [Fact]
    public void Each_allele_has_what_its_entry_of_the_lists_says()
    {
        using var memory = new MemoryStore("GRCh37");
        var release = Load(memory.Store, "1\t100\trs1\tA\tC,G,T\t.\t.\tCLNALLE=2,1;CLNHGVS=g.G,g.C;CLNSIG=5|4,2;CLNREVSTAT=single|mult,exp;CLNDBN=X|Y\\x2c_Z,not_provided;CLNACC=RCV1|RCV2,RCV3\n"
            + "1\t200\trs2\tA\tG\t.\t.\tCLNALLE=1;CLNSIG=0|5;CLNREVSTAT=single|single\n");
        Assert.Equal(["1-100-A-C benign 3 not_provided", @"1-100-A-G pathogenic 2 X|Y\x2c_Z", "1-200-A-G conflicting 1 "], Says(memory.Store));
        Assert.Equal([("CLNALLE does not name the allele", 1L)], release.LeftOut);
    }

    [Fact]
    public void What_is_of_no_ALT_is_left_out_and_counted_and_an_allele_that_is_named_twice_has_both()
    {
        using var memory = new MemoryStore("GRCh37");
        var release = Load(memory.Store, "1\t100\trs1\tA\tC\t.\t.\tCLNALLE=0,-1;CLNSIG=5,5\n1\t200\trs2\tA\tG,T\t.\t.\tCLNALLE=1,1,2;CLNSIG=5,2,.\n1\t300\trs3\tA\tG\t.\t.\t.\n");
        Assert.Equal(["1-200-A-G conflicting 0 ", "1-200-A-T absent 0 ", "1-300-A-G absent 0 "], Says(memory.Store));
        Assert.Equal([("CLNALLE does not name the allele", 1L), ("CLNALLE is REF", 1), ("CLNALLE is no allele of the record", 1)], release.LeftOut);
    }

    /// <summary>A record whose lists contradict each other says nothing that could be believed.</summary>
    [Theory]
    [InlineData("CLNALLE=1,2;CLNSIG=5", "names 2 alleles, and a list beside it has 1 entries")]
    [InlineData("CLNALLE=1;CLNSIG=5,2", "names 1 alleles, and a list beside it has 2 entries")]
    [InlineData("CLNALLE=1,2;CLNSIG=5,2;CLNREVSTAT=single", "names 2 alleles, and a list beside it has 1 entries")]
    [InlineData("CLNALLE=3;CLNSIG=5", "an allele that is not there: -1 to 2")]
    [InlineData("CLNALLE=-2;CLNSIG=5", "an allele that is not there")]
    [InlineData("CLNALLE=1,;CLNSIG=5,2", "an allele that is not there")]
    [InlineData("CLNALLE=one;CLNSIG=5", "an allele that is not there")]
    [InlineData("CLNALLE=1;CLNSIG=5|4;CLNREVSTAT=single|mult|exp", "speak of 2 and of 3 reports on one allele")]
    [InlineData("CLNSIG=5", "CLNALLE is missing")]
    [InlineData("CLNALLE;CLNSIG=5", "CLNALLE has no value")]
    public void A_record_that_contradicts_itself_is_refused_with_its_line(string info, string says)
    {
        using var memory = new MemoryStore("GRCh37");
        var bad = Assert.Throws<InputException>(() => Load(memory.Store, $"1\t50\t.\tA\tG\t.\t.\tCLNALLE=1;CLNSIG=2\n1\t100\t.\tA\tC,G\t.\t.\t{info}\n"));
        Assert.Equal(("annotation-alleles", 11L), (bad.Code, bad.Place.Line));
        Assert.Contains(says, bad.Expected, StringComparison.Ordinal);
        Assert.Empty(memory.Store.AnnotationReleases());
    }

    /// <summary>Without the key in the header the lists are whole values, as since 2018.</summary>
    [Fact]
    public void A_file_without_the_key_is_read_as_before()
    {
        using var memory = new MemoryStore("GRCh37");
        Load(memory.Store, "1\t100\t7\tA\tG\t.\t.\tCLNSIG=Pathogenic,_risk_factor;CLNREVSTAT=criteria_provided,_multiple_submitters,_no_conflicts\n", Header.Replace("CLNALLE", "OTHER", StringComparison.Ordinal));
        Assert.Equal(["1-100-A-G pathogenic 2 "], Says(memory.Store));
    }

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<string> Says(VariantStore store) =>
        ClinVarShelf.Find(store, "2016-05-02")!.Alleles().Select(a => $"{a.Allele} {a.Germline.Net.ToString().ToLowerInvariant()} {a.Germline.Stars} {a.Conditions}");

    private AnnotationRelease Load(VariantStore store, string records, string? header = null)
    {
        var path = _folder["old.vcf"];
        File.WriteAllText(path, (header ?? Header) + records);
        return store.LoadAnnotations(new AnnotationRequest { Source = "clinvar", Date = new DateOnly(2016, 5, 2), File = path }).Release;
    }
}
