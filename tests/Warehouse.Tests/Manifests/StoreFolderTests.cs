using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Manifests;

public sealed class StoreFolderTests
{
    [Fact]
    public void A_store_reads_back_what_its_commits_wrote()
    {
        var sim = SimStore.WithVersions(5);
        using var folder = sim.Open();
        Assert.Equal(6, SimStore.CheckWhole(folder));
        Assert.Equal("GRCh38", folder.Identity.Assembly);
        Assert.Equal([1, 2, 3], folder.Identity.ReferenceDigests.ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6], folder.Versions());
        Assert.Equal(folder.Current.PreviousSha256, folder.Load(5).Sha256);
        Assert.Null(folder.TryReadPart(folder.Current, "absent"));
        Assert.All(sim.Verify(), f => Assert.Equal(FindingKind.Surplus, f.Kind));
    }

    [Fact]
    public void An_unchanged_part_is_carried_over_and_not_rewritten()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        var before = folder.Current;
        var after = sim.CommitNext(folder);
        Assert.Equal(before.Parts["policy"], after.Parts["policy"]);
        Assert.NotEqual(before.Parts["catalog"].Id, after.Parts["catalog"].Id);
    }

    [Fact]
    public void Ten_thousand_files_are_kept_in_lists_of_which_a_commit_rewrites_only_the_last()
    {
        var chunks = new Dictionary<FileId, byte[]>();
        FileEntry Write(byte[] bytes)
        {
            var id = FileId.New();
            chunks.Add(id, bytes);
            return new FileEntry(id, SealedFormat.FileListKind, 1, 0, bytes.Length, Digest.Of(bytes));
        }
        var entries = Enumerable.Range(0, 10_000).Select(i => new FileEntry(FileId.New(), 1, (uint)i, 96, 0, default)).ToList();
        var list = FileList.Empty.Apply(new HashSet<FileId>(), entries, Write);
        Assert.Equal(10, list.Chunks.Count);
        Assert.Equal(entries, list);

        var more = new FileEntry(FileId.New(), 1, 1, 96, 0, default);
        var longer = list.Apply(new HashSet<FileId> { entries[5].Id }, [more], Write);
        Assert.Equal([.. entries.Where(e => e != entries[5]), more], longer);
        Assert.Equal(12, chunks.Count); // the first list and the last
        Assert.True(longer.TryFind(more.Id, out var found) && found == more);

        var few = longer.Apply(longer.Skip(20).Select(e => e.Id).ToHashSet(), [], Write);
        Assert.Equal(longer.Take(20), few);
        Assert.Single(few.Chunks);
    }

    [Fact]
    public void A_commit_that_is_not_published_leaves_nothing_behind()
    {
        var sim = SimStore.WithVersions(1);
        var files = sim.Store.AllFiles();
        using var folder = sim.Open();
        using (var commit = folder.BeginCommit())
        {
            using var writer = commit.CreateFile(7);
            writer.Write(new byte[70_000]);
            commit.Add(writer.Complete());
            commit.SetPart("catalog", "new"u8);
        }
        Assert.Equal(files, sim.Store.AllFiles());
        Assert.Equal(2, folder.Refresh().Version);
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void The_second_writer_is_told_that_the_store_is_busy()
    {
        var sim = SimStore.WithVersions(0);
        using var one = sim.Open();
        using var two = sim.Open();
        using (one.BeginCommit()) Assert.Throws<StoreBusyException>(two.BeginCommit);
        using var commit = two.BeginCommit();
        Assert.Throws<StoreBusyException>(() => one.CollectGarbage());
    }

    [Fact]
    public void A_writer_that_lost_its_lease_file_is_fenced()
    {
        var sim = SimStore.WithVersions(1);
        using var one = sim.Open();
        using var old = one.BeginCommit();
        old.SetPart("catalog", "from the fenced writer"u8);
        sim.Store.Poke("lock", []); // someone removes and recreates the lock files
        sim.Keys.Poke("lock", []);
        using var two = sim.Open();
        sim.CommitNext(two);
        Assert.Throws<StoreBusyException>(old.Publish);
        using var after = sim.Open();
        Assert.Equal(3, SimStore.CheckWhole(after));
    }

    /// <summary>Not only when the other has published: it may be about to, and both would write the key table.</summary>
    [Fact]
    public void A_writer_that_lost_its_lease_file_is_fenced_before_the_other_has_published()
    {
        var sim = SimStore.WithVersions(1);
        using var one = sim.Open();
        using var old = one.BeginCommit();
        sim.Store.Poke("lock", []);
        sim.Keys.Poke("lock", []);
        using var two = sim.Open();
        using var other = two.BeginCommit();
        Assert.Throws<StoreBusyException>(old.Publish);
        Assert.Equal(other.Version, other.Publish().Version);
    }

    [Fact]
    public void A_clock_that_jumps_back_changes_no_order()
    {
        var sim = SimStore.WithVersions(2);
        var clock = new FixedClock(DateTimeOffset.UnixEpoch);
        using var folder = StoreFolder.Open(sim.Store, sim.Keys, clock);
        var before = folder.Current;
        var after = sim.CommitNext(folder);
        Assert.Equal(before.CreatedUtc, after.CreatedUtc);
        Assert.Equal(before.Version + 1, after.Version);
    }

    [Fact]
    public void Garbage_collection_removes_files_and_keys_that_nothing_names_and_spares_readers()
    {
        var sim = SimStore.WithVersions(3);
        using var reader = sim.Open();
        using var writer = sim.Open();
        var old = reader.Current;
        sim.CommitNext(writer);
        sim.CommitNext(writer);
        var first = writer.CollectGarbage();
        Assert.True(first.Files > 0);
        Assert.Equal(4, SimStore.CheckWhole(reader)); // its version is covered by its lease
        Assert.Throws<StoreRefusedException>(() => writer.Load(2));
        reader.Dispose();
        var second = writer.CollectGarbage();
        Assert.True(second is { Files: > 0, Keys: > 0 });
        Assert.Equal(6, SimStore.CheckWhole(writer));
        Assert.Empty(sim.Verify());
        Assert.Equal(default, writer.CollectGarbage());
        var gone = old.Files.First(f => !writer.Current.Files.TryFind(f.Id, out _));
        Assert.Throws<DamagedStoreException>(() => writer.OpenFile(gone));
    }

    [Fact]
    public void A_collected_file_that_comes_back_from_a_backup_cannot_be_read()
    {
        var sim = SimStore.WithVersions(3);
        using var folder = sim.Open();
        var gone = folder.Load(2).Files[0];
        var backup = sim.Store.Peek(gone.Name);
        folder.CollectGarbage();
        sim.Store.Poke(gone.Name, backup);
        using var later = sim.Open();
        Assert.Contains("no key", Assert.Throws<DamagedStoreException>(() => later.OpenFile(gone)).Message, StringComparison.Ordinal);
        Assert.Contains(sim.Verify(), f => f.Kind == FindingKind.Surplus && f.File == gone.Name);
    }

    [Fact]
    public void A_lease_taken_by_hold_outlives_a_refresh()
    {
        var sim = SimStore.WithVersions(2);
        using var folder = sim.Open();
        using var held = folder.Hold();
        for (var i = 0; i < 3; i++) sim.CommitNext(folder);
        folder.CollectGarbage();
        foreach (var file in held.Manifest.Files) folder.OpenFile(file).Dispose();
        Assert.Equal(6, folder.Current.Version);
    }

    [Fact]
    public void Create_refuses_a_folder_with_something_in_it()
    {
        var sim = new SimStore();
        sim.Store.Poke("note.txt", [1]);
        Assert.Throws<StoreRefusedException>(sim.Create);
        Assert.Equal(["note.txt"], sim.Store.AllFiles());
    }

    [Fact]
    public void Open_refuses_keys_that_others_may_read()
    {
        var sim = SimStore.WithVersions(1);
        sim.Keys.SetMode("master-00000001", UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Throws<StoreRefusedException>(sim.Open);
        var other = SimStore.WithVersions(1);
        other.Keys.RootMode |= UnixFileMode.GroupRead;
        Assert.Throws<StoreRefusedException>(other.Open);
    }

    [Fact]
    public void Open_refuses_folders_on_different_devices()
    {
        var sim = SimStore.WithVersions(1);
        sim.Store.ForeignFolder = "m";
        Assert.Throws<StoreRefusedException>(sim.Open);
    }

    [Fact]
    public void Open_refuses_an_unknown_format_or_feature()
    {
        foreach (var place in (ReadOnlySpan<int>)[8, 16])
        {
            var sim = SimStore.WithVersions(1);
            var bytes = sim.Store.Peek("store");
            bytes[place] += 2;
            Digest.Of(bytes.AsSpan(..^32)).Write(bytes.AsSpan(^32..));
            sim.Store.Poke("store", bytes);
            Assert.Throws<StoreRefusedException>(sim.Open);
        }
    }

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
