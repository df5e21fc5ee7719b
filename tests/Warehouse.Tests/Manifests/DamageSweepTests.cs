using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Xunit;
using static Warehouse.Units.Manifests.DamageTests;

namespace Warehouse.Tests.Manifests;

/// <summary>I3 and I7 again, bit by bit: too long for the units.</summary>
public sealed class DamageSweepTests
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

    /// <summary>Before each thing in turn that verify wants of the disks, somebody publishes versions, removes what is not needed any more, or changes the master key; or he does so before each.</summary>
    [Theory]
    [InlineData("publish")]
    [InlineData("publish, collect")]
    [InlineData("rotate")]
    public void A_store_that_others_work_on_meanwhile_is_not_called_damaged(string work)
    {
        var begun = SimStore.WithVersions(3);
        foreach (var most in (int[])[1, 5])
            Meanwhile.Sweep(most, meanwhile =>
            {
                var sim = new SimStore(begun.Machine.Copy());
                meanwhile.Work = () =>
                {
                    using var folder = sim.Open();
                    if (work == "rotate") folder.RotateMasterKey();
                    else for (var i = 0; i < 3; i++) sim.CommitNext(folder);
                    if (work.EndsWith("collect", StringComparison.Ordinal)) folder.CollectGarbage();
                };
                var found = StoreVerifier.Verify(meanwhile.Over(sim.Store), meanwhile.Over(sim.Keys), null, CancellationToken.None).Where(f => f.Kind != FindingKind.Surplus).ToList();
                Assert.True(found.Count == 0, $"{work} {meanwhile}: {string.Join("; ", found)}");
            });
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
}
