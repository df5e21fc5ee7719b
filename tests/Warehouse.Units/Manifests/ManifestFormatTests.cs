using System.Buffers.Binary;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>The bytes of a version's root and of its lists: what they say comes back, and each thing that cannot be is refused by its name.</summary>
public sealed class ManifestFormatTests
{
    private const int TicksAt = 32, PartsAt = 72, ListsAt = 76, FirstPartAt = 80;

    private static readonly FileId Store = FileId.New();
    private static readonly DateTimeOffset Time = new(2026, 11, 29, 1, 2, 3, TimeSpan.Zero);

    [Fact]
    public void A_root_comes_back_with_its_parts_in_order_and_all_its_lists()
    {
        foreach (var files in (int[])[0, 1, 1_025, 2_500])
        {
            var unordered = new Dictionary<string, FileEntry> { ["z"] = Entry(1), ["a"] = Entry(2), [new string('m', 64)] = Entry(3) };
            var manifest = new Manifest(7, new Digest(1, 2, 3, 4), Time, unordered, Listed(files)) { Sha256 = default };
            var bytes = ManifestFormat.Encode(manifest, Store);
            Assert.Equal(bytes, ManifestFormat.Encode(manifest with { Parts = new SortedDictionary<string, FileEntry>(unordered, StringComparer.Ordinal) }, Store));
            var (root, lists) = ManifestFormat.Decode(bytes, 7, Store, new Digest(9, 9, 9, 9));
            Assert.Equal((7, new Digest(1, 2, 3, 4), Time, new Digest(9, 9, 9, 9)), (root.Version, root.PreviousSha256, root.CreatedUtc, root.Sha256));
            Assert.Equal(unordered.OrderBy(p => p.Key, StringComparer.Ordinal), root.Parts);
            Assert.Equal(manifest.Files.Chunks.Select(c => c.ListFile), lists);
        }
    }

