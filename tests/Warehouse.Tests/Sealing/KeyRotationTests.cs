using System.Security.Cryptography;
using Warehouse.Cli;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Sealing;

/// <summary>F70 to F73: the master key is rotated, is not there, is another one, is destroyed.</summary>
public sealed class KeyRotationTests
{
    [Fact]
    public void A_rotation_leaves_every_file_readable_under_a_new_key_and_the_old_one_gone()
    {
        var sim = SimStore.WithVersions(3);
        using var before = sim.Open();
        var files = sim.Store.AllFiles().ToDictionary(f => f, sim.Store.Peek);
        for (var id = 2u; id < 5; id++)
        {
            using var folder = sim.Open();
            var (master, keys) = folder.RotateMasterKey();
            Assert.Equal((id, SealedFiles(sim)), (master, keys));
            Assert.Equal(4, SimStore.CheckWhole(folder));
            Assert.Equal(4, SimStore.CheckWhole(before)); // a reader of before goes on
            Assert.Equal(["acknowledged", "lock", MasterKey.NameOf(id), KeyTable.NameOf(id)], sim.Keys.AllFiles());
            Assert.All(sim.Verify(), f => Assert.Equal(FindingKind.Surplus, f.Kind)); // files of older versions
        }
        Assert.Equal(files, sim.Store.AllFiles().ToDictionary(f => f, sim.Store.Peek)); // no byte of the store has changed
        before.Dispose();
        using var after = sim.Open();
        sim.CommitNext(after);
        after.CollectGarbage();
        Assert.Equal(5, SimStore.CheckWhole(after));
        Assert.Empty(sim.Verify());
    }

    /// <summary>Every operation of a rotation fails, or is where the process ends or the power goes; what is left is whole, and is rotated again.</summary>
    [Theory]
    [InlineData(SimFault.Error)]
    [InlineData(SimFault.Short)]
    [InlineData(SimFault.Crash)]
    public void A_rotation_may_stop_at_any_operation(SimFault fault)
    {
        var (oldKey, newKey) = (0, 0);
        for (var at = 0L; ; at++)
        {
            Assert.InRange(at, 0, 300);
            var sim = SimStore.WithVersions(2);
            var folder = sim.Open();
            var number = sim.Machine.Operations + at;
            sim.Machine.Plan(number, fault, at % 2 == 0 ? DurableException.NoSpace : DurableException.DeviceError, (int)at + 1);
            var isTold = Attempt(() => folder.RotateMasterKey());
            if (isTold && sim.Machine.Operations <= number) break;
            foreach (var seed in (int?[])[-1, null, 1 + (int)at, 1000 + (int)at])
            {
                var copy = sim.Machine.Copy();
                if (seed == -1) copy.Restart();
                else copy.PowerCycle(seed);
                var what = $"{fault} at operation {at}, power cut {seed}";
                if (Check(copy, isTold, what) == 1) oldKey++;
                else newKey++;
            }
        }
        Assert.True(newKey > 10 && (fault == SimFault.Short || oldKey > 10), $"{oldKey} with the old key, {newKey} with the new one");
    }

    /// <summary>Another process makes the first audited call while a writer removes what is left over in the key folder.</summary>
    [Fact]
    public void The_secret_of_the_audit_log_is_made_also_while_a_writer_removes_leftovers()
    {
        var sim = SimStore.WithVersions(1);
        using var folder = sim.Open();
        var (removed, isInside) = (0, false);
        sim.Machine.BeforeChange = () =>
        {
            if (isInside || removed == 3 || Unfinished(sim).Count == 0) return;
            isInside = true;
            sim.Open().RotateMasterKey();
            removed += Unfinished(sim).Count == 0 ? 1 : 0;
            isInside = false;
        };
        string key;
        using (var made = AuditKeys.Open(sim.Keys)) key = made.VerifierKey;
        sim.Machine.BeforeChange = null;
        Assert.Equal(3, removed);
        Assert.Empty(Unfinished(sim));
        sim.Machine.PowerCycle();
        using var later = AuditKeys.Open(sim.Keys);
        Assert.Equal(key, later.VerifierKey);

        // The other way around: what was unfinished when the writer listed the folder has its name, or is gone, when it would remove it.
        sim.Keys.Poke($"{KeyFolder.AuditSecret}-00{SealedFormat.Unfinished}", [1]);
        sim.Machine.BeforeChange = () =>
        {
            foreach (var name in Unfinished(sim)) sim.Keys.Poke(name, null);
        };
        using var writer = sim.Open();
        writer.RotateMasterKey();
        sim.Machine.BeforeChange = null;
        Assert.Equal(2, SimStore.CheckWhole(sim.Open()));
    }

