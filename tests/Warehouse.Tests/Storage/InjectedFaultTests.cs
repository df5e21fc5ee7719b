using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Storage;

/// <summary>I1 and I2 on the real disk code: a child process writes, and strace breaks its system calls.</summary>
public sealed class InjectedFaultTests
{
    [PeerFact("strace")]
    public void A_sync_that_fails_in_the_kernel_fails_the_commit_and_poisons_the_process()
    {
        var healthy = Run(null, commits: 1);
        Assert.Equal((0, "1\n2\n"), (healthy.Exit, healthy.Output));
        var failures = 0;
        foreach (var call in (int[])[1, 4, 8, 15, 16, 17, 18, 19, 20, 21, 22, 23])
        {
            var (exit, output, version) = Run($"fsync:error=EIO:when={call}", commits: 1);
            if (exit == 0) continue; // the process made fewer syncs
            failures++;
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (call > 2) Assert.True(exit == 5 && lines[^1] == "refused", $"fsync {call} failed, exit {exit}: {output}");
            var acknowledged = lines.Count(l => char.IsAsciiDigit(l[0]));
            Assert.True(version >= acknowledged, $"fsync {call} failed: version {version}, acknowledged {acknowledged}");
        }
        Assert.InRange(failures, 9, 12);
    }

    [PeerFact("strace")]
    public void A_kill_at_any_rename_leaves_a_whole_version_and_all_that_was_acknowledged()
    {
        var (kills, problems) = KillAtRenames([]);
        Assert.Empty(problems);
        Assert.InRange(kills, 5, 8);
    }

    /// <summary>Planted: a writer that tells its versions before it makes them.</summary>
    [PeerFact("strace")]
    public void A_writer_that_tells_before_it_has_written_is_seen_by_the_kills() =>
        Assert.NotEmpty(KillAtRenames(["sh", "-c", "printf '1\\n2\\n3\\n'; exec \"$@\" >/dev/null", "sh"]).Problems);

    private static (int Kills, List<string> Problems) KillAtRenames(string[] wrapper)
    {
        var (kills, problems) = (0, new List<string>());
        for (var call = 1; call <= 8; call++)
        {
            var (exit, output, version) = Run($"renameat2:signal=SIGKILL:when={call}", commits: 2, wrapper);
            if (exit == 0) continue;
            kills++;
            var acknowledged = output.Count(c => c == '\n');
            if (version < acknowledged) problems.Add($"killed at rename {call}: version {version}, acknowledged {acknowledged}");
        }
        return (kills, problems);
    }

    [PeerFact("strace")]
    public void A_file_system_without_the_rename_flag_and_interrupted_writes_change_nothing()
    {
        foreach (var fault in (string[])["renameat2:error=EINVAL", "renameat2:error=ENOSYS", "pwrite64:error=EINTR:when=1+2"])
        {
            var (exit, output, version) = Run(fault, commits: 1);
            Assert.True((exit, output, version) == (0, "1\n2\n", 2), $"{fault}: exit {exit}, version {version}: {output}");
        }
    }

    [PeerFact("strace")]
    public void A_full_disk_fails_the_commit_and_the_next_one_succeeds_once_there_is_room()
    {
        foreach (var call in (int[])[8, 10, 12, 14])
        {
            var (exit, output, version) = Run($"pwrite64:error=ENOSPC:when={call}", commits: 1);
            Assert.True(exit == 5 && output == "1\ngoes on\n", $"write {call}: exit {exit}: {output}");
            Assert.InRange(version, 2, 3); // the failed one was published without being told when only its acknowledgement failed
        }
    }

