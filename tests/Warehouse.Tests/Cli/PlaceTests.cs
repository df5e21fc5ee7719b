using Warehouse.Cli;
using Warehouse.Engine.Segments;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>F17: folders on several devices, file systems that cannot be written, rights that are missing. Refused with a reason, never taken for damage; what can be read is read.</summary>
public sealed class PlaceTests
{
    private const string Nobody = "65534";

    /// <summary>One line per reading verb.</summary>
    private static readonly string[] Questions = ["freq STORE", "seen STORE 22-100-A-C", "carriers STORE 22-100-A-C", "info STORE", "snapshots STORE", "cohorts STORE", "verify STORE", "export STORE --format vcf -o -"];

    [RootFact("mount", "umount")]
    public void A_store_whose_folders_lie_on_two_devices_is_refused_and_temporary_files_need_no_other_device()
    {
        using var store = new ExportStore();
        using var mount = Mounted.Memory(Path.Combine(store.Path, "f"));
        store.Write("a.vcf", ExportStore.Vcf("a b", ["22 100 . A C . PASS . GT 0/1 1|1"]));
        foreach (var line in (string[])["ingest STORE a.vcf", "freq STORE", "compact STORE", "verify STORE"])
            Refuses(store, line.Replace("a.vcf", store["a.vcf"], StringComparison.Ordinal), ExitCode.CouldNot, "the folders of the store lie on different devices");
        mount.Dispose();
        using var full = Mounted.Memory(store["tmp"], "-o", "ro");
        // Nothing of the store is written outside of it, whatever the place for temporary files is.
        var (exit, _, error) = Peer.Run("env", "TMPDIR=" + store["tmp"], "dotnet", Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), "ingest", store.Path, store["a.vcf"]);
        Assert.True(exit == 0, error);
        Assert.Equal((0, true), (Peer.Run("env", "TMPDIR=" + store["tmp"], "dotnet", Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), "export", store.Path, "--format", "bcf", "-o", store["out.bcf"]).Exit, File.Exists(store["out.bcf"])));
    }

    /// <summary>A backup that is mounted to be read is read: every reading verb answers as before, and every other says why not and changes nothing.</summary>
    [RootFact("mount", "umount", "cp")]
    public void A_backup_on_a_file_system_that_cannot_be_written_answers_and_is_left_alone()
    {
        using var original = Filled();
        var right = Questions.Select(q => Must(original.Path, q)).ToList();
        using var mount = Mounted.Memory(original["backup"]);
        foreach (var name in (string[])["store", "store.keys"]) Peer.Output("cp", "-a", original[name], original["backup"]);
        Peer.Output("mount", "-o", "remount,ro", original["backup"]);
        var copy = original["backup/store"];
        // What is asked of persons is logged or not answered: another folder has to be named for the log.
        Refuses(copy, "freq STORE", ExitCode.CouldNot, "ead-only file system");
        var named = " --audit " + original["copy.audit"];
        Assert.Equal(right, Questions.Select(q => Must(copy, q + named)));
        original.Write("b.vcf", ExportStore.Vcf("z", ["22 300 . A C . PASS . GT 0/1"]));
        foreach (var line in (string[])["ingest STORE " + original["b.vcf"], "withdraw STORE --samples-file " + original.Write("names", "a\n"), "compact STORE", "keys rotate STORE", "export STORE --format vcf -o " + original["backup/out.vcf"]])
            Refuses(copy, line + named, ExitCode.CouldNot, "ead-only file system");
        Assert.Equal(right, Questions.Select(q => Must(copy, q + named)));

        // Only the keys can be written: nothing is promised that the store cannot keep.
        var before = Directory.GetFiles(original.Path + ".keys").ToDictionary(f => f, File.ReadAllBytes);
        Refuses(copy, "ingest STORE " + original["b.vcf"] + " --keys " + original.Path + ".keys", ExitCode.CouldNot, "ead-only file system");
        Assert.Equal(before, Directory.GetFiles(original.Path + ".keys").ToDictionary(f => f, File.ReadAllBytes));
        Assert.Equal(right, Questions.Select(q => Must(original.Path, q)));
    }

    /// <summary>Rights that are lost are said to be lost. A file that may not be opened is not damaged, and verify must not say so.</summary>
    [RootFact("setpriv", "chown", "chmod")]
    public void Rights_that_are_missing_are_named_and_never_taken_for_damage()
    {
        using var store = Filled();
        Peer.Output("chmod", "755", Path.GetDirectoryName(store.Path)!);
        // Where the tests were built nobody else may come in, as in a clone below a private folder.
        Peer.Output("cp", "-r", AppContext.BaseDirectory, store["program"]);
        Peer.Output("chmod", "-R", "a+rX", store["program"]);
        var (keys, segment) = (store.Path + ".keys", Directory.GetFiles(Path.Combine(store.Path, "f")).First(f => File.ReadAllBytes(f)[12] == SegmentWriter.FileKind));
        store.Write("b.vcf", ExportStore.Vcf("z", ["22 300 . A C . PASS . GT 0/1"]));
        var right = ExportStore.Must("freq", store.Path);
        void Give(string mode, string path)
        {
            Peer.Output("chown", "-R", $"{Nobody}:{Nobody}", store.Path, keys);
            Peer.Output("chmod", mode, path);
        }
        (int Exit, string Output, string Error) As(string line) => Peer.Run("setpriv", ["--reuid", Nobody, "--regid", Nobody, "--clear-groups", "dotnet", store["program/warehouse.dll"],
            .. line.Split(' ').Select(w => w == "STORE" ? store.Path : w)]);
        void Denied(string line, string text = "ermission denied")
        {
            var (exit, output, error) = As(line);
            Assert.True(exit == 5 && error.Contains(text, StringComparison.Ordinal) && !error.Contains("internal", StringComparison.Ordinal), $"{line}: exit {exit}: {error}{output}");
        }
        Peer.Output("chown", "-R", $"{Nobody}:{Nobody}", store.Path + ".audit");
        Give("700", store.Path);
        var (exit, answer, said) = As("freq STORE");
        Assert.True(exit == 0, said);
        Assert.Equal(right, answer);

        foreach (var (path, lines, lost, kept) in ((string, string[], string, string)[])
        [
            (segment, ["freq STORE", "verify STORE"], "000", "600"), (Path.Combine(store.Path, "f"), ["freq STORE", "verify STORE"], "000", "700"), (Path.Combine(store.Path, "m"), ["freq STORE", "verify STORE"], "000", "700"),
            (store.Path, ["freq STORE", "verify STORE"], "000", "700"), (Path.Combine(keys, "acknowledged"), ["freq STORE", "verify STORE"], "000", "600"), (keys, ["freq STORE", "verify STORE", "ingest STORE " + store["b.vcf"]], "000", "700"),
            (Path.Combine(store.Path, "f"), ["ingest STORE " + store["b.vcf"]], "500", "700"), (keys, ["ingest STORE " + store["b.vcf"]], "500", "700"),
        ])
        {
            Give(lost, path);
            foreach (var line in lines) Denied(line);
            if (lost == "500") Assert.Equal((0, right), (As("freq STORE").Exit, As("freq STORE").Output)); // what can be read is read
            Give(kept, path);
        }
        Give("755", keys);
        Denied("freq STORE", "the key folder is open to others");
        Give("700", keys);
        Give("644", Directory.GetFiles(keys, "master-*").Single());
        Denied("freq STORE", "its mode must be 0600");
        Give("600", Directory.GetFiles(keys, "master-*").Single());
        Denied("init " + store["new"] + " --assembly GRCh38");
        Assert.False(Directory.Exists(store["new"]));
        Assert.Equal(right, As("freq STORE").Output);
        Assert.Equal(0, As("verify STORE").Exit);
    }

    [Fact]
    public void A_store_that_is_a_link_is_one_store_and_a_parent_that_is_missing_is_named()
    {
        using var store = Filled();
        var right = Questions.Select(q => Must(store.Path, q)).ToList();
        Directory.CreateSymbolicLink(store["link"], store.Path);
        Directory.CreateSymbolicLink(store["keylink"], store.Path + ".keys");
        Refuses(store["link"], "freq STORE", ExitCode.CouldNot, "the key folder does not exist"); // keys lie beside the name that was given
        Assert.Equal(right, Questions.Select(q => Must(store["link"], q + " --keys " + store["keylink"])));
        Must(store["link"], $"ingest STORE {store.Write("b.vcf", ExportStore.Vcf("z", ["22 300 . A C . PASS . GT 0/1"]))} --keys {store["keylink"]}");
        Assert.NotEqual(right[0], Must(store.Path, Questions[0]));
        Directory.CreateSymbolicLink(store["dangling"], store["nowhere"]);
        Refuses(store["dangling"], "freq STORE", ExitCode.CouldNot, "the store folder does not exist");
        Refuses(store["no/such/new"], "init STORE --assembly GRCh38", ExitCode.CouldNot, "does not exist");
        Refuses(store["new"], "init STORE --assembly GRCh38 --keys " + store["no/such/keys"], ExitCode.CouldNot, "does not exist");
        Assert.False(Directory.Exists(store["new"]) || Directory.Exists(store["no"]));
        Refuses(store["b.vcf/x"], "freq STORE", ExitCode.CouldNot, "ot a directory");
    }

    private static ExportStore Filled()
    {
        var store = new ExportStore();
        store.Ingest("a.vcf", "a b", ["22 100 . A C . PASS . GT 0/1 1|1", "22 200 . AT A . q10 . GT 0/0 ./."]);
        ExportStore.Must("cohort", "set", store.Path, "x", "--samples-file", store.Write("x", "a\n"));
        return store;
    }

    private static string[] Words(string store, string line) => [.. line.Split(' ').Select(w => w == "STORE" ? store : w)];

    private static string Must(string store, string line) => ExportStore.Must(Words(store, line));

    private static void Refuses(ExportStore store, string line, ExitCode code, string text) => Refuses(store.Path, line, code, text);

    private static void Refuses(string store, string line, ExitCode code, string text)
    {
        var cli = new Cli();
        var ended = cli.Run(Words(store, line));
        Assert.True(ended == code && cli.Error.Contains(text, StringComparison.Ordinal), $"{line}: {ended}: {cli.Error}{cli.Output}");
    }

    /// <summary>A file system in memory at a folder.</summary>
    private sealed class Mounted(string path) : IDisposable
    {
        private bool _isOver;

        public static Mounted Memory(string path, params string[] options)
        {
            Directory.CreateDirectory(path);
            Peer.Output("mount", ["-t", "tmpfs", .. options, "warehouse-test", path]);
            return new Mounted(path);
        }

        public void Dispose()
        {
            if (!_isOver) Peer.Output("umount", "-l", path);
            _isOver = true;
        }
    }
}

/// <summary>A test that only root can run: he mounts, and gives files away. Skipped for others, unless nothing may be skipped.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RootFactAttribute : FactAttribute
{
    /// <summary>Decides at discovery.</summary>
    public RootFactAttribute(params string[] tools)
    {
        if (TestData.Required) return;
        if (Environment.UserName != "root") Skip = "only root can mount and give files away";
        else if (tools.FirstOrDefault(t => !Peer.Exists(t)) is { } missing) Skip = $"{missing} is not installed";
    }
}
