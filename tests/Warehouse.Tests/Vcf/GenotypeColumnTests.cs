using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>Genotypes: the vector paths against their definition, and what each GT means.</summary>
public sealed class GenotypeColumnTests
{
    [Fact]
    public void Vector_paths_equal_the_scalar_one_for_every_number_of_samples()
    {
        var random = new Random(7);
        for (var samples = 1; samples <= 256; samples++)
            for (var round = 0; round < 6; round++)
            {
                var altCount = random.Next(0, 12);
                var text = Columns(random, samples, altCount);
                if (round >= 3) text[random.Next(text.Length)] = (byte)random.Next(256);
                Compare(text, samples, altCount, $"seed 7, {samples} samples, round {round}");
            }
    }

    [Fact]
    public void Vector_paths_judge_every_byte_at_every_place_like_the_scalar_one()
    {
        foreach (var altCount in new[] { 0, 1, 8, 9, 10 })
            foreach (var place in new[] { 0, 1, 2, 3, 253, 254, 255, 256, 257, 258 })
                for (var value = 0; value < 256; value++)
                {
                    var text = Columns(new Random(3), 65, altCount);
                    text[place] = (byte)value;
                    Compare(text, 65, altCount, $"seed 3, {altCount} ALTs, byte {value} at {place}");
                }
    }

    [Fact]
    public void The_fast_path_of_the_reader_equals_the_cell_by_cell_one()
    {
        var random = new Random(11);
        for (var round = 0; round < 50; round++)
        {
            var samples = random.Next(1, 200);
            var columns = Encoding.ASCII.GetString(Columns(random, samples, 2));
            var header = VcfFiles.Header([.. Enumerable.Range(0, samples).Select(i => "S" + i)]);
            var fast = ReadOne(header + $"1\t5\t.\tA\tC,G\t.\t.\t.\tGT\t{columns}\n");
            var slow = ReadOne(header + $"1\t5\t.\tA\tC,G\t.\t.\t.\tGT:XX\t{columns}\n");
            Assert.True(fast.First.AsSpan().SequenceEqual(slow.First) && fast.Second.AsSpan().SequenceEqual(slow.Second) && fast.Phased.AsSpan().SequenceEqual(slow.Phased), $"seed 11, round {round}");
        }
    }

    [Theory]
    [InlineData("0/1", 1, 2, 0)]
    [InlineData("1|0", 2, 1, 1)]
    [InlineData("./.", 0, 0, 0)]
    [InlineData("./1", 0, 2, 0)]
    [InlineData("1|.", 2, 0, 1)]
    [InlineData(".", 0, 255, 0)]
    [InlineData("0", 1, 255, 0)]
    [InlineData("2", 3, 255, 0)]
    [InlineData("10/11", 11, 12, 0)]
    public void A_genotype_becomes_these_codes(string genotype, int first, int second, int phased)
    {
        var record = ReadOne(VcfFiles.Header("A", "B") + $"1\t5\t.\tA\t{Alts(11)}\t.\t.\t.\tGT\t0/0\t{genotype}\n");
        Assert.Equal((1, 1, 0), (record.First[0], record.Second[0], record.Phased[0]));
        Assert.Equal((first, second, phased), (record.First[1], record.Second[1], record.Phased[1]));
        Assert.Empty(record.Irregular);
        Assert.Equal(64, record.First.Length);
        Assert.All(record.First[2..], b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData("0/1/2", new[] { 0, 1, 2 })]
    [InlineData("0|1/.", new[] { 0, 1, -1 })]
    [InlineData("|0", new[] { 0 })]
    [InlineData("/0/1", new[] { 0, 1 })]
    [InlineData("0/250", new[] { 0, 250 })]
    [InlineData("0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/1", new[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 })]
    public void Other_genotypes_are_kept_beside_the_columns(string genotype, int[] alleles)
    {
        var header = VcfFiles.Header("A").Replace("VCFv4.3", "VCFv4.4", StringComparison.Ordinal);
        var record = ReadOne(header + $"1\t5\t.\tA\t{Alts(250)}\t.\t.\t.\tGT\t{genotype}\n");
        Assert.Equal(VcfRecord.IrregularMark, record.First[0]);
        var call = Assert.Single(record.Irregular);
        Assert.Equal(0, call.Sample);
        Assert.Equal(alleles, call.Alleles);
        Assert.Equal(genotype, call.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0/")]
    [InlineData("0//1")]
    [InlineData("/1")]
    [InlineData("|0/1")]
    [InlineData("0|2")]
    [InlineData("0/1099511627776")]
    [InlineData("0/1/0/1/0/1/0/1/0/1/0/1/0/1/0/1/0")]
    [InlineData("0-1")]
    [InlineData("a/b")]
    [InlineData("0/01")]
    [InlineData("-1/0")]
    [InlineData(" 0/1")]
    public void These_genotypes_are_refused_without_being_quoted(string genotype)
    {
        var fault = Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header("secret") + $"1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t{genotype}:1\n"));
        Assert.Equal("vcf-genotype", fault.Code);
        Assert.Equal("FORMAT/GT", fault.Place.Field);
        Assert.Equal(5, fault.Place.Line);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Integer_columns_are_read_beside_gt_and_absent_values_are_marked()
    {
        var record = ReadOne(VcfFiles.Header("A", "B", "C", "D") + "1\t5\t.\tA\tC\t.\t.\t.\tGT:AD:PL:DP:GQ:MIN_DP:RGQ:LEN\t0/1:3,4:0,1,2:7:99:5:20:10\t.:.:.:.:.\t0|0\t1/1:.,9::.:29.9\n");
        Assert.Equal(FormatFields.Gq | FormatFields.Dp | FormatFields.MinDp | FormatFields.Rgq | FormatFields.Len | FormatFields.Ad, record.Fields);
        Assert.Equal([3, 4, -1, -1, -1, -1, -1, 9], record.Ad[..8]);
        Assert.Equal([7, -1, -1, -1], record.Dp[..4]);
        Assert.Equal([99, -1, -1, 29], record.Gq[..4]);
        Assert.Equal([5, 20, 10], new[] { record.MinDp[0], record.Rgq[0], record.Len[0] });
        Assert.Equal([2, 255, 1, 2], record.Second[..4].Select(b => (int)b));
    }

    [Theory]
    [InlineData("GT:DP", "0/1:-3", "vcf-format-value")]
    [InlineData("GT:DP", "0/1:3x", "vcf-format-value")]
    [InlineData("GT:DP", "0/1:99999999999", "vcf-format-value")]
    [InlineData("GT:DP", "0/1:2147483647", "vcf-format-value")]
    [InlineData("GT:AD", "0/1:1,2147483647", "vcf-format-value")]
    [InlineData("GT:GQ", "0/1:1,2", "vcf-format-value")]
    [InlineData("GT:AD", "0/1:1,99999999999999999999", "vcf-format-value")]
    [InlineData("GT:DP", "0/1:3:4", "vcf-format-count")]
    [InlineData("GT", "0/1:3", "vcf-format-count")]
    [InlineData("DP:GT", "3:0/1", "vcf-format-gt")]
    [InlineData("GT:DP:DP", "0/1:3:3", "vcf-format-duplicate")]
    [InlineData("GT::DP", "0/1::3", "vcf-format-key")]
    [InlineData("GT:D P", "0/1:3", "vcf-format-key")]
    [InlineData("GT", "0/1\t0/1", "vcf-columns")]
    [InlineData("GT", "0/1\t", "vcf-columns")]
    [InlineData("GT", "", "vcf-empty-field")]
    public void These_columns_are_refused(string format, string columns, string code) =>
        Assert.Equal(code, Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header("A") + $"1\t5\t.\tA\tC\t.\t.\t.\t{format}\t{columns}\n")).Code);

