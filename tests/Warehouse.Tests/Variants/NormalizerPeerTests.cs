using System.Text;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>The normaliser against bcftools; against its dull twin it is tested with the units.</summary>
public sealed class NormalizerPeerTests
{
    private const int Seed = 20251120;

    [PeerFact("bcftools")]
    public void Thousands_of_random_alleles_come_out_as_bcftools_norm_writes_them()
    {
        var random = new Random(Seed);
        using var folder = new TempFolder();
        var contigs = new[] { ("1", TestReference.Repeats(random, 5000)), ("2", TestReference.Repeats(random, 200)), ("X", "CCCCCCCCCCCCT"), ("Y", Masked(random, TestReference.Repeats(random, 500))) };
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, contigs);
        var rows = new List<(int Contig, int Start, string Ref, string Alt)>();
        for (var i = 0; i < 12_000; i++)
        {
            var contig = random.Next(20) switch { 0 => 2, 1 => 1, 2 => 3, _ => 0 };
            var (start, r, a) = TestReference.Allele(random, contigs[contig].Item2.ToUpperInvariant());
            rows.Add((contig, start, r, a));
        }
        rows.Sort();
        var vcf = new StringBuilder("##fileformat=VCFv4.2\n");
        foreach (var (name, bases) in contigs) vcf.Append($"##contig=<ID={name},length={bases.Length}>\n");
        vcf.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        for (var i = 0; i < rows.Count; i++) vcf.Append($"{contigs[rows[i].Contig].Item1}\t{rows[i].Start + 1}\tr{i}\t{rows[i].Ref}\t{rows[i].Alt}\t.\t.\t.\n");
        File.WriteAllText(folder["in.vcf"], vcf.ToString());

        var normalizer = new Normalizer(genome);
        var seen = 0;
        foreach (var line in Peer.Output("bcftools", "norm", "-f", folder["r.fa"], folder["in.vcf"]).Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var f = line.Split('\t');
            var (contig, start, r, a) = rows[int.Parse(f[2][1..])];
            var variant = normalizer.Normalize(contigs[contig].Item1, start, r, a);
            Assert.True((f[0], int.Parse(f[1]) - 1, f[3].ToUpperInvariant(), f[4].ToUpperInvariant()) == (variant.Contig, variant.Start, variant.Ref, variant.Alt),
                $"seed {Seed}: {contigs[contig].Item1}:{start + 1} {r}>{a} is {variant} here and {f[0]}-{f[1]}-{f[3]}-{f[4]} in bcftools");
            seen++;
        }
        Assert.Equal(rows.Count, seen);
    }

    /// <summary>Runs of N, and lower case as repeat maskers write it.</summary>
    private static string Masked(Random random, string bases)
    {
        var text = bases.ToCharArray();
        for (var i = 0; i < 20; i++)
        {
            var (from, count, unknown) = (random.Next(text.Length - 20), random.Next(1, 20), random.Next(3) == 0);
            for (var at = from; at < from + count; at++) text[at] = unknown ? 'N' : char.ToLowerInvariant(text[at]);
        }
        return new string(text);
    }
}
