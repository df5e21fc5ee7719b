using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Units.Variants;

/// <summary>The normaliser against its dull twin, and on cases worth reading.</summary>
public sealed class NormalizerTests
{
    private const int Seed = 20251120;

    [Theory]
    [InlineData(7, "CAC", "C", 2, "GCA", "G")]
    [InlineData(5, "CAC", "C", 2, "GCA", "G")]
    [InlineData(1, "GGCA", "GG", 2, "GCA", "G")]
    [InlineData(3, "CA", "TG", 3, "CA", "TG")]
    [InlineData(3, "cac", "ttc", 3, "CA", "TT")]
    [InlineData(0, "GG", "G", 0, "GG", "G")]
    [InlineData(1, "GG", "G", 0, "GG", "G")]
    [InlineData(12, "GG", "G", 10, "AG", "A")]
    [InlineData(13, "G", "GG", 10, "A", "AG")]
    [InlineData(0, "G", "TG", 0, "G", "TG")]
    public void Alleles_become_shortest_and_leftmost(int start, string r, string a, int wantStart, string wantRef, string wantAlt)
    {
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("1", "GGGCACACACAGGG"));
        var variant = new Normalizer(genome).Normalize("1", start, r, a);
        Assert.Equal((wantStart, wantRef, wantAlt), (variant.Start, variant.Ref, variant.Alt));
    }

    [Fact]
    public void Random_alleles_equal_the_dull_twin_with_and_without_a_reference()
    {
        var random = new Random(Seed);
        using var folder = new TempFolder();
        var contigs = new[] { ("1", TestReference.Repeats(random, 3000)), ("chr2", TestReference.Repeats(random, 40)), ("X", new string('A', 300)) };
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 50, contigs);
        var aligner = new Normalizer(genome);
        var trimmer = new Normalizer(null);
        for (var i = 0; i < 30_000; i++)
        {
            var (name, bases) = contigs[random.Next(3)];
            var (start, r, a) = TestReference.Allele(random, bases);
            if (random.Next(4) == 0) (r, a) = (r.ToLowerInvariant(), a.ToLowerInvariant());
            var contig = Assembly.GRCh37.CanonicalContig(name);
            var aligned = aligner.Normalize(contig, start, Encoding.ASCII.GetBytes(r), Encoding.ASCII.GetBytes(a));
            Assert.True(SlowNormal.Of(bases, start, r, a) == (aligned.Start, Encoding.ASCII.GetString(aligned.Ref), Encoding.ASCII.GetString(aligned.Alt)), $"seed {Seed}, {contig}:{start} {r}>{a}");
            var trimmed = trimmer.Normalize(contig, start, Encoding.ASCII.GetBytes(r), Encoding.ASCII.GetBytes(a));
            Assert.True(SlowNormal.Of(null, start, r, a) == (trimmed.Start, Encoding.ASCII.GetString(trimmed.Ref), Encoding.ASCII.GetString(trimmed.Alt)), $"seed {Seed}, trimmed {contig}:{start} {r}>{a}");
        }
    }

    [Fact]
    public void A_repeat_longer_than_two_windows_is_walked_to_its_start()
    {
        using var folder = new TempFolder();
        var bases = "GT" + string.Concat(Enumerable.Repeat("AC", ReferenceGenome.WindowBases + 10)) + "GG";
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 70, ("1", bases));
        var start = bases.Length - 4;
        var variant = new Normalizer(genome).Normalize("1", start, "ACG", "ACACG");
        Assert.Equal((1, "T", "TAC"), (variant.Start, variant.Ref, variant.Alt));
    }

    [Fact]
    public void An_allele_that_is_normal_costs_no_memory()
    {
        var normalizer = new Normalizer(null);
        byte[] r = "A"u8.ToArray(), a = "G"u8.ToArray();
        var starts = 0L;
        for (var i = 0; i < 10; i++) starts += normalizer.Normalize("1", i, r, a).Start;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) starts += normalizer.Normalize("1", i, r, a).Start;
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(45 + 499_500, starts);
    }

    [Theory]
    [InlineData("1", 3, "CAC", RefMatch.Match)]
    [InlineData("1", 3, "cac", RefMatch.Match)]
    [InlineData("1", 3, "CAT", RefMatch.Mismatch)]
    [InlineData("1", 12, "GGG", RefMatch.Mismatch)]
    [InlineData("1", -1, "G", RefMatch.Mismatch)]
    [InlineData("7", 3, "CAC", RefMatch.Unknown)]
    [InlineData("2", 0, "ACCAGA", RefMatch.Match)]
    [InlineData("2", 0, "RYSWKM", RefMatch.Match)]
    [InlineData("2", 0, "GCCAGA", RefMatch.Mismatch)]
    [InlineData("2", 6, "N", RefMatch.Match)]
    [InlineData("2", 6, "A", RefMatch.Mismatch)]
    public void Ref_is_compared_with_the_reference(string contig, int start, string r, RefMatch expected)
    {
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("1", "GGGCACACACAGGG"), ("2", "ryswkmN"));
        Assert.Equal(expected, new Normalizer(genome).CheckRef(contig, start, Encoding.ASCII.GetBytes(r)));
        Assert.Equal(RefMatch.Unknown, new Normalizer(null).CheckRef(contig, start, Encoding.ASCII.GetBytes(r)));
    }

    [Theory]
    [InlineData(3, "CAT", "C", "variant-ref")]
    [InlineData(12, "GC", "G", "variant-ref")]
    [InlineData(12, "GGGG", "G", "variant-position")]
    [InlineData(-1, "G", "C", "variant-position")]
    [InlineData(3, "C", "c", "variant-same")]
    [InlineData(3, "R", "A", "variant-bases")]
    [InlineData(3, "C", "<DEL>", "variant-bases")]
    [InlineData(3, "", "A", "variant-bases")]
    public void A_query_is_checked_first(int start, string r, string a, string code)
    {
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("1", "GGGCACACACAGGG"));
        Assert.Equal(code, Assert.Throws<InputException>(() => new Normalizer(genome).Normalize("1", start, r, a)).Code);
    }

    [Fact]
    public void A_refusal_names_the_place_as_VCF_counts()
    {
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("1", "GGGCACACACAGGG"));
        var normalizer = new Normalizer(genome);
        Assert.Contains("1:13 with 4 REF bases", Assert.Throws<InputException>(() => normalizer.Normalize("1", 12, "GGGG", "G")).Message, StringComparison.Ordinal);
        Assert.Contains("at 1:4 is not in the reference", Assert.Throws<InputException>(() => normalizer.Normalize("1", 3, "CAT", "C")).Message, StringComparison.Ordinal);
        Assert.True(normalizer.Aligns("1"));
        Assert.False(normalizer.Aligns("7"));
        Assert.False(new Normalizer(null).Aligns("1"));
    }

    [Fact]
    public void Alleles_longer_than_the_buffers_at_first_are_shifted_and_read_in_any_case()
    {
        using var folder = new TempFolder();
        var bases = "GT" + string.Concat(Enumerable.Repeat("AC", 500)) + "GG";
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 70, ("1", bases));
        foreach (var units in (int[])[100, 150, 400])
        {
            var inserted = string.Concat(Enumerable.Repeat("ac", units));
            var variant = new Normalizer(genome).Normalize("1", 900, bases[900].ToString(), bases[900] + inserted[1..] + "a");
            Assert.Equal(SlowNormal.Of(bases, 900, bases[900].ToString(), bases[900] + inserted[1..] + "a"), (variant.Start, variant.Ref, variant.Alt));
        }
    }

    [Fact]
    public void An_alt_that_equals_ref_becomes_its_last_base()
    {
        var same = new Normalizer(null).Normalize("1", 5, "ACG"u8, "acg"u8);
        Assert.Equal((7, "G", "G"), (same.Start, Encoding.ASCII.GetString(same.Ref), Encoding.ASCII.GetString(same.Alt)));
        Assert.Equal((7, "G", "G"), SlowNormal.Of(null, 5, "ACG", "acg"));
    }
}