    /// <summary>
    /// The same one level deeper: what the runtime itself asks of the system fails, or is where the process is killed. However it ends, an exit
    /// code of 0 means that the file is in the store, and the store is whole.
    /// </summary>
    [PeerFact("strace")]
    public void Whatever_fails_under_the_program_an_ingest_that_said_done_is_there_and_a_store_is_whole()
    {
        string[] faults =
        [
            "read:error=EIO:when=40+20", "openat:error=EMFILE:when=60+", "mmap:error=ENOMEM:when=200+", "pread64:error=EIO:when=12", "pwrite64:error=EIO:when=5",
            "flock:error=EINTR:when=1+2", "fsync:error=EDQUOT:when=6", "pwrite64:signal=SIGKILL:when=9", "fsync:signal=SIGTERM:when=3", "unlink:error=EIO:when=1+", "statx:error=EACCES:when=10+",
        ];
        var (done, failed, problems) = IngestUnder(faults, []);
        Assert.Empty(problems);
        Assert.True(done > 0 && failed > 4, $"{done} done, {failed} failed");
    }

    /// <summary>Planted: a command that says that it is done although a write of it failed.</summary>
    [PeerFact("strace")]
    public void A_command_that_calls_a_failed_write_done_is_seen() =>
        Assert.Equal(2, IngestUnder(["pwrite64:error=EIO:when=5", "fsync:error=EDQUOT:when=6"], ["sh", "-c", "\"$@\" || exit 0", "sh"]).Problems.Count);

    private static (int Done, int Failed, List<string> Problems) IngestUnder(string[] faults, string[] wrapper)
    {
        using var temp = new TempFolder();
        File.WriteAllText(temp["a.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n1\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\n");
        var (done, failed, problems) = (0, 0, new List<string>());
        foreach (var fault in faults)
        {
            var store = temp[$"store{done + failed}"];
            using (VariantStore.Create(new CreateOptions { Path = store, Assembly = "toy1" })) { }
            string[] line = [.. wrapper, .. Under(fault), "dotnet", Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), "ingest", store, temp["a.vcf"]];
            var (exit, _, error) = Peer.Run(line[0], line[1..]);
            if (exit == 0) done++;
            else failed++;
            using var opened = VariantStore.Open(store);
            if (opened.Verify().Any(f => f.Kind != FindingKind.Surplus)) problems.Add($"{fault}: the store is damaged");
            using var session = opened.OpenSession();
            var rows = session.Frequencies(new FrequencyRequest()).Count();
            if (rows != 1 && (exit == 0 || rows != 0)) problems.Add($"{fault}: exit {exit}, {rows} rows: {error}");
        }
        return (done, failed, problems);
    }

    private static string[] Under(string fault) => ["strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={fault[..fault.IndexOf(':', StringComparison.Ordinal)]}", "-e", $"inject={fault}"];

    private static (int Exit, string Output, long Version) Run(string? fault, int commits, params string[] wrapper)
    {
        using var temp = new TempFolder();
        var program = Path.Combine(AppContext.BaseDirectory, "Warehouse.Simulation.dll");
        string[] line = [.. wrapper, .. fault is null ? [] : Under(fault), "dotnet", program, temp["store"], temp["keys"], commits.ToString(CultureInfo.InvariantCulture)];
        var (exit, output, _) = Peer.Run(line[0], line[1..]);
        return (exit, output, CheckWhole(temp));
    }

    /// <summary>Opens what the child left, checks it, and returns its version; 0 when it never became a store.</summary>
    private static long CheckWhole(TempFolder temp)
    {
        try
        {
            var (store, keys) = (DiskStorage.Open(temp["store"]), DiskStorage.Open(temp["keys"]));
            using var folder = StoreFolder.Open(store, keys, TimeProvider.System);
            Assert.DoesNotContain(folder.Verify(null, CancellationToken.None), f => f.Kind != FindingKind.Surplus);
            if (folder.Current.Version > 1) Assert.Equal(folder.Current.Version, BitConverter.ToInt64(folder.ReadPart(folder.Current, "version")));
            Assert.Equal(folder.Current.Version - 1, folder.Current.Files.Count);
            return folder.Current.Version;
        }
        catch (StoreException e) when (e.Message.Contains("missing", StringComparison.Ordinal) || e is StoreRefusedException)
        {
            return 0;
        }
    }
}
