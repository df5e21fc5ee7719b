using Warehouse.Simulation.Faults;
using Xunit;

namespace Warehouse.Tests.Soak;

/// <summary>The everyday share of the harnesses that <c>tests/soak.sh</c> runs for hours, and the proof that each sees what it must see.</summary>
public sealed class HarnessTests
{
    private const int CrashStatesEveryday = 20_000, Kills = 200, Histories = 12;

    [Fact]
    public void Whatever_a_power_cut_leaves_of_a_changing_store_has_all_that_was_acknowledged_whole() =>
        MustHold(CrashStates.Run(1, runs => runs >= CrashStatesEveryday), CrashStatesEveryday);

    /// <summary>Syncs that are lost in silence, one kind at a time: each is one that the protocol of a commit needs.</summary>
    [Theory]
    [InlineData("content of sealed files")]
    [InlineData("names of sealed files")]
    [InlineData("content of manifests")]
    [InlineData("names of manifests")]
    [InlineData("key table")]
    [InlineData("content of the acknowledgement")]
    [InlineData("names in the key folder")]
    public void A_disk_that_loses_syncs_is_seen_by_the_crash_states(string what)
    {
        Func<string, bool> loses = what switch
        {
            "content of sealed files" => name => name.StartsWith("f/", StringComparison.Ordinal),
            "names of sealed files" => name => name == "f",
            "content of manifests" => name => name.StartsWith("m/", StringComparison.Ordinal),
            "names of manifests" => name => name == "m",
            "key table" => name => name.StartsWith("keys/table-", StringComparison.Ordinal),
            "content of the acknowledgement" => name => name.StartsWith("keys/acknowledged", StringComparison.Ordinal),
            _ => name => name == "keys/",
        };
        var outcome = CrashStates.Run(1, runs => runs >= 3000, loses);
        Assert.NotEmpty(outcome.Failures);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(70)]
    public void Every_operation_of_every_change_may_fail(int batch) => MustHold(FaultLoop.Exhaust(batch, seed: batch), 2000);

    [Fact]
    public void A_disk_that_loses_syncs_is_seen_by_the_fault_loop() =>
        Assert.NotEmpty(FaultLoop.Exhaust(1, seed: 1, losesSync: name => name == "m").Failures);

    [Fact]
    public void A_store_whose_writer_is_killed_has_all_that_it_told() => MustHold(KillLoop.Run(1, runs => runs >= Kills), Kills);

    [Fact]
    public void A_writer_that_tells_before_it_has_written_is_seen_by_the_kill_loop() =>
        MustSee(100, seed => KillLoop.Run(seed, runs => runs >= 40, tellsEarly: true));

    [Fact]
    public void What_clients_side_by_side_do_and_see_has_one_order() => MustHold(HistoryRun.Run(1, runs => runs >= Histories), Histories);

    [Fact]
    public void A_client_that_shows_an_old_session_as_new_is_seen_in_the_history() =>
        MustSee(20, seed => HistoryRun.Run(seed, runs => runs >= 3, over: null, isStale: true));

    /// <summary>A compaction that met another writer may have made a version before: it is known, and nobody was told its number by whoever made it.</summary>
    [Fact]
    public void A_refusal_is_held_against_a_version_that_a_compaction_made_without_saying_so()
    {
        var load = new Change(ChangeKind.Ingest, SampleFiles.NameOf(0, "s1"));
        var answers = HistoryCheck.Flat(StoreState.Empty.After(load, 1)!.Answers());
        string? Refused(string sample) => HistoryCheck.Quarrel(
        [
            new(1, EventKind.Done, 1, 2, 2, load.ToString()), new(2, EventKind.Busy, 3, 4, 0, new Change(ChangeKind.Compact).ToString()), new(3, EventKind.Opened, 5, 6, 3, answers),
            new(4, EventKind.Refused, 7, 8, 0, new Change(ChangeKind.Withdraw, sample).ToString()),
        ], newest: 3);
        Assert.Null(Refused("s2"));
        Assert.Contains("refused, but right in every version from 3", Refused("s1"), StringComparison.Ordinal);
    }

    /// <summary>Locks that hold nobody back, and renames that overwrite: nothing is left that keeps two writers apart.</summary>
    [Fact]
    public void Writers_that_nothing_keeps_apart_are_seen_in_the_history() =>
        MustSee(20, seed => HistoryRun.Run(seed, runs => runs >= 3, storage => new CarelessStorage(storage, overwrites: true), isStale: false));

    /// <summary>Fencing: where the locks hold nobody back, of two writers of a version one still loses, and a version has one writer.</summary>
    [Fact]
    public void Without_locks_no_version_has_two_writers()
    {
        var outcome = HistoryRun.Run(1, runs => runs >= 3, storage => new CarelessStorage(storage, overwrites: false), isStale: false);
        Assert.DoesNotContain(outcome.Failures, f => f.Contains("two writers", StringComparison.Ordinal));
    }

    /// <summary>What real processes and threads do depends on the machine's load: on a busy one a kill may come before anything was said, so more are tried.</summary>
    private static void MustSee(int mostSeeds, Func<int, Outcome> run)
    {
        for (var seed = 1; seed <= mostSeeds; seed++)
            if (run(seed).Failures.Count > 0) return;
        Assert.Fail($"the planted fault was not seen with {mostSeeds} seeds");
    }

    private static void MustHold(Outcome outcome, long leastRuns)
    {
        Assert.True(outcome.Failures.Count == 0, string.Join('\n', outcome.Failures));
        Assert.True(outcome.Runs >= leastRuns, $"only {outcome.Runs} runs");
    }
}
