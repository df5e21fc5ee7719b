using System.Globalization;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>Many files of one sample in one command are gathered in memory; its twin, a command of few files, writes each on its own.</summary>
public sealed class GatherTests
{
    private const int Many = Gather.LeastFiles;

    [Theory]
    [InlineData(SimulationShape.Single, false)]
    [InlineData(SimulationShape.Gvcf, false)]
    [InlineData(SimulationShape.Gvcf, true)]
    public void Many_files_in_one_command_hold_what_they_hold_one_by_one(SimulationShape shape, bool split)
    {
        using var data = new TempFolder();
        var samples = split ? 16 : Many + 2;
        var report = Simulator.Run(new SimulationOptions { Folder = data.Path, Samples = samples, Variants = 300, Shape = shape, SplitByContig = split, Format = SimulationFormat.Full, HalfCallRate = 0.00002 }, null, CancellationToken.None);
        List<string> files = [.. report.Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)).Select(f => data[f])];
        Assert.True(files.Count >= Many);
        using var alone = new IngestStore();
        foreach (var few in files.Chunk(Many - 1)) alone.Ingest(few);
        using var one = new IngestStore(clock: new FixedClock());
        using var two = new IngestStore(clock: new FixedClock());
        one.Store.Ingest(new IngestRequest { Files = files, Threads = 1 });
        two.Store.Ingest(new IngestRequest { Files = files, Threads = 2 });
        Assert.Equal(Contents(one), Contents(two));
        Assert.True(one.Store.CatalogNow.Segments.Count < files.Count / 2);
        Assert.Equal(SegmentDump.Of(alone.Store, _ => true), SegmentDump.Of(one.Store, _ => true));
        Assert.Equal(alone.Counts(), one.Counts());
        Check(one.Store);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_files_plain_and_odd_hold_what_they_hold_one_by_one(int seed)
    {
        using var data = new TempFolder();
        var random = new Random(seed);
        var reference = string.Concat(Enumerable.Range(0, 3000).Select(_ => "ACGT"[random.Next(4)]));
        var files = new List<string>();
        for (var i = 0; i < Many + 10; i++)
        {
            files.Add(data[$"f{i}.vcf"]);
            File.WriteAllText(files[i], RandomText($"S{i}", reference, random, odd: i % 9 == 8));
        }
        using var alone = new IngestStore(reference: reference);
        using var gathered = new IngestStore(reference: reference);
        var receipts = new List<FileReceipt>();
        foreach (var few in files.Chunk(Many - 1)) receipts.AddRange(alone.Store.Ingest(new IngestRequest { Files = few, SkipBadRecords = true }).Files);
        var receipt = gathered.Store.Ingest(new IngestRequest { Files = files, SkipBadRecords = true, Threads = 2 });
        for (var i = 0; i < files.Count; i++)
            Assert.True((receipts[i].Records, receipts[i].Variants, receipts[i].Collapsed, receipts[i].Sha256, receipts[i].Outcome) == (receipt.Files[i].Records, receipt.Files[i].Variants, receipt.Files[i].Collapsed, receipt.Files[i].Sha256, receipt.Files[i].Outcome), $"seed {seed}, file {i}");
        Assert.True(SegmentDump.Of(alone.Store, _ => true).SequenceEqual(SegmentDump.Of(gathered.Store, _ => true)), $"seed {seed}");
        Assert.Equal(alone.Counts(), gathered.Counts());
        Assert.Contains(gathered.Store.CatalogNow.Segments, s => s.Ordinals.Length > Many / 2);
        Check(gathered.Store);
        foreach (var batch in alone.Store.CatalogNow.Batches.Zip(gathered.Store.CatalogNow.Batches))
            Assert.True(batch.First.HasBlocks == batch.Second.HasBlocks && batch.First.Stretches.OrderBy(s => s.Key).SequenceEqual(batch.Second.Stretches.OrderBy(s => s.Key)), $"seed {seed}: {batch}");
        Assert.Equal(Sketches(alone), Sketches(gathered));
    }

    [Fact]
    public void One_contig_under_two_names_is_refused_among_many_files_too()
    {
        using var store = new IngestStore();
        var files = Enumerable.Range(0, Many).Select(i => store.Vcf($"f{i}.vcf", $"S{i}", "1 5 A C 0/1", "2 7 A C 0/1")).ToList();
        File.WriteAllText(files[^1], File.ReadAllText(files[^1]).Replace("=2>", "=chr1>", StringComparison.Ordinal).Replace("\n2\t7", "\nchr1\t3", StringComparison.Ordinal));
        Assert.Equal("contig-twice", Assert.Throws<InputException>(() => store.Store.Ingest(new IngestRequest { Files = files })).Code);
        Assert.Equal(1, store.Store.Version);
    }

    [Fact]
    public void A_link_is_as_long_as_the_file_that_it_names()
    {
        using var folder = new IngestStore();
        var file = folder.Write("long", new string('x', 70_000));
        File.CreateSymbolicLink(file + ".link", file);
        File.CreateSymbolicLink(file + ".twice", file + ".link");
        File.CreateSymbolicLink(file + ".broken", file + ".none");
        File.CreateSymbolicLink(file + ".round", file + ".round");
        Assert.Equal([70_000, 70_000, 70_000, 0, 0, 0], new[] { "", ".link", ".twice", ".broken", ".round", ".none" }.Select(end => Gather.LengthOf(file + end)));
    }

    [Fact]
    public void A_bad_file_among_many_refuses_the_command_with_its_place_and_leaves_no_trace()
    {
        using var store = new IngestStore();
        var files = Enumerable.Range(0, Many + 5).Select(i => store.Vcf($"f{i}.vcf", $"S{i}", $"1 {100 + i} A C 0/1", i == 40 ? "1 90 A C 0/1" : "1 5000 A G 1/1")).ToList();
        var bad = Assert.Throws<Warehouse.Engine.InputException>(() => store.Store.Ingest(new IngestRequest { Files = files, Threads = 2 }));
        Assert.Equal(("vcf-unsorted", files[40], 9L), (bad.Code, bad.Place.File, bad.Place.Line));
        Assert.Equal(1, store.Store.Version);
        Assert.Empty(store.Store.CatalogNow.Samples);
        Assert.Empty(Directory.GetFiles(Path.Combine(store.Path, "f")));
        Assert.True(store.Store.Ingest(new IngestRequest { Files = [.. files.Where((_, i) => i != 40)] }).Committed);
    }

    [Fact]
    public void Files_that_are_in_the_store_and_files_of_other_kinds_may_be_among_many()
    {
        using var store = new IngestStore();
        var files = Enumerable.Range(0, Many).Select(i => store.Vcf($"f{i}.vcf", $"S{i}", $"1 {100 + (i % 7)} A C 0/1")).ToList();
        store.Ingest(files[5]);
        files.Insert(20, store.Vcf("joint.vcf", "J1 J2", "1 100 A C 0/1 1/1"));
        files.Insert(30, store.Vcf("sites.vcf", "", "1 100 A C"));
        var receipt = store.Store.Ingest(new IngestRequest { Files = files });
        Assert.Equal(["unchanged"], receipt.Files.Where(f => f.File == files[5]).Select(f => f.Outcome));
        Assert.Equal(["empty"], receipt.Files.Where(f => f.Samples == 0).Select(f => f.Outcome));
        Assert.Equal(Many + 2, store.Store.CatalogNow.Samples.Count);
        Assert.Contains("1:100:A:C 13/24", store.Counts());
        Assert.All(store.Store.Ingest(new IngestRequest { Files = files }).Files, f => Assert.True(f.Outcome is "unchanged" or "empty"));
    }

    /// <summary>Lines of every shape that is gathered and, in odd files, of some that are not.</summary>
    private static string RandomText(string sample, string reference, Random random, bool odd)
    {
        var text = new StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=1,length=3000>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + sample + "\n");
        for (var at = random.Next(30); at < reference.Length - 40; at += 1 + random.Next(30))
        {
            var shape = random.Next(12);
            var length = shape == 3 ? 2 + random.Next(3) : 1;
            var bases = reference.Substring(at, length);
            var id = random.Next(20) == 0 ? "rs" + (at / 10) : ".";
            var filter = random.Next(6) switch { 0 => "LowQual", 1 => ".", _ => "PASS" };
            var quality = random.Next(4) switch { 0 => ".", 1 => "50", 2 => "12.75", _ => "1e3" };
            if (shape < 3)
            {
                var end = at + 1 + random.Next(40);
                text.Append(CultureInfo.InvariantCulture, $"1\t{at + 1}\t.\t{bases}\t{(random.Next(3) == 0 ? "." : random.Next(2) == 0 ? "<*>" : "<NON_REF>")}\t.\t{filter}\t{(random.Next(4) == 0 ? "." : random.Next(3) == 0 ? $"DP=3;END={end}" : $"END={end}")}\tGT:DP:GQ:MIN_DP\t{(random.Next(8) == 0 ? "./." : random.Next(8) == 0 ? "0" : "0/0")}:{random.Next(30)}:{random.Next(99)}{(random.Next(3) == 0 ? "" : ":" + random.Next(30))}\n");
                continue;
            }
            string[] alts = shape switch { 3 => [bases[..1]], 4 => [bases + "AC"], 5 => [Other(bases), "*"], 6 => [Other(bases), "<NON_REF>"], 7 => ["*"], 8 => [Other(bases), bases + bases], _ => [Other(bases)] };
            var alleles = alts.Length + 1;
            string Allele() => random.Next(15) == 0 ? "." : random.Next(alleles).ToString(CultureInfo.InvariantCulture);
            var (a, b) = (Allele(), Allele());
            if (a == "." || b == ".") (a, b) = (".", ".");
            var call = random.Next(12) == 0 ? a : a + (random.Next(2) == 0 ? "|" : "/") + b;
            if (odd && random.Next(40) == 0) call = random.Next(4) switch { 0 => "./1", 1 => "0/1/1", 2 => "01/1", _ => "0/9" };
            var (format, rest) = random.Next(4) switch { 0 => ("GT", ""), 1 => ("GT:DP", ":" + random.Next(30)), 2 => ("GT:XX:GQ", ":z:" + (random.Next(9) == 0 ? "." : "41")), _ => ("GT:AD:DP:GQ:PL", $":{string.Join(',', Enumerable.Range(0, alleles).Select(_ => random.Next(30)))}:{random.Next(60)}:{random.Next(99)}{(random.Next(2) == 0 ? "" : ":0,1,2")}") };
            if (odd && random.Next(60) == 0) rest += ":more";
            var line = string.Create(CultureInfo.InvariantCulture, $"1\t{at + 1}\t{id}\t{bases}\t{string.Join(',', alts)}\t{quality}\t{filter}\t{(random.Next(5) == 0 ? "AC=1;DB" : ".")}\t{format}\t{call}{rest}\n");
            text.Append(line);
            if (odd && random.Next(50) == 0) text.Append(line);
        }
        return text.ToString();
    }

    private static string Other(string bases) => (bases[0] == 'A' ? "C" : "A") + bases[1..];

    private static void Check(VariantStore store)
    {
        foreach (var entry in store.CatalogNow.Segments)
        {
            using var segment = store.OpenSegmentNow(entry);
            SegmentCheck.Run(segment, CancellationToken.None);
        }
    }

    private static List<string> Contents(IngestStore store)
    {
        using var folder = StoreFolder.Open(DiskStorage.Open(store.Path), DiskStorage.Open(store.Path + ".keys"), new FixedClock());
        return
        [
            .. folder.Current.Parts.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key} {p.Value.ContentBytes} {p.Value.ContentSha256}"),
            .. folder.Current.Files.Select((f, i) => $"file {i} {f.Kind} {f.ContentBytes} {f.ContentSha256}"),
        ];
    }

    private static List<string> Sketches(IngestStore store) => [.. Contents(store).Where(c => c.StartsWith("sketches", StringComparison.Ordinal))];

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
