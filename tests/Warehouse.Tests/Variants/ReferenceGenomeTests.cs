using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>The reference read in place: every form of the file gives the same bases; files and indexes that do not fit are refused.</summary>
public sealed class ReferenceGenomeTests
{
    private const int Seed = 11;

    private static (string Name, string Bases)[] Contigs(Random random) =>
        [("chr1 first", TestReference.Bases(random, ReferenceGenome.WindowBases * 2 + 12345)), ("2", TestReference.Bases(random, 61)), ("empty", ""), ("chrM", "acgtRYKn")];

    private static void SameBases(ReferenceGenome genome, (string Name, string Bases)[] contigs, Random random)
    {
        foreach (var (name, bases) in contigs)
        {
            var canonical = Assembly.GRCh37.CanonicalContig(name.Split(' ')[0]);
            Assert.Equal(bases.Length, genome.Length(canonical));
            for (var i = 0; i < 300; i++)
            {
                var start = random.Next(bases.Length + 1);
                var end = Math.Min(bases.Length, start + random.Next(i % 10 == 0 ? bases.Length + 1 : 100));
                Assert.Equal(bases[start..end].ToUpperInvariant(), Encoding.ASCII.GetString(genome.Bases(canonical, start, end)));
            }
            var upper = Encoding.ASCII.GetBytes(bases.ToUpperInvariant());
            Assert.Equal(Convert.ToHexStringLower(MD5.HashData(upper)), genome.Md5(canonical));
            Assert.Equal("SQ." + Vrs.Digest(upper), genome.RefgetAccession(canonical));
        }
    }

    [Theory]
    [InlineData(60, "\n")]
    [InlineData(1, "\n")]
    [InlineData(61, "\r\n")]
    [InlineData(int.MaxValue, "\n")]
    public void Plain_files_without_an_index_give_the_bases(int lineBases, string lineEnd)
    {
        var random = new Random(Seed);
        var contigs = Contigs(random);
        using var folder = new TempFolder();
        TestReference.Write(folder["r.fa"], lineBases, lineEnd, contigs);
        using var genome = ReferenceGenome.Open(folder["r.fa"], Assembly.GRCh37);
        SameBases(genome, contigs, random);
        Assert.Equal(["1", "2", "empty", "MT"], genome.Contigs.Select(c => c.Canonical));
        Assert.Equal("chr1", genome.WrittenName("1"));
        Assert.Null(genome.Length("3"));
        Assert.Equal(["r.fa"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));   // nothing was written
    }

    [PeerFact("samtools", "bgzip")]
    public void Indexed_and_compressed_files_give_the_same_bases()
    {
        var random = new Random(Seed);
        var contigs = Contigs(random).Where(c => c.Bases.Length > 0).ToArray();
        using var folder = new TempFolder();
        TestReference.Write(folder["r.fa"], 70, "\n", contigs);
        Peer.Output("samtools", "faidx", folder["r.fa"]);
        Peer.Output("bgzip", "-k", folder["r.fa"]);
        Peer.Output("samtools", "faidx", folder["r.fa.gz"]);
        foreach (var missing in new[] { "", "r.fa.gz.gzi", "r.fa.gz.fai" })
        {
            if (missing != "") File.Delete(folder[missing]);
            foreach (var file in new[] { "r.fa", "r.fa.gz" })
            {
                using var genome = ReferenceGenome.Open(folder[file], Assembly.GRCh37);
                SameBases(genome, contigs, random);
            }
        }
    }

