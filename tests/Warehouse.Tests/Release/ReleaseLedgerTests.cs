using Warehouse.Engine.Release;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Release;

/// <summary>I8: whatever stops the ledger, what was released was charged for.</summary>
public sealed class ReleaseLedgerTests(ITestOutputHelper output)
{
    [Fact]
    public void Another_process_knows_what_was_charged()
    {
        var sim = new SimLedger();
        using (var ledger = sim.Open())
        {
            Assert.Equal(0, ledger.UnitsOf("p", SimLedger.Cohort));
            Ask(sim, ledger, 0, 20, carriers: 100);
            Ask(sim, ledger, 20, 3, carriers: 20);
            Ask(sim, ledger, 20, 3, carriers: 20);
            Assert.Equal(35, ledger.UnitsOf("p", SimLedger.Cohort));
        }
        using (var ledger = sim.Open())
        {
            Assert.Equal(35, ledger.UnitsOf("p", SimLedger.Cohort));
            Assert.Equal(35, ledger.UnitsOf(null, SimLedger.Cohort));
            Assert.Equal(0, ledger.UnitsOf("q", SimLedger.Cohort));
            Ask(sim, ledger, 0, 23, carriers: -1);
            Assert.Equal(35, ledger.UnitsOf("p", SimLedger.Cohort));
        }
    }

    [Fact]
    public void One_process_holds_it()
    {
        var sim = new SimLedger();
        using var ledger = sim.Open();
        Assert.Throws<StoreBusyException>(() => sim.Open());
    }

    [Fact]
    public void A_new_epoch_begins_with_nothing_and_needs_no_older_file()
    {
        var sim = new SimLedger();
        using (var ledger = sim.Open())
        {
            Ask(sim, ledger, 0, 20, carriers: 100);
            Assert.Throws<ArgumentException>(() => ledger.OpenEpoch(1, SimLedger.Samples));
            ledger.OpenEpoch(2, SimLedger.Samples);
            Assert.Equal(0, ledger.UnitsOf("p", SimLedger.Cohort));
            Assert.Equal(ReleaseRule.OtherEpoch, Assert.Throws<ReleaseRefusedException>(() => sim.Releaser(ledger).Open(SimLedger.Request())).Rule);
        }
        foreach (var file in Files(sim).SkipLast(1)) sim.Disk.Poke(file, null);
        using var again = sim.Open();
        Assert.Equal(2, again.Epoch);
    }

    [Theory]
    [InlineData(SimFault.Crash)]
    [InlineData(SimFault.Error)]
    public void Whatever_fails_at_any_operation_what_was_released_is_charged(SimFault fault)
    {
        var points = 0;
        foreach (var runsBefore in (ReadOnlySpan<int>)[0, 1, 2])
        {
            for (var at = 0L; ; at++)
            {
                Assert.InRange(at, 0, 200);
                var sim = new SimLedger();
                var released = 0;
                for (var i = 0; i < runsBefore; i++) released = Attempt(sim, released, 2);
                var before = sim.Machine.Changes;
                sim.Machine.PlanChange(before + at, fault, seed: (int)at + 1);
                released = Attempt(sim, released, 4);
                if (sim.Machine.Changes - before <= at) break;
                points++;
                foreach (var power in (ReadOnlySpan<int>)[-1, 0, 1, 2, 3]) CheckAfter(Copy(sim), released, power, $"{fault} at change {at} after {runsBefore} runs, power {power}");
            }
        }
        output.WriteLine($"{points} points, each with the process gone and with four ways of losing power");
        Assert.InRange(points, 30, 400);
    }

    [Fact]
    public void A_thousand_random_crashes_lose_no_charge()
    {
        const int Seed = 8;
        var random = new Random(Seed);
        var sim = new SimLedger();
        var released = 0;
        for (var crash = 0; crash < 1000; crash++)
        {
            if (crash % 20 == 0) (sim, released) = (new SimLedger(), 0);
            sim.Machine.PlanChange(sim.Machine.Changes + random.Next(14), random.Next(4) == 0 ? SimFault.Error : SimFault.Crash, seed: random.Next(1, 1000));
            released = Attempt(sim, released, 3);
            if (random.Next(2) == 0) sim.Machine.PowerCycle(random.Next());
            else sim.Machine.Restart();
            using var ledger = sim.Open();
            var charged = ledger.UnitsOf("p", SimLedger.Cohort);
            Assert.True(charged >= released, $"seed {Seed}, crash {crash}: {released} released, {charged} charged");
            released = charged; // what was charged and never released costs all the same
        }
        output.WriteLine($"seed {Seed}");
    }

