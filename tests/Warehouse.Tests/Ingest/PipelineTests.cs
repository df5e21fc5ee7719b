using System.Globalization;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>One thread and several give the same contents, the same first error, and nothing after a cancellation; what is read ahead is bounded.</summary>
public sealed class PipelineTests
{
    private const int Contigs = 12;

    [Fact]
    public void Blocks_and_panels_have_the_same_contents_whatever_the_number_of_threads()
    {
        using var data = new TempFolder();
        var file = Write(data["many.vcf.gz"], Lines(seed: 71, samples: 4200, perContig: 6), samples: 4200);
        var alone = Contents(file, 1);
        Assert.True(alone.Count(c => c.StartsWith("file", StringComparison.Ordinal)) >= 2, "two panels");
        foreach (var threads in new[] { 2, 5 }) Assert.True(alone.SequenceEqual(Contents(file, threads)), $"seed 71, {threads} threads");
    }

    [Theory]
    [InlineData(false, 5, 3, "vcf-genotype")]
    [InlineData(true, 5, 3, "vcf-repeated-allele")]
    [InlineData(true, 4, 0, "vcf-genotype")]
    [InlineData(true, 3, 5, "vcf-genotype")]
    public void The_first_fault_in_the_order_of_the_file_is_reported_whatever_the_number_of_threads(bool repeat, int badContig, int badRecord, string expected)
    {
        using var data = new TempFolder();
        var lines = Lines(seed: 72, samples: 300, perContig: 8);
        // The block of the fourth contig repeats an allele; it is judged when the first record of the fifth comes.
        if (repeat) lines[(3 * 8) + 7] = lines[(3 * 8) + 6][..^3] + "3/3";
        lines[(badContig * 8) + badRecord] = lines[(badContig * 8) + badRecord][..^3] + "1/x";
        var file = Write(data["bad.vcf.gz"], lines, samples: 300);
        var alone = Fault(file, 1);
        Assert.Equal(expected, alone.Code);
        Assert.True(alone.Place.Line > 0);
        foreach (var threads in new[] { 2, 5 })
        {
            var fault = Fault(file, threads);
            Assert.Equal((alone.Code, alone.Place, alone.Message), (fault.Code, fault.Place, fault.Message));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_cancelled_file_leaves_the_store_as_it_was_and_can_be_loaded_again(int threads)
    {
        using var store = new IngestStore();
        var file = Write(store["long.vcf.gz"], Lines(seed: 73, samples: 3, perContig: 400), samples: 3);
        var files = Files(store);
        using var stop = new CancellationTokenSource();
        var request = new IngestRequest { Files = [file], Threads = threads };
        Assert.ThrowsAny<OperationCanceledException>(() => store.Store.Ingest(request, new StopAt(stop, report: 4), stop.Token));
        Assert.Empty(store.Counts());
        Assert.Equal(files, Files(store));
        Assert.True(store.Store.Ingest(request).Committed);
        Assert.NotEmpty(store.Counts());
    }

    [Fact]
    public void A_long_file_is_read_ahead_by_a_few_batches_only()
    {
        using var data = new TempFolder();
        var random = new Random(74);
        var noise = new byte[3 << 20];
        random.NextBytes(noise);
        var text = Convert.ToBase64String(noise);
        var lines = Enumerable.Range(0, 8 * 64).Select(i => $"1\t{i + 1}\t.\tA\tC\t.\tPASS\tX={text.AsSpan(i % 64 * 65_536, 65_536)}");
        var file = Write(data["long.vcf.gz"], [.. lines], samples: 0);
        const int threads = 2, batchBytes = 1 << 20, rawBufferBytes = 1 << 20;
        Assert.True(new FileInfo(file).Length > 30L << 20);
        using var reader = VariantFile.Open(file, new VcfReadOptions { Threads = threads });
        var record = new VcfRecord();
        for (var i = 1; reader.Read(record); i++)
        {
            // The lines of the reader hold four batches at most, besides those that are being inflated. The text does not shrink.
            Assert.True(reader.CompressedBytesRead <= (i * 65_536L) + ((threads + BgzfInput.BatchesAhead + 2 + 4) * batchBytes) + rawBufferBytes, $"after record {i}: {reader.CompressedBytesRead} bytes");
        }
    }

    private static InputException Fault(string file, int threads)
    {
        using var store = new IngestStore();
        var fault = Assert.Throws<InputException>(() => store.Store.Ingest(new IngestRequest { Files = [file], Threads = threads }));
        Assert.Empty(store.Counts());
        return fault;
    }

    private static List<string> Files(IngestStore store) => [.. Directory.EnumerateFiles(store.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Name or place, length and digest of every part and data file.</summary>
    private static List<string> Contents(string file, int threads)
    {
        using var store = new IngestStore(clock: new FixedClock());
        store.Store.Ingest(new IngestRequest { Files = [file], Threads = threads });
        using var folder = StoreFolder.Open(DiskStorage.Open(store.Path), DiskStorage.Open(store.Path + ".keys"), new FixedClock());
        return
        [
            .. folder.Current.Parts.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key} {p.Value.ContentBytes} {p.Value.ContentSha256}"),
            .. folder.Current.Files.Select((f, i) => $"file {i} {f.Kind} {f.ContentBytes} {f.ContentSha256}"),
        ];
    }

    /// <summary>Records of all contigs; a block ends with its contig. The last two of a contig are the same allele with the same calls.</summary>
    private static List<string> Lines(int seed, int samples, int perContig)
    {
        var random = new Random(seed);
        string[] calls = ["0|0", "0|0", "0|0", "0|0", "0/0", "0|1", "1|0", "1/1", "./.", "2|1", "./1", "1", "0/1/1"];
        var lines = new List<string>();
        for (var contig = 1; contig <= Contigs; contig++)
        {
            for (var i = 0; i < perContig - 1; i++)
            {
                var line = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{contig}\t{100 + (10 * i)}\t.\tA\tC,G,T\t.\tPASS\t.\tGT");
                var most = i % 3 == 0 ? calls.Length : 9;
                for (var s = 0; s < samples - 1; s++) line.Append('\t').Append(calls[random.Next(most)]);
                lines.Add(line.Append("\t0/1").ToString());
            }
            lines.Add(lines[^1]);
        }
        return lines;
    }

    private static string Write(string path, IReadOnlyList<string> lines, int samples)
    {
        using var file = new BgzfWriter(File.Create(path));
        var head = new StringBuilder("##fileformat=VCFv4.3\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##INFO=<ID=X,Number=1,Type=String,Description=\"x\">\n");
        for (var contig = 1; contig <= Contigs; contig++) head.Append(CultureInfo.InvariantCulture, $"##contig=<ID={contig}>\n");
        head.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO");
        if (samples > 0) head.Append("\tFORMAT\t").AppendJoin('\t', Enumerable.Range(1, samples).Select(s => $"P{s}"));
        file.Write(Encoding.ASCII.GetBytes(head.Append('\n').ToString()));
        foreach (var line in lines) file.Write(Encoding.ASCII.GetBytes(line + "\n"));
        file.Complete();
        return path;
    }

    private sealed class StopAt(CancellationTokenSource stop, int report) : IProgress<WorkProgress>
    {
        private int _reports;

        public void Report(WorkProgress value)
        {
            if (++_reports == report) stop.Cancel();
        }
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
