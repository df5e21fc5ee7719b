using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>I3 and I7: whatever is changed behind the store's back is found before use.</summary>
public sealed class DamageTests
{
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

    internal static void CollectGarbage(SimStore sim)
    {
        using var folder = sim.Open();
        folder.CollectGarbage();
    }

    internal static void ReadAll(StoreFolder folder, FileEntry entry)
    {
        using var reader = folder.OpenFile(entry);
        reader.ReadAll(CancellationToken.None);
    }

    internal static List<(SimDisk Disk, string Name)> Files(SimStore sim) =>
        [.. new[] { sim.Store, sim.Keys }.SelectMany(d => d.AllFiles().Where(n => n != "lock").Select(n => (d, n)))];

    /// <summary>Either everything reads as the history says, or a typed error comes.</summary>
    internal static bool ReadsOnlyTruth(Func<StoreFolder> open, long newest)
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