    [Fact]
    public void After_a_failed_sync_nothing_is_released_until_it_is_opened_again()
    {
        var sim = new SimLedger();
        var ledger = sim.Open();
        Ask(sim, ledger, 0, 1, carriers: 100);
        sim.Machine.PlanChange(sim.Machine.Changes + 1, SimFault.Error);
        Assert.Throws<LedgerRefusedException>(() => Ask(sim, ledger, 1, 1, carriers: 100));
        Assert.Throws<LedgerRefusedException>(() => Ask(sim, ledger, 0, 1, carriers: 100));
        ledger.Dispose();
        sim.Machine.PowerCycle();
        using var again = sim.Open();
        Assert.Equal(1, again.UnitsOf("p", SimLedger.Cohort));
        Ask(sim, again, 1, 1, carriers: 100);
    }

    [Fact]
    public void What_a_failed_sync_gave_up_is_written_again_before_it_is_built_upon()
    {
        var sim = new SimLedger();
        using (var ledger = sim.Open())
        {
            Ask(sim, ledger, 0, 1, carriers: 100);
            sim.Machine.PlanChange(sim.Machine.Changes + 1, SimFault.Error);
            Assert.Throws<LedgerRefusedException>(() => Ask(sim, ledger, 1, 1, carriers: 100));
        }
        sim.Machine.Restart(); // the page cache still shows the record
        using (var ledger = sim.Open())
        {
            Assert.Equal(2, ledger.UnitsOf("p", SimLedger.Cohort));
            Ask(sim, ledger, 1, 1, carriers: 100); // free, and answered
        }
        sim.Machine.PowerCycle();
        using var again = sim.Open();
        Assert.Equal(2, again.UnitsOf("p", SimLedger.Cohort));
    }

    [Fact]
    public void A_full_disk_refuses_and_with_room_it_goes_on()
    {
        var sim = new SimLedger();
        using (var ledger = sim.Open())
        {
            Ask(sim, ledger, 0, 1, carriers: 100);
            sim.Machine.PlanChange(sim.Machine.Changes, SimFault.Error, DurableException.NoSpace);
            Assert.Throws<LedgerRefusedException>(() => Ask(sim, ledger, 1, 1, carriers: 100));
        }
        using var again = sim.Open();
        Ask(sim, again, 1, 1, carriers: 100);
        Assert.Equal(2, again.UnitsOf("p", SimLedger.Cohort));
    }

    [Fact]
    public async Task Many_at_once_share_their_syncs()
    {
        var sim = new SimLedger();
        using var ledger = sim.Open();
        var call = sim.Releaser(ledger).Open(SimLedger.Request());
        var before = sim.Machine.CountOf("fsync");
        var batches = await Task.WhenAll(Enumerable.Range(0, 90).Select(v => Task.Run(() => call.ReleaseAsync([$"v{v}"], [SimLedger.Carriers(SimLedger.Cohort, 100)]))));
        Assert.All(batches, b => Assert.Equal(1, b.Answered));
        Assert.Equal(90, ledger.UnitsOf("p", SimLedger.Cohort));
        Assert.InRange(sim.Machine.CountOf("fsync") - before, 1, 91);
        ledger.Dispose();
        using var again = sim.Open();
        Assert.Equal(90, again.UnitsOf("p", SimLedger.Cohort));
    }

    [Fact]
    public void Every_flipped_bit_of_what_was_durable_is_found_or_changes_nothing()
    {
        var sim = new SimLedger();
        for (var run = 0; run < 3; run++)
        {
            using var ledger = sim.Open();
            Ask(sim, ledger, run, 1, carriers: 100);
        }
        var (found, last) = (0, Files(sim)[^1]);
        foreach (var file in Files(sim))
        {
            var whole = sim.Disk.Peek(file);
            for (var bit = 0L; bit < whole.Length * 8; bit += 5)
            {
                sim.Disk.Flip(file, bit);
                try
                {
                    using var ledger = sim.Open();
                    Assert.Equal(3, ledger.UnitsOf("p", SimLedger.Cohort)); // only a mark was hit
                }
                catch (DamagedStoreException)
                {
                    found++;
                }
                Restore(sim, last, file, whole);
            }
        }
        output.WriteLine($"{found} bits found");
        Assert.InRange(found, 1000, 100_000);
    }

