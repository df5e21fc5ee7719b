using Warehouse.Engine;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Units.Variants;

/// <summary>Spellings: all of one change mean the same variant; wrong ones say what is wrong.</summary>
public sealed class VariantQueryTests : IDisposable
{
    private const int Seed = 5;

    //                              1234567890123456789012345
    private const string Bases22 = "GGGCACACACAGGGATTTTCGACGT";
    private readonly TempFolder _folder = new();
    private readonly ReferenceGenome _genome;
    private readonly VariantContext _context;
    private readonly VariantContext _bare = new(Assembly.GRCh37, null);

    public VariantQueryTests()
    {
        _genome = TestReference.Open(_folder["r.fa"], Assembly.GRCh37, 60, ("chr22", Bases22), ("chrM", "ACCGGTTT"));
        _context = new VariantContext(Assembly.GRCh37, _genome, ["GL000191.1"]);
    }

    public void Dispose()
    {
        _genome.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("22-15-A-G", "22-15-A-G,chr22:15:A:G,22:15 A>G,22 15 A G,22\t15\tA\tG, chr22  15   a  g ,22:15A>G,CHR22-15-a-g,22_15_A/G,22:g.15A>G,chr22:g.15A>G,NC_000022.10:g.15A>G,NC_000022.10:14:A:G,NC_000022.10:14:1:G,22-15-AT-GT,22-14-GA-GG,NC_000022.10-15-A-G,22:g.15delinsG,22:g.15delAinsG")]
    [InlineData("22-3-GCA-G", "22-3-GCA-G,22-9-ACA-A,22-8-CAC-C,22-1-GGGCA-GGG,22:g.4_5del,22:g.9_10del,22:g.9_10delAC,22:g.10_11delca,NC_000022.10:3:CA:,NC_000022.10:9:CA:,NC_000022.10:3:2:,NC_000022.10:3:CACACACA:CACACA,22:3:GCA:G")]
    [InlineData("22-15-A-AT", "22-15-A-AT,22-19-T-TT,22-16-T-TT,22:g.19dup,22:g.19dupT,22:g.15_16insT,22:g.18_19insT,NC_000022.10:15::T,NC_000022.10:19:0:T,NC_000022.10:15:TTTT:TTTTT,NC_000022.10:g.17dup")]
    [InlineData("22-19-T-TCGA", "22:g.22_24dup,22:g.21_22insACG,22:g.24_25insACG,22-24-G-GACG,22:g.23_24insGAC")]
    [InlineData("22-20-CG-TT", "22-20-CG-TT,22:g.20_21delinsTT,22:g.20_21delCGinsTT,NC_000022.10:19:CG:TT,NC_000022.10:19:2:TT,22:g.20_21CG>TT")]
    [InlineData("22-13-GGA-TCC", "22:g.13_15inv,22-13-GGA-TCC")]
    [InlineData("22-1-GG-G", "22:g.1del,22:g.3del,22:g.3delG,22-1-GG-G,22-2-GG-G,NC_000022.10:0:G:")]
    [InlineData("22-1-G-TG", "22-1-G-TG,NC_000022.10:0::T,22:g.1delinsTG")]
    [InlineData("22-25-T-TA", "22-25-T-TA,NC_000022.10:25::A,22:g.25delinsTA")]
    [InlineData("MT-2-C-T", "MT-2-C-T,chrM:2:C:T,M 2 C T,NC_012920.1:m.2C>T,NC_012920.1:1:C:T,chrM:m.2C>T")]
    [InlineData("GL000191.1-7-A-C", "GL000191.1-7-A-C,GL000191.1:7:A:C,GL000191.1:g.7A>C")]
    public void All_spellings_of_a_change_are_one_variant(string expected, string spellings)
    {
        foreach (var spelling in spellings.Split(','))
        {
            var query = VariantQuery.Parse(spelling, _context);
            Assert.True(query.Variant?.ToString() == expected, $"'{spelling}' is {query.Variant}, not {expected}");
            Assert.Equal(VariantQueryKind.Bases, query.Kind);
            Assert.Equal(!expected.StartsWith("22-", StringComparison.Ordinal) && !expected.StartsWith("MT-", StringComparison.Ordinal), query.TrimmedOnly);
            Assert.Equal(spelling == expected, query.Note is null);
        }
    }

