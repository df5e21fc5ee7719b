using Warehouse.Engine.Release;
using Xunit;

namespace Warehouse.Tests.Release;

/// <summary>The one door: what leaves, what does not, and by which rule.</summary>
public sealed class ReleaserTests : IDisposable
{
    private const int Seed = 5;

    private readonly SimLedger _sim = new();
    private readonly ReleaseLedger _ledger;
    private readonly Releaser _releaser;

    public ReleaserTests()
    {
        _ledger = _sim.Open();
        _releaser = _sim.Releaser(_ledger);
    }

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void A_cohort_has_a_tenth_of_its_people_in_variants_and_rare_ones_cost_five()
    {
        var call = Open();
        Assert.Equal(96, Ask(call, 0, 200, carriers: 100).Answered); // the last five units are kept: what the next one costs must not decide
        Assert.Equal(ReleaseRule.OverBudget, Ask(call, 500, 1, carriers: 100).Stopped);
        Assert.Equal(96, Ask(call, 0, 96, carriers: 100).Answered); // the same again is free
        var rare = Open(project: "rare");
        Assert.Equal(20, Ask(rare, 0, 200, carriers: 32).Answered);
        Assert.Equal(100, _ledger.UnitsOf("rare", SimLedger.Cohort));
        var banded = Open(project: "banded");
        Assert.Equal(20, Ask(banded, 200, 200, carriers: 2).Answered);
    }

    [Fact]
    public void By_information_a_variant_costs_what_it_tells_of_a_carrier()
    {
        foreach (var (carriers, answered) in new[] { (500, 11), (100, 2), (11, 1), (2, 1) })
        {
            var call = _releaser.Open(SimLedger.Request(project: $"p{carriers}") with { Policy = ReleasePolicy.ByInformation with { SharedFactor = 100 } });
            Assert.Equal(answered, Ask(call, carriers * 1000, 20, carriers).Answered);
        }
    }

    [Fact]
    public void All_projects_share_three_budgets_and_what_one_was_told_is_free_for_it()
    {
        for (var p = 0; p < 3; p++) Assert.Equal(96, Ask(Open(project: $"p{p}"), 1000 * p, 96, carriers: 100).Answered);
        var fourth = Open(project: "p3");
        Assert.Equal(8, Ask(fourth, 5000, 96, carriers: 100).Answered); // 300 units less 288 and the last four
        Assert.Equal(ReleaseRule.OverBudget, Ask(fourth, 6000, 1, carriers: 100).Stopped);
        Assert.Equal(50, Ask(fourth, 1000, 50, carriers: 100).Answered); // told to another before: costs the project, not all
    }

    [Fact]
    public void Small_cohorts_and_groups_and_those_that_isolate_few_are_refused()
    {
        Assert.Equal(ReleaseRule.CohortTooSmall, Refusal(SimLedger.Request(SimLedger.Range(0, 99))));
        Assert.Equal(ReleaseRule.GroupTooSmall, Refusal(SimLedger.Request(groups: [SimLedger.Range(0, 49), SimLedger.Range(49, 951)])));
        Assert.Equal(ReleaseRule.GroupTooSmall, Refusal(SimLedger.Request(groups: [SimLedger.Range(0, 960)])));
        Open();
        Assert.Equal(ReleaseRule.IsolatesFew, Refusal(SimLedger.Request(SimLedger.Range(0, 999))));
        Assert.Equal(ReleaseRule.IsolatesFew, Refusal(SimLedger.Request(SimLedger.Range(10, 1000))));
        Assert.Equal(ReleaseRule.OtherEpoch, Refusal(SimLedger.Request() with { Epoch = 2 }));
        Assert.Equal(ReleaseRule.Withdrawn, Refusal(SimLedger.Request() with { Withdrawn = SimLedger.Range(999, 1) }));
        _releaser.Open(SimLedger.Request() with { Withdrawn = SimLedger.Range(1000, 1) });
        Assert.Throws<ArgumentException>(() => _releaser.Open(SimLedger.Request(groups: [SimLedger.Range(0, 500), SimLedger.Range(499, 500)])));
        Assert.Throws<ArgumentException>(() => _releaser.Open(SimLedger.Request(groups: [SimLedger.Range(900, 200)])));
    }

