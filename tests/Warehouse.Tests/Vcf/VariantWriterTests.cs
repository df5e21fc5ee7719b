using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>What is written is read back the same, by this project's readers and by foreign programs.</summary>
public sealed class VariantWriterTests
{
    [Fact]
    public void Random_records_survive_every_encoding()
    {
        for (var seed = 0; seed < 12; seed++)
            foreach (var encoding in Enum.GetValues<VariantEncoding>())
            {
                var source = new RandomRecords(seed, seed * 7 % 80);
                var records = source.Make(80);
                using var reader = VcfFiles.Open(Write(source, records, encoding, threads: 1 + (seed % 2)));
                Assert.Equal(source.Samples, reader.Header.Samples);
                Assert.Equal(RandomRecords.MetaLines, reader.Header.MetaLines);
                var read = new VcfRecord();
                foreach (var (record, _) in records)
                {
                    Assert.True(reader.Read(read), $"seed {seed}, {encoding}");
                    var difference = RecordComparison.Difference(record, reader.Header, read, reader.Header);
                    Assert.True(difference is null, $"seed {seed}, {encoding}, record {reader.RecordCount}: {difference}");
                }
                Assert.False(reader.Read(read));
            }
    }

    [PeerFact("bcftools")]
    public void Bcftools_reads_the_same_from_every_encoding_without_a_word()
    {
        for (var seed = 100; seed < 106; seed++)
        {
            var source = new RandomRecords(seed, seed % 6 * 3) { IsPlain = seed < 103 };
            var records = source.Make(60);
            records.RemoveAll(r => r.Record.Start < 0);
            using var folder = new TempFolder();
            var texts = new List<string>();
            foreach (var (encoding, name) in new[] { (VariantEncoding.Vcf, "x.vcf"), (VariantEncoding.VcfBgzf, "x.vcf.gz"), (VariantEncoding.Bcf, "x.bcf") })
            {
                File.WriteAllBytes(folder[name], Write(source, records, encoding));
                texts.Add(Silent("bcftools", "view", "--no-version", folder[name]));
                if (encoding != VariantEncoding.Vcf) Silent("bcftools", "index", folder[name]);
            }
            Assert.True(texts.TrueForAll(t => t == texts[0]), $"seed {seed}");
            Silent("tabix", "-f", "-p", "vcf", folder["x.vcf.gz"]);
            using var reader = VcfFiles.Open(texts[2]);
            var read = new VcfRecord();
            foreach (var (record, info) in records)
            {
                Assert.True(reader.Read(read), $"seed {seed}");
                var difference = RecordComparison.Difference(record, reader.Header, read, reader.Header);
                Assert.True(difference is null, $"seed {seed}, record {reader.RecordCount}: {difference}");
                var written = Encoding.UTF8.GetString(read.LineText.Span).Split('\t')[7].Split(';').Select(e => e.Split('=')[0]);
                Assert.Equal(info.Length == 0 ? ["."] : info.Select(e => e.Key), written);
            }
            Assert.False(reader.Read(read));
        }
    }

    [PeerFact("plink2")]
    public void Plink_reads_plain_genotypes_without_a_word()
    {
        var source = new RandomRecords(7, 20) { IsPlain = true };
        var records = source.Make(50).Where(r => r.Record.ContigIndex == 0).ToList();
        using var folder = new TempFolder();
        foreach (var (encoding, name, option) in new[] { (VariantEncoding.Vcf, "x.vcf", "--vcf"), (VariantEncoding.VcfBgzf, "y.vcf.gz", "--vcf"), (VariantEncoding.Bcf, "z.bcf", "--bcf") })
        {
            File.WriteAllBytes(folder[name], Write(source, records, encoding));
            Silent("plink2", option, folder[name], "--freq", "counts", "--threads", "1", "--out", folder[name[..1]]);
        }
        var counts = File.ReadAllLines(folder["x.acount"]);
        Assert.Equal(records.Count + 1, counts.Length);
        Assert.Equal(counts, File.ReadAllLines(folder["y.acount"]));
        Assert.Equal(counts, File.ReadAllLines(folder["z.acount"]));
    }

    [Fact]
    public void An_unfinished_compressed_file_is_refused()
    {
        foreach (var encoding in new[] { VariantEncoding.VcfBgzf, VariantEncoding.Bcf })
        {
            var target = new MemoryStream();
            using (var writer = new VariantWriter(target, encoding, RandomRecords.MetaLines, [])) writer.Write(Site(), []);
            Assert.ThrowsAny<InputException>(() => VcfFiles.ReadAll(target.ToArray()));
        }
    }