    [Fact]
    public void Without_a_reference_stated_bases_are_enough_where_they_are_all_stated()
    {
        foreach (var spelling in new[] { "22-16050075-A-G", "22:g.16050075A>G", "NC_000022.10:16050074:A:G", "22:16050075 AC>GC", "22:g.16050075delAinsG" })
        {
            var query = VariantQuery.Parse(spelling, _bare);
            Assert.Equal("22-16050075-A-G", query.Variant?.ToString());
            Assert.True(query.TrimmedOnly);
        }
        foreach (var spelling in new[] { "22:g.100del", "22:g.100delA", "22:g.100dup", "22:g.100_101insA", "22:g.100_101inv", "22:g.100_101delinsA", "NC_000022.10:100::A", "NC_000022.10:100:2:A" })
            Assert.True(Assert.Throws<InputException>(() => VariantQuery.Parse(spelling, _bare)).Code == "variant-reference", spelling);
    }

    [Theory]
    [InlineData("", "variant-form", "empty")]
    [InlineData("rs12345", "variant-form", "22-16050075-A-G")]
    [InlineData("22", "variant-form", "ALT")]
    [InlineData("BRCA1", "variant-form", "ALT")]
    [InlineData("22-15-A", "variant-form", "")]
    [InlineData("22-15", "variant-form", "ALT")]
    [InlineData("22-15-A-", "variant-form", "ALT")]
    [InlineData("22:15::G", "variant-form", "")]
    [InlineData("22-15-A-G,T", "variant-form", "one ALT")]
    [InlineData("15-A-G", "variant-form", "")]
    [InlineData("chr22:16,050,075 A>G", "variant-form", "commas")]
    [InlineData("22--15-A-G", "variant-contig", "22")]
    [InlineData("-15-A-G", "variant-contig", "missing")]
    [InlineData("23-15-A-G", "variant-contig", "2")]
    [InlineData("chr222-15-A-G", "variant-contig", "22")]
    [InlineData("GL000192.1-15-A-G", "variant-contig", "GL000191.1")]
    [InlineData("NC_000022.11:14:A:G", "contig-assembly", "GRCh38")]
    [InlineData("NC_000022.11:g.15A>G", "contig-assembly", "GRCh38")]
    [InlineData("NC_000022:14:A:G", "contig-assembly", "version")]
    [InlineData("22-0-A-G", "variant-position", "count from 1")]
    [InlineData("22:g.0A>G", "variant-position", "count from 1")]
    [InlineData("22-26-A-G", "variant-position", "25 bases")]
    [InlineData("22-24-GTA-G", "variant-position", "25 bases")]
    [InlineData("22-99999999999-A-G", "variant-position", "larger")]
    [InlineData("22:g.26del", "variant-position", "25 bases")]
    [InlineData("22:g.10_8del", "variant-position", "before")]
    [InlineData("NC_000022.10:25:A:G", "variant-position", "25 bases")]
    [InlineData("NC_000022.10:24:2:G", "variant-position", "25 bases")]
    [InlineData("22-15-C-G", "variant-ref", "'A'")]
    [InlineData("22:g.15C>G", "variant-ref", "'A'")]
    [InlineData("22:g.4_5delGG", "variant-ref", "'CA'")]
    [InlineData("22:g.4_5dupGG", "variant-ref", "'CA'")]
    [InlineData("NC_000022.10:14:C:G", "variant-ref", "'A'")]
    [InlineData("22-15-A-A", "variant-same", "no change")]
    [InlineData("22-15-A-a", "variant-same", "no change")]
    [InlineData("22:g.15=", "variant-same", "nothing")]
    [InlineData("NC_000022.10:14::", "variant-same", "no change")]
    [InlineData("22-15-A-R", "variant-bases", "'R'")]
    [InlineData("22-15-A-*", "variant-bases", "'*'")]
    [InlineData("22-15-A-.", "variant-bases", "'.'")]
    [InlineData("NM_000059.3:c.15A>G", "variant-hgvs", "genomic")]
    [InlineData("NP_000050.2:p.Val600Glu", "variant-hgvs", "genomic")]
    [InlineData("22:g.15", "variant-hgvs", "understood")]
    [InlineData("22:g.15A>", "variant-hgvs", "understood")]
    [InlineData("22:g.A15G", "variant-hgvs", "understood")]
    [InlineData("22:g.15del3", "variant-hgvs", "understood")]
    [InlineData("22:g.15_16insAC_17", "variant-hgvs", "understood")]
    [InlineData("22:g.15insA", "variant-hgvs", "neighbours")]
    [InlineData("22:g.15_17insA", "variant-hgvs", "neighbours")]
    [InlineData("22:g.15_17delAC", "variant-hgvs", "2 bases are stated for a range of 3")]
    [InlineData("22:g.(4_5)_(9_10)del", "variant-hgvs", "uncertain")]
    [InlineData("22:g.4CA[5]", "variant-hgvs", "repeats")]
    [InlineData("NC_000022.10:x:A:G", "variant-spdi", "'x'")]
    [InlineData("NC_000022.10:14:R:G", "variant-spdi", "'R'")]
    [InlineData("NC_000022.10:14:A:3", "variant-spdi", "'3'")]
    [InlineData("ga4gh:VA.short", "variant-vrs", "32")]
    [InlineData("ga4gh:SL.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt", "variant-vrs", "ga4gh:VA.")]
    [InlineData("22:10 <DEL>", "variant-symbolic", "needs an end")]
    [InlineData("22:10-20 <*>", "variant-symbolic", "any other")]
    [InlineData("22:10-20 <NON_REF>", "variant-symbolic", "any other")]
    [InlineData("22:10-20 <DEL", "variant-symbolic", "no symbolic")]
    [InlineData("22:20-10 <DEL>", "variant-position", "before")]
    [InlineData("22:10-200 <DEL>", "variant-position", "25 bases")]
    [InlineData("22:0-20 <DEL>", "variant-position", "1")]
    [InlineData("77:10-20 <DEL>", "variant-contig", "77")]
    [InlineData("22:10 N ]77:1]N", "variant-contig", "77")]
    [InlineData("22:10 N ]13:x]N", "variant-symbolic", "breakend")]
    public void A_wrong_spelling_says_what_is_wrong(string text, string code, string reason)
    {
        var error = Assert.Throws<InputException>(() => VariantQuery.Parse(text, _context));
        Assert.True(error.Code == code, $"'{text}': {error.Code} {error.Message}");
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("22:10-20 <DEL>", 9, 20, "<DEL>")]
    [InlineData("chr22:10-20 <DUP:TANDEM>", 9, 20, "<DUP:TANDEM>")]
    [InlineData("22-10-20-<INV>", 9, 20, "<INV>")]
    [InlineData("22 10 20 <CNV>", 9, 20, "<CNV>")]
    [InlineData("NC_000022.10:10-20 <DEL>", 9, 20, "<DEL>")]
    [InlineData("22:10 <INS:ME:ALU>", 9, 10, "<INS:ME:ALU>")]
    [InlineData("GL000191.1:10 N <INS>", 9, 10, "<INS>")]
    [InlineData("22:10 N ]13:500]N", 9, 10, "]13:500]N")]
    [InlineData("22-10-A-A[chr13:500[", 9, 10, "A[chr13:500[")]
    public void Symbolic_alleles_are_asked_by_POS_and_END(string text, int start, int end, string type)
    {
        var query = VariantQuery.Parse(text, _context);
        Assert.Equal(VariantQueryKind.Symbolic, query.Kind);
        Assert.Equal((start, end, type), (query.Symbolic!.Start, query.Symbolic.End, query.Symbolic.Type));
        Assert.Equal(query.Symbolic, VariantQuery.Parse(query.Symbolic.ToString(), _context).Symbolic);
    }

