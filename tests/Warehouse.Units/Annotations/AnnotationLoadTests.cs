using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Manifests;
using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Annotations;

/// <summary>What a load takes, refuses and says, and what becomes of releases.</summary>
public sealed class AnnotationLoadTests : IDisposable
{
    private const string Header = "##fileformat=VCFv4.1\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"f\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    private static readonly (string, string) Reference = (">1\nACGTACGTAAAAAAAAAACGTGGGGGGGGGTTTTTTTTTT\n", "1\t40\t3\t40\t41\n");
    private readonly TempFolder _folder = new();
    private int _files;

    [Fact]
    public void A_release_is_loaded_once_the_newest_is_that_of_the_latest_day_and_as_of_shows_what_was_there()
    {
        using var memory = new MemoryStore("GRCh37");
        var store = memory.Store;
        var (first, second) = (Write("1\t100\t7\tA\tG\t.\t.\tCLNSIG=Benign\n"), Write("1\t100\t7\tA\tG\t.\t.\tCLNSIG=Pathogenic\n"));
        Assert.True(Load(store, second, "2024-02-01").IsNewest);
        var before = store.Version;
        var older = Load(store, first, "2024-01-01");
        Assert.True(older.Committed && !older.IsNewest && older.Release.Number == 2);
        var again = Load(store, first, "2024-01-01");
        Assert.True(!again.Committed && again.Release.Number == 2 && store.Version == before + 1);
        Refused("release-date-taken", () => Load(store, Write("1\t100\t7\tA\tG\t.\t.\tCLNSIG=x\n"), "2024-01-01"));
        Refused("release-replayed", () => Load(store, first, "2024-03-01"));
        Assert.Equal("Pathogenic", Says(store, "clinvar"));
        Assert.Equal("Benign", Says(store, "clinvar@2024-01-01"));
        Assert.Equal("Benign", Says(store, "clinvar@2"));
        Refused("annotation-release", () => Says(store, "clinvar@2", before));
        Refused("annotation-release", () => Says(store, "clinvar@yesterday"));
        Refused("annotation-source", () => Says(store, "gnomad"));
        Refused("annotation-release", () => store.RetireAnnotations("clinvar"));
        var retired = store.RetireAnnotations("clinvar@1");
        Assert.Equal("Benign", Says(store, "clinvar"));
        Assert.Equal("Pathogenic", Says(store, "clinvar", retired.UntilVersion - 1));
        Assert.Equal(2, store.Info().Facts.Where(f => f.Name == "annotation releases").Select(f => int.Parse(f.Value) + 1).Single());
    }

    [Fact]
    public void Compaction_keeps_what_a_snapshot_may_show_and_a_purge_takes_the_bytes()
    {
        using var memory = new MemoryStore("GRCh37");
        var store = memory.Store;
        var file = Write("1\t100\t7\tA\tG\t.\t.\tCLNSIG=Benign\n");
        Load(store, file, "2024-01-01");
        store.RetireAnnotations("clinvar");
        Load(store, file, "2024-01-01"); // the same content twice: two files of one digest
        store.Compact();
        Assert.Equal("Benign", Says(store, "clinvar", 2));
        Assert.Equal("Benign", Says(store, "clinvar"));
        store.Compact(purgeBefore: store.Version);
        Assert.True(store.AnnotationReleases()[0].IsPurged);
        Assert.Equal("Benign", Says(store, "clinvar"));
        AssertWhole(store);
        store.RetireAnnotations("clinvar@2");
        store.Compact(purgeBefore: store.Version);
        Assert.All(store.AnnotationReleases(), r => Assert.True(r.IsPurged));
        AssertWhole(store);
    }

    [Fact]
    public void A_reader_goes_on_while_its_release_is_retired_and_purged()
    {
        using var memory = new MemoryStore("GRCh37");
        Load(memory.Store, Write("1\t100\t7\tA\tG\t.\t.\tCLNSIG=Benign\n"), "2024-01-01");
        using var reader = memory.Store.OpenAnnotations("clinvar");
        using var other = memory.Reopen(TimeProvider.System);
        other.RetireAnnotations("clinvar");
        other.Compact(purgeBefore: other.Version);
        Assert.NotNull(reader.Find("1", 99, "A"u8, "G"u8));
    }