    [Fact]
    public void What_the_header_does_not_declare_is_refused()
    {
        foreach (var encoding in Enum.GetValues<VariantEncoding>())
        {
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, Site(), VcfInfoEntry.Flag("NOPE")));
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, Site(), VcfInfoEntry.Flag("END")));
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, Site(), VcfInfoEntry.OfText("DB", "1"u8.ToArray())));
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, Site(), VcfInfoEntry.OfText("NOTE", "a;b"u8.ToArray())));
            var filtered = Site();
            filtered.Filter = "PASS;nope"u8.ToArray();
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, filtered));
            var elsewhere = Site();
            elsewhere.ContigIndex = 2;
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, elsewhere));
            var called = Site();
            (called.SampleCount, called.HasGt, called.First, called.Second, called.Phased) = (1, true, [3], [1], [0]);
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, called));
            called.First[0] = VcfRecord.IrregularMark;
            Assert.Throws<ArgumentException>(() => WriteOne(encoding, called));
            Assert.Throws<ArgumentException>(() => new VariantWriter(new MemoryStream(), encoding, ["##fileformat=VCFv4.4"], []));
            Assert.Throws<ArgumentException>(() => new VariantWriter(new MemoryStream(), encoding, ["##fileformat=VCFv4.3"], ["a\tb"]));
        }
    }

    [Fact]
    public void Records_out_of_order_are_refused()
    {
        foreach (var encoding in Enum.GetValues<VariantEncoding>())
        {
            using var writer = new VariantWriter(new MemoryStream(), encoding, RandomRecords.MetaLines, []);
            writer.Write(Site(), []);
            var before = Site();
            before.Start = 8;
            Assert.Equal("vcf-unsorted", Assert.Throws<InputException>(() => writer.Write(before, [])).Code);
            before.ContigIndex = 1;
            writer.Write(before, []);
            Assert.Equal("vcf-unsorted", Assert.Throws<InputException>(() => writer.Write(Site(), [])).Code);
        }
    }

    [Fact]
    public void A_leading_phase_character_is_left_out_and_dictionary_indexes_are_not_written()
    {
        foreach (var encoding in Enum.GetValues<VariantEncoding>())
        {
            var record = Site();
            (record.SampleCount, record.HasGt, record.First, record.Second, record.Phased) = (1, true, new byte[64], new byte[64], new byte[64]);
            VcfSampleColumns.StoreIrregular(record, 0, [0, 1], "|0/1"u8);
            using var reader = VcfFiles.Open(WriteOne(encoding, record));
            Assert.DoesNotContain(reader.Header.MetaLines, l => l.Contains("IDX", StringComparison.Ordinal));
            var read = new VcfRecord();
            Assert.True(reader.Read(read));
            Assert.Empty(read.Irregular);
            Assert.Equal((1, 2, 0), (read.First[0], read.Second[0], read.Phased[0]));
        }
    }

    internal static byte[] Write(RandomRecords source, List<(VcfRecord Record, VcfInfoEntry[] Info)> records, VariantEncoding encoding, int threads = 1)
    {
        var target = new MemoryStream();
        using (var writer = new VariantWriter(target, encoding, RandomRecords.MetaLines, source.Samples, threads))
        {
            foreach (var (record, info) in records) writer.Write(record, info);
            writer.Finish();
        }
        return target.ToArray();
    }

    internal static VcfRecord Site() => new() { Start = 9, Ref = "A"u8.ToArray(), Alts = { "C"u8.ToArray() }, Id = "."u8.ToArray(), Filter = "."u8.ToArray(), Qual = float.NaN };

    private static byte[] WriteOne(VariantEncoding encoding, VcfRecord record, params VcfInfoEntry[] info)
    {
        var target = new MemoryStream();
        string[] metaLines = [.. RandomRecords.MetaLines.Select((l, i) => l.StartsWith("##INFO", StringComparison.Ordinal) ? $"{l[..^1]},IDX={i + 40}>" : l)];
        using (var writer = new VariantWriter(target, encoding, metaLines, record.SampleCount == 0 ? [] : ["one"]))
        {
            writer.Write(record, info);
            writer.Finish();
        }
        return target.ToArray();
    }

    private static string Silent(string program, params string[] arguments)
    {
        var (exit, output, error) = Peer.Run(program, arguments);
        Assert.True(exit == 0 && error.Length == 0, $"{program} {arguments[0]}: exit {exit}: {error}");
        return output;
    }
}
