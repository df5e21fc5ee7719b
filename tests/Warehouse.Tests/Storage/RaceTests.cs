using System.Diagnostics;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Tests.Manifests;
using Xunit;

namespace Warehouse.Tests.Storage;

/// <summary>F16: writers that start at once. Exactly one wins, whatever keeps them apart: threads, processes, a lease that was lost.</summary>
public sealed class RaceTests
{
    private const int RacesInMemory = 2000, RacesOnDisk = 700, RacesOfProcesses = 300, PublishedEvery = 20;

    [Fact]
    public void Of_two_writers_that_start_at_once_one_wins_and_the_loser_can_write_after_him()
    {
        var sim = SimStore.WithVersions(0);
        Race(RacesInMemory, () => StoreFolder.Open(sim.Store, sim.Keys, TimeProvider.System));
        using var folder = sim.Open();
        Assert.Equal(1 + (RacesInMemory / PublishedEvery), folder.Current.Version);
    }

    [Fact]
    public void The_same_on_a_real_disk()
    {
        using var temp = new TempFolder();
        Create(temp);
        Race(RacesOnDisk, () => StoreFolder.Open(DiskStorage.Open(temp["store"]), DiskStorage.Open(temp["keys"]), TimeProvider.System));
    }

    [Fact]
    public void Of_two_processes_that_start_to_write_at_once_one_wins()
    {
        using var temp = new TempFolder();
        Create(temp);
        using var one = Racer(temp);
        using var two = Racer(temp);
        var wins = new int[2];
        for (var race = 0; race < RacesOfProcesses; race++)
        {
            foreach (var racer in (Process[])[one, two]) racer.StandardInput.WriteLine("go");
            string?[] said = [one.StandardOutput.ReadLine(), two.StandardOutput.ReadLine()];
            Assert.True(said.Order().SequenceEqual(["busy", "won"]), $"race {race}: {string.Join(", ", said)}");
            wins[Array.IndexOf(said, "won")]++;
            foreach (var racer in (Process[])[one, two]) racer.StandardInput.WriteLine("on"); // the winner holds the lease until both have tried
            string?[] versions = [one.StandardOutput.ReadLine(), two.StandardOutput.ReadLine()];
            Assert.Contains(FormattableString.Invariant($"{race + 2}"), versions);
        }
        foreach (var racer in (Process[])[one, two]) racer.StandardInput.Close();
        one.WaitForExit();
        two.WaitForExit();
        using var folder = StoreFolder.Open(DiskStorage.Open(temp["store"]), DiskStorage.Open(temp["keys"]), TimeProvider.System);
        Assert.Equal(RacesOfProcesses + 1, folder.Current.Version);
        Assert.Equal(RacesOfProcesses, wins.Sum());
    }

    /// <summary>
    /// The lock files are replaced at each moment of a publication, and another writer takes the new ones and commits twice. The old one, who does
    /// not know it, must be told, and whatever he does must not harm what the other was told. Nothing can keep him from the one operation that he
    /// is about to do: where that is the acknowledgement itself, the store says that its key folder was rolled back.
    /// </summary>
    [Fact]
    public void A_writer_that_lost_its_lease_at_any_moment_harms_nothing_that_another_was_told()
    {
        var (refused, first, late) = (0, 0, 0);
        for (var at = 0L; ; at++)
        {
            Assert.InRange(at, 0, 200);
            var sim = SimStore.WithVersions(1);
            using var one = sim.Open();
            using var old = one.BeginCommit();
            old.SetPart("catalog", SimStore.Content(3, 50));
            old.SetPart("policy", "of the fenced writer"u8);
            var (changes, isFenced, told) = (sim.Machine.Changes, false, 0L);
            sim.Machine.BeforeChange = () =>
            {
                if (isFenced || sim.Machine.Changes - changes < at) return;
                isFenced = true;
                sim.Store.Poke("lock", []);
                sim.Keys.Poke("lock", []);
                using var two = sim.Open();
                sim.CommitNext(two);
                told = sim.CommitNext(two).Version;
            };
            var isTold = false;
            try
            {
                old.Publish();
                isTold = true;
            }
            catch (IOException)
            {
                refused++;
            }
            if (!isFenced) break;
            sim.Machine.BeforeChange = null;
            try
            {
                using var after = sim.Open();
                Assert.Equal(told, SimStore.CheckWhole(after));
                Assert.True(told == (after.Load(3).Parts["policy"].ContentBytes > 15 ? 5 : 4), $"operation {at}: version {told}");
                if (isTold) first++;
                sim.CommitNext(after);
                Assert.DoesNotContain(sim.Verify(), f => f.Kind != FindingKind.Surplus);
            }
            catch (DamagedStoreException e) when (e.Message.Contains("rolled back", StringComparison.Ordinal))
            {
                late++;
            }
        }
        Assert.True(refused > 10 && late <= 1, $"{refused} refused, {first} published before, {late} too late");
    }

    private static void Race(int races, Func<StoreFolder> open)
    {
        using var both = new Barrier(2);
        var (wins, problems) = (0, new List<string>());
        void Run()
        {
            using var folder = open();
            for (var race = 0; race < races; race++)
            {
                both.SignalAndWait();
                Commit? commit = null;
                try
                {
                    commit = folder.BeginCommit();
                    Interlocked.Increment(ref wins);
                }
                catch (StoreBusyException)
                {
                    // The other one has it.
                }
                catch (Exception e)
                {
                    lock (problems) problems.Add($"race {race}: {e}");
                }
                both.SignalAndWait();
                using (commit)
                {
                    if (race % PublishedEvery == 0 && commit is not null)
                    {
                        commit.SetPart("catalog", BitConverter.GetBytes(commit.Version));
                        if (commit.Publish() is var published && BitConverter.ToInt64(folder.ReadPart(published, "catalog")) != published.Version) lock (problems) problems.Add($"race {race}: not the winner's content");
                    }
                }
                both.SignalAndWait();
                if (wins != race + 1) lock (problems) problems.Add($"race {race}: {wins} wins in {race + 1} races");
            }
        }
        var threads = new[] { new Thread(Run), new Thread(Run) };
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.True(problems.Count == 0, string.Join('\n', problems.Take(3)));
    }

    private static void Create(TempFolder temp) => StoreFolder.Create(
        DiskStorage.OpenOrCreate(temp["store"]), DiskStorage.OpenOrCreate(temp["keys"]), StoreIdentity.New("GRCh38", default, TimeProvider.System), TimeProvider.System).Dispose();

    private static Process Racer(TempFolder temp)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Warehouse.Simulation.dll"), "race", temp["store"], temp["keys"]]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        process.StandardInput.AutoFlush = true;
        return process;
    }
}
