using Warehouse.Engine.Audit;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>I7, F75: a log that somebody changed is found out, at the entry.</summary>
public sealed class TamperingTests
{
    /// <summary>Entries of a log: two whole bundles, and one that grows.</summary>
    private const int Count = 600;

    private const int Width = TilePath.Width, First = Count / Width * Width;

    /// <summary>Bytes of an entry that only an entry of its number begins with, and some more.</summary>
    private const int Head = 24;

    /// <summary>What somebody does to the entry at a place of a log, and no other place moves; bundles of frames, of which some are changed.</summary>
    private static readonly Dictionary<string, Action<List<byte[]>[], int, Random>> InPlace = new()
    {
        ["edited"] = (log, at, random) => Bundle(log, at)[at % Width] = Edited(Bundle(log, at)[at % Width], random),
        ["rewritten as another entry of its number"] = (log, at, _) => Bundle(log, at)[at % Width] = (SimLog.Entry(9999) with { Sequence = at }).ToBytes(),
        ["emptied"] = (log, at, _) => Bundle(log, at)[at % Width] = [],
        ["exchanged with any other"] = (log, at, random) =>
        {
            var other = random.Next(Count);
            (Bundle(log, at)[at % Width], Bundle(log, other)[other % Width]) = (Bundle(log, other)[other % Width], Bundle(log, at)[at % Width]);
        },
    };

    /// <summary>The same of what moves others, or takes them away.</summary>
    private static readonly Dictionary<string, Action<List<byte[]>[], int, Random>> Moving = new()
    {
        ["removed"] = (log, at, _) => Bundle(log, at).RemoveAt(at % Width),
        ["doubled"] = (log, at, _) => Bundle(log, at).Insert(at % Width, Bundle(log, at)[at % Width]),
        ["preceded by a forged one"] = (log, at, _) => Bundle(log, at).Insert(at % Width, (SimLog.Entry(9999) with { Sequence = at }).ToBytes()),
        ["moved in its bundle"] = (log, at, random) =>
        {
            var (bundle, entry) = (Bundle(log, at), Bundle(log, at)[at % Width]);
            bundle.RemoveAt(at % Width);
            bundle.Insert(random.Next(bundle.Count + 1), entry);
        },
        ["cut off with all behind it"] = (log, at, _) =>
        {
            Bundle(log, at).RemoveRange(at % Width, Bundle(log, at).Count - (at % Width));
            foreach (var behind in log.Skip((at / Width) + 1)) behind.Clear();
        },
    };

    /// <summary>Each kind at each place: every entry that is another one than was written is named, and no other one. What must be named is computed from the entries alone.</summary>
    [Fact]
    public void Whatever_is_done_to_whichever_entry_is_named_at_that_entry()
    {
        const int Every = 50;
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var sim = SimLog.With(Count, batch: Every);
        var was = Read(sim);
        // Of what stays in its place twelve at once: each is named by itself.
        foreach (var (kind, change) in InPlace)
            for (var from = 0; from < Every; from++) Check(kind, Enumerable.Range(0, Count / Every).Select(i => from + (Every * i)), change);
        foreach (var (kind, change) in Moving)
            for (var at = 0; at < Count; at++) Check(kind, [at], change);
        Assert.Empty(sim.Verify());

        void Check(string kind, IEnumerable<int> places, Action<List<byte[]>[], int, Random> change)
        {
            List<byte[]>[] now = [.. was.Select(b => b.ToList())];
            foreach (var at in places) change(now, at, random);
            Write(sim, was, now);
            var (expected, found) = (Changed(was, now), Named(sim));
            Assert.True(expected.SequenceEqual(found), $"seed {seed}: entries {string.Join(' ', places)} {kind}: {string.Join(' ', found)} named, not {string.Join(' ', expected)}");
            Write(sim, now, was);
        }
    }

