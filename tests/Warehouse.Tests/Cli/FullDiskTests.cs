using Warehouse.Cli;
using Warehouse.Tests.Export;
using Warehouse.Tests.House;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>F8 and F17 on a real, small file system: no space left at each 4 KiB, and no right to write.</summary>
public sealed class FullDiskTests
{
    private const int PageBytes = 4096, MostPages = 64;

    [SmallDiskFact]
    public void A_full_disk_refuses_the_ingest_and_nothing_else_and_takes_it_when_there_is_space()
    {
        using var disk = new SmallDisk();
        var first = disk.Write("a.vcf", ExportStore.Vcf("a b", ["22 100 . A C . PASS . GT 0/1 1|1"]));
        var samples = string.Join(' ', Enumerable.Range(0, 40).Select(i => $"s{i}"));
        var random = new Random(8);
        var records = Enumerable.Range(1, 800).Select(i => $"22 {i * 10} . A C,G . PASS . GT " + string.Join(' ', Enumerable.Range(0, 40).Select(_ => $"{random.Next(3)}/{random.Next(3)}")));
        var second = disk.Write("b.vcf", ExportStore.Vcf(samples, [.. records]));
        ExportStore.Must("init", disk["store"], "--assembly", "GRCh38", "--audit", disk.Audit);
        ExportStore.Must("ingest", disk["store"], first);
        var before = ExportStore.Must("freq", disk["store"], "--audit", disk.Audit);
        var refused = 0;
        for (var pages = 0; ; pages++)
        {
            Assert.True(pages < MostPages, "the ingest never fitted");
            disk.LeaveFree(pages * PageBytes);
            var cli = new Cli();
            if (cli.Run("ingest", disk["store"], second) == ExitCode.Done) break;
            refused++;
            Assert.Equal("warehouse: pwrite: No space left on device (28)\n", cli.Error.Replace("open: ", "pwrite: ", StringComparison.Ordinal));
            Assert.Empty(Directory.GetFiles(disk["store"], "*.tmp", SearchOption.AllDirectories));
            Assert.Empty(Directory.GetFiles(disk["store.keys"], "*.tmp"));
            Assert.Equal(before, ExportStore.Must("freq", disk["store"], "--audit", disk.Audit));
            ExportStore.Must("verify", disk["store"], "--audit", disk.Audit);
        }
        Assert.True(refused > 4, $"only {refused} ingests met a full disk");

        // The log lies on this disk too where nobody says otherwise: what looks for damage goes on without room for its entries, and says so.
        disk.LeaveFree(0);
        var told = 0;
        for (var again = 0; again < 12; again++)
        {
            var cli = new Cli();
            Assert.Equal(ExitCode.Done, cli.Run("verify", disk["store"]));
            told += cli.Error.Contains("not in the audit log: ", StringComparison.Ordinal) ? 1 : 0;
        }
        Assert.InRange(told, 1, 12);
        disk.LeaveFree(null);
        ExportStore.Must("verify", disk["store"], "--audit", disk.Audit);
        Assert.NotEqual(before, ExportStore.Must("freq", disk["store"], "--audit", disk.Audit));

        // And with no right to write at all every question is answered.
        string[][] questions = [["freq", disk["store"], "--audit", disk.Audit], ["seen", disk["store"], "22-100-A-C", "--audit", disk.Audit], ["info", disk["store"], "--audit", disk.Audit], ["snapshots", disk["store"], "--audit", disk.Audit], ["verify", disk["store"]], ["export", disk["store"], "--format", "vcf", "-o", "-", "--audit", disk.Audit]];
        var answers = questions.Select(q => ExportStore.Must(q)).ToList();
        disk.MakeReadOnly();
        Assert.Equal(answers, questions.Select(q => ExportStore.Must(q)));
        var late = new Cli();
        Assert.Equal(ExitCode.CouldNot, late.Run("withdraw", disk["store"], "--samples-file", WriteOutside(out var folder)));
        folder.Dispose();
        Assert.Contains("ead-only", late.Error, StringComparison.Ordinal);
    }

    /// <summary>Loads, cohorts, withdrawals and compactions in turn, each with no page free, with one, with two, until it fits.</summary>
    [SmallDiskFact]
    public void At_every_level_of_a_filling_disk_a_change_is_refused_whole_or_made_whole()
    {
        using var disk = new SmallDisk();
        Problems.None(Fill(disk, 256, Run));
    }

    /// <summary>Planted: a command that says that it is done although there was no space, one that leaves its unfinished file, and one that breaks the store when it fails.</summary>
    [SmallDiskFact]
    public void Commands_that_hide_a_full_disk_or_leave_a_trace_of_it_are_seen()
    {
        (ExitCode, string) Failing(string[] command, Action<string> then, ExitCode code)
        {
            var ran = Run(command);
            if (ran.Code != ExitCode.CouldNot) return ran;
            then(command.First(w => w.EndsWith("/store", StringComparison.Ordinal)));
            return (code, ran.Error);
        }
        void See(string what, Action<string> then, ExitCode code)
        {
            using var disk = new SmallDisk();
            Assert.Contains(Fill(disk, 3, command => Failing(command, then, code)), p => p.Contains(what, StringComparison.Ordinal));
        }
        See("changed nothing", _ => { }, ExitCode.Done);
        See("left a file", store => File.WriteAllText(Path.Combine(store, "f", "left.tmp"), ""), ExitCode.CouldNot);
        See("damaged", store => File.Delete(Path.Combine(store, "m", "00000000000000000001")), ExitCode.CouldNot);
        See("and not of the space", _ => { }, ExitCode.BadInput);
    }