    [Fact]
    public void A_VRS_identifier_is_kept_for_the_store_to_find()
    {
        var query = VariantQuery.Parse("ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt", _bare);
        Assert.Equal((VariantQueryKind.VrsId, "0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"), (query.Kind, query.VrsDigest));
    }

    [Fact]
    public void Contig_names_may_hold_separators()
    {
        var context = new VariantContext(Assembly.Parse("mine"), null);
        Assert.Equal("HLA-A*01:01", VariantQuery.Parse("HLA-A*01:01-15-A-G", context).Variant!.Contig);
        Assert.Equal("a b", VariantQuery.Parse("a b:15 A>G", context).Variant!.Contig);
        Assert.Equal("NC_001133.9", VariantQuery.Parse("NC_001133.9:14:A:G", context).Variant!.Contig);
    }

    [Fact]
    public void What_is_written_out_is_read_back_as_the_same_variant()
    {
        var random = new Random(Seed);
        var bases = TestReference.Repeats(random, 600);
        using var genome = TestReference.Open(_folder["s.fa"], Assembly.GRCh37, 60, ("22", bases));
        var context = new VariantContext(Assembly.GRCh37, genome);
        var normalizer = new Normalizer(genome);
        for (var i = 0; i < 5000; i++)
        {
            var (start, r, a) = TestReference.Allele(random, bases);
            var variant = normalizer.Normalize("22", start, r, a);
            foreach (var text in new[] { variant.ToString(), Hgvs.Format(variant, Assembly.GRCh37, genome), Spdi.Format(variant, Assembly.GRCh37, genome), Spdi.Format(variant, Assembly.GRCh37, null) })
            {
                var back = VariantQuery.Parse(text!, context).Variant;
                Assert.True(variant == back, $"seed {Seed}: {variant} is written {text} and read back as {back}");
            }
        }
    }