    [Fact]
    public void A_file_of_another_build_is_refused_with_the_share_of_what_differs()
    {
        using var memory = new MemoryStore("GRCh37", Reference);
        var store = memory.Store;
        var wrong = Refused("wrong-build", () => Load(store, Write(string.Concat(Enumerable.Range(1, 30).Select(i => $"1\t{i}\t7\tT\tC\t.\t.\tCLNSIG=x\n"))), "2024-01-01"));
        Assert.Contains("of 30 REF alleles", wrong.Expected, StringComparison.Ordinal);
        Assert.Equal(6, wrong.Place.Line);
        Assert.Contains("'T' at 1:1 is not what the reference has there, 'A'", wrong.Expected, StringComparison.Ordinal);
        Assert.Contains("1 of 2 REF alleles (50 %)", Refused("ref-mismatch", () => Load(store, Write("1\t1\t7\tA\tC\t.\t.\t.\n1\t2\t7\tT\tC\t.\t.\t.\n"), "2024-01-01")).Expected, StringComparison.Ordinal);
        Refused("wrong-assembly", () => Load(store, Write("1\t1\t7\tA\tC\t.\t.\t.\n", Header.Replace("GRCh37", "ftp://x/GRCh38.p13.fa", StringComparison.Ordinal)), "2024-01-01"));
        Refused("wrong-assembly", () => Load(store, Write("1\t1\t7\tA\tC\t.\t.\t.\n", Header.Replace("##reference=GRCh37", "##contig=<ID=1,length=248956422>", StringComparison.Ordinal)), "2024-01-01"));
        Refused("wrong-assembly", () => Load(store, Write("NC_000001.11\t1\t7\tA\tC\t.\t.\t.\n"), "2024-01-01"));
        Assert.Empty(store.AnnotationReleases());
        Assert.Equal(1, store.Version);
        using var bare = new MemoryStore("GRCh37");
        Refused("wrong-build", () => Load(bare.Store, Write("1\t249250621\t7\tA\tC\t.\t.\t.\n1\t249250622\t7\tA\tC\t.\t.\t.\n"), "2024-01-01"));
    }

    [Fact]
    public void Equivalent_alleles_meet()
    {
        using var memory = new MemoryStore("GRCh37", Reference);
        // One A of the run from 9 to 18 deleted, written at its right end and with bases before it.
        Load(memory.Store, Write("1\t7\t8\tGTAA\tGTA\t.\t.\tCLNSIG=one\n1\t17\t7\tAA\tA\t.\t.\tCLNSIG=two\n"), "2024-01-01");
        using var join = memory.Store.JoinAnnotations(["clinvar.CLNSIG"]);
        join.Seek("1", 7, "TA"u8, "T"u8);
        Assert.Equal("one;two", join.TextOf(0));
    }

