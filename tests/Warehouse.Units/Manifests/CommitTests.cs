using System.Buffers.Binary;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Manifests;

/// <summary>What a commit takes and refuses, and what a version then names: I2, at its edges.</summary>
public sealed class CommitTests
{
    [Fact]
    public void Kinds_of_files_are_those_that_the_store_does_not_use_itself()
    {
        using var folder = SimStore.WithVersions(1).Open();
        using var commit = folder.BeginCommit();
        Assert.Throws<ArgumentOutOfRangeException>(() => commit.CreateFile(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => commit.CreateFile(SealedFormat.FirstStoreKind));
        foreach (var kind in (byte[])[1, SealedFormat.FirstStoreKind - 1])
        {
            using var writer = commit.CreateFile(kind);
            Assert.Equal(kind, writer.Complete().Kind);
        }
    }

    [Fact]
    public void A_commit_names_its_own_files_once_and_finds_what_the_version_will_have()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        var (kept, gone) = (folder.Current.Files[0], folder.Current.Files[1]);
        using var commit = folder.BeginCommit();
        FileEntry[] made = [.. Enumerable.Range(1, 3).Select(i => Written(commit, [(byte)i]))];
        Assert.Throws<ArgumentException>(() => commit.Add(kept));
        Assert.False(commit.TryFindFile(made[0].Id, out _));
        foreach (var one in made) commit.Add(one);
        Assert.Throws<ArgumentException>(() => commit.Add(made[0]));
        commit.Remove(gone.Id);
        commit.Remove(made[1].Id);
        Assert.Throws<ArgumentException>(() => commit.Remove(FileId.New()));
        foreach (var there in (FileEntry[])[kept, made[0], made[2]]) Assert.True(commit.TryFindFile(there.Id, out var found) && found == there);
        foreach (var other in (FileEntry[])[gone, made[1]]) Assert.False(commit.TryFindFile(other.Id, out _));
        using (var reader = commit.OpenFile(made[2].Id)) Assert.Equal(1, reader.LengthBytes);
        commit.OpenFile(kept.Id).Dispose();
        Assert.Throws<ArgumentException>(() => commit.OpenFile(FileId.New()));
        var published = commit.Publish();
        Assert.Equal([kept, made[0], made[2]], published.Files);
        Assert.Throws<ObjectDisposedException>(commit.Publish);
        Assert.Throws<ObjectDisposedException>(() => commit.CreateFile(1));
        Assert.DoesNotContain(made[1].Name, sim.Store.AllFiles());
        Assert.DoesNotContain(sim.Store.AllFiles(), n => n.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Equal(published.Files, sim.Open().Current.Files);
    }

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("a b")]
    [InlineData("a_b")]
    [InlineData("é")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void A_name_that_is_none_of_a_part_is_refused(string name)
    {
        using var folder = SimStore.WithVersions(1).Open();
        using var commit = folder.BeginCommit();
        Assert.Throws<ArgumentException>(() => commit.SetPart(name, [1]));
    }

    [Fact]
    public void Parts_are_set_changed_carried_over_and_left_out()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        var longest = new string('z', 64);
        using (var commit = folder.BeginCommit())
        {
            commit.SetPart("a-b.c/0", [1]);
            commit.SetPart(longest, [2, 2]);
            commit.SetPart("twice", [3]);
            commit.SetPart("twice", [4]);
            commit.SetPart("never", [5]);
            commit.RemovePart("never");
            commit.RemovePart("unknown");
            commit.SetPart("policy", "changed, and back again"u8);
            commit.SetPart("policy", "always the same"u8);
            commit.RemovePart("catalog");
            commit.Publish();
        }
        var (current, before) = (folder.Current, folder.Load(2));
        Assert.Equal(["a-b.c/0", "policy", "twice", longest], current.Parts.Keys);
        Assert.Equal(before.Parts["policy"], current.Parts["policy"]);
        Assert.Equal((byte[])[1], folder.ReadPart(current, "a-b.c/0"));
        Assert.Equal((byte[])[2, 2], folder.ReadPart(current, longest));
        Assert.Equal((byte[])[4], folder.ReadPart(current, "twice"));
        // A part of equal length and other content is another part.
        using (var commit = folder.BeginCommit())
        {
            commit.SetPart("twice", [9]);
            commit.Publish();
        }
        Assert.Equal((byte[])[9], folder.ReadPart(folder.Current, "twice"));
        Assert.Equal(current.Parts["a-b.c/0"], folder.Current.Parts["a-b.c/0"]);
        folder.CollectGarbage();
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void An_identity_keeps_what_it_was_given_up_to_its_limits()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => StoreIdentity.New(new string('a', 257), default, TimeProvider.System));
        Assert.Throws<ArgumentOutOfRangeException>(() => StoreIdentity.New(new string('é', 129), default, TimeProvider.System));
        Assert.Throws<ArgumentOutOfRangeException>(() => StoreIdentity.New("a", new byte[(1 << 24) + 1], TimeProvider.System));
        foreach (var (assembly, reference) in new[] { ("", 0), (new string('a', 256), 5), ("x", 3_000) })
        {
            var disk = new SimDisk(new SimMachine());
            var identity = StoreIdentity.New(assembly, SimStore.Content(5, reference), TimeProvider.System);
            var written = identity.Write(disk);
            var (read, digest) = StoreIdentity.Read(disk);
            Assert.Equal((written, identity.StoreId, assembly, identity.CreatedUtc, 1u, 0ul), (digest, read.StoreId, read.Assembly, read.CreatedUtc, read.FormatVersion, read.FeatureFlags));
            Assert.Equal(identity.ReferenceDigests.ToArray(), read.ReferenceDigests.ToArray());
        }
    }

    [Theory]
    [InlineData(40, -1L, "lengths")]
    [InlineData(40, long.MaxValue, "lengths")]
    [InlineData(48, 7L, "lengths")]
    [InlineData(0, 5L, "not what was written")]
    public void An_identity_whose_numbers_cannot_be_is_damage(int at, long value, string reason)
    {
        var disk = new SimDisk(new SimMachine());
        StoreIdentity.New("GRCh38", new byte[3], TimeProvider.System).Write(disk);
        var bytes = disk.Peek("store");
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), value);
        Digest.Of(bytes.AsSpan(..^32)).Write(bytes.AsSpan(^32..));
        disk.Poke("store", bytes);
        Assert.Contains(reason, Assert.Throws<DamagedStoreException>(() => StoreIdentity.Read(disk)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_identity_that_is_too_short_too_long_or_missing_is_damage_and_says_so()
    {
        var disk = new SimDisk(new SimMachine());
        Assert.True(Assert.Throws<DamagedStoreException>(() => StoreIdentity.Read(disk)).IsMissing);
        foreach (var length in (int[])[0, 56 + 31, 56 + 32 + 256 + (1 << 24) + 1])
        {
            disk.Poke("store", new byte[length]);
            Assert.Contains("wrong length", Assert.Throws<DamagedStoreException>(() => StoreIdentity.Read(disk)).Message, StringComparison.Ordinal);
        }
        disk.Poke("store", new byte[56 + 32]);
        Assert.Contains("not what was written", Assert.Throws<DamagedStoreException>(() => StoreIdentity.Read(disk)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000000000000000007", 7)]
    [InlineData("00000000000000000000", 0)]
    [InlineData("0000000000000000007", 0)]
    [InlineData("000000000000000000007", 0)]
    [InlineData("0000000000000000000x", 0)]
    [InlineData("+0000000000000000007", 0)]
    [InlineData("99999999999999999999", 0)]
    [InlineData("", 0)]
    public void Names_of_manifests_are_versions_in_20_digits(string name, long version)
    {
        Assert.Equal(version, ManifestFormat.VersionOf(name));
        if (version > 0) Assert.Equal("m/" + name, ManifestFormat.NameOf(version));
    }

    [Fact]
    public void A_file_that_is_listed_twice_is_damage()
    {
        var one = new FileEntry(FileId.New(), 1, 1, 96, 0, default);
        Assert.Contains("listed twice", Assert.Throws<DamagedStoreException>(() => FileList.Empty.Apply(new HashSet<FileId>(), [one, one], _ => one)).Message, StringComparison.Ordinal);
    }

    /// <summary>Random histories of additions and removals against a plain list; no list file is empty or too long, and half-empty ones do not pile up.</summary>
    [Fact]
    public void Lists_of_files_are_a_plain_list_whatever_is_added_and_removed()
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            var dice = new Random(seed);
            var (list, plain, written) = (FileList.Empty, new List<FileEntry>(), 0);
            for (var step = 0; step < 12; step++)
            {
                var removed = plain.Where(_ => dice.Next(4) == 0 && step % 3 > 0).Select(e => e.Id).ToHashSet();
                var added = Enumerable.Range(0, dice.Next(3) == 0 ? 0 : dice.Next(1_500)).Select(i => new FileEntry(FileId.New(), 1, (uint)i, 96, 0, default)).ToList();
                var before = list;
                list = list.Apply(removed, added, bytes =>
                {
                    written++;
                    return new FileEntry(FileId.New(), SealedFormat.FileListKind, 1, 0, bytes.Length, Digest.Of(bytes));
                });
                plain = [.. plain.Where(e => !removed.Contains(e.Id)), .. added];
                Assert.Equal(plain, list);
                Assert.All(list.Chunks, c => Assert.InRange(c.Entries.Length, 1, 1_024));
                Assert.True(list.Chunks.Count <= 3 + (2 * plain.Count / 1_024), $"seed {seed}: {list.Chunks.Count} lists of {plain.Count} files");
                if (removed.Count == 0 && added.Count == 0) Assert.Same(before, list);
                foreach (var entry in plain.Take(3)) Assert.True(list.TryFind(entry.Id, out var found) && found == entry);
                Assert.All(removed.Take(3), id => Assert.False(list.TryFind(id, out _)));
            }
        }
    }

    [Fact]
    public void A_list_that_is_none_or_of_another_length_is_damage()
    {
        foreach (var (at, value, reason) in new[] { (0, 1L, "not a file list"), (8, 2L, "length"), (8, 1_025L, "length"), (8, 0L, "length"), (-1, 0L, "not a file list") })
        {
            byte[]? good = null;
            FileList.Empty.Apply(new HashSet<FileId>(), [new FileEntry(FileId.New(), 1, 1, 96, 0, default)], bytes =>
            {
                good = bytes;
                return new FileEntry(FileId.New(), 1, 1, 96, 0, default);
            });
            var bad = at < 0 ? good!.AsSpan(0, 15).ToArray() : good!;
            if (at >= 0) BinaryPrimitives.WriteInt32LittleEndian(bad.AsSpan(at), (int)value);
            var sim = SimStore.WithVersions(0);
            using var folder = sim.Open();
            using var commit = folder.BeginCommit();
            var entry = Written(commit, bad);
            commit.Add(entry);
            commit.Publish();
            Assert.Contains(reason, Assert.Throws<DamagedStoreException>(() => FileList.Load(sim.Store, folder.Keys, [entry])).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Verify_names_locks_folders_and_the_rest_of_an_unfinished_commit()
    {
        foreach (var disk in (string[])["", "keys/"])
        {
            var sim = SimStore.WithVersions(1);
            var where = disk.Length == 0 ? sim.Store : sim.Keys;
            where.Poke("lock", [1]);
            Assert.Contains(new VerifyFinding(FindingKind.Damaged, disk + "lock", "must be empty"), sim.Verify());
            where.Poke("lock", null);
            Assert.Contains(new VerifyFinding(FindingKind.Missing, disk + "lock", "is missing"), sim.Verify());
        }
        var torn = SimStore.WithVersions(1);
        var table = torn.Keys.AllFiles().Single(n => n.StartsWith("table-", StringComparison.Ordinal));
        torn.Keys.Poke(table, [.. torn.Keys.Peek(table), 1, 2, 3]);
        var finding = Assert.Single(torn.Verify(), f => f.File == "keys/" + table);
        Assert.Equal(FindingKind.Surplus, finding.Kind);
        using (var folder = torn.Open()) torn.CommitNext(folder);
        Assert.DoesNotContain(torn.Verify(), f => f.File == "keys/" + table);
    }

    [Fact]
    public void Verify_tells_how_far_it_is_and_stops_when_told()
    {
        var sim = SimStore.WithVersions(3);
        var reports = new List<(long Done, long Total)>();
        var progress = new Told(p => reports.Add((p.Done, p.Total)));
        Assert.DoesNotContain(StoreVerifier.Verify(sim.Store, sim.Keys, progress, CancellationToken.None), f => f.Kind != FindingKind.Surplus);
        using var folder = sim.Open();
        var lengths = folder.Current.Named.Select(f => f.LengthBytes).ToList();
        Assert.Equal(lengths.Select((_, i) => (lengths.Take(i + 1).Sum(), lengths.Sum())), reports);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => StoreVerifier.Verify(sim.Store, sim.Keys, null, stop.Token).Count());
    }

    [Fact]
    public void A_collection_says_what_it_removed()
    {
        var sim = SimStore.WithVersions(3);
        using var folder = sim.Open();
        var before = sim.Store.AllFiles().ToDictionary(n => n, n => sim.Store.Peek(n).LongLength);
        var report = folder.CollectGarbage();
        var removed = before.Where(f => !sim.Store.AllFiles().Contains(f.Key)).ToList();
        Assert.True(removed.Count > 3);
        Assert.Equal((removed.Count, removed.Sum(f => f.Value), removed.Count), (report.Files, report.Bytes, report.Keys));
        Assert.Equal([.. folder.Current.Named.Select(f => f.Name).Order(StringComparer.Ordinal)], sim.Store.AllFiles().Where(n => n.StartsWith("f/", StringComparison.Ordinal)));
    }

    private static FileEntry Written(Commit commit, ReadOnlySpan<byte> content)
    {
        using var writer = commit.CreateFile(9);
        writer.Write(content);
        return writer.Complete();
    }

    private sealed class Told(Action<Warehouse.Engine.WorkProgress> tell) : IProgress<Warehouse.Engine.WorkProgress>
    {
        public void Report(Warehouse.Engine.WorkProgress value) => tell(value);
    }
}
