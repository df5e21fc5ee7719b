using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Units.Variants;

/// <summary>How far an allele rolls, against trying every place of the changed sequence; and the order of variants.</summary>
public sealed class JustifiedAlleleTests
{
    [Fact]
    public void Alleles_roll_as_far_as_the_changed_sequence_stays_the_same()
    {
        for (var seed = 1; seed <= 40; seed++)
        {
            var random = new Random(seed);
            var bases = TestReference.Repeats(random, 60);
            for (var i = 0; i < 60; i++)
            {
                var (start, r, a) = TestReference.Allele(random, bases);
                Check(bases, start, r, a, $"seed {seed}: {start} {r}>{a} in {bases}");
            }
        }
    }

    [Fact]
    public void Variants_sort_by_contig_then_place_then_alleles()
    {
        var normalizer = new Normalizer(null);
        Variant[] sorted =
        [
            normalizer.Normalize("2", 5, "A", "C"), normalizer.Normalize("2", 6, "A", "C"), normalizer.Normalize("2", 6, "A", "G"), normalizer.Normalize("2", 6, "AC", "GT"),
            normalizer.Normalize("10", 1, "A", "C"), normalizer.Normalize("X", 0, "G", "C"),
        ];
        for (var i = 0; i < sorted.Length; i++)
            for (var j = 0; j < sorted.Length; j++) Assert.Equal(Math.Sign(i.CompareTo(j)), Math.Sign(sorted[i].CompareTo(sorted[j])));
        Assert.True(sorted[0].CompareTo(null) > 0);
        Assert.Equal((6, 8), (sorted[3].Start, sorted[3].End));
    }

    private static void Check(string bases, int start, string r, string a, string about)
    {
        var made = bases[..start] + a + bases[(start + r.Length)..];
        var allele = JustifiedAllele.Of(start, r, a, at => bases[at], bases.Length);
        Assert.True(bases[..allele.Start] + allele.Alt + bases[(allele.Start + allele.Ref.Length)..] == made, about);
        if (!allele.IsIndel)
        {
            Assert.Equal((0, 0, (allele.Ref, allele.Alt)), (allele.Left, allele.Right, allele.Wide()));
            return;
        }
        bool IsSame(int at) => at >= 0 && at + allele.Ref.Length <= bases.Length && bases[..at] == made[..at] && bases[(at + allele.Ref.Length)..] == made[(at + allele.Alt.Length)..];
        var (left, right) = (0, 0);
        while (IsSame(allele.Start - left - 1)) left++;
        while (IsSame(allele.Start + right + 1)) right++;
        Assert.True((left, right) == (allele.Left, allele.Right), about);
        Assert.True((allele.Start - left, allele.Start + allele.Ref.Length + right) == (allele.WideStart, allele.WideEnd), about);
        Assert.True((bases[allele.WideStart..allele.WideEnd], made[allele.WideStart..(allele.WideEnd + a.Length - r.Length)]) == allele.Wide(), about);
        var (rightStart, moved) = allele.Rightmost();
        Assert.True(rightStart == allele.Start + right && moved == (a.Length > r.Length ? made : bases).Substring(rightStart, moved.Length), about);
    }
}
