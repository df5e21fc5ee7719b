using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>A small store on simulated disks, with a fixed history that a test can repeat, break and compare.</summary>
internal sealed class SimStore
{
    private static readonly byte[] Reference = [1, 2, 3];

    internal SimStore(SimMachine? copy = null)
    {
        Machine = copy ?? new();
        (Store, Keys) = copy is null ? (new SimDisk(Machine), new SimDisk(Machine, device: 2)) : (copy.Disks[0], copy.Disks[1]);
    }

    internal SimMachine Machine { get; }

    internal SimDisk Store { get; }

    internal SimDisk Keys { get; }

    internal static SimStore WithVersions(int commits)
    {
        var sim = new SimStore();
        sim.Create().Dispose();
        for (var i = 0; i < commits; i++)
        {
            using var folder = sim.Open();
            sim.CommitNext(folder);
        }
        return sim;
    }

    internal StoreFolder Create() => StoreFolder.Create(Store, Keys, StoreIdentity.New("GRCh38", Reference, TimeProvider.System), TimeProvider.System);

    internal StoreFolder Open() => StoreFolder.Open(Store, Keys, TimeProvider.System);

    /// <summary>Adds two files, removes the oldest beyond three, and sets two parts of which one never changes.</summary>
    internal Manifest CommitNext(StoreFolder folder)
    {
        using var commit = folder.BeginCommit();
        foreach (var length in (ReadOnlySpan<int>)[100 + (int)commit.Version, 0])
        {
            using var writer = commit.CreateFile(1);
            writer.Write(Content(commit.Version, length));
            commit.Add(writer.Complete());
        }
        foreach (var old in folder.Current.Files.Take(folder.Current.Files.Count - 3).ToList()) commit.Remove(old.Id);
        commit.SetPart("catalog", Content(commit.Version, 50));
        commit.SetPart("policy", "always the same"u8);
        return commit.Publish();
    }

    /// <summary>Reads everything that the current version names and compares it with what the history says; the version is returned.</summary>
    internal static long CheckWhole(StoreFolder folder)
    {
        var manifest = folder.Current;
        foreach (var file in manifest.Files)
        {
            using var reader = folder.OpenFile(file);
            var bytes = new byte[reader.LengthBytes];
            reader.Read(0, bytes);
            Assert.Equal(file.ContentSha256, Digest.Of(bytes));
        }
        if (manifest.Version == 1)
        {
            Assert.Empty(manifest.Files);
            return 1;
        }
        Assert.Equal(Content(manifest.Version, 50), folder.ReadPart(manifest, "catalog"));
        Assert.Equal("always the same"u8.ToArray(), folder.ReadPart(manifest, "policy"));
        Assert.Equal(Digest.Of(Content(manifest.Version, 100 + (int)manifest.Version)), manifest.Files[^2].ContentSha256);
        return manifest.Version;
    }

    internal static byte[] Content(long version, int length)
    {
        var bytes = new byte[length];
        new Random((int)version).NextBytes(bytes);
        return bytes;
    }

    internal List<VerifyFinding> Verify() => [.. StoreVerifier.Verify(Store, Keys, null, CancellationToken.None)];
}
