using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
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
        Assert.Empty(sim.Verify());
        using var before = sim.Open();
        var newest = before.Current.Version;
        var entries = before.Current.Named.ToDictionary(f => f.Name);
        foreach (var (disk, name) in Files(sim))
        {
            var good = disk.Peek(name);
            for (var bit = 0; bit < good.Length * 8; bit++)
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
                Assert.True(sim.Verify().Any(f => f.Kind != FindingKind.Surplus), $"bit {bit} of {name} was not found");
                if (bit % 8 == 0) Assert.True(ReadsOnlyTruth(sim, newest), $"bit {bit} of {name} changed an answer in silence");
            }
            disk.Poke(name, good);
        }
        Assert.Empty(sim.Verify());
    }
}