    [Fact]
    public void Threads_share_one_reference()
    {
        var random = new Random(Seed);
        var bases = TestReference.Bases(random, ReferenceGenome.WindowBases * 5 + 7);
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("1", bases));
        Parallel.For(0, 8, worker =>
        {
            var own = new Random(worker);
            for (var i = 0; i < 500; i++)
            {
                var start = own.Next(bases.Length - 50);
                Assert.Equal(bases.Substring(start, 50), Encoding.ASCII.GetString(genome.Bases("1", start, start + 50)));
            }
        });
    }

    [Theory]
    [InlineData("ACGT\n", "fasta-lines")]
    [InlineData("", "fasta-lines")]
    [InlineData(">1\nACGT\nACG\nACGT\n", "fasta-lines")]
    [InlineData(">1\nACG\nACGT\n", "fasta-lines")]
    [InlineData(">1\nACGT\n\nACGT\n", "fasta-lines")]
    [InlineData("> x\nACGT\n", "fasta-lines")]
    [InlineData(">1\nACGT\n>chr1\nACGT\n", "fasta-contig")]
    [InlineData(">NC_000001.11\nACGT\n", "contig-assembly")]
    [InlineData("\u001f\u008b\u0008\u0000aaaaaaaaaaaaaaaaaaaaaaaa", "fasta-bgzf")]
    public void Files_that_are_no_reference_of_the_assembly_are_refused(string text, string code)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["r.fa"], Encoding.Latin1.GetBytes(text));
        Assert.Equal(code, Assert.Throws<InputException>(() => ReferenceGenome.Open(folder["r.fa"], Assembly.GRCh37)).Code);
    }

    [Theory]
    [InlineData("1\t8\t3\t4\t5\n2\t4\t16\t4\t5\n", null)]
    [InlineData("1\t8\t3\t4\n", "fasta-fai")]           // a column short
    [InlineData("1\t8\t3\t0\t5\n", "fasta-fai")]        // no bases per line
    [InlineData("1\t-8\t3\t4\t5\n", "fasta-fai")]
    [InlineData("1\t99999999999\t3\t4\t5\n", "fasta-fai")]
    [InlineData("1\t8\t3\t4\t500\n", "fasta-fai")]
    [InlineData("1\t6\t3\t4\t5\n", "fasta-fai")]        // too short
    [InlineData("1\t9\t3\t4\t5\n", "fasta-fai")]        // runs into the next header
    [InlineData("1\t800\t3\t4\t5\n", "fasta-fai")]      // runs over the end
    [InlineData("1\t8\t4\t4\t5\n", "fasta-fai")]        // starts too late
    [InlineData("1\t8\t3\t3\t4\n", "fasta-fai")]        // other lines
    [InlineData("1\t4\t16\t4\t5\n", "fasta-fai")]       // another sequence
    [InlineData("1\t8\t1000000\t4\t5\n", "fasta-fai")]
    public void An_index_that_does_not_fit_is_refused(string index, string? code)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["r.fa"], ">1\nACGT\nACGT\n>2\nGGGG\n");
        File.WriteAllText(folder["r.fa.fai"], index);
        void Use()
        {
            using var genome = ReferenceGenome.Open(folder["r.fa"], Assembly.GRCh37);
            Assert.Equal("GT", Encoding.ASCII.GetString(genome.Bases("1", 2, 4)));
        }
        if (code is null) Use();
        else Assert.Equal(code, Assert.Throws<InputException>(Use).Code);
    }

    [PeerFact("bgzip")]
    public void Damage_to_a_compressed_file_or_its_index_is_found()
    {
        var random = new Random(Seed);
        using var folder = new TempFolder();
        var bases = TestReference.Bases(random, 300_000);
        TestReference.Write(folder["r.fa"], 60, "\n", ("1", bases));
        Peer.Output("bgzip", "-i", folder["r.fa"]);
        var (file, index) = (File.ReadAllBytes(folder["r.fa.gz"]), File.ReadAllBytes(folder["r.fa.gz.gzi"]));
        void Use()
        {
            using var genome = ReferenceGenome.Open(folder["r.fa.gz"], Assembly.GRCh37);
            Assert.Equal(bases, Encoding.ASCII.GetString(genome.Bases("1", 0, bases.Length)));
        }
        Use();
        var noticed = 0;
        for (var i = 0; i < 60; i++)
        {
            var damaged = file.ToArray();
            damaged[random.Next(file.Length - 28)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(folder["r.fa.gz"], damaged);
            try
            {
                Use();   // right bases: a bit that means nothing, as the time in a header or what pads the last byte of a block
            }
            catch (InputException)
            {
                noticed++;
            }
        }
        Assert.True(noticed >= 55, $"seed {Seed}: {noticed} of 60 changes noticed");
        File.WriteAllBytes(folder["r.fa.gz"], file);
        foreach (var at in new[] { 0, 8, 16, 24 })
        {
            var damaged = index.ToArray();
            damaged[at]++;
            File.WriteAllBytes(folder["r.fa.gz.gzi"], damaged);
            Assert.Equal("fasta-gzi", Assert.Throws<InputException>(Use).Code);
        }
    }

    [Fact]
    public void The_chrM_of_hg19_is_there_but_is_not_MT()
    {
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("chrM", new string('A', 16571)), ("chr1", "ACGT"));
        Assert.False(genome.Has("MT"));
        Assert.Equal(16571, genome.Length("chrM"));
        TestReference.Write(folder["mt.fa"], 60, "\n", ("MT", new string('A', 16571)));
        Assert.Equal("contig-assembly", Assert.Throws<InputException>(() => ReferenceGenome.Open(folder["mt.fa"], Assembly.GRCh37)).Code);
    }

    [DataFact]
    public void The_public_megabase_has_the_digest_that_its_dictionary_states()
    {
        using var genome = ReferenceGenome.Open(TestData.File("reference/broadinstitute+gatk/Homo_sapiens_assembly19_chr1_1M.fasta"), Assembly.GRCh37);
        var stated = File.ReadLines(TestData.File("reference/broadinstitute+gatk/Homo_sapiens_assembly19_chr1_1M.dict")).Single(l => l.StartsWith("@SQ", StringComparison.Ordinal)).Split('\t');
        Assert.Equal(stated.Single(c => c.StartsWith("M5:", StringComparison.Ordinal))[3..], genome.Md5("1"));
        Assert.Equal(stated.Single(c => c.StartsWith("LN:", StringComparison.Ordinal))[3..], $"{genome.Length("1")}");
    }
}