    /// <summary>A process ends between the name of the secret and its sync; the next one uses what it finds, and then the power goes.</summary>
    [Fact]
    public void The_secret_of_the_audit_log_is_durable_before_another_process_uses_it()
    {
        var found = 0;
        for (var at = 0L; ; at++)
        {
            Assert.InRange(at, 0, 50);
            var sim = SimStore.WithVersions(1);
            sim.Machine.PlanChange(sim.Machine.Changes + at, SimFault.Crash);
            if (Attempt(() => AuditKeys.Open(sim.Keys).Dispose())) break;
            sim.Machine.Restart();
            if (sim.Keys.AllFiles().Contains(KeyFolder.AuditSecret)) found++;
            string used;
            using (var other = AuditKeys.Open(sim.Keys)) used = other.VerifierKey;
            sim.Machine.PowerCycle();
            using var later = AuditKeys.Open(sim.Keys);
            Assert.Equal(used, later.VerifierKey);
        }
        Assert.InRange(found, 1, 5);
    }

    /// <summary>A rotation stops at each operation, and the acknowledgement, which alone says which master key is in force, is lost.</summary>
    [Fact]
    public void A_rotation_that_stopped_and_a_lost_acknowledgement_leave_every_key_to_be_found()
    {
        var two = 0;
        for (var at = 0L; ; at++)
        {
            Assert.InRange(at, 0, 300);
            var sim = SimStore.WithVersions(2);
            var folder = sim.Open();
            var number = sim.Machine.Operations + at;
            sim.Machine.Plan(number, SimFault.Crash, seed: (int)at + 1);
            if (Attempt(() => folder.RotateMasterKey()) && sim.Machine.Operations <= number) break;
            sim.Machine.Restart();
            sim.Keys.Poke(Acknowledgement.Name, null);
            two += sim.Keys.AllFiles().Count(IsMaster) == 2 ? 1 : 0;
            Assert.Equal((folder.Identity.StoreId, 0), Recovered(sim, folder));
        }
        Assert.InRange(two, 10, 200);

        // Two tables, a record of each damaged under its own key; then one master key, then both, that open nothing.
        var both = SimStore.WithVersions(2);
        using var before = both.Open();
        both.Machine.BeforeChange = () => { if (both.Keys.AllFiles().Count(IsTable) == 2 && both.Machine.Trace is { Count: > 0 } trace && trace[^1] == "rename") throw new SimCrashException(); };
        both.Machine.Trace = [];
        Assert.False(Attempt(() => before.RotateMasterKey()));
        both.Machine.BeforeChange = null;
        both.Machine.Restart();
        both.Keys.Poke(Acknowledgement.Name, null);
        var named = before.Current.Named.Select(f => KeyTable.HeaderBytes + (((int)f.KeyId - 1) * KeyTable.RecordBytes) + 30).Take(3).ToList(); // in a wrapped key
        foreach (var (table, at) in both.Keys.AllFiles().Where(IsTable).Zip(named)) Flip(both, table, at);
        Assert.Equal((before.Identity.StoreId, 0), Recovered(both, before));
        foreach (var table in both.Keys.AllFiles().Where(IsTable).ToList()) Flip(both, table, named[2]);
        Assert.Equal((before.Identity.StoreId, 1), Recovered(both, before));
        Flip(both, MasterKey.NameOf(1), 20);
        Assert.Equal((before.Identity.StoreId, 2), Recovered(both, before)); // that of the record which is damaged under the other key alone, too
        var foreign = SimStore.WithVersions(1);
        both.Keys.Poke(MasterKey.NameOf(1), foreign.Keys.Peek(MasterKey.NameOf(1)));
        Assert.Equal((before.Identity.StoreId, 2), Recovered(both, before)); // a key that opens nothing is passed by
        both.Keys.Poke(KeyTable.NameOf(7), foreign.Keys.Peek(KeyTable.NameOf(1)));
        Assert.Contains("several stores", Assert.Throws<DamagedStoreException>(() => Recovered(both, before)).Message, StringComparison.Ordinal);
        foreach (var table in both.Keys.AllFiles().Where(IsTable).ToList()) both.Keys.Poke(table, null);
        Assert.Contains("opens no key", Assert.Throws<DamagedStoreException>(() => Recovered(both, before)).Message, StringComparison.Ordinal);

        static bool IsMaster(string name) => name.StartsWith("master-", StringComparison.Ordinal);
        static bool IsTable(string name) => name.StartsWith("table-", StringComparison.Ordinal);
    }

