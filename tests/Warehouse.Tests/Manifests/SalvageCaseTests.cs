using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Manifests;

/// <summary>What a salvage does with each kind of loss, with stops in the middle, and what can be done with its store afterwards.</summary>
public sealed class SalvageCaseTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(5)]
    public void A_power_cut_at_any_operation_of_a_salvage_leaves_no_store_or_a_whole_one(int? seed)
    {
        using var store = new SalvageStore(20);
        DamageSegment(store);
        var (total, expected) = Rehearse(store);
        for (var at = 0L; at <= total; at++)
        {
            var (machine, disks) = CopyOf(store.Machine);
            machine.CrashAt(machine.Operations + at);
            var isDone = Attempt(disks);
            machine.PowerCycle(seed is { } s ? (s * 1_000_003) + (int)at : null);
            Assert.True(CheckNew(disks, expected) || !isDone, $"power cut at operation {at}: a salvage that has ended left no store");
            Assert.Equal(store.Disk.AllFiles().Select(n => Convert.ToHexString(store.Disk.Peek(n))), disks[0].AllFiles().Select(n => Convert.ToHexString(disks[0].Peek(n))));
        }
    }

    [Theory]
    [InlineData(DurableException.DeviceError)]
    [InlineData(DurableException.NoSpace)]
    public void A_salvage_in_which_any_operation_fails_leaves_no_store_or_one_whose_answers_are_right(int errno)
    {
        using var store = new SalvageStore(20);
        var (total, expected) = Rehearse(store);
        for (var at = 0L; at < total; at++)
        {
            var (machine, disks) = CopyOf(store.Machine);
            machine.FailAt(machine.Operations + at, errno);
            var isDone = Attempt(disks);
            machine.Restart();
            Assert.True(CheckNew(disks, expected) || !isDone, $"operation {at} failed with {errno}: a salvage that has ended left no store");
        }
    }

    [Fact]
    public void Falling_back_to_an_older_snapshot_needs_a_word_and_says_which_ones_are_lost()
    {
        using var store = new SalvageStore(20);
        store.Poke($"m/{store.Newest:d20}", [1, 2, 3]);
        var refused = store.Salvage().Report;
        Assert.Equal(0, refused.Version);
        Assert.Contains(refused.Findings, f => f.Kind == SalvageKind.Snapshot && f.Name == store.Newest.ToString());
        Assert.Contains(refused.Findings, f => f.Kind == SalvageKind.Refused && f.Problem.Contains("Samples that were withdrawn later would be visible in it again", StringComparison.Ordinal));
        var (report, disk, keys) = store.Salvage(acceptOlder: true);
        Assert.Equal(store.Newest - 1, report.Version);
        using var salvaged = SalvageStore.Open(disk, keys);
        Assert.Equal(store.AnswersThen(store.Newest - 1), SalvageStore.Answers(salvaged));
        Assert.NotEqual(store.AnswersThen(store.Newest), SalvageStore.Answers(salvaged)); // b is visible again
    }

    [Fact]
    public void Whom_a_lost_snapshot_withdrew_stays_withdrawn_where_that_can_be_read()
    {
        using var store = new SalvageStore(20);
        List<string> then;
        FileEntry segments;
        using (var folder = StoreFolder.Open(store.Disk, store.Keys, TimeProvider.System))
        {
            using (var whole = VariantStore.Over(folder))
            {
                whole.Ingest(new IngestRequest { Files = [store.Small("e", "e", "1\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")], Threads = 1 });
                then = SalvageStore.Answers(whole, store.Newest - 1);
                segments = folder.Current.Parts["segments"];
            }
        }
        store.Poke(segments.Name, null);
        store.Poke($"m/{store.Newest:d20}", null);
        var (report, disk, keys) = store.Salvage(acceptOlder: true);
        Assert.Equal(store.Newest - 1, report.Version);
        Assert.Contains(report.Findings, f => f.Kind == SalvageKind.Note && f.Name == "withdrawn samples" && f.Samples == 1);
        using var salvaged = SalvageStore.Open(disk, keys);
        Assert.Equal(then, SalvageStore.Answers(salvaged));
        Assert.NotEqual(store.AnswersThen(store.Newest - 1), SalvageStore.Answers(salvaged));
        Assert.DoesNotContain(salvaged.Verify(), f => f.Kind != FindingKind.Surplus);
    }

    [Fact]
    public void A_policy_is_taken_from_the_newest_snapshot_or_not_at_all()
    {
        using var store = new SalvageStore(20);
        var owner = AccessActor.Owner("root");
        string part;
        using (var folder = StoreFolder.Open(store.Disk, store.Keys, TimeProvider.System))
        {
            using var whole = VariantStore.Over(folder);
            whole.Approve(owner, whole.Grant(owner, new GrantRequest { Subject = Subject.Parse("group:g"), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Treatment] }));
            Policy taken;
            (_, var disk, var keys) = store.Salvage();
            using (var salvaged = SalvageStore.Open(disk, keys)) taken = salvaged.Policy();
            Assert.Equal(PolicyCodec.Encode(whole.Policy()), PolicyCodec.Encode(taken));
            whole.Revoke(owner, 1);
            part = folder.Current.Parts["policy"].Name;
        }
        var manifest = $"m/{store.Newest + 3:d20}";
        foreach (var lost in (string[])[part, manifest])
        {
            var content = store.Now()[lost];
            store.Poke(lost, null);
            var (report, disk, keys) = store.Salvage(acceptOlder: true);
            Assert.Equal(lost == part ? store.Newest + 3 : store.Newest + 2, report.Version);
            Assert.Contains(report.Findings, f => f.Kind == SalvageKind.Lost && f.Name == "policy");
            using var salvaged = SalvageStore.Open(disk, keys);
            Assert.Empty(salvaged.Policy().Entries);
            store.Poke(lost, content);
        }
    }

    [Fact]
    public void Each_loss_of_the_key_folder_and_of_the_identity_has_its_rule()
    {
        using var store = new SalvageStore(20);
        store.Poke("keys/master-00000001", null);
        Assert.Throws<DamagedStoreException>(() => store.Salvage(acceptOlder: true));
        store.Mend();

        store.Poke("keys/acknowledged", null); // nothing tells that the newest snapshot is the newest
        Assert.Equal(0, store.Salvage().Report.Version);
        AssertTaken(store, store.Salvage(acceptOlder: true), store.Newest);
        store.Mend();

        store.Poke("store", null); // and nothing what the store is
        Assert.Contains(store.Salvage(acceptOlder: true).Report.Findings, f => f.Kind == SalvageKind.Refused && f.Problem.Contains("--assembly", StringComparison.Ordinal));
        var given = store.Salvage(assembly: "toy1");
        Assert.Contains(given.Report.Findings, f => f.Kind == SalvageKind.Note && f.Problem.Contains("nothing proves them", StringComparison.Ordinal));
        AssertTaken(store, given, store.Newest);
        store.Mend();

        // One record of the key table after the other: each costs one file, whatever comes behind it in the table.
        var table = store.Contents.Keys.Single(n => n.StartsWith("keys/table-", StringComparison.Ordinal));
        var (good, whole, lower, older) = (store.Contents[table], 0, 0, 0);
        for (var at = 80 + 30; at < good.Length; at += 112)
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 1;
            store.Poke(table, bad);
            var (report, disk, keys) = store.Salvage(acceptOlder: true);
            if (report.Version == 0) continue; // the key of a part that every snapshot needs
            Assert.Contains(report.Findings, f => f.Name == table);
            using var salvaged = SalvageStore.Open(disk, keys);
            if (report.Version < store.Newest) older++;
            else if (SalvageStore.Answers(salvaged).Any(a => a.EndsWith(SalvageStore.Damaged, StringComparison.Ordinal))) lower++;
            else whole++;
        }
        Assert.True(whole > 10 && lower > 0 && older > 0, $"{whole} {lower} {older}");
    }

    [Fact]
    public void A_salvaged_store_is_mended_from_an_old_copy_and_compacted_and_loaded_into_around_its_damage()
    {
        using var store = new SalvageStore();
        DamageSegment(store);
        var machine = new SimMachine();
        var (report, disk, keys) = store.Salvage(machine: machine);
        Assert.Equal(store.Newest, report.Version);
        using (var salvaged = SalvageStore.Open(disk, keys))
        {
            var before = SalvageStore.Answers(salvaged);
            Assert.Contains(before, a => a.EndsWith(SalvageStore.Damaged, StringComparison.Ordinal));
            Assert.Equal(store.AnswersThen(store.Newest).Count, before.Count);
            Assert.True(before.Where((a, i) => a == store.AnswersThen(store.Newest)[i]).Count() > 4, string.Join('\n', before)); // the blocks of the other contig among them
            foreach (var name in (string[])["x", "y"]) salvaged.Ingest(new IngestRequest { Files = [store.Small(name, name, "3\t700\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")], Threads = 1 });
            var compacted = salvaged.Compact();
            Assert.Equal(report.Findings.Where(f => f.Kind == SalvageKind.File).Select(f => f.Name), compacted.DamagedFiles);
            Assert.True(compacted.SegmentsAfter < compacted.SegmentsBefore);
            // Lookups of contigs where the damage is are as before, now that the others are one segment.
            var after = SalvageStore.Answers(salvaged);
            Assert.All(before.Zip(after), p => Assert.Equal(p.First.EndsWith(SalvageStore.Damaged, StringComparison.Ordinal), p.Second.EndsWith(SalvageStore.Damaged, StringComparison.Ordinal)));
            Assert.Equal(compacted.DamagedFiles, salvaged.Verify().Where(f => f.Kind != FindingKind.Surplus).Select(f => f.File));
        }
        var damaged = report.Findings.Single(f => f.Kind == SalvageKind.File).Name;
        store.Mend();
        Assert.Equal([damaged], StoreFolder.Repair(disk, keys, store.Disk, CancellationToken.None));
        using var mended = SalvageStore.Open(disk, keys);
        Assert.Empty(mended.Verify());
        Assert.DoesNotContain(SalvageStore.Answers(mended), a => a.EndsWith(SalvageStore.Damaged, StringComparison.Ordinal));
        Assert.Empty(mended.Compact().DamagedFiles);
    }

    [Fact]
    public void A_snapshot_behind_what_was_acknowledged_is_proved_by_the_chain()
    {
        using var store = new SalvageStore(20);
        store.Poke("keys/acknowledged", store.AcknowledgedThen(store.Newest - 1)); // its writer stopped before it could tell anyone
        var behind = store.Salvage();
        Assert.True(behind.Report.IsWhole);
        AssertTaken(store, behind, store.Newest);
        store.Poke("keys/acknowledged", store.AcknowledgedThen(store.Newest - 2)); // the key folder is an old one: the store does not open
        Assert.Throws<DamagedStoreException>(() => store.Open());
        var rolledBack = store.Salvage();
        Assert.Contains(rolledBack.Report.Findings, f => f.Name == "keys/acknowledged" && f.Problem.Contains("rolled back", StringComparison.Ordinal));
        AssertTaken(store, rolledBack, store.Newest);
        store.Poke($"m/{store.Newest - 1:d20}", store.Contents[$"m/{store.Newest - 2:d20}"]); // and the chain is broken
        Assert.Equal(0, store.Salvage().Report.Version);
    }

    /// <summary>A byte that a merge passes by would be lost with the segment that had it.</summary>
    [Fact]
    public void No_damage_of_a_segment_is_merged_away_wherever_it_lies()
    {
        using var store = new SalvageStore();
        using (var whole = store.Open())
            foreach (var name in (string[])["x", "y"]) whole.Ingest(new IngestRequest { Files = [store.Small(name, name, "3\t700\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")], Threads = 1 });
        foreach (var (name, good) in store.Now().Where(f => f.Key[0] == 'f' && f.Value[12] == SegmentWriter.FileKind))
        {
            bool isNamed;
            using (var folder = StoreFolder.Open(store.Disk, store.Keys, TimeProvider.System)) isNamed = folder.Current.Files.Any(f => f.Name == name);
            if (!isNamed) continue;
            for (var at = 20; at < good.Length; at += SealedFormat.SealedChunkBytes / 2)
            {
                var (_, disks) = CopyOf(store.Machine);
                var bad = (byte[])good.Clone();
                bad[at] ^= 1;
                disks[0].Poke(name, bad);
                using var damaged = SalvageStore.Open(disks[0], disks[1]);
                var before = SalvageStore.Answers(damaged);
                var report = damaged.Compact();
                Assert.True(report.DamagedFiles.Count == 0 || report.DamagedFiles.SequenceEqual([name]));
                Assert.Equal([name], damaged.Verify().Where(f => f.Kind != FindingKind.Surplus).Select(f => f.File));
                Assert.All(before.Zip(SalvageStore.Answers(damaged)), p => Assert.Equal(p.First, p.Second));
            }
        }
    }

    private static void AssertTaken(SalvageStore store, (SalvageReport Report, SimDisk Disk, SimDisk Keys) salvage, long version)
    {
        Assert.Equal(version, salvage.Report.Version);
        using var salvaged = SalvageStore.Open(salvage.Disk, salvage.Keys);
        Assert.Equal(store.AnswersThen(version), SalvageStore.Answers(salvaged));
        Assert.DoesNotContain(salvaged.Verify(), f => f.Kind != FindingKind.Surplus);
    }

    /// <summary>Flips a bit in the first block of the segment that compaction wrote.</summary>
    private static void DamageSegment(SalvageStore store)
    {
        var (name, bytes) = store.Contents.Where(f => f.Key[0] == 'f' && f.Value[12] == SegmentWriter.FileKind).MaxBy(f => f.Value.Length);
        var bad = (byte[])bytes.Clone();
        bad[200] ^= 1;
        store.Poke(name, bad);
    }

    private static (long Total, List<string> Expected) Rehearse(SalvageStore store)
    {
        var (machine, disks) = CopyOf(store.Machine);
        var before = machine.Operations;
        Assert.True(Attempt(disks));
        Assert.True(CheckNew(disks, store.AnswersThen(store.Newest)));
        return (machine.Operations - before, store.AnswersThen(store.Newest));
    }

    /// <summary>The store's two disks, and two empty ones.</summary>
    private static (SimMachine Machine, List<SimDisk> Disks) CopyOf(SimMachine machine)
    {
        var copy = machine.Copy();
        _ = new SimDisk(copy, device: 3);
        _ = new SimDisk(copy, device: 4);
        return (copy, copy.Disks);
    }

    private static bool Attempt(List<SimDisk> disks)
    {
        try
        {
            return VariantStore.Salvage((disks[0], disks[1]), () => (disks[2], disks[3]), new SalvageOptions { Path = "", ToPath = "" }, null, CancellationToken.None).Version > 0;
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            return false;
        }
    }

    /// <summary>False when the new folders hold no store. One that they hold answers right, or says that it cannot.</summary>
    private static bool CheckNew(List<SimDisk> disks, List<string> expected)
    {
        VariantStore store;
        try
        {
            store = SalvageStore.Open(disks[2], disks[3]);
        }
        catch (StoreException)
        {
            return false;
        }
        using (store)
        {
            var answers = SalvageStore.Answers(store);
            for (var i = 0; i < expected.Count; i++)
                if (answers[i] != expected[i]) Assert.EndsWith(SalvageStore.Damaged, answers[i], StringComparison.Ordinal);
            return true;
        }
    }
}
