using System.Globalization;
using Warehouse.Engine.Audit;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>The reference implementation of signed notes and transparency logs checks what this one made.</summary>
public sealed class GoInteropTests
{
    // Debian's packages of Go libraries lie in one folder, and need no module and no network.
    private const string Libraries = "/usr/share/gocode";

    [PeerFact("go")]
    public void Checkpoint_entries_proofs_and_tile_paths_are_right_for_go()
    {
        using var folder = new TempFolder();
        using var sim = new SimLog();
        using (var log = sim.Open())
        {
            for (var i = 0; i < 300; i += 50) log.Append([.. Enumerable.Range(i, 50).Select(SimLog.Entry)]);
            File.WriteAllBytes(folder["old"], sim.Read().LatestCheckpoint()!);
            for (var i = 300; i < 777; i += 9) log.Append([.. Enumerable.Range(i, 9).Select(SimLog.Entry)]);
        }
        var reader = sim.Read();
        File.WriteAllText(folder["key"], sim.Keys.VerifierKey);
        File.WriteAllBytes(folder["checkpoint"], reader.LatestCheckpoint()!);
        File.WriteAllBytes(folder["entries"], [.. reader.Entries().SelectMany(e => (byte[])[.. e.Line.Span, (byte)'\n'])]);
        File.WriteAllLines(folder["inclusion"], ["513", .. reader.ProveEntry(513).Path]);
        File.WriteAllLines(folder["consistency"], reader.ProveSince(File.ReadAllBytes(folder["old"]), reader.ProveEntry(513)).Path);
        (int Level, long Tile, int Width)[] tiles = [(0, 0, 256), (0, 999, 7), (1, 1000, 256), (3, 1_234_067, 255)];
        File.WriteAllLines(folder["tiles"], tiles.Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Level} {t.Tile} {t.Width} {TilePath.Of(t.Level, t.Tile, t.Width)}")));

        var (exit, output, error) = Go(folder);
        Assert.True(exit == 0 && output == "all checked\n", output + error);
        // What it says is worth something: with a changed entry it says otherwise.
        File.WriteAllText(folder["entries"], File.ReadAllText(folder["entries"]).Replace("call 700", "call 007", StringComparison.Ordinal));
        Assert.Contains("FAILED", Go(folder).Output, StringComparison.Ordinal);
    }

    private static (int Exit, string Output, string Error) Go(TempFolder folder) => Peer.Run("env", "GO111MODULE=off", "GOPATH=" + Libraries, "GOFLAGS=", "GOCACHE=" + Path.Combine(TestData.ProjectRoot, "artifacts", "go-cache"), "go", "run",
        Path.Combine(TestData.ProjectRoot, "tests", "interop", "audit.go"), folder.Path);
}