    /// <summary>Readers open the store at each operation of a rotation; a writer is told that the store is busy.</summary>
    [Fact]
    public void While_a_key_is_rotated_readers_open_the_store_and_writers_are_told_to_wait()
    {
        var sim = SimStore.WithVersions(2);
        using var folder = sim.Open();
        var opened = 0;
        sim.Machine.BeforeChange = () =>
        {
            opened++;
            using var reader = sim.Open();
            Assert.Equal(3, SimStore.CheckWhole(reader));
            Assert.Throws<StoreBusyException>(reader.BeginCommit);
        };
        folder.RotateMasterKey();
        sim.Machine.BeforeChange = null;
        Assert.InRange(opened, 8, 100);
        using (folder.BeginCommit())
        {
            using var other = sim.Open();
            Assert.Throws<StoreBusyException>(() => other.RotateMasterKey());
        }
    }

    /// <summary>Threads: two read and one rotates, on a real disk; a reader must not fall between the old key and the new one.</summary>
    [Fact]
    public async Task Readers_side_by_side_with_rotations_and_ingests_always_answer()
    {
        using var store = new ExportStore();
        store.Ingest("a.vcf", "a b", ["22 100 . A C . PASS . GT 0/1 1|1"]);
        var right = ExportStore.Must("freq", store.Path);
        using var stop = new CancellationTokenSource();
        var answers = 0;
        // Threads of their own: those of the pool may be taken until the rotations are over.
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var opened = VariantStore.Open(store.Path);
                using var session = opened.OpenSession();
                var row = session.Frequencies(new Warehouse.Engine.Query.FrequencyRequest()).First();
                Assert.Equal((3L, 0L), (row.Figures.Ac, row.Figures.An % 2));
                Interlocked.Increment(ref answers);
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();
        try
        {
            // As long as it takes until they have answered beside it; one that failed ends it.
            for (var i = 0; (i < 60 || Volatile.Read(ref answers) < 20) && !readers.Any(r => r.IsCompleted); i++)
            {
                using var opened = VariantStore.Open(store.Path);
                opened.RotateKeys();
                if (i % 10 == 0) store.Ingest($"f{i}.vcf", $"s{i}", ["22 100 . A C . PASS . GT 0/0"]);
            }
        }
        finally
        {
            await stop.CancelAsync();
        }
        await Task.WhenAll(readers);
        Assert.NotEqual(right, ExportStore.Must("freq", store.Path));
        ExportStore.Must("verify", store.Path);
    }

    [Fact]
    public void Wraps_that_change_places_and_tables_of_another_store_open_nothing()
    {
        var sim = SimStore.WithVersions(2);
        var (promised, master) = Acknowledgement.Read(sim.Keys);
        var name = KeyTable.NameOf(promised.TableGeneration);
        var table = sim.Keys.Peek(name);
        // Without the master key: the chain does not fit.
        var swapped = Swap(table, 1, 2);
        sim.Keys.Poke(name, swapped);
        Assert.Throws<DamagedStoreException>(sim.Open);
        // With it, and a chain that fits: each wrap names its file, and opens for no other.
        Chain(swapped, master);
        sim.Keys.Poke(name, swapped);
        var forged = (promised with { TableChain = Digest.Read(swapped.AsSpan(^32)) }).Write(sim.Keys, master);
        Acknowledgement.Publish(sim.Keys, forged);
        Assert.Contains(sim.Verify(), f => f.Problem.Contains("no key for it", StringComparison.Ordinal));

        var (one, two) = (SimStore.WithVersions(1), SimStore.WithVersions(1));
        foreach (var file in (string[])["acknowledged", "table-00000001", "master-00000001"])
        {
            var own = one.Keys.Peek(file);
            one.Keys.Poke(file, two.Keys.Peek(file));
            Assert.Throws<DamagedStoreException>(one.Open);
            one.Keys.Poke(file, own);
        }
        foreach (var file in two.Keys.AllFiles()) one.Keys.Poke(file, two.Keys.Peek(file)); // the whole key folder of another store
        Assert.Contains("another store", Assert.Throws<DamagedStoreException>(one.Open).Message, StringComparison.Ordinal);
        master.Dispose();
    }

