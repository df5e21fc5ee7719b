using System.Buffers.Binary;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>What may come between the steps of a publication, a collection and a rotation, and what each leaves behind: I1, I2.</summary>
public sealed class PublicationTests
{
    [Fact]
    public void Nothing_is_linked_that_the_version_does_not_name()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        using (var commit = folder.BeginCommit())
        {
            commit.SetPart("twice", [3]);
            commit.SetPart("twice", [4]);
            commit.SetPart("never", [5]);
            commit.RemovePart("never");
            commit.Publish();
        }
        Assert.Equal(Named(folder, 1, 2, 3), Sealed(sim));
        Assert.DoesNotContain(sim.Keys.AllFiles(), n => n.EndsWith(".tmp", StringComparison.Ordinal));
        // The key table of the store rises, whatever order its files were made in.
        var table = sim.Keys.Peek("table-00000001");
        var ids = Enumerable.Range(0, (table.Length - KeyTable.HeaderBytes) / KeyTable.RecordBytes).Select(i => BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(KeyTable.HeaderBytes + (i * KeyTable.RecordBytes)))).ToList();
        Assert.Equal(ids.Order(), ids);
    }

    /// <summary>Somebody else takes the lease, or a name, at a step of a publication; the hook runs before each change.</summary>
    [Theory]
    [InlineData("lease lost before the manifest has its name", "the writer lease was lost", false)]
    [InlineData("lease lost when the manifest has its name", "in the last moment", true)]
    [InlineData("a file of the same name", "a file of the same random id exists", false)]
    [InlineData("a manifest of the same name", "another writer published this version first", true)]
    public void What_another_writer_does_in_the_middle_ends_the_publication_before_its_next_step(string what, string message, bool isThere)
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        using var commit = folder.BeginCommit();
        var one = Written(commit);
        commit.Add(one);
        var (isDone, manifest, acknowledged) = (false, ManifestFormat.NameOf(3), sim.Keys.Peek(Acknowledgement.Name));
        sim.Machine.Trace = [];
        sim.Machine.BeforeChange = () =>
        {
            if (isDone) return;
            var files = sim.Store.AllFiles();
            var isPrepared = sim.Keys.AllFiles().Any(n => n.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal)) && sim.Machine.Trace[^1] != "creat" && sim.Machine.Trace[^1] != "pwrite";
            switch (what)
            {
                case "lease lost before the manifest has its name" when files.Contains(one.Name):
                case "lease lost when the manifest has its name" when files.Contains(manifest):
                    sim.Store.Poke("lock", []);
                    break;
                case "a file of the same name" when isPrepared && !files.Contains(one.Name):
                    sim.Store.Poke(one.Name, [1]);
                    break;
                case "a manifest of the same name" when files.Contains(one.Name) && sim.Machine.Trace[^1] == "opendir":
                    sim.Store.Poke(manifest, [1]);
                    break;
                default: return;
            }
            isDone = true;
        };
        Assert.Contains(message, Assert.Throws<StoreBusyException>(commit.Publish).Message, StringComparison.Ordinal);
        sim.Machine.BeforeChange = null;
        Assert.True(isDone);
        Assert.Equal(isThere, sim.Store.AllFiles().Contains(manifest));
        Assert.Equal(acknowledged, sim.Keys.Peek(Acknowledgement.Name));
        Assert.DoesNotContain(sim.Keys.AllFiles(), n => n.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_writer_that_stopped_has_left_of_the_next_manifest_is_no_obstacle()
    {
        var sim = SimStore.WithVersions(1);
        sim.Store.Poke(ManifestFormat.NameOf(3) + SealedFormat.Unfinished, [1, 2, 3]);
        using var folder = sim.Open();
        Assert.Equal(3, sim.CommitNext(folder).Version);
        // A writer that was opened before moves to what is there now.
        using var other = sim.Open();
        sim.CommitNext(folder);
        Assert.Equal(5, sim.CommitNext(other).Version);
    }

    [Fact]
    public void Key_ids_end_where_the_store_says()
    {
        var sim = SimStore.WithVersions(1);
        using (var keys = KeyFolder.Open(sim.Keys))
        using (var key = FileKey.New())
        {
            keys.Append([(KeyTable.MaxKeyId - 1, FileId.New(), key)]);
            keys.Acknowledge(keys.Promised.ManifestVersion, keys.Promised.ManifestSha256);
        }
        using var folder = sim.Open();
        using var commit = folder.BeginCommit();
        commit.CreateFile(1).Dispose(); // the last one
        Assert.Contains("key ids", Assert.Throws<StoreRefusedException>(() => commit.CreateFile(1)).Message, StringComparison.Ordinal);
    }

    /// <summary>A version whose writer was killed before its name was durable is the newest one: the next writer makes it so before he does anything else.</summary>
    [Fact]
    public void A_version_that_was_never_acknowledged_is_made_durable_and_acknowledged_by_the_next_writer()
    {
        var sim = SimStore.WithVersions(1);
        var folder = sim.Open();
        sim.Machine.BeforeChange = () => { if (sim.Store.AllFiles().Contains(ManifestFormat.NameOf(3))) throw new SimCrashException(); };
        Assert.Throws<SimCrashException>(() => sim.CommitNext(folder));
        sim.Machine.BeforeChange = null;
        sim.Machine.Restart();
        using (var next = sim.Open()) next.BeginCommit().Dispose();
        using (var keys = KeyFolder.Open(sim.Keys)) Assert.Equal(3, keys.Promised.ManifestVersion);
        sim.Machine.PowerCycle();
        using var after = sim.Open();
        Assert.Equal(3, SimStore.CheckWhole(after));
    }

    /// <summary>Each operation fails once: a failed sync is said to be one, no lease stays taken, and else the same process goes on.</summary>
    [Theory]
    [InlineData("begin")]
    [InlineData("begin after a stop")]
    [InlineData("collect")]
    [InlineData("rotate")]
    [InlineData("publish")]
    public void A_failed_sync_is_called_so_and_the_lease_is_given_back(string what)
    {
        var (poisoned, others) = (0, 0);
        var whole = SimStore.WithVersions(2); // of the first of them a collection removes files
        if (what == "begin after a stop") whole.Keys.Poke(Acknowledgement.Name, AcknowledgedBefore(whole));
        for (var at = 0L; ; at++)
        {
            Assert.InRange(at, 0, 400);
            var machine = whole.Machine.Copy();
            var (store, keys) = (machine.Disks[0], machine.Disks[1]);
            using var folder = StoreFolder.Open(store, keys, TimeProvider.System);
            using var commit = what == "publish" ? folder.BeginCommit() : null;
            commit?.SetPart("catalog", [1]);
            var number = machine.Operations + at;
            machine.FailAt(number, DurableException.DeviceError);
            IOException? met = null;
            try
            {
                if (what == "collect") folder.CollectGarbage();
                else if (what == "rotate") folder.RotateMasterKey();
                else if (commit is not null) commit.Publish();
                else folder.BeginCommit().Dispose();
            }
            catch (IOException e)
            {
                met = e;
            }
            if (machine.Operations <= number) break;
            Assert.True(!machine.IsPoisoned || met is StorePoisonedException, $"{what}, operation {at}: {met}");
            if (machine.IsPoisoned)
            {
                poisoned++;
                Assert.Throws<StorePoisonedException>(folder.BeginCommit);
                WriterLease.Take(store, keys).Dispose(); // another process may write
                continue;
            }
            others++;
            folder.BeginCommit().Dispose();
        }
        Assert.True(poisoned > 0 && others > 3, $"{poisoned} syncs, {others} other operations");
    }

    [Fact]
    public void A_commit_is_refused_after_a_failed_sync_of_another_before_it_writes_a_manifest()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        using var commit = folder.BeginCommit();
        commit.Add(Written(commit));
        sim.Machine.FailAt(sim.Machine.Operations, DurableException.DeviceError);
        Assert.Throws<DurableException>(() => sim.Keys.SyncFolder(""));
        var (before, keys) = (sim.Machine.Changes, sim.Keys.AllFiles());
        Assert.Null(Assert.Throws<StorePoisonedException>(commit.Publish).InnerException); // not by what a write met
        Assert.Equal(keys, sim.Keys.AllFiles());
        Assert.InRange(sim.Machine.Changes - before, 0, 1); // its own unfinished file goes
    }

    [Fact]
    public void A_rotation_leaves_the_store_open_and_whole()
    {
        var sim = SimStore.WithVersions(2);
        using var folder = sim.Open();
        Assert.Equal((2u, Sealed(sim).Count + sim.Store.AllFiles().Count(n => n.StartsWith("m/", StringComparison.Ordinal))), folder.RotateMasterKey());
        Assert.Equal(2u, folder.Keys.Promised.MasterKeyId);
        Assert.Equal(4, sim.CommitNext(folder).Version);
        using var after = sim.Open();
        Assert.Equal(4, SimStore.CheckWhole(after));
    }

    [Fact]
    public void Versions_that_are_not_there_are_refused_and_those_that_are_have_their_time()
    {
        var sim = SimStore.WithVersions(2);
        using var folder = sim.Open();
        foreach (var none in (long[])[-1, 0, 4, 99]) Assert.Contains($"there is no version {none}", Assert.Throws<StoreRefusedException>(() => folder.Load(none)).Message, StringComparison.Ordinal);
        foreach (var version in (long[])[1, 2, 3]) Assert.Equal((version, folder.Load(version).CreatedUtc), (folder.Load(version).Version, folder.PublishedUtc(version)));
        Assert.NotEqual(folder.PublishedUtc(1), folder.PublishedUtc(3));
        Assert.Equal(SimStore.Content(3, 50)[..10], folder.TryReadPart(folder.Current, "catalog", 10));
        Assert.Equal(SimStore.Content(3, 50), folder.TryReadPart(folder.Current, "catalog", 50));
        Assert.Null(folder.TryReadPart(folder.Current, "absent", 10));
    }

    /// <summary>A reader that comes for an old version while it is collected has to wait, and afterwards may come; names that are none of the store's stay.</summary>
    [Fact]
    public void A_collection_holds_old_versions_to_its_end_and_leaves_foreign_names()
    {
        var sim = SimStore.WithVersions(3);
        sim.Store.Poke("m/note" + SealedFormat.Unfinished, [1]);
        sim.Store.Poke(ManifestFormat.NameOf(0) + SealedFormat.Unfinished, [1]);
        sim.Store.Poke(ManifestFormat.NameOf(9) + SealedFormat.Unfinished, [1]);
        using var folder = sim.Open();
        var (before, removals) = (sim.Machine.Changes, 0);
        sim.Machine.BeforeChange = () =>
        {
            if (sim.Machine.Changes == before) return; // the sync of the key folder, when the lease is taken
            removals++;
            Assert.Throws<InvalidOperationException>(() => sim.Store.Lock(ManifestFormat.NameOf(1), exclusive: false)); // the simulation's word for waiting
        };
        folder.CollectGarbage();
        sim.Machine.BeforeChange = null;
        Assert.True(removals > 0);
        sim.Store.Lock(ManifestFormat.NameOf(1), exclusive: true)!.Dispose();
        Assert.Equal([ManifestFormat.NameOf(0) + SealedFormat.Unfinished, "m/note" + SealedFormat.Unfinished], sim.Store.AllFiles().Where(n => n.StartsWith("m/", StringComparison.Ordinal) && n.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_version_that_has_lost_one_of_its_lists_was_purged()
    {
        var sim = SimStore.WithVersions(0);
        using var folder = sim.Open();
        FileEntry last = default;
        using (var commit = folder.BeginCommit())
        {
            for (var i = 0; i < FileList.MaxEntries + 1; i++) commit.Add(last = Written(commit));
            commit.Publish();
        }
        using (var commit = folder.BeginCommit())
        {
            commit.Remove(last.Id);
            commit.Add(Written(commit));
            commit.Publish();
        }
        Assert.Equal(folder.Load(2).Files.Chunks[0].ListFile, folder.Current.Files.Chunks[0].ListFile);
        folder.CollectGarbage();
        Assert.Contains("purged", Assert.Throws<StoreRefusedException>(() => folder.Load(2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_are_looked_at_before_anything_is_made_repaired_or_read()
    {
        var open = new SimStore();
        open.Keys.RootMode |= UnixFileMode.GroupRead;
        Assert.Contains("0700", Assert.Throws<StoreRefusedException>(open.Create).Message, StringComparison.Ordinal);
        Assert.Empty(open.Store.AllFiles());
        var spread = new SimStore();
        spread.Store.ForeignFolder = "f";
        Assert.Contains("devices", Assert.Throws<StoreRefusedException>(spread.Create).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Acknowledgement.Name, spread.Keys.AllFiles());

        var sim = SimStore.WithVersions(1);
        Assert.True(Assert.Throws<DamagedStoreException>(() => StoreFolder.Open(new SimDisk(sim.Machine), sim.Keys, TimeProvider.System)).IsMissing);
        var flat = new SimDisk(sim.Machine);
        flat.Poke("f", [1]);
        Assert.Contains("is not a folder", Assert.Throws<DamagedStoreException>(() => StoreFolder.Open(flat, sim.Keys, TimeProvider.System)).Message, StringComparison.Ordinal);
        sim.Keys.RootMode |= UnixFileMode.GroupRead;
        Assert.Contains("0700", Assert.Throws<StoreRefusedException>(() => StoreFolder.Repair(sim.Store, sim.Keys, new SimDisk(sim.Machine), CancellationToken.None).Count()).Message, StringComparison.Ordinal);
    }

    private static FileEntry Written(Commit commit)
    {
        using var writer = commit.CreateFile(9);
        writer.Write([1]);
        return writer.Complete();
    }

    /// <summary>What the acknowledgement was when the newest version was not yet published.</summary>
    private static byte[] AcknowledgedBefore(SimStore sim)
    {
        var before = sim.Keys.Peek(Acknowledgement.Name);
        using var folder = sim.Open();
        sim.CommitNext(folder);
        return before;
    }

    private static List<string> Named(StoreFolder folder, params long[] versions) => [.. versions.SelectMany(v => folder.Load(v).Named).Select(f => f.Name).Distinct().Order(StringComparer.Ordinal)];

    private static List<string> Sealed(SimStore sim) => [.. sim.Store.AllFiles().Where(n => n.StartsWith("f/", StringComparison.Ordinal))];
}
