using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Sealing;

public sealed class SealedFileTests
{
    private static readonly int[] Lengths = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 262_144, 262_145, 400_000];

    [Fact]
    public void Content_of_every_length_around_the_chunk_borders_reads_back()
    {
        var (sim, folder, entries) = Write(Lengths);
        for (var i = 0; i < Lengths.Length; i++)
        {
            var expected = SimStore.Content(i, Lengths[i]);
            Assert.Equal(Digest.Of(expected), entries[i].ContentSha256);
            Assert.Equal(entries[i].LengthBytes, sim.Store.Peek(entries[i].Name).Length);
            using var reader = folder.OpenFile(entries[i]);
            Assert.Equal(Lengths[i], reader.LengthBytes);
            var all = new byte[Lengths[i]];
            reader.Read(0, all);
            Assert.Equal(expected, all);
            Assert.Equal(entries[i].ContentSha256, reader.ReadAll(CancellationToken.None));
        }
        folder.Dispose();
    }

    [Fact]
    public void Ranges_by_chance_equal_slices_of_the_content()
    {
        const int seed = 20_26;
        var chance = new Random(seed);
        var (_, folder, entries) = Write(Lengths);
        for (var i = 1; i < Lengths.Length; i++)
        {
            var expected = SimStore.Content(i, Lengths[i]);
            using var reader = folder.OpenFile(entries[i]);
            for (var round = 0; round < 100; round++)
            {
                // Half of the borders fall on chunks or the end, where the paths differ.
                int Border() => chance.Next(2) == 0 ? chance.Next(Lengths[i] + 1) : Math.Min(Lengths[i], chance.Next(8) << SealedFormat.ChunkLog2);
                var (a, b) = (Border(), Border());
                var (from, to) = (Math.Min(a, b), Math.Max(a, b));
                var got = new byte[to - from];
                reader.Read(from, got);
                Assert.True(expected.AsSpan(from, to - from).SequenceEqual(got), $"seed {seed}: file {i}, bytes {from} to {to}");
            }
        }
        folder.Dispose();
    }

    [Fact]
    public void Many_threads_read_one_file_at_once()
    {
        var (_, folder, entries) = Write([400_000]);
        var expected = SimStore.Content(0, 400_000);
        using var reader = folder.OpenFile(entries[0]);
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var got = new byte[1000 + i * 4000];
            reader.Read(i * 100, got);
            Assert.True(expected.AsSpan(i * 100, got.Length).SequenceEqual(got));
        });
        folder.Dispose();
    }

    [Fact]
    public void Writing_in_small_pieces_gives_the_same_content_digest()
    {
        var sim = SimStore.WithVersions(0);
        using var folder = sim.Open();
        using var commit = folder.BeginCommit();
        var content = SimStore.Content(9, 200_000);
        using var whole = commit.CreateFile(1);
        whole.Write(content);
        using var pieces = commit.CreateFile(1);
        for (var at = 0; at < content.Length; at += 777) pieces.Write(content.AsSpan(at, Math.Min(777, content.Length - at)));
        Assert.Equal(content.Length, pieces.PositionBytes);
        var (one, two) = (whole.Complete(), pieces.Complete()); // I12: the digest depends on the content only
        Assert.Equal(one.ContentSha256, two.ContentSha256);
        Assert.Equal(one.LengthBytes, two.LengthBytes);
        Assert.NotEqual(sim.Store.Peek(one.Name + ".tmp")[96..], sim.Store.Peek(two.Name + ".tmp")[96..]);
    }

    [Fact]
    public void A_chunk_moved_within_a_file_or_cut_at_a_chunk_border_is_refused()
    {
        var (sim, folder, entries) = Write([3 * 65_536]);
        var good = sim.Store.Peek(entries[0].Name);
        var moved = (byte[])good.Clone();
        good.AsSpan(80, 65_552).CopyTo(moved.AsSpan(80 + 65_552));
        good.AsSpan(80 + 65_552, 65_552).CopyTo(moved.AsSpan(80));
        sim.Store.Poke(entries[0].Name, moved);
        using (var reader = folder.OpenFile(entries[0]))
        {
            var buffer = Enumerable.Repeat((byte)7, 100).ToArray();
            Assert.Throws<DamagedStoreException>(() => reader.Read(65_536, buffer));
            Assert.All(buffer, b => Assert.Equal(0, b));
            reader.Read(2 * 65_536, buffer); // the sound chunk stays readable
            Assert.Equal(SimStore.Content(0, 3 * 65_536)[(2 * 65_536)..][..100], buffer);
        }
        sim.Store.Poke(entries[0].Name, good[..^65_552]);
        Assert.Throws<DamagedStoreException>(() => folder.OpenFile(entries[0]));
        // Even a manifest that believed the shorter length could not read it: the last chunk carries a mark.
        var shorter = entries[0] with { ContentBytes = 2 * 65_536, LengthBytes = entries[0].LengthBytes - 65_552 };
        using var cut = folder.OpenFile(shorter);
        Assert.Throws<DamagedStoreException>(() => cut.Read(65_536, new byte[10]));
        folder.Dispose();
    }

    [Fact]
    public void A_key_wrap_moved_to_another_file_does_not_open_it()
    {
        var sim = SimStore.WithVersions(0);
        using var master = Acknowledgement.Read(sim.Keys).Master;
        var (one, two) = (FileId.New(), FileId.New());
        using var key = FileKey.New();
        var wrapped = master.Wrap(key, one);
        Assert.Equal(key.Data.ToArray(), master.Unwrap(wrapped, one)!.Data.ToArray());
        Assert.Null(master.Unwrap(wrapped, two));
        wrapped[20] ^= 1;
        Assert.Null(master.Unwrap(wrapped, one));
    }

    [Fact]
    public void Ids_and_digests_have_one_text_form()
    {
        var id = FileId.New();
        Assert.True(FileId.TryParse(id.ToString(), out var again) && again == id);
        Assert.False(FileId.TryParse(new string('A', 32), out _));
        Assert.False(FileId.TryParse(" " + new string('a', 31), out _));
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Digest.Of("abc"u8).ToString());
    }

    [Fact]
    public void The_sealed_length_determines_the_content_length()
    {
        for (var content = 0L; content < 200_000; content += 13) Assert.Equal(content, SealedFormat.ContentLength(SealedFormat.SealedLength(content)));
        Assert.Equal(-1, SealedFormat.ContentLength(SealedFormat.SealedLength(65_536) + 16));
        Assert.Equal(-1, SealedFormat.ContentLength(95));
    }

    private static (SimStore Sim, StoreFolder Folder, FileEntry[] Entries) Write(int[] lengths)
    {
        var sim = SimStore.WithVersions(0);
        var folder = sim.Open();
        using var commit = folder.BeginCommit();
        var entries = new FileEntry[lengths.Length];
        for (var i = 0; i < lengths.Length; i++)
        {
            using var writer = commit.CreateFile(1);
            writer.Write(SimStore.Content(i, lengths[i]));
            commit.Add(entries[i] = writer.Complete());
        }
        commit.Publish();
        return (sim, folder, entries);
    }
}
