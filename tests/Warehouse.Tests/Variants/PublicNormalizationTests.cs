using System.Text;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>
/// Input and output files of other normalisers. Both are split by ALT and normalised here: the sets must be equal, and a biallelic row of
/// the output must be normal already. (Multi-allelic rows are normalised together by bcftools, each ALT alone here.)
/// <para>Not used, with the reason. bcftools: norm.2, norm.3, norm.iupac, norm.check-ref, norm.setref (REF is repaired from the reference,
/// which is refused here), norm.merge*, norm.join*, norm.phased-join, norm.4, norm.sort (joining and sorting), norm.rmdup* (duplicates),
/// norm.split*, norm.m-any, norm.5, norm.6, norm.phased-split, norm.string-tags (splitting of INFO and FORMAT, no reference),
/// norm.filter (expressions), norm.right-align (right alignment by gene strand), norm.telomere (its reference is not in the data; the case
/// is below). vt: normalize/01 and decompose (the chromosome 20 that they need is not in the data; Glow's altered files are the same rows
/// with a reference), decompose_blocksub (MNVs are not taken apart here).</para>
/// </summary>
public sealed class PublicNormalizationTests
{
    private const string Bcftools = "normalization/samtools+bcftools/test/";
    private const string Glow = "normalization/projectglow+glow/test-data/variantsplitternormalizer-test/";

    [DataFact]
    public void Bcftools_test_files_come_out_the_same()
    {
        Assert.Equal(33, Compare(Bcftools + "norm.vcf", Bcftools + "norm.out", Bcftools + "norm.fa", Assembly.GRCh37));
        Compare(Bcftools + "norm.symbolic.vcf", Bcftools + "norm.symbolic.1.out", Bcftools + "norm.symbolic.fa", Assembly.GRCh37);
        Compare(Bcftools + "norm.symbolic.2.vcf", Bcftools + "norm.symbolic.2.out", Bcftools + "norm.symbolic.fa", Assembly.GRCh37);
        Compare(Bcftools + "norm.symbolic.3.vcf", Bcftools + "norm.symbolic.3.1.out", Bcftools + "norm.symbolic.3.fa", Assembly.GRCh37);
        Compare(Bcftools + "norm.atom-split-norm.vcf", Bcftools + "norm.atom-split-norm.1.out", Bcftools + "norm.atom-split-norm.fa", Assembly.GRCh37);
    }

    [DataFact]
    public void Glow_test_files_come_out_the_same()
    {
        foreach (var name in new[] { "01_IN_altered_biallelic", "01_IN_altered_biallelic_vtdecompose", "01_IN_altered_multiallelic", "01_IN_altered_multiallelic_vtdecompose" })
        {
            foreach (var fasta in new[] { "20_altered.fasta", "20_altered_noindex.fasta", "20_altered_bgzip.fasta.gz", "20_altered_bgzip_noindex.fasta.gz" })
                Assert.Equal(name.Contains("_biallelic") ? 194 : 24, Compare($"{Glow}{name}.vcf", $"{Glow}{name}_bcftoolsnormalized.vcf", Glow + fasta, Assembly.GRCh37));
        }
        foreach (var name in new[] { "test_left_align_hg38_altered", "test_left_align_hg38_altered_symbolic", "test_left_align_hg38_altered_symbolic_vtdecompose", "test_left_align_hg38_altered_vtdecompose" })
            Assert.Equal(name.Contains("symbolic") ? 17 : 19, Compare($"{Glow}{name}.vcf", $"{Glow}{name}_bcftoolsnormalized.vcf", Glow + "Homo_sapiens_assembly38.20.21_altered.fasta", Assembly.GRCh38));
        Assert.Equal(24, Compare($"{Glow}01_IN_altered_multiallelic.vcf", $"{Glow}01_IN_altered_multiallelic_vtdecompose_bcftoolsnormalized.vcf", Glow + "20_altered.fasta", Assembly.GRCh37));
    }

    [Fact]
    public void A_deletion_among_unknown_bases_walks_to_the_telomere()
    {
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("22", new string('N', 30) + "ACGT"));
        Assert.Equal("22-1-NN-N", new Normalizer(genome).Normalize("22", 16, "NN", "N").ToString());
    }

    /// <summary>Compares two files; returns how many alleles they have.</summary>
    private static int Compare(string input, string output, string fasta, Assembly assembly)
    {
        using var genome = ReferenceGenome.Open(TestData.File(fasta), assembly);
        var normalizer = new Normalizer(genome);
        var (before, after) = (new HashSet<Variant>(), new HashSet<Variant>());
        foreach (var (contig, start, r, alternates) in Rows(TestData.File(input), assembly))
            foreach (var a in Usable(normalizer, contig, start, r, alternates)) before.Add(normalizer.Normalize(contig, start, r, a));
        foreach (var (contig, start, r, alternates) in Rows(TestData.File(output), assembly))
            foreach (var a in Usable(normalizer, contig, start, r, alternates))
            {
                var variant = normalizer.Normalize(contig, start, r, a);
                if (alternates.Length == 1) Assert.True((start, r, a) == (variant.Start, variant.Ref, variant.Alt), $"{output}: {contig}:{start + 1} {r}>{a} is {variant} here");
                after.Add(variant);
            }
        Assert.Equal(after.Order(), before.Order());
        return before.Count;
    }

    private static IEnumerable<string> Usable(Normalizer normalizer, string contig, int start, string r, string[] alternates) =>
        alternates.Where(a => AlleleKinds.Classify(Encoding.ASCII.GetBytes(a)) == AlleleKind.Bases && a != r
            && normalizer.CheckRef(contig, start, Encoding.ASCII.GetBytes(r)) == RefMatch.Match);

    private static IEnumerable<(string Contig, int Start, string Ref, string[] Alts)> Rows(string path, Assembly assembly) =>
        from line in File.ReadLines(path)
        where line.Length > 0 && line[0] != '#'
        let cells = line.Split('\t')
        select (assembly.CanonicalContig(cells[0]), int.Parse(cells[1]) - 1, cells[3].ToUpperInvariant(), cells[4].ToUpperInvariant().Split(','));
}