    /// <summary>I8: a ledger that was taken back is noticed by the process that holds it, and against a head kept elsewhere.</summary>
    [Fact]
    public void A_ledger_that_was_taken_back_is_noticed()
    {
        var sim = new SimLedger();
        LedgerHead? head;
        byte[] old;
        using (var ledger = sim.Open())
        {
            Ask(sim, ledger, 0, 1, carriers: 100);
            old = sim.Disk.Peek(Files(sim)[^1]);
            Ask(sim, ledger, 1, 1, carriers: 100);
            head = ledger.Head;
            Assert.Equal(head, LedgerHead.TryParse(head!.ToString()));
        }
        using (var ledger = sim.Open(head)) Assert.Equal(2, ledger.UnitsOf("p", SimLedger.Cohort));
        sim.Disk.Poke(Files(sim)[^1], old);
        Assert.Throws<DamagedStoreException>(() => sim.Open(head));
        using (var ledger = sim.Open()) Assert.Equal(1, ledger.UnitsOf("p", SimLedger.Cohort)); // without it: not seen
        using (var ledger = sim.Open())
        {
            Ask(sim, ledger, 2, 1, carriers: 100);
            head = ledger.Head;
        }
        sim.Disk.Poke(Files(sim)[^1], null);
        Assert.Throws<DamagedStoreException>(() => sim.Open(head));
        using (var ledger = sim.Open())
        {
            Ask(sim, ledger, 3, 1, carriers: 100);
            sim.Disk.Poke(Files(sim)[^1], sim.Disk.Peek(Files(sim)[^1])[..^5]);
            Assert.Throws<LedgerRefusedException>(() => Ask(sim, ledger, 4, 1, carriers: 100));
        }
    }

    [Fact]
    public void Nothing_in_it_is_readable_without_the_keys()
    {
        var sim = new SimLedger();
        using (var ledger = sim.Open()) Ask(sim, ledger, 0, 1, carriers: 100, project: "a-project-with-a-name");
        foreach (var file in Files(sim)) Assert.Equal(-1, sim.Disk.Peek(file).AsSpan().IndexOf("a-project-with-a-name"u8));
    }

    private static List<string> Files(SimLedger sim) => [.. sim.Disk.AllFiles().Where(f => f != "lock")];

    private static SimLedger Copy(SimLedger sim) => new(sim.Machine.Copy());

    private static void Restore(SimLedger sim, string last, string file, byte[] content)
    {
        foreach (var made in Files(sim).Where(f => string.CompareOrdinal(f, last) > 0)) sim.Disk.Poke(made, null);
        sim.Disk.Poke(file, content);
    }

    private static void Ask(SimLedger sim, ReleaseLedger ledger, int first, int count, int carriers, string project = "p")
    {
        var call = sim.Releaser(ledger).Open(SimLedger.Request(project: project));
        var cells = Enumerable.Range(first, count).Select(v => SimLedger.Carriers(SimLedger.Cohort, carriers >= 0 ? carriers : v < 20 ? 100 : 20)).ToArray();
        var batch = call.Release([.. Enumerable.Range(first, count).Select(v => $"v{v}")], cells);
        Assert.Equal(count, batch.Answered);
    }

    /// <summary>One process asks for so many further variants; how many were released so far, whatever happened.</summary>
    private static int Attempt(SimLedger sim, int released, int more)
    {
        try
        {
            using var ledger = sim.Open();
            for (var i = 0; i < more; i++)
            {
                Ask(sim, ledger, released, 1, carriers: 100);
                released++;
            }
        }
        catch (Exception e) when (e is DurableException or StoreException or SimCrashException)
        {
            // What was released before it is all that counts.
        }
        return released;
    }

    private static void CheckAfter(SimLedger sim, int released, int power, string what)
    {
        if (power < 0) sim.Machine.Restart();
        else sim.Machine.PowerCycle(power == 0 ? null : power);
        using var ledger = sim.Open();
        Assert.True(ledger.UnitsOf("p", SimLedger.Cohort) >= released, $"{what}: {released} released, {ledger.UnitsOf("p", SimLedger.Cohort)} charged");
    }
}
