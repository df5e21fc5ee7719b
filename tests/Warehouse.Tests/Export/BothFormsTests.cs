using System.Text.RegularExpressions;
using Warehouse.Cli;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Tests.House;
using Warehouse.Tests.Oracle;
using Warehouse.Tests.Vcf;
using Xunit;

namespace Warehouse.Tests.Export;

/// <summary>The same data as VCF and as BCF make stores that cannot be told apart; and what is written in either form is taken by the programs of others.</summary>
public sealed partial class BothFormsTests
{
    private const long MostBytes = 60_000;

    [DataFact("bcftools")]
    public void Accepted_files_of_the_corpus_and_real_ones_give_equal_stores_as_bcf() =>
        Compare([.. CorpusTests.Files().Where(p => p.Contains("/passed/", StringComparison.Ordinal)), .. VcfFiles.Real().Where(p => !p.Contains("/clinvar/", StringComparison.Ordinal) && new FileInfo(p).Length <= MostBytes)], leastStores: 120);

    [PeerFact("bcftools")]
    public void Random_files_give_equal_stores_as_bcf()
    {
        using var folder = new TempFolder();
        var paths = new List<string>();
        for (var seed = 501; seed <= 512; seed++)
            foreach (var file in new RandomStore(seed).Commands.SelectMany(c => c.Files))
            {
                paths.Add(folder[$"{seed}.{paths.Count}.vcf"]);
                File.WriteAllText(paths[^1], file.Text);
            }
        Compare(paths, leastStores: 12);
    }

    [PeerFact("bcftools", "tabix", "bgzip", "htsfile")]
    public void Every_file_written_is_what_htsfile_says_and_is_indexed_and_found_in()
    {
        using var store = new ExportStore();
        ExportStore.Must("simulate", store["sim"], "--samples", "20", "--variants", "1500", "--seed", "4");
        var input = Directory.GetFiles(store["sim"], "*.vcf.gz").Single();
        store.IngestFiles(input);
        ExportStore.Must("seen", store.Path, "--vcf", input, "-o", store["annotated.vcf.gz"]);
        string[] files = [input, store.Export("all.vcf.gz"), store.Export("all.bcf", "bcf"), store["annotated.vcf.gz"]];
        foreach (var file in files)
        {
            Assert.Equal((0, "", ""), Peer.Run("bgzip", "-t", file));
            Assert.Contains(file.EndsWith(".bcf", StringComparison.Ordinal) ? "BCF version 2.2 compressed variant calling data" : "BGZF-compressed variant calling data", Peer.Output("htsfile", file), StringComparison.Ordinal);
            var last = Peer.Output("bcftools", "query", "-f", "%CHROM %POS\n", file).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split(' ');
            var region = $"{last[0]}:{int.Parse(last[1], System.Globalization.CultureInfo.InvariantCulture) / 2}-{last[1]}";
            var streamed = Peer.Output("bcftools", "view", "--no-version", "-H", "--targets-overlap", "0", "-t", region, file);
            Assert.NotEmpty(streamed);
            string[][] indexes = file.EndsWith(".bcf", StringComparison.Ordinal) ? [["bcftools", "index", "-f", "-c"]] : [["bcftools", "index", "-f", "-c"], ["bcftools", "index", "-f", "-t"], ["tabix", "-f", "-p", "vcf"]];
            foreach (var index in indexes)
            {
                foreach (var old in (string[])[file + ".csi", file + ".tbi"]) File.Delete(old);
                Assert.Equal((0, "", ""), Peer.Run(index[0], [.. index[1..], file]));
                Assert.Equal(streamed, Peer.Output("bcftools", "view", "--no-version", "-H", "--regions-overlap", "0", "-r", region, file));
            }
        }
    }

    /// <summary>Ingests each file as it is and as the BCF that bcftools makes of it.</summary>
    private static void Compare(IReadOnlyList<string> paths, int leastStores)
    {
        var (problems, stores, withCalls) = (new List<string>(), 0, 0);
        foreach (var path in paths)
        {
            using var text = new ExportStore("any1");
            using var binary = new ExportStore("any1");
            File.Copy(path, text["input"]);
            if (Peer.Run("bcftools", "view", "--no-version", "-Ob", "-o", binary["input"], path).Exit != 0) continue;
            var (first, second) = (new Cli.Cli(), new Cli.Cli());
            var (one, other) = (first.Run("ingest", text.Path, text["input"]), second.Run("ingest", binary.Path, binary["input"]));
            if (one != other) problems.Add($"{path}: {one} as text, {other} as BCF: {first.Error}{second.Error}");
            if (one != ExitCode.Done || other != ExitCode.Done) continue;
            stores++;
            var (left, right) = (Told(text), Told(binary));
            if (left.Count > 3) withCalls++;
            for (var i = 0; i < Math.Max(left.Count, right.Count); i++)
            {
                var (a, b) = (i < left.Count ? left[i] : "nothing", i < right.Count ? right[i] : "nothing");
                if (a == b) continue;
                problems.Add($"{path}: {a[..Math.Min(300, a.Length)]} | {b[..Math.Min(300, b.Length)]}");
                break;
            }
        }
        Problems.None(problems);
        Assert.True(stores >= leastStores, $"{stores} stores, {withCalls} with calls");
    }

    /// <summary>Contents by digest (I12), but for the batch, which names the digest of its file and its time; then the answers.</summary>
    private static List<string> Told(ExportStore store)
    {
        var told = new List<string>();
        using (var folder = StoreFolder.Open(DiskStorage.Open(store.Path), DiskStorage.Open(store.Path + ".keys"), TimeProvider.System))
        {
            told.AddRange(folder.Current.Parts.Where(p => !p.Key.StartsWith("batches/", StringComparison.Ordinal)).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key} {p.Value.ContentBytes} {p.Value.ContentSha256}"));
            told.AddRange(folder.Current.Files.Select((f, i) => $"file {i} {f.Kind} {f.ContentBytes} {f.ContentSha256}"));
        }
        var frequencies = ExportStore.Must("freq", store.Path, "--format", "tsv");
        told.AddRange(frequencies.Split('\n'));
        told.AddRange(ExportStore.Must("export", store.Path, "--format", "vcf", "-o", "-").Split('\n'));
        string[] asked = [.. frequencies.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(20).Select(l => l.Split('\t')).Where(f => f[3].All(char.IsAsciiLetter)).Select(f => $"{f[0]}:{f[1]}:{f[2]}:{f[3]}")];
        foreach (var verb in (string[])["seen", "carriers"])
            if (asked.Length > 0) told.AddRange(Answer([verb, store.Path, .. asked, "--format", "tsv"]).Split('\n'));
        return told;
    }

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")]
    private static partial Regex TimeOfLoad();

    private static string Answer(string[] line)
    {
        var cli = new Cli.Cli();
        var code = cli.Run(line);
        return $"{code}\n{TimeOfLoad().Replace(cli.Output, "TIME")}";
    }
}
