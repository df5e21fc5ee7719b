using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>A copy of the store mends what was damaged, and nothing that cannot be proved to be what was written.</summary>
public sealed class RepairTests
{
    internal const int Versions = 4;

    /// <summary>Everything that the newest version needs, by name, and the older manifests; the lock files are empty.</summary>
    internal static List<string> Needed(SimStore sim)
    {
        using var folder = sim.Open();
        return ["store", .. sim.Store.AllFiles().Where(n => n.StartsWith("m/", StringComparison.Ordinal)), .. folder.Current.Named.Select(f => f.Name)];
    }

    [Fact]
    public void Every_file_of_the_newest_version_however_damaged_comes_back_from_a_copy()
    {
        var (whole, wanted) = (SimStore.WithVersions(Versions), SimStore.WithVersions(1));
        var names = Needed(whole);
        Assert.True(names.Count > 12, string.Join(' ', names));
        foreach (var name in names)
            foreach (var damage in (string[])["gone", "empty", "short", "long", "flipped", "another's"])
            {
                var backup = CopyOf(whole);
                Damage(whole.Store, name, damage, whole.Store.Peek(names[(names.IndexOf(name) + 3) % names.Count]));
                var mended = Repair(whole, backup);
                Assert.True(mended.SequenceEqual([name]), $"{name} {damage}: mended {string.Join(' ', mended)}");
                Assert.Equal(backup.Peek(name), whole.Store.Peek(name));
                Assert.DoesNotContain(whole.Verify(), f => f.Kind != FindingKind.Surplus);
                using var folder = whole.Open();
                Assert.Equal(Versions + 1, SimStore.CheckWhole(folder));
            }
        Assert.Empty(Repair(whole, CopyOf(wanted))); // a whole store takes nothing, from whatever copy
    }

    [Fact]
    public void All_files_at_once_come_back_and_an_older_copy_gives_what_it_has()
    {
        var sim = SimStore.WithVersions(2);
        var older = CopyOf(sim);
        using (var folder = sim.Open()) sim.CommitNext(folder);
        var newest = CopyOf(sim);
        var names = Needed(sim);
        foreach (var name in names) Damage(sim.Store, name, "flipped", []);
        Assert.Equal(["store"], Repair(sim, older)); // the chain of digests begins with the newest manifest, which it lacks
        Assert.Equal(names.Where(n => n != "store").Order(), Repair(sim, newest).Order());
        Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
        foreach (var name in names.Where(n => older.Facts(n) is not null)) Damage(sim.Store, name, "gone", []);
        Assert.Equal(names.Where(n => older.Facts(n) is not null).Order(), Repair(sim, older).Order());
        Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
    }

    [Fact]
    public void A_copy_that_is_damaged_too_or_of_another_store_mends_nothing_and_the_damage_stays_named()
    {
        var sim = SimStore.WithVersions(Versions);
        foreach (var name in Needed(sim))
        {
            var (good, backup) = (sim.Store.Peek(name), CopyOf(sim));
            Damage(backup, name, "flipped", []);
            Damage(sim.Store, name, "gone", []);
            Assert.DoesNotContain(name, Repair(sim, backup));
            Assert.Contains(sim.Verify(), f => f.File == name && f.Kind != FindingKind.Surplus);
            Assert.DoesNotContain(sim.Store.AllFiles(), n => n.EndsWith(".tmp", StringComparison.Ordinal));
            Assert.Empty(Repair(sim, CopyOf(SimStore.WithVersions(Versions)))); // another store of the same history
            sim.Store.Poke(name, good);
        }
    }

    [Fact]
    public void Nothing_is_mended_while_somebody_writes()
    {
        var (sim, backup) = Broken();
        using (WriterLease.Take(sim.Store, sim.Keys)) Assert.Throws<StoreBusyException>(() => Repair(sim, backup));
        Assert.NotEmpty(Repair(sim, backup));
    }

    /// <summary>A store with a damaged list, part and data file, a missing manifest, and its copy on the same machine.</summary>
    internal static (SimStore Sim, SimDisk Backup) Broken()
    {
        var sim = SimStore.WithVersions(2);
        var backup = CopyOf(sim, sim.Machine);
        var names = Needed(sim);
        foreach (var name in (string[])[names[^1], names[^4], names[4]]) Damage(sim.Store, name, "flipped", []);
        Damage(sim.Store, names[2], "gone", []);
        return (sim, backup);
    }

    internal static List<string> Repair(SimStore sim, SimDisk backup) => [.. StoreFolder.Repair(sim.Store, sim.Keys, backup, CancellationToken.None)];

    internal static SimDisk CopyOf(SimStore sim, SimMachine? machine = null)
    {
        var copy = new SimDisk(machine ?? new SimMachine(), device: 3);
        foreach (var folder in (string[])["f", "m"]) copy.CreateFolder(folder);
        copy.SyncFolder("");
        foreach (var name in sim.Store.AllFiles().Where(n => sim.Store.Facts(n) is { IsFolder: false })) copy.Poke(name, sim.Store.Peek(name));
        return copy;
    }

    internal static void Damage(SimDisk disk, string name, string how, byte[] other)
    {
        var good = disk.Peek(name);
        disk.Poke(name, how switch { "gone" => null, "empty" => [], "short" => good[..^1], "long" => [.. good, 7], "another's" => other, _ => Flipped(good) });
    }

    internal static byte[] Flipped(byte[] good)
    {
        var bad = (byte[])good.Clone();
        bad[bad.Length / 2] ^= 16;
        return bad;
    }
}
