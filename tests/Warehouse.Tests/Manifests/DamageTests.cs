using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Manifests;

/// <summary>I3 and I7: whatever is changed behind the store's back is found before use.</summary>
public sealed class DamageTests
{
    [Fact]
    public void Every_single_bit_flip_in_every_file_is_found_by_verify_and_never_read()
    {
        var sim = SimStore.WithVersions(1);
        CollectGarbage(sim);
        Assert.Empty(FlipBits(sim, step: 1, sim.Verify, sim.Open));
    }

    /// <summary>
    /// Planted: a verify over a disk that serves what was written and not what is there, as a cache would, and a reader that goes back to an
    /// older state of the store when it meets damage. Each file must show the first, and each that a reader needs the second.
    /// </summary>
    [Fact]
    public void A_verify_that_does_not_read_the_disk_and_a_reader_that_serves_an_older_state_are_seen()
    {
        var sim = SimStore.WithVersions(1);
        CollectGarbage(sim);
        var machine = new SimMachine();
        var (store, keys, older) = (sim.Store.CopyTo(machine), sim.Keys.CopyTo(machine), SimStore.WithVersions(0));
        StoreFolder Forgiving()
        {
            try
            {
                var folder = sim.Open();
                SimStore.CheckWhole(folder);
                return folder;
            }
            catch (Exception e) when (e is StoreException or Xunit.Sdk.XunitException)
            {
                return older.Open();
            }
        }
        var unseen = FlipBits(sim, step: 64, () => [.. StoreVerifier.Verify(store, keys, null, CancellationToken.None)], sim.Open);
        var wrong = FlipBits(sim, step: 64, sim.Verify, Forgiving);
        foreach (var (_, name) in Files(sim)) Assert.Contains(unseen, p => p.EndsWith($" of {name} was not found", StringComparison.Ordinal));
        using var folder = sim.Open();
        foreach (var name in folder.Current.Named.Select(f => f.Name).Where(n => !n.StartsWith("m/", StringComparison.Ordinal))) Assert.Contains(wrong, p => p.EndsWith($" of {name} changed an answer in silence", StringComparison.Ordinal));
    }

    /// <summary>Flips bits of every file, one at a time; what verify did not find, and what was read although it is wrong.</summary>
    private static List<string> FlipBits(SimStore sim, int step, Func<List<VerifyFinding>> verify, Func<StoreFolder> open)
    {
        Assert.Empty(sim.Verify());
        using var before = sim.Open();
        var newest = before.Current.Version;
        var entries = before.Current.Named.ToDictionary(f => f.Name);
        var problems = new List<string>();
        foreach (var (disk, name) in Files(sim))
        {
            var good = disk.Peek(name);
            for (var bit = 0; bit < good.Length * 8; bit += step)
            {
                var bad = (byte[])good.Clone();
                bad[bit / 8] ^= (byte)(1 << (bit % 8));
                disk.Poke(name, bad);
                if (bit % 8 != 0 && entries.TryGetValue(name, out var entry))
                {
                    // Verify reads a sealed file by this very call: one bit of each byte goes through all of it.
                    Assert.ThrowsAny<DamagedStoreException>(() => ReadAll(before, entry));
                    continue;
                }
                if (!verify().Any(f => f.Kind != FindingKind.Surplus)) problems.Add($"bit {bit} of {name} was not found");
                if (bit % 8 == 0 && !ReadsOnlyTruth(open, newest)) problems.Add($"bit {bit} of {name} changed an answer in silence");
            }
            disk.Poke(name, good);
        }
        Assert.Empty(sim.Verify());
        return problems;
    }