    [Fact]
    public void A_root_that_cannot_be_is_refused_by_what_is_wrong()
    {
        var good = Root();
        ManifestFormat.Decode(good, 7, Store, default);
        Refused("is not a manifest of this store", Changed(good, 0, 0));
        Refused("is not a manifest of this store", Changed(good, 16, (byte)(good[16] ^ 1)));
        Refused("is not a manifest of this store", Number(good, PartsAt, ManifestFormat.MaxParts + 1));
        Refused("is not a manifest of this store", Number(good, ListsAt, ManifestFormat.MaxLists + 1));
        Refused("is the manifest of another version", Changed(good, 8, 8));
        foreach (var (ticks, isTime) in ((long, bool)[])[(-1, false), (0, true), (DateTime.MaxValue.Ticks, true), (DateTime.MaxValue.Ticks + 1, false)])
        {
            var bytes = good.ToArray();
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(TicksAt), ticks);
            if (isTime) Assert.Equal(ticks, ManifestFormat.Decode(bytes, 7, Store, default).Root.CreatedUtc.UtcTicks);
            else Refused("its time cannot be", bytes);
        }
        Refused("its length does not fit", Number(good, PartsAt, 3)); // the bytes end where the third would begin
        Refused("its length does not fit", Changed(good, FirstPartAt, 255));
        foreach (var less in (int[])[1, 2, 71, 72, 73]) Refused("its length does not fit", good[..^less]);
        Refused("its length does not fit", [.. good, 0]);
        Refused("its length does not fit", Number(good, ListsAt, 1));
        Refused("names a part twice", Changed(good, FirstPartAt + 1 + 1 + 72 + 1, (byte)'a'));
    }

    [Fact]
    public void A_version_has_no_more_parts_than_it_may()
    {
        var entry = Entry(1);
        Manifest With(int parts) => new(7, default, Time, Enumerable.Range(0, parts).ToDictionary(i => "p" + i, _ => entry), FileList.Empty) { Sha256 = default };
        Assert.Equal(ManifestFormat.MaxParts, ManifestFormat.Decode(ManifestFormat.Encode(With(ManifestFormat.MaxParts), Store), 7, Store, default).Root.Parts.Count);
        Assert.Throws<StoreRefusedException>(() => ManifestFormat.Encode(With(ManifestFormat.MaxParts + 1), Store));
    }

    [Fact]
    public void Files_that_are_read_whole_are_those_that_the_manifest_names()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        using (var commit = folder.BeginCommit())
        {
            commit.SetPart("empty", []);
            commit.Publish();
        }
        Assert.Empty(folder.ReadPart(folder.Current, "empty"));
        var part = folder.Current.Parts["catalog"];
        Assert.Equal(SimStore.Content(2, 50), ManifestFormat.ReadWhole(sim.Store, part, folder.Keys));
        foreach (var length in (long[])[-1, ManifestFormat.MaxPartBytes + 1L]) Assert.Contains("too long to be read as a whole", Damage(() => ManifestFormat.ReadWhole(sim.Store, part with { ContentBytes = length }, folder.Keys)), StringComparison.Ordinal);
        Assert.Contains("not the one in the manifest", Damage(() => ManifestFormat.ReadWhole(sim.Store, part with { ContentSha256 = default }, folder.Keys)), StringComparison.Ordinal);
        sim.Store.Poke(ManifestFormat.NameOf(9), sim.Store.Peek(folder.Current.Files[0].Name)); // whole, with a key, and of more than a manifest's least length
        Assert.EndsWith(": is not a manifest", Damage(() => ManifestFormat.LoadRoot(sim.Store, folder.Keys, 9)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_manifests_that_is_missing_is_damage_and_another_failure_is_not()
    {
        Assert.True(Assert.Throws<DamagedStoreException>(() => ManifestFormat.Versions(new SimDisk(new SimMachine()))).IsMissing);
        var sim = SimStore.WithVersions(1);
        sim.Machine.FailAt(sim.Machine.Operations, DurableException.DeviceError);
        Assert.Throws<DurableException>(() => ManifestFormat.Versions(sim.Store));
    }

    /// <summary>Which list files a commit writes anew: the fewer the better, but not so few that short ones pile up.</summary>
    [Fact]
    public void A_commit_rewrites_no_more_lists_than_it_has_to()
    {
        var three = Listed(1_024 + 1_024 + 10);
        Assert.Equal([1_024, 1_024, 10], three.Chunks.Select(c => c.Entries.Length));
        // Removed from the first: the others stay.
        var removed = Apply(three, [three[0]], 0);
        Assert.Equal([1_023, 1_024, 10], removed.Chunks.Select(c => c.Entries.Length));
        Assert.Equal(three.Chunks.Skip(1), removed.Chunks.Skip(1));
        // The last list is gone with its entries: what is added goes into the one before, where there is room.
        Assert.Equal([1_023, 1_024, 5], Apply(removed, removed.Skip(1_023 + 1_024), 5).Chunks.Select(c => c.Entries.Length));
        Assert.Equal([1_003], Apply(three, three.Skip(1_000), 3).Chunks.Select(c => c.Entries.Length));
        // A full last list stays as it is.
        var full = Listed(1_024);
        Assert.Equal(full.Chunks[0], Apply(full, [], 1).Chunks[0]);
        // Two short lists may stay, three are packed.
        var two = Apply(three, [.. three.Take(1_004), .. three.Skip(1_024).Take(1_024)], 0);
        Assert.Equal([20, 10], two.Chunks.Select(c => c.Entries.Length));
        Assert.Equal(three.Chunks[2], two.Chunks[1]);
        Assert.Equal([50], Apply(three, [.. three.Take(1_004), .. three.Skip(1_024).Take(1_004)], 0).Chunks.Select(c => c.Entries.Length));
    }

    [Fact]
    public void A_list_of_the_greatest_length_is_read()
    {
        byte[]? bytes = null;
        var list = FileList.Empty.Apply(new HashSet<FileId>(), [.. Enumerable.Range(0, FileList.MaxEntries).Select(i => Entry((uint)i))], b =>
        {
            bytes = b;
            return Entry(1);
        });
        Assert.Equal(list, FileList.Decode(bytes!, "list"));
    }

    private static FileList Apply(FileList list, IEnumerable<FileEntry> removed, int added) =>
        list.Apply(removed.Select(e => e.Id).ToHashSet(), [.. Enumerable.Range(0, added).Select(i => Entry((uint)i))], bytes => new FileEntry(FileId.New(), SealedFormat.FileListKind, 1, 0, bytes.Length, Digest.Of(bytes)));

    private static FileList Listed(int files) => Apply(FileList.Empty, [], files);

    private static FileEntry Entry(uint key) => new(FileId.New(), 1, key, 96, 0, default);

    /// <summary>Version 7 with the parts a and b and no list.</summary>
    private static byte[] Root() => ManifestFormat.Encode(new Manifest(7, default, Time, new Dictionary<string, FileEntry> { ["a"] = Entry(1), ["b"] = Entry(2) }, FileList.Empty) { Sha256 = default }, Store);

    private static byte[] Changed(byte[] good, int at, byte value)
    {
        var bytes = good.ToArray();
        bytes[at] = value;
        return bytes;
    }

    private static byte[] Number(byte[] good, int at, int value)
    {
        var bytes = good.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
        return bytes;
    }

    private static string Damage(Action read) => Assert.Throws<DamagedStoreException>(read).Message;

    private static void Refused(string reason, byte[] bytes) => Assert.EndsWith(": " + reason, Damage(() => ManifestFormat.Decode(bytes, 7, Store, default)), StringComparison.Ordinal);
}