    [Fact]
    public void Steps_of_nothing_but_reference_equal_the_scalar_path_and_one_other_byte_leaves_it()
    {
        var random = new Random(36);
        for (var samples = 1; samples <= 330; samples++)
        {
            var text = Encoding.ASCII.GetBytes(string.Join('\t', Enumerable.Repeat("0|0", samples)));
            Compare(text, samples, 1, $"{samples} samples");
            var at = random.Next(text.Length);
            text[at] = (byte)".01/|\t:x"[random.Next(8)];
            Compare(text, samples, 1, $"seed 36, {samples} samples, byte {at}");
        }
    }

    [Fact]
    public void Sites_only_leaves_the_samples_out()
    {
        using var reader = VcfFiles.Open(VcfFiles.Header("A") + "1\t5\t.\tA\tC\t.\t.\t.\tGT\tnonsense\n", new VcfReadOptions { SitesOnly = true });
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        Assert.Equal((0, false), (record.SampleCount, record.HasGt));
    }

    private static string Alts(int count) => string.Join(',', Enumerable.Range(1, count).Select(i => "A" + string.Concat(Convert.ToString(i, 2).Select(b => b == '0' ? 'C' : 'G'))));

    private static VcfRecord ReadOne(string text)
    {
        using var reader = VcfFiles.Open(text);
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        return record;
    }

    private static byte[] Columns(Random random, int samples, int altCount)
    {
        var alleles = "." + "0123456789"[..Math.Min(altCount + 1, 10)];
        var text = new StringBuilder();
        for (var s = 0; s < samples; s++)
            text.Append(alleles[random.Next(alleles.Length)]).Append("|/"[random.Next(2)]).Append(alleles[random.Next(alleles.Length)]).Append(s < samples - 1 ? "\t" : "");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static void Compare(byte[] text, int samples, int altCount, string what)
    {
        var (good, first, second, phased) = Run(samples, (a, b, c) => VcfGenotypeKernel.Scalar(text, altCount, a, b, c));
        foreach (var wide in new[] { false, true })
        {
            var vector = Run(samples, (a, b, c) => VcfGenotypeKernel.Steps(text, altCount, a, b, c, wide));
            Assert.True(good == vector.Good, $"{what}: wide {wide}: {vector.Good}");
            if (good) Assert.True(first.AsSpan().SequenceEqual(vector.First) && second.AsSpan().SequenceEqual(vector.Second) && phased.AsSpan().SequenceEqual(vector.Phased), $"{what}: wide {wide}");
        }
    }

    private static (bool Good, byte[] First, byte[] Second, byte[] Phased) Run(int samples, Func<byte[], byte[], byte[], bool> decode)
    {
        var padded = (samples + 63) / 64 * 64;
        var columns = Enumerable.Range(0, 3).Select(_ => Enumerable.Repeat((byte)0xEE, padded).ToArray()).ToArray();
        return (decode(columns[0], columns[1], columns[2]), columns[0], columns[1], columns[2]);
    }
}
