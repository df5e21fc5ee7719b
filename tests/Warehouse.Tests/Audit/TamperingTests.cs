using System.Text;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>I7, F75: a log that somebody changed is found out, at the entry.</summary>
public sealed class TamperingTests
{
    private const int Count = 700;

    private static readonly int[] Places = [0, 1, 100, 255, 256, 511, 512, 600, 698, 699];

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    public void A_changed_entry_is_named(int batch)
    {
        foreach (var at in Places)
        {
            using var sim = SimLog.With(Count, batch);
            Change(sim, at, frames => frames[at % 256] = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(frames[at % 256]).Replace("somebody", "nobody!!", StringComparison.Ordinal)));
            Assert.Equal(at, Assert.Single(sim.Verify(), f => f.IsDamage).Entry);
        }
    }

    /// <summary>The tile of the bundle that grows is not synced: without it, or with another in its place, an entry there is known by the checkpoints, so to its append.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    public void Without_the_tile_that_grows_a_changed_entry_is_named_by_its_append(int batch)
    {
        foreach (var at in Places.Where(p => p >= 512))
        {
            foreach (var isGone in (ReadOnlySpan<bool>)[true, false])
            {
                using var sim = SimLog.With(Count, batch);
                var name = AuditFiles.Tile(0, 2);
                sim.Disk.Poke(name, isGone ? null : [.. sim.Disk.Peek(name)[..^Digest.SizeBytes], .. new byte[Digest.SizeBytes]]);
                Assert.Empty(sim.Verify());
                Change(sim, at, frames => frames[at % 256] = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(frames[at % 256]).Replace("somebody", "nobody!!", StringComparison.Ordinal)));
                Assert.Equal(Math.Max(512, at / batch * batch), Assert.Single(sim.Verify(), f => f.IsDamage).Entry);
            }
        }
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
    public void A_changed_entry_with_its_tile_made_to_fit_is_named_by_the_checkpoints()
    {
        foreach (var at in Places.Where(p => p < 512))
        {
            using var sim = SimLog.With(Count);
            Change(sim, at, frames => frames[at % 256] = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(frames[at % 256]).Replace("somebody", "nobody!!", StringComparison.Ordinal)));
            var leaves = AuditFiles.Split(sim.Disk.Peek(AuditFiles.Entries(at / 256))).Frames.SelectMany(f => Bytes(MerkleTree.Leaf(f.Span))).ToArray();
            sim.Disk.Poke(AuditFiles.Tile(0, at / 256), leaves);
            Assert.Equal(at, sim.Verify()[0].Entry);
        }
    }

    [Fact]
    public void A_removed_entry_is_named()
    {
        foreach (var at in Places)
        {
            using var sim = SimLog.With(Count);
            Change(sim, at, frames => frames.RemoveAt(at % 256));
            Assert.Equal(at, sim.Verify()[0].Entry);
        }
    }

    [Fact]
    public void Entries_that_changed_places_are_named()
    {
        using var sim = SimLog.With(Count);
        Change(sim, 300, frames => (frames[300 - 256], frames[310 - 256]) = (frames[310 - 256], frames[300 - 256]));
        Assert.Equal([300, 310], sim.Verify().Select(f => f.Entry));
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
            Assert.Equal(bundle == 0 ? 199 : 699, Assert.Single(sim.Verify()).Entry);
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

    /// <summary>An older log that is whole in itself is told only from a checkpoint kept elsewhere.</summary>
    [Theory]
    [InlineData(3, 5)]
    [InlineData(250, 300)]
    [InlineData(100, 700)]
    public void A_log_rolled_back_is_told_by_the_witness(int then, int now)
    {
        using var sim = SimLog.With(now);
        var witness = sim.Read().LatestCheckpoint()!;
        using var old = SimLog.With(then);
        Assert.Empty(old.Verify());
        Assert.Equal(then, Assert.Single(old.Verify(witness)).Entry);
        Assert.Throws<DamagedStoreException>(() => Since(old, witness));
        // Grown again with other entries, it is as long as the witness and still another.
        using (var log = old.Open()) log.Append([.. Enumerable.Range(5000, now - then + 10).Select(SimLog.Entry)]);
        Assert.Empty(old.Verify());
        Assert.InRange(Assert.Single(old.Verify(witness)).Entry, 0, now - 1);
        Assert.Throws<DamagedStoreException>(() => Since(old, witness));
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