    [Fact]
    public void Fifty_refusals_of_a_day_lock_a_project_until_somebody_reviews_it()
    {
        var call = Open();
        for (var i = 0; i < 50; i++) Refusal(SimLedger.Request(SimLedger.Range(0, 99)));
        Assert.Equal(ReleaseRule.ProjectLocked, Refusal(SimLedger.Request()));
        Assert.Equal(ReleaseRule.ProjectLocked, Ask(call, 0, 1, 100).Stopped);
        Open(project: "another");
        Assert.Equal(["p"], _ledger.LockedProjects());
        _ledger.Dispose();
        using var again = _sim.Open();
        Assert.Equal(["p"], again.LockedProjects());
        again.OpenEpoch(2, SimLedger.Samples);
        Assert.Equal(["p"], again.LockedProjects());
        Assert.Throws<ArgumentException>(() => again.Unlock("another", "steward", "looked at", _sim.Machine.Clock));
        Assert.Throws<ArgumentException>(() => again.Unlock("p", "steward", "", _sim.Machine.Clock));
        again.Unlock("p", "steward", "a script with a wrong filter", _sim.Machine.Clock);
        _sim.Releaser(again).Open(SimLedger.Request() with { Epoch = 2 });
    }

    [Fact]
    public void Figures_that_are_not_those_of_the_epoch_are_not_released()
    {
        var call = Open();
        Ask(call, 0, 1, carriers: 100);
        Assert.Equal(ReleaseRule.FiguresChanged, Ask(call, 0, 1, carriers: 101).Stopped);
        Assert.Throws<ArgumentException>(() => call.Release(["v"], [TableAttack.Cells(999, 100, 0)]));
        _ledger.OpenEpoch(2, SimLedger.Samples);
        Assert.Equal(ReleaseRule.OtherEpoch, Ask(call, 1, 1, carriers: 100).Stopped);
    }

    [Fact]
    public void Groups_are_shown_with_their_stand_ins_hidden_and_who_is_in_none_is_never_shown()
    {
        var call = _releaser.Open(SimLedger.Request(groups: SimLedger.Groups));
        var (a, b, c) = (SimLedger.Groups[0], SimLedger.Groups[1], SimLedger.Groups[2]);
        BaseCells[] cells = [SimLedger.Carriers(SimLedger.Cohort, 163), SimLedger.Carriers(a, 3), SimLedger.Carriers(b, 60), SimLedger.Carriers(c, 80)];
        var batch = call.Release(["v"], cells);
        // The 50 in no group, with 20 carriers, stand in.
        Assert.Equal([false, true, false, false], batch.Rows.Select(r => r.IsBanded));
        Assert.Equal((163, 60), (batch.Rows[0].Carriers, batch.Rows[2].Carriers));
        Assert.Equal(batch.Rows, call.Release(["v"], cells).Rows);
        Assert.Throws<ArgumentException>(() => call.Release(["w"], [SimLedger.Carriers(SimLedger.Cohort, 100), .. cells[1..]]));
    }

    [Fact]
    public void A_group_that_is_the_whole_cohort_is_the_cohort()
    {
        var call = _releaser.Open(SimLedger.Request(groups: [SimLedger.Cohort]));
        var cells = SimLedger.Carriers(SimLedger.Cohort, 100);
        var rows = call.Release(["v"], [cells, cells]).Rows;
        Assert.Equal(rows[0], rows[1]);
        Assert.Equal(1, _ledger.UnitsOf("p", SimLedger.Cohort));
    }

    /// <summary>A stand-in that is a registered cohort too must not be shown when it is asked for by itself.</summary>
    [Fact]
    public void What_stood_in_is_not_shown_by_another_call()
    {
        var (small, other, standIn) = (SimLedger.Range(0, 400), SimLedger.Range(400, 350), SimLedger.Range(750, 250));
        var call = _releaser.Open(SimLedger.Request(groups: [small, other, standIn]));
        var cells = new[] { SimLedger.Carriers(SimLedger.Cohort, 143), SimLedger.Carriers(small, 3), SimLedger.Carriers(other, 60), SimLedger.Carriers(standIn, 80) };
        Assert.Equal([false, true, false, true], call.Release(["v"], cells).Rows.Select(r => r.IsBanded));
        Assert.True(_releaser.Open(SimLedger.Request(standIn)).Release(["v"], [cells[3]]).Rows[0].IsBanded);
        // Asked for first it is shown, and another group stands in.
        Assert.False(_releaser.Open(SimLedger.Request(standIn)).Release(["w"], [cells[3]]).Rows[0].IsBanded);
        Assert.Equal([false, true, true, false], call.Release(["w"], cells).Rows.Select(r => r.IsBanded));
    }

    [Fact]
    public void Nested_cohorts_whose_difference_is_small_are_not_both_shown()
    {
        var (inner, outer) = (SimLedger.Range(0, 500), SimLedger.Range(0, 800));
        Assert.False(_releaser.Open(SimLedger.Request(inner)).Release(["v"], [SimLedger.Carriers(inner, 100)]).Rows[0].IsBanded);
        Assert.True(_releaser.Open(SimLedger.Request(outer)).Release(["v"], [SimLedger.Carriers(outer, 105)]).Rows[0].IsBanded);
        Assert.False(_releaser.Open(SimLedger.Request(outer)).Release(["w"], [SimLedger.Carriers(outer, 105)]).Rows[0].IsBanded);
        Assert.True(_releaser.Open(SimLedger.Request(inner)).Release(["w"], [SimLedger.Carriers(inner, 100)]).Rows[0].IsBanded);
    }

