using Warehouse.Engine;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>Names of assemblies and contigs.</summary>
public sealed class AssemblyTests
{
    [Theory]
    [InlineData("GRCh37", "GRCh37")]
    [InlineData("hg19", "GRCh37")]
    [InlineData("B37", "GRCh37")]
    [InlineData(" hs37d5 ", "GRCh37")]
    [InlineData("hg38", "GRCh38")]
    [InlineData("grch38", "GRCh38")]
    [InlineData("T2T-CHM13v2.0", "T2T-CHM13v2.0")]
    public void Aliases_become_one_name_and_others_are_kept(string written, string expected)
    {
        Assert.Equal(expected, Assembly.Parse(written).Name);
        Assert.Equal(Assembly.Parse(written), Assembly.Parse(expected));
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("chr1", "1")]
    [InlineData("CHR22", "22")]
    [InlineData("ChrX", "X")]
    [InlineData("chrx", "X")]
    [InlineData("y", "Y")]
    [InlineData("chrM", "MT")]
    [InlineData("M", "MT")]
    [InlineData("chrMT", "MT")]
    [InlineData("NC_000001.10", "1")]
    [InlineData("nc_000022.10", "22")]
    [InlineData("NC_000023.10", "X")]
    [InlineData("NC_000024.9", "Y")]
    [InlineData("NC_012920.1", "MT")]
    [InlineData("NC_007605", "NC_007605")]
    [InlineData("GL000191.1", "GL000191.1")]
    [InlineData("chr", "chr")]
    [InlineData("chrchr1", "chrchr1")]
    [InlineData("chr1_gl000191_random", "1_gl000191_random")]
    [InlineData("hs37d5", "hs37d5")]
    public void Contigs_have_one_spelling(string written, string expected) => Assert.Equal(expected, Assembly.GRCh37.CanonicalContig(written));

    [Theory]
    [InlineData("NC_000022.11", "GRCh38")]
    [InlineData("NC_000022", "needs its version")]
    [InlineData("NC_000022.9", "no accession of GRCh37")]
    [InlineData("NC_001807.4", "hg19")]
    public void An_accession_of_another_assembly_is_refused(string accession, string reason)
    {
        var error = Assert.Throws<InputException>(() => Assembly.GRCh37.CanonicalContig(accession));
        Assert.Equal("contig-assembly", error.Code);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Accessions_lead_back_to_their_contig()
    {
        foreach (var assembly in new[] { Assembly.GRCh37, Assembly.GRCh38 })
        {
            Assert.Equal(25, assembly.Contigs.Count);
            foreach (var contig in assembly.Contigs) Assert.Equal(contig, assembly.CanonicalContig(assembly.Accession(contig)!));
        }
        Assert.Equal("NC_000022.11", Assembly.GRCh38.Accession("22"));
        Assert.Null(Assembly.GRCh38.Accession("GL000191.1"));
        Assert.Null(Assembly.Parse("mm10").Accession("1"));
    }

    [Fact]
    public void Only_a_length_that_belongs_elsewhere_contradicts()
    {
        Assert.Null(Assembly.GRCh37.LengthContradiction("1", 249250621));
        Assert.Null(Assembly.GRCh37.LengthContradiction("1", 1_000_000));
        Assert.Null(Assembly.GRCh37.LengthContradiction("1", 0));
        Assert.Null(Assembly.GRCh37.LengthContradiction("MT", 16569));
        Assert.Contains("GRCh38", Assembly.GRCh37.LengthContradiction("1", 248956422), StringComparison.Ordinal);
        Assert.Contains("NC_001807", Assembly.GRCh37.LengthContradiction("MT", 16571), StringComparison.Ordinal);
        Assert.Contains("GRCh37", Assembly.GRCh38.LengthContradiction("Y", 59373566), StringComparison.Ordinal);
        Assert.Equal(51304566, Assembly.GRCh37.Length("22"));
        Assert.Null(Assembly.GRCh37.Length("GL000191.1"));
    }

    [Theory]
    [InlineData("GRCh37", "X", 60001, 2699520)]
    [InlineData("GRCh37", "X", 154931044, 155260560)]
    [InlineData("GRCh37", "Y", 10001, 2649520)]
    [InlineData("GRCh37", "Y", 59034050, 59363566)]
    [InlineData("GRCh38", "X", 10001, 2781479)]
    [InlineData("GRCh38", "X", 155701383, 156030895)]
    [InlineData("GRCh38", "Y", 10001, 2781479)]
    [InlineData("GRCh38", "Y", 56887903, 57217415)]
    public void Pseudo_autosomal_regions_hold_their_first_and_last_base(string name, string contig, int first, int last)
    {
        var assembly = Assembly.Parse(name);
        Assert.False(assembly.IsPar(contig, first - 2));
        Assert.True(assembly.IsPar(contig, first - 1));
        Assert.True(assembly.IsPar(contig, last - 1));
        Assert.False(assembly.IsPar(contig, last));
        Assert.False(assembly.IsPar("1", first));
        Assert.False(Assembly.Parse("mm10").IsPar(contig, first));
    }

    [Fact]
    public void Contigs_are_ordered_1_to_22_X_Y_MT_then_by_name()
    {
        string[] expected = ["1", "2", "9", "10", "22", "X", "Y", "MT", "01", "23", "GL000191.1", "GL000192.1", "hs37d5"];
        var shuffled = expected.ToArray();
        new Random(7).Shuffle(shuffled);
        Assert.Equal(expected, shuffled.Order(ContigOrder.Instance));
        Assert.Equal([ContigClass.Autosome, ContigClass.X, ContigClass.Y, ContigClass.MT, ContigClass.Autosome],
            new[] { "22", "X", "Y", "MT", "GL000191.1" }.Select(Assembly.ClassOf));
    }

    [DataFact]
    public void Lengths_are_those_that_headers_of_public_files_state()
    {
        var stated = 0;
        foreach (var file in Directory.EnumerateFiles(TestData.Folder!, "*.vcf", SearchOption.AllDirectories))
            foreach (var line in File.ReadLines(file).TakeWhile(l => l.StartsWith('#')))
            {
                if (!line.StartsWith("##contig=<", StringComparison.Ordinal)) continue;
                var cells = line[10..].TrimEnd('>').Split(',').Select(c => c.Split('=', 2)).Where(c => c.Length == 2).ToLookup(c => c[0], c => c[1]);
                if (cells["ID"].FirstOrDefault() is not { } id || !int.TryParse(cells["length"].FirstOrDefault(), out var length)) continue;
                var assembly = cells["assembly"].FirstOrDefault() is "b37" ? Assembly.GRCh37 : cells["assembly"].FirstOrDefault() is "38" or "GRCh38" or "hg38" ? Assembly.GRCh38 : null;
                if (assembly?.Length(assembly.CanonicalContig(id)) is not { } known) continue;
                Assert.True(known == length, $"{file}: {id} has {length} bases, here {known}");
                stated++;
            }
        Assert.True(stated > 25, $"{stated} contig lines compared");
    }
}