    [Fact]
    public void Truncated_extended_emptied_and_missing_files_are_found()
    {
        var sim = SimStore.WithVersions(2);
        CollectGarbage(sim);
        var newest = sim.Open().Current.Version;
        foreach (var (disk, name) in Files(sim))
        {
            var good = disk.Peek(name);
            byte[]?[] bad = [good[..^1], good[..(good.Length / 2)], [], null, name.StartsWith("table-", StringComparison.Ordinal) ? [] : [.. good, 0]];
            foreach (var content in bad)
            {
                disk.Poke(name, content);
                var findings = sim.Verify();
                Assert.True(findings.Any(f => f.Kind != FindingKind.Surplus), $"{name} with {content?.Length} of {good.Length} bytes was not found");
                Assert.True(content is not null || findings.Any(f => f.Kind == FindingKind.Missing), $"{name} is missing, but verify says otherwise");
                Assert.True(ReadsOnlyTruth(sim.Open, newest), $"{name} with {content?.Length} of {good.Length} bytes changed an answer in silence");
            }
            disk.Poke(name, good);
        }
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void Swapped_files_of_equal_length_are_found()
    {
        var sim = SimStore.WithVersions(3);
        CollectGarbage(sim);
        var newest = sim.Open().Current.Version;
        var files = Files(sim).Where(f => f.Disk == sim.Store).Select(f => f.Name).ToList();
        var pairs = files.SelectMany(a => files.Where(b => string.CompareOrdinal(a, b) < 0).Select(b => (a, b))).ToList();
        Assert.Contains(pairs, p => sim.Store.Peek(p.a).Length == sim.Store.Peek(p.b).Length);
        foreach (var (a, b) in pairs)
        {
            var (first, second) = (sim.Store.Peek(a), sim.Store.Peek(b));
            sim.Store.Poke(a, second);
            sim.Store.Poke(b, first);
            Assert.True(sim.Verify().Any(f => f.Kind != FindingKind.Surplus), $"swap of {a} and {b} was not found");
            Assert.True(ReadsOnlyTruth(sim.Open, newest), $"swap of {a} and {b} changed an answer in silence");
            sim.Store.Poke(a, first);
            sim.Store.Poke(b, second);
        }
    }

    [Fact]
    public void Deleting_the_newest_manifest_is_found_as_a_rollback()
    {
        var sim = SimStore.WithVersions(2);
        sim.Store.Poke("m/00000000000000000003", null);
        Assert.Contains("rolled back", Assert.Throws<DamagedStoreException>(sim.Open).Message, StringComparison.Ordinal);
        Assert.Contains(sim.Verify(), f => f is { Kind: FindingKind.Missing, File: "m/00000000000000000003" });
    }

    [Fact]
    public void A_whole_store_put_back_from_an_older_copy_is_found_as_a_rollback()
    {
        var sim = SimStore.WithVersions(2);
        var copy = sim.Store.AllFiles().ToDictionary(n => n, sim.Store.Peek);
        using (var folder = sim.Open()) sim.CommitNext(folder);
        foreach (var name in sim.Store.AllFiles()) sim.Store.Poke(name, copy.GetValueOrDefault(name));
        Assert.Throws<DamagedStoreException>(sim.Open);
        Assert.NotEmpty(sim.Verify());
    }

    [Fact]
    public void A_disk_that_lies_about_its_syncs_is_found_out_after_a_power_cut()
    {
        var sim = SimStore.WithVersions(2);
        sim.Store.LosesSync = _ => true;
        using (var folder = sim.Open()) sim.CommitNext(folder);
        sim.Machine.PowerCycle();
        Assert.Throws<DamagedStoreException>(sim.Open);
    }

    [Fact]
    public void A_key_folder_put_back_from_an_older_copy_is_found()
    {
        var sim = SimStore.WithVersions(2);
        var copy = sim.Keys.AllFiles().ToDictionary(n => n, sim.Keys.Peek);
        using (var folder = sim.Open())
        {
            sim.CommitNext(folder);
            sim.CommitNext(folder);
        }
        foreach (var name in sim.Keys.AllFiles()) sim.Keys.Poke(name, copy.GetValueOrDefault(name));
        Assert.Throws<DamagedStoreException>(sim.Open);
        Assert.NotEmpty(sim.Verify());
    }

    [Fact]
    public void The_keys_of_another_store_are_refused()
    {
        var (one, two) = (SimStore.WithVersions(1), SimStore.WithVersions(1));
        Assert.Throws<DamagedStoreException>(() => StoreFolder.Open(one.Store, two.Keys, TimeProvider.System));
    }

    [Fact]
    public void Foreign_and_unfinished_files_are_reported_as_surplus_and_foreign_ones_are_never_removed()
    {
        var sim = SimStore.WithVersions(1);
        foreach (var name in (string[])["extra", "f/notes.txt", $"f/{new string('0', 32)}", $"f/{new string('0', 32)}.tmp", "m/old", "m/00000000000000000009.tmp"]) sim.Store.Poke(name, [1]);
        sim.Keys.Poke("copy-of-master", [1]);
        Assert.Equal(7, sim.Verify().Count(f => f.Kind == FindingKind.Surplus));
        CollectGarbage(sim);
        Assert.Equal(["keys/copy-of-master", "extra", "m/old", "f/notes.txt"], sim.Verify().Select(f => f.File));
    }

    private static void CollectGarbage(SimStore sim)
    {
        using var folder = sim.Open();
        folder.CollectGarbage();
    }

    private static void ReadAll(StoreFolder folder, FileEntry entry)
    {
        using var reader = folder.OpenFile(entry);
        reader.ReadAll(CancellationToken.None);
    }

    private static List<(SimDisk Disk, string Name)> Files(SimStore sim) =>
        [.. new[] { sim.Store, sim.Keys }.SelectMany(d => d.AllFiles().Where(n => n != "lock").Select(n => (d, n)))];

    /// <summary>Either everything reads as the history says, or a typed error comes.</summary>
    private static bool ReadsOnlyTruth(Func<StoreFolder> open, long newest)
    {
        try
        {
            using var folder = open();
            return SimStore.CheckWhole(folder) == newest;
        }
        catch (StoreException)
        {
            return true;
        }
    }
}