    /// <summary>GCM allows 2^32 sealings under a key and a key table 2^32 ids: both are refused long before, and what is there stays readable.</summary>
    [Fact]
    public void Key_ids_and_sealings_that_run_out_are_refused_before_one_is_used_twice()
    {
        Assert.True((SealedFormat.MaxContentBytes >> SealedFormat.ChunkLog2) + 1 < (long)(uint.MaxValue * 0.9));
        var sim = SimStore.WithVersions(1);
        using (var keys = KeyFolder.Open(sim.Keys))
        using (var key = FileKey.New())
        {
            keys.Append([(KeyTable.MaxKeyId - 9, FileId.New(), key)]); // as if so many files had been written
            keys.Acknowledge(keys.Promised.ManifestVersion, keys.Promised.ManifestSha256);
        }
        using (var folder = sim.Open()) Assert.Equal(3, sim.CommitNext(folder).Version); // eight files or fewer
        using var last = sim.Open();
        Assert.Contains("key ids", Assert.Throws<StoreRefusedException>(() => { for (var i = 0; i < 3; i++) sim.CommitNext(last); }).Message, StringComparison.Ordinal);
        using var after = sim.Open();
        SimStore.CheckWhole(after);
        after.RotateMasterKey(); // upkeep goes on
        after.CollectGarbage();
        using var again = sim.Open();
        SimStore.CheckWhole(again);
        Assert.Throws<StoreRefusedException>(() => { for (var i = 0; i < 3; i++) sim.CommitNext(again); });

        using var commit = SimStore.WithVersions(1).Open().BeginCommit();
        using var writer = commit.CreateFile(1);
        typeof(SealedWriter).GetProperty(nameof(SealedWriter.PositionBytes))!.SetValue(writer, SealedFormat.MaxContentBytes);
        Assert.Contains("16 TiB", Assert.Throws<StoreRefusedException>(() => writer.Write(new byte[1])).Message, StringComparison.Ordinal);
    }

    /// <summary>Without its key folder, or with a part of it, another one or an old one, a store is sealed: no verb says anything of it, and each says why.</summary>
    [Fact]
    public void Without_its_keys_a_store_is_sealed_and_destroying_them_shreds_it_alone()
    {
        using var store = new ExportStore();
        using var other = new ExportStore();
        foreach (var one in (ExportStore[])[store, other]) one.Ingest("a.vcf", "SECRET b", ["22 100 . A C . PASS . GT 0/1 1|1"]);
        var keys = store.Path + ".keys";
        string[][] verbs = [["freq", store.Path], ["seen", store.Path, "22-100-A-C"], ["carriers", store.Path, "22-100-A-C"], ["export", store.Path, "--format", "vcf", "-o", "-"], ["info", store.Path],
            ["snapshots", store.Path], ["cohorts", store.Path], ["keys", "rotate", store.Path], ["compact", store.Path], ["ingest", store.Path, store["a.vcf"]]];
        void Sealed(string text, params ExitCode[] codes)
        {
            foreach (var verb in verbs)
            {
                var cli = new Cli.Cli();
                var code = cli.Run(verb);
                Assert.True(codes.Contains(code) && cli.Output.Length == 0 && text.Split('|').Any(t => cli.Error.Contains(t, StringComparison.Ordinal)), $"{verb[0]}: {code}: {cli.Output}{cli.Error}");
                Assert.DoesNotContain("SECRET", cli.Error, StringComparison.Ordinal);
            }
            Assert.NotEqual(ExitCode.Done, new Cli.Cli().Run("verify", store.Path));
            Assert.NotEqual(ExitCode.Done, new Cli.Cli().Run("doctor", store.Path));
        }
        var right = ExportStore.Must("freq", store.Path);
        Peer.Output("cp", "-a", keys, store["old"]);
        ExportStore.Must("keys", "rotate", store.Path);
        Assert.Equal(right, ExportStore.Must("freq", store.Path));
        Peer.Output("cp", "-a", keys, store["kept"]);

        File.Delete(Path.Combine(keys, "master-00000002"));
        Sealed("master-00000002: is missing", ExitCode.DamagedStore);
        foreach (var file in Directory.GetFiles(store["old"])) File.Copy(file, Path.Combine(keys, Path.GetFileName(file)), overwrite: true);
        store.Ingest("c.vcf", "c", ["22 100 . A C . PASS . GT 0/1"]); // the whole folder of before the rotation opens what was there then, and goes on from there
        ExportStore.Must("verify", store.Path);
        Assert.NotEqual(right, ExportStore.Must("freq", store.Path));

        Directory.Delete(keys, recursive: true);
        Sealed("the key folder does not exist", ExitCode.CouldNot);
        Assert.Equal(right, ExportStore.Must("freq", other.Path)); // makes the secret of its audit log
        Peer.Output("cp", "-a", other.Path + ".keys", keys);
        Sealed("the key folder belongs to another store|is not signed by the key of this log", ExitCode.DamagedStore, ExitCode.CouldNot); // no audited call can be written with them either
        Directory.Delete(keys, recursive: true);
        Peer.Output("cp", "-a", store["kept"], keys);
        Sealed("the key folder is older than the store", ExitCode.DamagedStore);
        Directory.Delete(keys, recursive: true);
        Peer.Output("mkdir", "-m", "700", keys);
        Sealed("is missing", ExitCode.DamagedStore); // the acknowledgement, or the secret of the audit log, whichever a verb needs first
        foreach (var file in Directory.GetFiles(store.Path, "*", SearchOption.AllDirectories)) Assert.DoesNotContain("SECRET", File.ReadAllText(file, System.Text.Encoding.Latin1), StringComparison.Ordinal);
        Assert.Equal(right, ExportStore.Must("freq", other.Path));
        ExportStore.Must("verify", other.Path);
    }