    /// <summary>One variant, random cohorts in random order, against all sums of what was shown: none is of a set whose figures are small.</summary>
    [Fact]
    public void No_sum_of_what_was_shown_is_small()
    {
        var random = new Random(Seed);
        var policy = ReleasePolicy.Research with { PeoplePerUnit = 1, MinimumCohort = 20, K = 3 };
        var (shown, banded) = (0, 0);
        for (var run = 0; run < 150; run++)
        {
            var edges = Enumerable.Range(0, 4).Select(_ => random.Next(20) * 50).Order().ToArray();
            var carriers = CohortSet.Of(SimLedger.Samples, Enumerable.Range(0, SimLedger.Samples).Where(s => random.Next(s / 50 % 4 == 0 ? 500 : 30) == 0));
            var exact = new List<(CohortSet Set, ReleasedRow Row)>();
            for (var i = 0; i < 10; i++)
            {
                var (from, to) = (random.Next(6) * 200, (random.Next(4) + 6) * 200);
                var cohort = random.Next(2) == 0 ? SimLedger.Range(from, to - from) : CohortSet.Of(SimLedger.Samples, Enumerable.Range(0, SimLedger.Samples).Where(s => edges.Count(e => s < e) % 2 == 1));
                if (cohort.People < 100) continue;
                ReleasedBatch batch;
                try
                {
                    batch = _releaser.Open(SimLedger.Request(cohort, project: $"run {run}") with { Policy = policy }).Release([$"v{run}"], [SimLedger.Carriers(cohort, carriers)]);
                }
                catch (ReleaseRefusedException)
                {
                    continue;
                }
                if (batch.Answered == 0) continue;
                if (batch.Rows[0].IsBanded) banded++;
                else if (exact.All(e => e.Set.Digest != cohort.Digest)) exact.Add((cohort, batch.Rows[0]));
                edges[random.Next(4)] = random.Next(20) * 50;
                Array.Sort(edges);
            }
            shown += exact.Count;
            for (var last = 1; last < Math.Min(exact.Count, 7); last++)
            {
                var sets = exact.Take(last + 1).Select(e => e.Set).ToArray();
                foreach (var factors in DerivedCells.Of(sets))
                {
                    var derived = DerivedCells.Sum([.. sets.Select(s => SimLedger.Carriers(s, carriers))], factors);
                    Assert.False(new Suppression(policy).IsSmall(derived), $"seed {Seed}, run {run}: {derived} follows from what was shown");
                }
            }
        }
        Assert.InRange(shown, 200, 1500);
        Assert.InRange(banded, 50, 1500);
    }

    /// <summary>Stores that differ in genotypes alone get the same refusals at the same places, and pay what is shown.</summary>
    [Fact]
    public void Refusals_and_what_is_left_follow_from_what_was_shown()
    {
        var random = new Random(Seed);
        for (var run = 0; run < 20; run++)
        {
            var (one, two) = (new List<string>(), new List<string>());
            var hidden = Enumerable.Range(0, 30).Select(_ => random.Next(2) == 0).ToArray();
            foreach (var (log, shift) in new[] { (one, 0), (two, 7) })
            {
                using var ledger = new SimLedger().Open();
                var releaser = new Releaser(ledger, TimeProvider.System);
                for (var v = 0; v < 30; v++)
                {
                    var cohort = SimLedger.Range(v % 3 * 5, 1000);
                    try
                    {
                        var batch = releaser.Open(SimLedger.Request(cohort)).Release([$"v{v}"], [SimLedger.Carriers(cohort, hidden[v] ? shift : 100)]);
                        log.Add($"{batch.Answered} {batch.Stopped} {string.Join(' ', batch.Rows)} {ledger.UnitsOf("p", cohort)}");
                    }
                    catch (ReleaseRefusedException e)
                    {
                        log.Add(e.Message);
                    }
                }
            }
            Assert.Equal(one, two);
        }
    }

    private ReleaseCall Open(string project = "p") => _releaser.Open(SimLedger.Request(project: project));

    private ReleaseRule Refusal(ReleaseRequest request) => Assert.Throws<ReleaseRefusedException>(() => _releaser.Open(request)).Rule;

    private static ReleasedBatch Ask(ReleaseCall call, int first, int count, int carriers) =>
        call.Release([.. Enumerable.Range(first, count).Select(v => $"v{v}")], [.. Enumerable.Repeat(SimLedger.Carriers(SimLedger.Cohort, carriers), count)]);
}