    private static (ExitCode Code, string Error) Run(string[] command)
    {
        var cli = new Cli();
        var code = cli.Run(command);
        return (code, cli.Error);
    }

    private static string Told(string[] question)
    {
        var cli = new Cli();
        return cli.Run(question) is ExitCode.Done or ExitCode.NothingMatched ? cli.Output : "damaged: " + cli.Error;
    }

    /// <summary>Runs commands on a disk that is full but for some pages, so many times that one is refused; what is wrong with their ends. The first problem ends it.</summary>
    private static List<string> Fill(SmallDisk disk, int levels, Func<string[], (ExitCode Code, string Error)> run)
    {
        ExportStore.Must("init", disk["store"], "--assembly", "GRCh38", "--audit", disk.Audit);
        string State() => Told(["freq", disk["store"], "--audit", disk.Audit]) + Told(["cohorts", disk["store"], "--audit", disk.Audit]);
        for (var (refused, turn) = (0, 0); refused < levels; turn++)
        {
            var command = CommandOf(disk, turn);
            var before = State();
            for (var pages = 0; ; pages++, refused++)
            {
                Assert.True(pages < MostPages, $"{command[0]} never fitted");
                disk.LeaveFree(pages * PageBytes);
                var (code, error) = run(command);
                if (code == ExitCode.Done) break;
                if (code != ExitCode.CouldNot || !error.Contains("No space left on device (28)", StringComparison.Ordinal)) return [$"{command[0]} with {pages} pages ended with {code} and not of the space: {error}"];
                if (Directory.GetFiles(disk["store"], "*.tmp", SearchOption.AllDirectories).Concat(Directory.GetFiles(disk["store.keys"], "*.tmp")).FirstOrDefault() is { } left) return [$"{command[0]} with {pages} pages left a file {left}"];
                if (State() is var now && now != before) return [$"{command[0]} with {pages} pages was refused and changed the answers: {now}"];
                if (refused % 16 == 0 && Run(["verify", disk["store"], "--audit", disk.Audit]) is { Code: not ExitCode.Done } found) return [$"{command[0]} with {pages} pages: damaged: {found.Error}"];
            }
            disk.LeaveFree(null);
            if (State() == before != (turn % 4 == 3)) return [$"{command[0]} said that it was done and {(turn % 4 == 3 ? "changed the answers" : "changed nothing")}"];
            if (Run(["verify", disk["store"], "--audit", disk.Audit]) is { Code: not ExitCode.Done } damaged) return [$"{command[0]}: damaged: {damaged.Error}"];
        }
        return [];
    }

    private static string[] CommandOf(SmallDisk disk, int turn)
    {
        var samples = Enumerable.Range(0, 8).Select(i => $"t{turn - (turn % 4)}.{i}").ToList();
        var random = new Random(turn);
        var records = Enumerable.Range(1, 500).Select(i => $"22 {i * 10} . A C,G . PASS . GT " + string.Join(' ', samples.Select(_ => $"{random.Next(3)}/{random.Next(3)}")));
        var file = disk.Write("input", turn % 4 == 0 ? ExportStore.Vcf(string.Join(' ', samples), [.. records]) : samples[turn % 8] + "\n");
        return (turn % 4) switch
        {
            0 => ["ingest", disk["store"], file],
            1 => ["cohort", "set", disk["store"], $"c{turn}", "--samples-file", file],
            2 => ["withdraw", disk["store"], "--samples-file", file],
            _ => ["compact", disk["store"]],
        };
    }

    private static string WriteOutside(out TempFolder folder)
    {
        folder = new TempFolder();
        File.WriteAllText(folder["names"], "a\n");
        return folder["names"];
    }

    /// <summary>A file system of 1 MiB in memory; needs the right to mount.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly TempFolder _folder = new(), _outside = new();

        /// <summary>Where the audit log lies: elsewhere, so that questions can be asked while the disk is full.</summary>
        public string Audit => _outside["audit"];

        public SmallDisk() => Peer.Output("mount", "-t", "tmpfs", "-o", "size=1m", "warehouse-test", _folder.Path);

        public string this[string name] => _folder[name];

        public string Write(string name, string text)
        {
            File.WriteAllText(_folder[name], text);
            return _folder[name];
        }

        /// <summary>
        /// Fills the disk but for some bytes; null frees it. A process that another test starts holds what is open here until it runs its
        /// program, so a file that was just removed may still take its place: the filling is cut, not removed, and the rest is waited for.
        /// </summary>
        public void LeaveFree(long? bytes)
        {
            using var filling = new FileStream(_folder["filling"], FileMode.OpenOrCreate);
            filling.SetLength(0);
            if (bytes is null) return;
            var disk = new DriveInfo(_folder.Path);
            Assert.True(SpinWait.SpinUntil(() => disk.AvailableFreeSpace >= bytes, TimeSpan.FromSeconds(30)), "the disk is fuller than what lies on it");
            filling.Write(new byte[disk.AvailableFreeSpace - bytes.Value]);
        }

        public void MakeReadOnly() => Peer.Output("mount", "-o", "remount,ro", _folder.Path);

        public void Dispose()
        {
            Peer.Output("umount", "-l", _folder.Path);
            _folder.Dispose();
            _outside.Dispose();
        }
    }

    /// <summary>Skips where a small file system cannot be mounted, unless nothing may be skipped.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SmallDiskFactAttribute : FactAttribute
    {
        public SmallDiskFactAttribute()
        {
            if (TestData.Required) return;
            try
            {
                using var disk = new SmallDisk();
            }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                Skip = "no right to mount a file system in memory";
            }
        }
    }
}