    /// <summary>Before each thing in turn that is wanted of the disk, somebody appends; or he does before each.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(Width)]
    public void A_log_that_is_appended_to_meanwhile_is_not_called_a_changed_one(int batch)
    {
        foreach (var count in (int[])[Width - 1, Width, Width + 1])
            foreach (var most in (int[])[1, int.MaxValue])
                Meanwhile.Sweep(most, meanwhile =>
                {
                    using var sim = SimLog.With(count, batch: Width);
                    using var other = sim.Open();
                    meanwhile.Work = () => other.Append([.. Enumerable.Range(count + ((meanwhile.Done - 1) * batch), batch).Select(SimLog.Entry)]);
                    var (entries, findings) = AuditVerifier.Verify(meanwhile.Over(sim.Disk), sim.Keys.Signer, null, CancellationToken.None);
                    Assert.True(!findings.Any(f => f.IsDamage), $"{count} entries, {batch} more {meanwhile}: {string.Join("; ", findings)}");
                    Assert.InRange(entries, count, count + (meanwhile.Done * batch));
                    Assert.Empty(sim.Verify());
                });
    }

    /// <summary>Every byte of the file, lengths of entries among them: of a bundle whose tile still grows, and of the first entries of a whole one.</summary>
    [Theory]
    [InlineData(12, 12)]
    [InlineData(257, 8)]
    public void Every_byte_of_a_bundle_that_is_another_one_is_named(int count, int entries)
    {
        using var sim = SimLog.With(count);
        var (was, name) = (Read(sim), AuditFiles.Entries(0));
        var kept = sim.Disk.Peek(name);
        var end = was[0].Take(entries).Sum(e => e.Length + 2);
        for (var at = 0; at < end; at++)
        {
            sim.Disk.Poke(name, [.. kept[..at], (byte)(kept[at] ^ (1 << (at % 8))), .. kept[(at + 1)..]]);
            var (expected, found) = (Changed(was, Read(sim)), Named(sim));
            Assert.True(expected.Count > 0 && expected.SequenceEqual(found), $"byte {at}: {string.Join(' ', found)} named, not {string.Join(' ', expected)}");
        }
        sim.Disk.Poke(name, kept);
        Assert.Empty(sim.Verify());
    }

    /// <summary>Without its tile, or with one that was made to fit or is another one, a changed entry is known by the checkpoints, so to its append: of one entry at a time still exactly.</summary>
    [Theory]
    [InlineData(1, 11)]
    [InlineData(50, 1)]
    public void Without_its_tile_a_changed_entry_is_named_by_its_append(int batch, int step)
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var sim = SimLog.With(Count, batch);
        var was = Read(sim);
        // Of the bundle that grows every entry; of whole ones, whose tile is synced, some where there are many checkpoints.
        foreach (var at in Enumerable.Range(0, Count).Where(at => at >= First || at % step == 0))
        {
            var name = AuditFiles.Tile(0, at / Width);
            var tile = sim.Disk.Peek(name);
            List<byte[]>[] now = [.. was.Select(b => b.ToList())];
            Bundle(now, at)[at % Width] = Edited(Bundle(now, at)[at % Width], random, from: Head); // its number would tell it without a tile
            // Gone, with another hash at its end, made to fit.
            byte[]?[] tiles = [null, [.. tile[..^Digest.SizeBytes], .. new byte[Digest.SizeBytes]], [.. Bundle(now, at).SelectMany(e => Bytes(MerkleTree.Leaf(e)))]];
            var (bundle, isGrowing) = (at / Width * Width, at >= First);
            for (var way = 0; way < tiles.Length; way++)
            {
                if (way != at / (isGrowing ? 1 : step) % tiles.Length) continue; // each place once: every signature is checked, which takes longest
                sim.Disk.Poke(name, tiles[way]);
                if (isGrowing) Assert.Empty(Named(sim)); // one that grows and does not fit is none
                Write(sim, was, now);
                // Appends are of one bundle: what goes over its end is two of them. A whole tile still has the hash of what was written.
                List<long> expected = !isGrowing && way == 1 ? [.. ((long[])[at, bundle + Width - 1]).Distinct()] : [Math.Max(bundle, at / batch * batch)];
                var found = Named(sim);
                Assert.True(expected.SequenceEqual(found), $"seed {seed}: entry {at}, way {way}: {string.Join(' ', found)} named, not {string.Join(' ', expected)}");
                Write(sim, now, was);
            }
            sim.Disk.Poke(name, tile);
        }
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void The_tile_that_grows_is_made_again_by_the_next_append()
    {
        foreach (var left in (int[])[0, 7, Digest.SizeBytes, (3 * Digest.SizeBytes) + 5])
        {
            using var sim = SimLog.With(5);
            var name = AuditFiles.Tile(0, 0);
            sim.Disk.Poke(name, sim.Disk.Peek(name)[..left]);
            using (var log = sim.Open()) log.Append([SimLog.Entry(5)]);
            Assert.Equal(AuditFiles.Split(sim.Disk.Peek(AuditFiles.Entries(0))).Frames.SelectMany(f => Bytes(MerkleTree.Leaf(f.Span))), sim.Disk.Peek(name));
        }
    }

