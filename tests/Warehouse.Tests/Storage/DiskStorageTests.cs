using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Storage;

public sealed class DiskStorageTests
{
    [Fact]
    public void A_store_on_a_real_disk_reads_back_and_shows_nothing_to_others()
    {
        using var temp = new TempFolder();
        var content = new byte[300_000];
        new Random(1).NextBytes(content);
        using (var folder = Create(temp))
        {
            using var commit = folder.BeginCommit();
            using var writer = commit.CreateFile(1);
            writer.Write(content);
            commit.Add(writer.Complete());
            commit.SetPart("catalog", "hello"u8);
            Assert.Equal(2, commit.Publish().Version);
        }
        using var again = Open(temp);
        using var reader = again.OpenFile(again.Current.Files[0]);
        var got = new byte[content.Length];
        reader.Read(0, got);
        Assert.Equal(content, got);
        Assert.Equal("hello"u8.ToArray(), again.ReadPart(again.Current, "catalog"));
        Assert.Empty(again.Verify(null, CancellationToken.None));
        foreach (var path in Directory.EnumerateFileSystemEntries(temp.Path, "*", SearchOption.AllDirectories))
            Assert.True(Durable.Facts(path)!.Value.IsPrivate, path);
    }

    [Fact]
    public void Open_refuses_a_key_folder_that_others_may_read()
    {
        using var temp = new TempFolder();
        Create(temp).Dispose();
        Peer.Output("chmod", "755", temp["keys"]);
        Assert.Throws<StoreRefusedException>(() => Open(temp));
    }

    [Fact]
    public void A_store_inside_its_key_folder_or_around_it_is_refused()
    {
        using var temp = new TempFolder();
        var outer = DiskStorage.OpenOrCreate(temp["outer"]);
        var inner = DiskStorage.OpenOrCreate(temp["outer/inner"]);
        var identity = StoreIdentity.New("GRCh38", default, TimeProvider.System);
        Assert.Throws<StoreRefusedException>(() => StoreFolder.Create(outer, inner, identity, TimeProvider.System));
        Assert.Throws<StoreRefusedException>(() => StoreFolder.Create(inner, outer, identity, TimeProvider.System));
    }

    [Fact]
    public void Of_racing_renames_to_one_name_exactly_one_wins()
    {
        using var temp = new TempFolder();
        for (var round = 0; round < 200; round++)
        {
            foreach (var i in (int[])[0, 1, 2, 3]) File.WriteAllText(temp[$"{round}.{i}"], "");
            var wins = 0;
            Parallel.For(0, 4, i =>
            {
                if (Durable.TryRename(temp[$"{round}.{i}"], temp[$"{round}"])) Interlocked.Increment(ref wins);
            });
            Assert.Equal(1, wins);
        }
    }

    [Fact]
    public void Of_racing_writers_exactly_one_takes_the_lease()
    {
        using var temp = new TempFolder();
        Create(temp).Dispose();
        for (var round = 0; round < 20; round++)
        {
            using var all = new Barrier(4);
            var wins = 0;
            var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                using var folder = Open(temp);
                all.SignalAndWait();
                Commit? commit = null;
                try
                {
                    commit = folder.BeginCommit();
                    Interlocked.Increment(ref wins);
                }
                catch (StoreBusyException)
                {
                }
                all.SignalAndWait(); // the winner still holds the lease when the last has tried
                commit?.Dispose();
            })).ToList();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
            Assert.Equal(1, wins);
        }
    }

    /// <summary>A writer that lost its lease and does not know it may append once more: not over what another has appended meanwhile.</summary>
    [Fact]
    public void What_another_has_appended_is_never_written_over()
    {
        using var temp = new TempFolder();
        var storage = DiskStorage.OpenOrCreate(temp["store"]);
        using (var made = storage.Create("table")) made.Append("begin "u8);
        using var old = storage.Open("table", append: true);
        using var now = storage.Open("table", append: true);
        now.Append("promised "u8);
        old.Append("late "u8);
        Assert.Equal("begin promised late ", File.ReadAllText(temp["store/table"]));
    }

    [Fact]
    public void A_symbolic_link_inside_the_folder_is_not_followed()
    {
        using var temp = new TempFolder();
        File.WriteAllText(temp["secret"], "secret");
        var storage = DiskStorage.OpenOrCreate(temp["store"]);
        File.CreateSymbolicLink(temp["store/link"], temp["secret"]);
        Assert.Throws<DurableException>(() => storage.Open("link"));
        Assert.Throws<ArgumentException>(() => storage.Open("../secret"));
    }

    [Fact]
    public void Errors_name_the_call_and_the_reason_but_no_path()
    {
        using var temp = new TempFolder();
        var storage = DiskStorage.OpenOrCreate(temp["store"]);
        var error = Assert.Throws<DurableException>(() => storage.Open("Jane Doe.vcf"));
        Assert.Equal((DurableException.Missing, "open"), (error.Errno, error.Operation));
        Assert.DoesNotContain("Jane", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(temp.Path, error.Message, StringComparison.Ordinal);
        Assert.Equal(DurableException.Missing, Assert.Throws<DurableException>(() => storage.List("none")).Errno);
    }

    [Fact]
    public void Reading_past_the_end_is_an_error_and_not_fewer_bytes()
    {
        using var temp = new TempFolder();
        var storage = DiskStorage.OpenOrCreate(temp["store"]);
        using var file = storage.Create("a");
        file.Append([1, 2, 3]);
        Assert.Equal(0, Assert.Throws<DurableException>(() => file.Read(0, new byte[4])).Errno);
    }

    [Fact]
    public void A_lock_is_exclusive_or_shared()
    {
        using var temp = new TempFolder();
        var storage = DiskStorage.OpenOrCreate(temp["store"]);
        storage.Create("lock").Dispose();
        using (storage.Lock("lock", exclusive: false))
        using (storage.Lock("lock", exclusive: false))
            Assert.Null(storage.Lock("lock", exclusive: true));
        using var held = storage.Lock("lock", exclusive: true);
        Assert.True(held!.IsHeld);
        Assert.Null(storage.Lock("lock", exclusive: true));
        storage.Delete("lock");
        storage.Create("lock").Dispose();
        Assert.False(held.IsHeld);
    }

    private static StoreFolder Create(TempFolder temp) => StoreFolder.Create(
        DiskStorage.OpenOrCreate(temp["store"]), DiskStorage.OpenOrCreate(temp["keys"]), StoreIdentity.New("GRCh38", default, TimeProvider.System), TimeProvider.System);

    private static StoreFolder Open(TempFolder temp) => StoreFolder.Open(DiskStorage.Open(temp["store"]), DiskStorage.Open(temp["keys"]), TimeProvider.System);
}