    [Fact]
    public void Random_text_is_understood_or_refused_and_nothing_else()
    {
        var random = new Random(Seed);
        string[] spellings = ["22-15-A-G", "22:g.9_10delAC", "22:g.15_16insT", "NC_000022.10:14:A:G", "22:10-20 <DEL>", "22:10 N ]13:500]N", "ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"];
        string[] pieces = ["", "", "22", "chr22", "NC_000022.10", ":", "-", " ", "g.", "15", "0", "_", "A", "G", ">", "del", "ins", "dup", "inv", "<DEL>", "]", "[", "*", ".", "99999999999", "é", "\0", "\ud800"];
        var understood = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = spellings[random.Next(spellings.Length)];
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(text.Length + 1);
                text = text[..at] + pieces[random.Next(pieces.Length)] + text[Math.Min(text.Length, at + random.Next(3))..];
            }
            try
            {
                var query = VariantQuery.Parse(text, _context);
                Assert.True(query.Variant is not null ^ query.Symbolic is not null ^ query.VrsDigest is not null, $"seed {Seed}: '{text}'");
                understood++;
            }
            catch (InputException error)
            {
                Assert.StartsWith(error.Code.StartsWith("contig", StringComparison.Ordinal) ? "contig-" : "variant-", error.Code, StringComparison.Ordinal);
            }
        }
        Assert.InRange(understood, 200, 19_000);
    }

    /// <summary>Found by mutation: where no contig is known every name was taken, and the answer's own spelling of it was another one.</summary>
    [Theory]
    [InlineData("M\nu-5-A-G")]
    [InlineData("1:5 :m.5A>G")]
    [InlineData("chr 7:m.5A>G")]
    [InlineData("NC_000022.10\n:16050074:A:G")]
    [InlineData("1:10 N ]3:500]NMT:m.5A>G")]
    public void A_name_that_no_file_can_have_is_no_contig(string text)
    {
        var free = new VariantContext(Assembly.Parse("toy1"), null);
        Assert.Equal("variant-contig", Assert.Throws<InputException>(() => VariantQuery.Parse(text, free)).Code);
    }

    [Theory]
    [InlineData("22-15-A-G", "NC_000022.10:g.15A>G", "NC_000022.10:14:A:G")]
    [InlineData("22-3-GCA-G", "NC_000022.10:g.10_11del", "NC_000022.10:3:CACACACA:CACACA")]
    [InlineData("22-15-A-AT", "NC_000022.10:g.19dup", "NC_000022.10:15:TTTT:TTTTT")]
    [InlineData("22-15-A-AG", "NC_000022.10:g.15_16insG", "NC_000022.10:15::G")]
    [InlineData("22-20-CG-TT", "NC_000022.10:g.20_21delinsTT", "NC_000022.10:19:CG:TT")]
    [InlineData("22-13-GGA-TCC", "NC_000022.10:g.13_15inv", "NC_000022.10:12:GGA:TCC")]
    [InlineData("22-1-G-TG", "NC_000022.10:g.1delinsTG", "NC_000022.10:0::T")]
    [InlineData("MT-2-C-T", "NC_012920.1:m.2C>T", "NC_012920.1:1:C:T")]
    [InlineData("GL000191.1-7-A-C", null, null)]
    public void Answers_write_HGVS_and_SPDI(string text, string? hgvs, string? spdi)
    {
        var variant = VariantQuery.Parse(text, _context).Variant!;
        Assert.Equal(hgvs, Hgvs.Format(variant, Assembly.GRCh37, _genome));
        Assert.Equal(spdi, Spdi.Format(variant, Assembly.GRCh37, _genome));
    }
}