    /// <summary>Returns the master key that was in force.</summary>
    private static uint Check(SimMachine machine, bool isTold, string what)
    {
        try
        {
            using (var reader = StoreFolder.Open(machine.Disks[0], machine.Disks[1], TimeProvider.System)) Assert.Equal(3, SimStore.CheckWhole(reader));
            var (now, master) = Acknowledgement.Read(machine.Disks[1]);
            master.Dispose();
            if (isTold) Assert.Equal(2u, now.MasterKeyId);
            Assert.Contains(MasterKey.NameOf(now.MasterKeyId), machine.Disks[1].AllFiles());
            using var writer = StoreFolder.Open(machine.Disks[0], machine.Disks[1], TimeProvider.System);
            Assert.Equal(now.MasterKeyId + 1, writer.RotateMasterKey().MasterKeyId);
            Assert.Equal(["acknowledged", "lock", MasterKey.NameOf(now.MasterKeyId + 1)], machine.Disks[1].AllFiles().Where(f => !f.StartsWith("table-", StringComparison.Ordinal)));
            Assert.Single(machine.Disks[1].AllFiles(), f => f.StartsWith("table-", StringComparison.Ordinal));
            machine.PowerCycle();
            using var last = StoreFolder.Open(machine.Disks[0], machine.Disks[1], TimeProvider.System);
            Assert.Equal(3, SimStore.CheckWhole(last));
            Assert.DoesNotContain(last.Verify(null, CancellationToken.None), f => f.Kind != FindingKind.Surplus);
            return now.MasterKeyId;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}: {e.Message}", e);
        }
    }

    /// <summary>What a damaged key folder is found to be the folder of, and how many of the version's files have no key that is found.</summary>
    private static (FileId Store, int Lacking) Recovered(SimStore sim, StoreFolder folder)
    {
        var (keys, isPromised) = KeyFolder.Recover(sim.Keys, null, (_, _) => { });
        using (keys)
        {
            Assert.False(isPromised);
            var lacking = 0;
            foreach (var file in folder.Current.Named)
            {
                using var key = keys.Find(file.KeyId, file.Id);
                lacking += key is null ? 1 : 0;
            }
            return (keys.Promised.StoreId, lacking);
        }
    }

    private static void Flip(SimStore sim, string name, int at)
    {
        var bytes = sim.Keys.Peek(name);
        bytes[at] ^= 1;
        sim.Keys.Poke(name, bytes);
    }

    private static List<string> Unfinished(SimStore sim) => [.. sim.Keys.AllFiles().Where(f => f.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal) && f.StartsWith(KeyFolder.AuditSecret, StringComparison.Ordinal))];

    private static bool Attempt(Action change)
    {
        try
        {
            change();
            return true;
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            return false;
        }
    }

    private static int SealedFiles(SimStore sim) => sim.Store.AllFiles().Count(f => f.Contains('/', StringComparison.Ordinal));

    private static byte[] Swap(byte[] table, int one, int two)
    {
        var swapped = (byte[])table.Clone();
        var (a, b) = (KeyTable.HeaderBytes + (one * KeyTable.RecordBytes) + 24, KeyTable.HeaderBytes + (two * KeyTable.RecordBytes) + 24);
        table.AsSpan(a, MasterKey.WrappedBytes).CopyTo(swapped.AsSpan(b));
        table.AsSpan(b, MasterKey.WrappedBytes).CopyTo(swapped.AsSpan(a));
        return swapped;
    }

    private static void Chain(byte[] table, MasterKey master)
    {
        var chain = table.AsSpan(48, 32).ToArray();
        for (var at = KeyTable.HeaderBytes; at < table.Length; at += KeyTable.RecordBytes)
        {
            chain = HMACSHA256.HashData(master.MacKey, (byte[])[.. chain, .. table.AsSpan(at, 80)]);
            chain.CopyTo(table, at + 80);
        }
    }
}
