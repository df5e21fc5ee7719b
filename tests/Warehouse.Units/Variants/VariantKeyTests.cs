using System.Globalization;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Units.Variants;

/// <summary>VariantKey against published keys; those of a public file are compared beside the other tests on public data.</summary>
public sealed class VariantKeyTests
{
    [Theory]
    [InlineData("1", 268435455, "C", "T", 0x0fffffff88b80000)]
    [InlineData("1", 0, "ACCTCACCAGGCCCAGCTCATGCTTCTTTGCAG", "A", 0x080000003c6f5d8f)]
    [InlineData("1", 268435455, "ACCAGGCCCAGCTCATGCTTCTTTGCAGCCTCT", "A", 0x0fffffff8ae2503b)]
    [InlineData("1", 324683, "C", "G", 0x08027a2588b00000)]
    [InlineData("1", 324692, "N", "A", 0x08027a2a13ace339)]
    [InlineData("1", 324739, "ACGTUWSMKRYBDHVN", "A*C*G*T*U*W*S*M*K*R*Y*B*D*H*V*N", 0x08027a41e6f83195)]
    [InlineData("2", 28017, "CAATTGTGAAGCAGTG", "C", 0x100036b8b6c70401)]
    [InlineData("2", 28058, "ACGTAC", "CGTAC", 0x100036cd328d8b62)]
    [InlineData("2", 28067, "G", "ACGTACGTAC", 0x100036d18d436362)]
    [InlineData("2", 28106, "ACGTACGTAC", "G", 0x100036e5508d8d8c)]
    [InlineData("3", 74915, "AGT", "AA", 0x1800925199160000)]
    [InlineData("4", 60502, "A", "AT", 0x2000762b09060000)]
    [InlineData("4", 60502, "a", "at", 0x2000762b09060000)]
    [InlineData("6", 193329, "TCA", "TGTCG", 0x300179989ae9db00)]
    [InlineData("7", 2288181, "CTTTTTT", "C", 0x3811751ab8bffe80)]
    [InlineData("8", 167827, "CTTCCTGTCTTTATTTTGT", "C", 0x400147c9ca7373c1)]
    [InlineData("9", 83045, "G", "GTCTTC", 0x4800a2328b56fa00)]
    [InlineData("10", 102529, "GCTACGCACTTGTAGATAACCAGGTCTCATGAAAA", "G", 0x5000c840e5b54eb7)]
    public void Keys_are_the_published_ones(string contig, int start, string r, string a, ulong key)
    {
        var made = VariantKey.Encode(contig, start, r, a);
        Assert.Equal(key, made.Value);
        Assert.Equal(key.ToString("x16", CultureInfo.InvariantCulture), made.ToString());
        var (contigBack, startBack, refBack, altBack) = made.Decode();
        Assert.Equal((contig, start), (contigBack, startBack));
        Assert.Equal(made.IsHashed ? (null, null) : (r.ToUpperInvariant(), a.ToUpperInvariant()), (refBack, altBack));
    }

    [Fact]
    public void Short_alleles_are_read_back_and_keys_sort_by_place()
    {
        const int Seed = 3;
        var random = new Random(Seed);
        var keys = new List<(int Rank, int Start, ulong Key)>();
        for (var i = 0; i < 3000; i++)
        {
            var contig = Assembly.GRCh37.Contigs[random.Next(25)];
            var (start, length) = (random.Next(1 << 28), random.Next(1, 11));
            var (r, a) = (TestReference.Bases(random, length), TestReference.Bases(random, random.Next(1, 12 - length)));
            var key = VariantKey.Encode(contig, start, r, a);
            Assert.True((contig, start, r, a) == key.Decode(), $"seed {Seed}: {contig}-{start}-{r}-{a}");
            keys.Add((ContigOrder.Rank(contig), start, key.Value));
        }
        Assert.Equal(keys.OrderBy(k => k.Rank).ThenBy(k => k.Start).Select(k => k.Start), keys.OrderBy(k => k.Key).Select(k => k.Start));
        Assert.Equal("", VariantKey.Encode("GL000191.1", 1, "A", "C").Decode().Contig);
    }
}
