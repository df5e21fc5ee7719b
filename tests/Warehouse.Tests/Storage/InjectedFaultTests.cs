using System.Globalization;
using Warehouse.Engine.Manifests;
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
        foreach (var call in (int[])[1, 4, 8, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24])
        {
            var (exit, output, version) = Run($"fsync:error=EIO:when={call}", commits: 1);
            if (exit == 0) continue; // the process made fewer syncs
            failures++;
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (call > 2) Assert.True(exit == 5 && lines[^1] == "refused", $"fsync {call} failed, exit {exit}: {output}");
            var acknowledged = lines.Count(l => char.IsAsciiDigit(l[0]));
            Assert.True(version >= acknowledged, $"fsync {call} failed: version {version}, acknowledged {acknowledged}");
        }
        Assert.InRange(failures, 10, 14);
    }

    [PeerFact("strace")]
    public void A_kill_at_any_rename_leaves_a_whole_version_and_all_that_was_acknowledged()
    {
        for (var call = 1; call <= 8; call++)
        {
            var (exit, output, version) = Run($"renameat2:signal=SIGKILL:when={call}", commits: 2);
            if (exit == 0) continue;
            var acknowledged = output.Count(c => c == '\n');
            Assert.True(version >= acknowledged, $"killed at rename {call}: version {version}, acknowledged {acknowledged}");
        }
    }

    private static (int Exit, string Output, long Version) Run(string? fault, int commits)
    {
        using var temp = new TempFolder();
        var program = Path.Combine(AppContext.BaseDirectory, "Warehouse.Simulation.dll");
        string[] child = ["dotnet", program, temp["store"], temp["keys"], commits.ToString(CultureInfo.InvariantCulture)];
        var (exit, output, _) = fault is null
            ? Peer.Run(child[0], child[1..])
            : Peer.Run("strace", ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={fault[..fault.IndexOf(':', StringComparison.Ordinal)]}", "-e", $"inject={fault}", .. child]);
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