    [Fact]
    public void A_bundle_that_is_gone_or_another_is_named()
    {
        using var sim = SimLog.With(Count);
        var kept = sim.Disk.Peek(AuditFiles.Entries(0));
        sim.Disk.Poke(AuditFiles.Entries(0), null);
        Assert.Equal(0, sim.Verify()[0].Entry);
        sim.Disk.Poke(AuditFiles.Entries(0), sim.Disk.Peek(AuditFiles.Entries(1)));
        Assert.Equal(0, sim.Verify()[0].Entry);
        sim.Disk.Poke(AuditFiles.Entries(0), kept);
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void An_entry_cut_off_at_the_end_is_missed_and_no_append_follows()
    {
        foreach (var bundle in (ReadOnlySpan<int>)[0, 2])
        {
            using var sim = SimLog.With(bundle == 0 ? 200 : Count);
            Change(sim, bundle * 256, frames => frames.RemoveAt(frames.Count - 1));
            Assert.Equal(bundle == 0 ? 199 : Count - 1, Assert.Single(sim.Verify()).Entry);
            using var log = sim.Open();
            Assert.Throws<DamagedStoreException>(() => log.Append([SimLog.Entry(1)]));
        }
    }

    /// <summary>Else the next append would take in, and sign, what somebody put in the place of entries once signed.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(300)]
    public void A_log_whose_checkpoints_are_gone_or_of_another_key_takes_no_append(int count)
    {
        using var sim = SimLog.With(count);
        var name = AuditFiles.Checkpoints(count / 256);
        var kept = sim.Disk.Peek(name);
        foreach (var wrong in (byte[]?[])[null, [.. kept.Select((b, i) => i % 100 == 50 ? (byte)(b ^ 1) : b)]])
        {
            sim.Disk.Poke(name, wrong);
            using var log = sim.Open();
            Assert.Throws<DamagedStoreException>(() => log.Append([SimLog.Entry(1)]));
        }
    }

    /// <summary>
    /// A log that is whole in itself, of every length: an older one is told by a checkpoint that was kept, at the entry from which it is missing. Grown again with other entries, every
    /// checkpoint kept before still holds and every later one does not; which of its entries is another one, one checkpoint alone does not tell, and so the first is named with its last.
    /// </summary>
    [Fact]
    public void A_log_put_back_is_told_at_its_end_and_one_that_was_grown_anew_by_each_checkpoint_behind_the_fork()
    {
        const int More = 3;
        using var sim = SimLog.With(Count);
        byte[][] kept = [.. Enumerable.Range(0, (Count + Width - 1) / Width).SelectMany(b => AuditFiles.Split(sim.Disk.Peek(AuditFiles.Checkpoints(b))).Frames).Where(f => f.Length > 0).Select(f => f.ToArray())];
        Assert.Equal(Count, kept.Length);
        for (var fork = Count - 1; fork >= 0; fork--)
        {
            PutBack(sim, fork);
            Assert.Empty(sim.Verify());
            Assert.Equal([fork], Named(sim, kept[^1]));
            Assert.Equal([fork], Named(sim, kept[fork]));
            if (fork % 7 != 0 || fork == 0) continue; // signing takes longest
            var image = Files(sim).ConvertAll(n => (n, sim.Disk.Peek(n)));
            using (var log = sim.Open()) log.Append([.. Enumerable.Range(5000, More).Select(SimLog.Entry)]);
            Assert.Empty(sim.Verify());
            Assert.Empty(sim.Verify(kept[fork - 1]));
            for (var then = fork; then < Math.Min(fork + More, Count); then++)
            {
                var told = Assert.Single(sim.Verify(kept[then]), f => f.IsDamage);
                Assert.Equal((0, $"is not what the witness has, or one up to {then} is not"), (told.Entry, told.Problem));
                Assert.Throws<DamagedStoreException>(() => Since(sim, kept[then]));
            }
            if (fork + More < Count) Assert.Equal([fork + More], Named(sim, kept[fork + More]));
            foreach (var name in Files(sim)) sim.Disk.Poke(name, null);
            foreach (var (name, bytes) in image) sim.Disk.Poke(name, bytes);
        }
    }

    /// <summary>One entry alone, signed anew with all behind it: a checkpoint kept behind each append tells which one.</summary>
    [Fact]
    public void An_entry_that_was_signed_anew_is_the_first_whose_checkpoint_does_not_hold()
    {
        using var sim = SimLog.With(300);
        byte[][] kept = [.. Enumerable.Range(0, 2).SelectMany(b => AuditFiles.Split(sim.Disk.Peek(AuditFiles.Checkpoints(b))).Frames).Where(f => f.Length > 0).Select(f => f.ToArray())];
        foreach (var at in (int[])[0, 1, 100, 255, 256, 299])
        {
            using var other = new SimLog();
            using (var log = other.Open())
                for (var i = 0; i < kept.Length; i++) log.Append([SimLog.Entry(i == at ? 9999 : i)]);
            Assert.Empty(other.Verify());
            Assert.Equal(at, Array.FindIndex(kept, k => other.Verify(k).Count > 0));
        }
    }

    [Fact]
    public void A_log_that_only_grew_holds_against_every_older_checkpoint()
    {
        using var sim = new SimLog();
        using var log = sim.Open();
        var witnesses = new List<byte[]>();
        for (var i = 0; i < 600; i++)
        {
            log.Append([SimLog.Entry(i)]);
            if (i % 41 == 0) witnesses.Add(sim.Read().LatestCheckpoint()!);
        }
        foreach (var witness in witnesses)
        {
            Assert.Empty(sim.Verify(witness));
            Assert.Equal(600, Since(sim, witness).Size);
        }
    }

    /// <summary>That the log goes on from a checkpoint, up to its newest.</summary>
    private static AuditProof Since(SimLog sim, byte[] older)
    {
        var reader = sim.Read();
        return reader.ProveSince(older, reader.ProveEntry(0));
    }

    [Fact]
    public void Every_flipped_bit_of_a_small_log_is_damage_or_a_torn_end()
    {
        using var sim = SimLog.With(5);
        foreach (var name in (ReadOnlySpan<string>)[AuditFiles.Entries(0), AuditFiles.Checkpoints(0)])
        {
            var kept = sim.Disk.Peek(name);
            // The mark behind the last checkpoint says nothing about an entry, and older checkpoints are covered by the last.
            var from = name == AuditFiles.Entries(0) ? 0 : kept.Length - 200;
            for (var bit = from * 8L; bit < (kept.Length - 2) * 8L; bit += 3)
            {
                sim.Disk.Flip(name, bit);
                Assert.NotEmpty(sim.Verify(Witness));
                sim.Disk.Poke(name, kept);
            }
        }
    }

    private static byte[] Witness { get; } = MakeWitness();

    private static byte[] MakeWitness()
    {
        using var sim = SimLog.With(5);
        return sim.Read().LatestCheckpoint()!;
    }

    private static List<byte[]> Bundle(List<byte[]>[] log, int at) => log[at / Width];

    private static byte[] Edited(byte[] entry, Random random, int from = 0)
    {
        var edited = entry.ToArray();
        edited[random.Next(from, edited.Length)] ^= (byte)random.Next(1, 256);
        return edited;
    }

    /// <summary>The entries of a log, by bundle, as far as they are whole.</summary>
    private static List<byte[]>[] Read(SimLog sim) =>
        [.. sim.Disk.List(AuditFiles.EntriesFolder).Select((_, bundle) => AuditFiles.Split(sim.Disk.Peek(AuditFiles.Entries(bundle))).Frames.ConvertAll(f => f.ToArray()))];

    /// <summary>Puts other entries in the place of those that are there.</summary>
    private static void Write(SimLog sim, List<byte[]>[] there, List<byte[]>[] wanted)
    {
        for (var bundle = 0; bundle < wanted.Length; bundle++)
        {
            if (there[bundle].SequenceEqual(wanted[bundle])) continue;
            var bytes = new List<byte>();
            foreach (var entry in wanted[bundle]) AuditFiles.Frame(bytes, entry);
            sim.Disk.Poke(AuditFiles.Entries(bundle), wanted[bundle].Count == 0 && bundle > 0 ? null : [.. bytes]);
        }
    }

    /// <summary>
    /// The numbers at which another entry stands than was written, the number from which on entries of a bundle are missing, and the first behind a whole bundle that has more; as
    /// many as a search goes on for. More behind the last bundle is what a stop leaves.
    /// </summary>
    private static List<long> Changed(List<byte[]>[] was, List<byte[]>[] now)
    {
        var changed = new List<long>();
        for (var bundle = 0; bundle < was.Length; bundle++)
        {
            var (old, here, first) = (was[bundle], bundle < now.Length ? now[bundle] : [], bundle * Width);
            for (var i = 0; i < Math.Min(old.Count, here.Count); i++)
                if (!old[i].AsSpan().SequenceEqual(here[i])) changed.Add(first + i);
            if (here.Count < old.Count) changed.Add(first + here.Count);
            if (here.Count > old.Count && bundle + 1 < was.Length) changed.Add(first + old.Count);
        }
        return [.. changed.Take(AuditVerifier.MostFindings)];
    }

    private static List<long> Named(SimLog sim, byte[]? witness = null) => [.. sim.Verify(witness).Where(f => f.IsDamage).Select(f => f.Entry)];

    /// <summary>Puts a log of one entry at a time back to its first entries, with the files as they were then.</summary>
    private static void PutBack(SimLog sim, int count)
    {
        var last = (count - 1) / Width; // of none the first, which is then gone
        foreach (var folder in (ReadOnlySpan<string>)[AuditFiles.EntriesFolder, AuditFiles.CheckpointsFolder])
        {
            foreach (var name in sim.Disk.List(folder))
                if (count == 0 || long.Parse(name, System.Globalization.CultureInfo.InvariantCulture) > last) sim.Disk.Poke($"{folder}/{name}", null);
        }
        foreach (var tile in sim.Disk.List(AuditFiles.TilesFolder).Where(t => t.StartsWith("0-", StringComparison.Ordinal)))
            if (count == 0 || long.Parse(tile[2..], System.Globalization.CultureInfo.InvariantCulture) > last) sim.Disk.Poke($"{AuditFiles.TilesFolder}/{tile}", null);
        if (count == 0) return;
        var here = count - (last * Width);
        Cut(sim, AuditFiles.Entries(last), here);
        Cut(sim, AuditFiles.Checkpoints(last), 2 * here); // each with its mark
        sim.Disk.Poke(AuditFiles.Tile(0, last), sim.Disk.Peek(AuditFiles.Tile(0, last))[..(here * Digest.SizeBytes)]);
    }

    private static void Cut(SimLog sim, string name, int frames)
    {
        var bytes = sim.Disk.Peek(name);
        sim.Disk.Poke(name, bytes[..AuditFiles.Split(bytes).Frames.Take(frames).Sum(f => f.Length + 2)]);
    }

    private static List<string> Files(SimLog sim) => [.. ((string[])[AuditFiles.EntriesFolder, AuditFiles.CheckpointsFolder, AuditFiles.TilesFolder]).SelectMany(f => sim.Disk.List(f).Select(n => $"{f}/{n}"))];

    private static void Change(SimLog sim, int at, Action<List<byte[]>> change)
    {
        var name = AuditFiles.Entries(at / 256);
        var frames = AuditFiles.Split(sim.Disk.Peek(name)).Frames.Select(f => f.ToArray()).ToList();
        change(frames);
        var bytes = new List<byte>();
        foreach (var frame in frames) AuditFiles.Frame(bytes, frame);
        sim.Disk.Poke(name, [.. bytes]);
    }

    private static byte[] Bytes(Digest digest)
    {
        var bytes = new byte[Digest.SizeBytes];
        digest.Write(bytes);
        return bytes;
    }
}