    [Theory]
    [InlineData("1\t100\t7\tA\tG\t.\t.\tCLNSIG=Benign", "truncated")]
    [InlineData("1\t100\t7\tA\tG\t.\t.\tAF=0.1,0.2\n", "annotation-number")]
    [InlineData("1\t100\t7\tA\tG\t.\t.\tAF=many\n", "annotation-value")]
    [InlineData("1\t100\t7\tA\tG\t.\t.\tCLNSIG\n", "annotation-value")]
    [InlineData("1\t0100x\t7\tA\tG\t.\t.\t.\n", "vcf-pos")]
    [InlineData("1\t100\t7\tA\tG\n", "vcf-columns")]
    public void What_is_not_understood_refuses_the_file_and_leaves_nothing(string records, string code)
    {
        using var memory = new MemoryStore("GRCh37");
        var bad = Refused(null, () => Load(memory.Store, Write("1\t50\t1\tC\tT\t.\t.\tCLNSIG=x\n" + records), "2024-01-01", AnnotationMapping.AllOfHeader));
        Assert.True(code == bad.Code || code.StartsWith("vcf", StringComparison.Ordinal), $"{bad.Code}: {bad.Message}");
        Assert.DoesNotContain("Benign", bad.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("many", bad.Message, StringComparison.Ordinal);
        Assert.Equal(1, memory.Store.Version);
        AssertWhole(memory.Store);
    }

    [Fact]
    public void A_file_that_was_cut_off_is_refused_wherever_it_was_cut()
    {
        var text = Header + string.Concat(Enumerable.Range(1, 400).Select(i => $"1\t{i}\t{i}\tA\tG\t.\t.\tCLNSIG=c{i % 7}\n"));
        var whole = Gzip(text);
        using var memory = new MemoryStore("GRCh37");
        var path = _folder["cut.vcf.gz"];
        for (var length = 1; length < whole.Length; length += 1 + (length / 3))
        {
            File.WriteAllBytes(path, whole[..^length]);
            Refused(null, () => Load(memory.Store, path, "2024-01-01"));
        }
        Assert.Equal(1, memory.Store.Version);
        File.WriteAllBytes(path, whole);
        Assert.Equal(400, Load(memory.Store, path, "2024-01-01").Release.Rows);
    }

    [Fact]
    public void What_is_no_allele_of_bases_is_counted_and_left_out()
    {
        using var memory = new MemoryStore("GRCh37");
        var receipt = Load(memory.Store, Write("1\t100\t7\tA\t<DEL>\t.\t.\tCLNSIG=x\n1\t101\t7\tA\t.\t.\t.\t.\n1\t102\t7\tA\tG,*\t.\t.\tAF=0.5,.\n"), "2024-01-01", AnnotationMapping.AllOfHeader);
        Assert.Equal([("ALT is * or <*>", 1L), ("no ALT", 1), ("symbolic ALT", 1)], receipt.Release.LeftOut);
        Assert.Equal((3L, 1L), (receipt.Release.Records, receipt.Release.Rows));
        using var join = memory.Store.JoinAnnotations(["clinvar.AF"]);
        join.Seek("1", 101, "A"u8, "G"u8);
        Assert.Equal(0.5, join.RealOf(0));
    }

    [Fact]
    public void Consequences_are_those_of_their_allele_and_are_found_by_gene_and_HGVS()
    {
        const string Vep = "##fileformat=VCFv4.2\n##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL|Feature|HGVSc|HGVSp|MANE_SELECT\">\n"
            + "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | HGVS.c | HGVS.p'\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
        using var memory = new MemoryStore("GRCh37");
        var receipt = memory.Store.LoadAnnotations(new AnnotationRequest
        {
            Source = "vep", Date = new DateOnly(2024, 1, 1),
            File = Write("1\t100\t.\tAT\tGT,A\t.\t.\tCSQ=GT|missense_variant|MODERATE|BRCA2|NM_000059.4|NM_000059.4:c.316A>G|NP_000050.3:p.Gly12Asp|NM_000059.4,A|frameshift_variant&splice|HIGH|BRCA2|NM_000059.4|NM_000059.4:c.317del||,A|intron|LOW|OTHER||||;ANN=A|stop|HIGH|BRCA2|G1|transcript|NM_000059.4|c.317del|p.Trp4*\n", Vep),
        });
        Assert.Equal(["ID", "CSQ_GENE", "CSQ_CONSEQUENCE", "CSQ_IMPACT", "CSQ_TRANSCRIPT", "CSQ_HGVSC", "CSQ_HGVSP", "CSQ_MANE", "ANN_GENE", "ANN_CONSEQUENCE", "ANN_IMPACT", "ANN_TRANSCRIPT", "ANN_HGVSC", "ANN_HGVSP"], receipt.Release.Fields.Select(f => f.Name));
        using var join = memory.Store.JoinAnnotations(["vep"]);
        string? Of(string field) => join.TextOf(join.Columns.Select(c => c.Name).ToList().IndexOf("vep." + field));
        join.Seek("1", 99, "AT"u8, "A"u8);
        Assert.Equal("BRCA2,OTHER", Of("CSQ_GENE"));
        Assert.Equal("frameshift_variant&splice,intron", Of("CSQ_CONSEQUENCE"));
        Assert.Equal("NM_000059.4:c.317del,.", Of("CSQ_HGVSC"));
        Assert.Null(Of("CSQ_HGVSP"));
        Assert.Null(Of("CSQ_MANE"));
        Assert.Equal("NM_000059.4:c.317del", Of("ANN_HGVSC"));
        join.Seek("1", 99, "A"u8, "G"u8);
        Assert.Equal("NM_000059.4", Of("CSQ_MANE"));
        Assert.Null(Of("ANN_HGVSC"));
        foreach (var (text, found) in ((string, string)[])[("NM_000059.4:c.316A>G", "1-100-A-G"), ("c.317del", "1-100-AT-A"), ("p.(Gly12Asp)", "1-100-A-G"), ("p.G12D", "1-100-A-G"), ("NP_000050.3:p.(G12D)", "1-100-A-G"), ("p.W4*", "1-100-AT-A"), ("p.Trp4Ter", "1-100-AT-A"), ("other", "1-100-AT-A"), ("NM_000059.5:c.316A>G", ""), ("brca2", "1-100-A-G 1-100-AT-A")])
            Assert.Equal(found, string.Join(' ', join.Search(text, 10).Select(v => v.ToString())));
        // VEP cuts the base off that all alleles share where their lengths differ.
        Load(memory.Store, Write("1\t200\t.\tAT\tA,ATT\t.\t.\tCSQ=-|one||G1||||,TT|two||G2||||\n", Vep), "2024-01-15", AnnotationMapping.AllOfHeader);
        using var cut = memory.Store.JoinAnnotations(["clinvar.CSQ_GENE"]);
        cut.Seek("1", 199, "AT"u8, "A"u8);
        Assert.Equal("G1", cut.TextOf(0));
        cut.Seek("1", 199, "A"u8, "AT"u8);
        Assert.Equal("G2", cut.TextOf(0));
        Refused("annotation-consequence", () => Load(memory.Store, Write("1\t100\t.\tA\tG,T\t.\t.\tCSQ=C|x|x|x|x|x|x|x\n", Vep), "2024-02-01", AnnotationMapping.AllOfHeader));
        Refused("annotation-consequence", () => Load(memory.Store, Write("1\t100\t.\tA\tG\t.\t.\tCSQ=G|x\n", Vep), "2024-02-01", AnnotationMapping.AllOfHeader));
    }

    [Theory]
    [InlineData("", "mapping-format")]
    [InlineData("format xls\n", "mapping-format")]
    [InlineData("format tsv\nformat tsv\n", "mapping-twice")]
    [InlineData("format tsv\ncontig c\npos p\nref r\n", "mapping-place")]
    [InlineData("format tsv\ncontig c\nstart s\nend e\nref r\nfield X text\n", "mapping-place")]
    [InlineData("format bed\npos p\nfield X text\n", "mapping-place")]
    [InlineData("format bed\n", "mapping-field")]
    [InlineData("format bed\nfield 1x text\n", "mapping-field")]
    [InlineData("format bed\nfield X word\n", "mapping-type")]
    [InlineData("format bed\nfield X text from\n", "mapping-field")]
    [InlineData("format bed\nfield X integer terms gene\n", "mapping-field")]
    [InlineData("format bed\nfield X text number A\n", "mapping-format")]
    [InlineData("format bed\nfield X text\nfield X text\n", "mapping-twice")]
    [InlineData("format vcf\nfield \"X text\n", "mapping-statement")]
    [InlineData("format vcf\nfield X text class phi\n", "mapping-field")]
    [InlineData("format vcf\nload all\n", "mapping-statement")]
    public void A_mapping_that_says_something_else_is_refused(string text, string code) => Refused(code, () => AnnotationMapping.Parse(text, "map"));

    [Theory]
    [InlineData("chr\tpos\tref\talt\n", "table-column")]
    [InlineData("chrom\tpos\tref\talt\tS\n1\t10\tA\tG\n", "table-columns")]
    [InlineData("chrom\tpos\tref\talt\tS\n1\t0\tA\tG\t1\n", "table-position")]
    [InlineData("chrom\tpos\tref\talt\tS\n1\t10\t-\tG\t1\n", "table-allele")]
    [InlineData("chrom\tpos\tref\talt\tS\n1\t10\tA\tG\t1.5\n", "annotation-value")]
    [InlineData("chrom\tpos\tref\talt\tS\n1\t10\tA\tG\t1", "truncated")]
    [InlineData("chrom\tpos\tref\talt\tS\n\t10\tA\tG\t1\n", "table-contig")]
    public void A_table_that_the_mapping_does_not_fit_is_refused_with_its_place(string text, string code)
    {
        using var memory = new MemoryStore("GRCh37");
        var path = _folder["t.tsv"];
        File.WriteAllText(path, text);
        var bad = Refused(code, () => Load(memory.Store, path, "2024-01-01", AnnotationMapping.Parse("format tsv\ncontig chrom\npos pos\nref ref\nalt alt\nfield S integer\n", "map")));
        Assert.Equal(path, bad.Place.File);
        Assert.Equal(1, memory.Store.Version);
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Gzip(string text)
    {
        using var to = new MemoryStream();
        using (var writer = new Warehouse.Engine.Vcf.BgzfWriter(to, threads: 1, leaveOpen: true))
        {
            writer.Write(System.Text.Encoding.UTF8.GetBytes(text));
            writer.Complete();
        }
        return to.ToArray();
    }

    private static void AssertWhole(VariantStore store) => Assert.DoesNotContain(store.Verify(), f => f.Kind != FindingKind.Surplus);

    private static AnnotationReceipt Load(VariantStore store, string file, string day, AnnotationMapping? mapping = null) =>
        store.LoadAnnotations(new AnnotationRequest { Source = "clinvar", Date = DateOnly.ParseExact(day, "yyyy-MM-dd"), File = file, Mapping = mapping });

    private static string? Says(VariantStore store, string choice, long? snapshot = null)
    {
        using var reader = store.OpenAnnotations(choice, snapshot);
        return reader.Find("1", 99, "A"u8, "G"u8) is { } hit ? hit.Block.Column(reader.FieldOf("CLNSIG")).StringOf(hit.Block.Column(reader.FieldOf("CLNSIG")).Codes[hit.First]) : null;
    }

    private static InputException Refused(string? code, Action load)
    {
        var bad = Assert.Throws<InputException>(load);
        if (code is not null) Assert.True(code == bad.Code, $"{code} expected, {bad.Code}: {bad.Message}");
        return bad;
    }

    private string Write(string records, string header = Header)
    {
        var path = _folder[$"{_files++}.vcf"];
        File.WriteAllText(path, header + records);
        return path;
    }
}
