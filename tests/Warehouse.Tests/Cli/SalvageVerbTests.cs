using Warehouse.Cli;
using Warehouse.Engine.Segments;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary><c>salvage</c> as a user meets it, on a real disk.</summary>
public sealed class SalvageVerbTests
{
    private static readonly string[] Ask = ["22-100-A-C", "1-77-A-C"];

    [Fact]
    public void A_whole_store_comes_out_whole_and_a_damaged_one_with_what_it_lacks()
    {
        using var store = Filled();
        var right = Seen(store.Path).Output;
        var whole = new Cli();
        Assert.Equal(ExitCode.Done, whole.Run("salvage", store.Path, "--to", store["whole"], "--format", "tsv"));
        Assert.Equal("kind\tname\trange\tsamples\tproblem\ntaken\tsnapshot 3\t.\t3\twhole, and the newest\n", whole.Output);
        Assert.Empty(whole.Error);
        Assert.Equal(right, Seen(store["whole"]).Output);
        foreach (var verb in (string[])["verify", "info", "snapshots", "doctor", "compact"]) ExportStore.Must(verb, store["whole"]);
        Assert.Equal(ExportStore.Must("freq", store.Path), ExportStore.Must("freq", store["whole"]));

        var segment = Directory.GetFiles(Path.Combine(store.Path, "f")).Where(f => File.ReadAllBytes(f)[12] == SegmentWriter.FileKind).MaxBy(f => new FileInfo(f).Length)!;
        File.WriteAllBytes(segment, []);
        var lacking = new Cli();
        Assert.Equal(ExitCode.DamagedStore, lacking.Run("salvage", store.Path, "--to", store["lacking"], "--to-keys", store["elsewhere"], "--json"));
        Assert.Contains("\"kind\":\"file\",\"name\":\"f/" + Path.GetFileName(segment) + "\"", lacking.Output, StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"range\",\"name\":\"f/" + Path.GetFileName(segment) + "\",\"range\":\"22:100-", lacking.Output, StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"sample\",\"name\":\"a\"", lacking.Output, StringComparison.Ordinal);
        Assert.StartsWith("warehouse: a store was written", lacking.Error, StringComparison.Ordinal);
        var (code, output) = Seen(store["lacking"], "--keys", store["elsewhere"]);
        Assert.Equal(ExitCode.DamagedStore, code);
        Assert.Contains("22-100-A-C\tnot assessable\t", output, StringComparison.Ordinal);
        Assert.Equal(right.Split('\n')[2], output.Split('\n')[2]);
        Assert.Equal(ExitCode.DamagedStore, new Cli().Run("compact", store["lacking"], "--keys", store["elsewhere"]));
    }

    [Fact]
    public void Nothing_is_written_over_anything_nor_without_a_word_where_the_newest_snapshot_is_lost()
    {
        using var store = Filled();
        foreach (var (to, keys) in ((string, string)[])[(store.Path, store["new.keys"]), (store["store/new"], store["new.keys"]), (store["new"], store["new/keys"]), (store["new"], store.Path + ".keys"), (store["new"], store["store/keys"])])
        {
            var cli = new Cli();
            Assert.Equal(ExitCode.CouldNot, cli.Run("salvage", store.Path, "--to", to, "--to-keys", keys));
            Assert.NotEmpty(cli.Error);
        }
        File.Delete(Path.Combine(store.Path, "m", "00000000000000000003"));
        var refused = new Cli();
        Assert.Equal(ExitCode.DamagedStore, refused.Run("salvage", store.Path, "--to", store["new"], "--format", "tsv"));
        Assert.Contains("\nsnapshot\t3\t.\t.\tlost\n", refused.Output, StringComparison.Ordinal);
        Assert.Contains("--accept-older", refused.Error, StringComparison.Ordinal);
        Assert.All((string[])[store["new"], store["new.keys"], store["store/new"]], p => Assert.False(Path.Exists(p), p));
        Assert.Equal(ExitCode.DamagedStore, new Cli().Run("salvage", store.Path, "--to", store["new"], "--accept-older"));
        Assert.Contains("22-100-A-C\tseen\t", Seen(store["new"]).Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.BadInput, new Cli().Run("salvage", store.Path));
    }

    [Fact]
    public void A_cancelled_salvage_leaves_nothing()
    {
        using var store = Filled();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Equal(ExitCode.Cancelled, new Cli { Cancellation = stop.Token }.Run("salvage", store.Path, "--to", store["new"]));
        Assert.False(Path.Exists(store["new"]) || Path.Exists(store["new.keys"]));
    }

    private static (ExitCode Code, string Output) Seen(string path, params string[] more)
    {
        var cli = new Cli();
        var code = cli.Run(["seen", path, .. Ask, "--format", "tsv", .. more]);
        return (code, cli.Output);
    }

    private static ExportStore Filled()
    {
        var store = new ExportStore("GRCh37");
        store.Ingest("a.vcf", "a b", ["22 100 . A C . PASS . GT 0/1 1|1", "22 200 . AT A . q10 . GT 0/0 ./."]);
        store.Ingest("b.vcf", "c", ["1 77 . A C . PASS . GT 0/1"]);
        return store;
    }
}
