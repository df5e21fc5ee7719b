using Warehouse.Engine;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Linkage;

/// <summary>Whom samples are of: read as written after any stop, gone when taken out, under keys of its own, and of one store.</summary>
public sealed class LinkageVaultTests
{
    private static readonly string[] Table = ["person\tname\tborn", "P1\tJane Roe\t1970-01-01", "P2\tRichard Roe\t"];

    [Theory]
    [InlineData(0, "identity-header")]
    [InlineData(0, "identity-header", "name\tperson")]
    [InlineData(1, "identity-header", "person")]
    [InlineData(1, "identity-header", "person\tname\tname")]
    [InlineData(1, "identity-header", "person\tsample")]
    [InlineData(2, "identity-row", "person\tname", "P1")]
    [InlineData(2, "identity-person", "person\tname", "\tJane")]
    [InlineData(3, "identity-twice", "person\tname", "P1\ta", "P1\tb")]
    public void A_line_that_is_not_of_the_table_is_refused_with_its_place_and_nothing_of_it(int line, string rule, params string[] lines)
    {
        var refused = Assert.Throws<InputException>(() => IdentityTable.Parse(lines, "table.tsv"));
        Assert.Equal((rule, "table.tsv"), (refused.Code, refused.Place.File));
        Assert.InRange(refused.Place.Line, Math.Min(line, 1), Math.Max(line, 1));
        Assert.DoesNotContain("Jane", refused.ToString(), StringComparison.Ordinal);
        Assert.Equal("identity-cell", Assert.Throws<InputException>(() => IdentityTable.Parse(["person\tname", "P1\t" + new string('a', IdentityTable.MostCellChars + 1)], "t")).Code);
    }

    [Fact]
    public void What_is_set_is_read_and_what_is_taken_out_is_gone_with_its_key()
    {
        using var store = new MemoryStore("GRCh37");
        var (disk, keys) = Disks();
        using var vault = LinkageVault.Create(disk, keys, store.Store, new SimMachine().Clock);
        Assert.Empty(vault.Read().Persons);
        Assert.Equal(2, vault.Set(IdentityTable.Parse(Table, "t")));
        // Rows of the same person are replaced, columns add up.
        Assert.Equal(3, vault.Set(IdentityTable.Parse(["person\tmrn", "P2\t17", "P3\t18"], "t")));
        var read = vault.Read();
        Assert.Equal(["name", "born", "mrn"], read.Columns);
        Assert.Equal([["Jane Roe", "1970-01-01", ""], ["", "", "17"], ["", "", "18"]], read.Persons.Select(p => read.Find(p)!));
        var copy = disk.List("f").ToDictionary(n => n, n => disk.Peek("f/" + n));
        Assert.Equal(1, vault.Remove(["P1", "unknown"]));
        Assert.Equal(["P2", "P3"], vault.Read().Persons);
        // A copy of the file that had him opens no more: its key is destroyed.
        var gone = copy.Keys.Except(disk.List("f")).ToList();
        Assert.NotEmpty(gone);
        using (var folder = KeyFolder.Open(keys))
            foreach (var name in gone)
            {
                disk.Poke("f/" + name, copy[name]);
                Assert.Contains("destroyed", Assert.Throws<DamagedStoreException>(() => SealedReader.Open(disk, "f/" + name, folder, out _)).Message, StringComparison.Ordinal);
            }
        Assert.DoesNotContain(Everything(disk).Concat(Everything(keys)), b => b.AsSpan().IndexOf("Roe"u8) >= 0);
    }

    [Fact]
    public void A_vault_belongs_to_one_store_and_is_none_itself()
    {
        using var store = new MemoryStore("GRCh37");
        using var other = new MemoryStore("GRCh37");
        var ((disk, keys), clock) = (Disks(), new SimMachine().Clock);
        using (var vault = LinkageVault.Create(disk, keys, store.Store, clock)) vault.Set(IdentityTable.Parse(Table, "t"));
        using (var vault = LinkageVault.Over(disk, keys, store.Store, clock)) Assert.Equal(2, vault.Read().Persons.Count);
        using (var vault = LinkageVault.Over(disk, keys, other.Store, clock)) Assert.Throws<StoreRefusedException>(vault.Read);
        using (var vault = LinkageVault.Over(disk, keys, other.Store, clock)) Assert.Throws<StoreRefusedException>(() => vault.Set(IdentityTable.Parse(Table, "t")));
        // Keys of the store open nothing of the vault, and the other way round (C7).
        Assert.ThrowsAny<StoreException>(() => LinkageVault.Over(disk, store.Keys, store.Store, clock));
        using var folder = new TempFolder();
        using var made = VariantStore.Create(new CreateOptions { Path = folder["lab"], Assembly = "GRCh37" });
        foreach (var places in (VaultPlaces[])[new(folder["lab/vault"]), new(folder["lab.keys"]), new(folder["vault"], folder["vault/keys"]), new(folder["vault"], folder["lab.keys/vault"])])
            Assert.Throws<StoreRefusedException>(() => LinkageVault.OpenOrCreate(made, folder["lab"], places));
        Assert.Null(LinkageVault.TryOpen(made, folder["lab"], new()));
        using (var vault = LinkageVault.OpenOrCreate(made, folder["lab"], new())) vault.Set(IdentityTable.Parse(Table, "t"));
        Assert.Throws<StoreRefusedException>(() => VariantStore.Open(folder["lab.linkage"]));
        Assert.Throws<StoreRefusedException>(() => LinkageVault.TryOpen(made, folder["lab"], new(folder["lab"], folder["lab.keys"])));
    }

    /// <summary>The stop comes at every operation of the disk in turn; what was acknowledged is there, and of a change all or nothing.</summary>
    [Fact]
    public void After_a_stop_at_any_operation_the_vault_has_what_was_before_or_all_of_the_change()
    {
        using var store = new MemoryStore("GRCh37");
        var stops = 0;
        for (var isDone = false; !isDone; stops++)
        {
            var machine = new SimMachine();
            SimDisk disk = new(machine), keys = new(machine, device: 2);
            using (var vault = LinkageVault.Create(disk, keys, store.Store, machine.Clock)) vault.Set(IdentityTable.Parse(Table, "t"));
            machine.PlanChange(machine.Changes + stops + 1, SimFault.Crash);
            try
            {
                using var vault = LinkageVault.Over(disk, keys, store.Store, machine.Clock);
                vault.Remove(["P1"]);
                isDone = true;
            }
            catch (SimCrashException)
            {
                // Then this is what the next process finds.
            }
            machine.PowerCycle(seed: stops);
            using var again = LinkageVault.Over(disk, keys, store.Store, machine.Clock);
            var persons = again.Read().Persons;
            Assert.True(persons.SequenceEqual(["P2"]) || (!isDone && persons.SequenceEqual(["P1", "P2"])), $"stop {stops}: {string.Join(' ', persons)}");
            again.Set(IdentityTable.Parse(["person\tname", "P9\tx"], "t"));
            Assert.Contains("P9", again.Read().Persons);
        }
        Assert.InRange(stops, 20, 500);
    }

    private static (SimDisk Disk, SimDisk Keys) Disks()
    {
        var machine = new SimMachine();
        return (new SimDisk(machine), new SimDisk(machine, device: 2));
    }

    private static IEnumerable<byte[]> Everything(SimDisk disk) =>
        disk.List("").SelectMany(n => disk.Facts(n)!.Value.IsFolder ? disk.List(n).Select(m => disk.Peek($"{n}/{m}")) : [disk.Peek(n)]);
}
