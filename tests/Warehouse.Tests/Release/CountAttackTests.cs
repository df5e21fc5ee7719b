using Warehouse.Engine.Release;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Release;

/// <summary>
/// The known attacks on counts, 200 victims each: who knows that somebody is in a cohort, and how to describe him alone, wants to know whether
/// he carries a variant. Each runs against the door, and against one that only hides counts below k, where it has to succeed.
/// </summary>
public sealed class CountAttackTests(ITestOutputHelper output)
{
    private const int Seed = 47, Victims = 200, K = 11;

    private static readonly IEnumerable<int> Everybody = Enumerable.Range(0, SimLedger.Samples);

    /// <summary>Answers the carriers of a set among some people, or null.</summary>
    private delegate int? Door(CohortSet cohort, CohortSet carriers);

    [Fact]
    public void Tracker_recovers_nobody()
    {
        Run("tracker", (door, carriers, victim, random) =>
        {
            // Two halves, each with the victim added: together they count everybody once and him twice.
            var half = CohortSet.Of(SimLedger.Samples, Everybody.Where(s => s != victim && random.Next(2) == 0));
            var other = CohortSet.Of(SimLedger.Samples, Everybody.Where(s => s != victim && !half.Has(s)));
            return door(With(half, victim), carriers) + door(With(other, victim), carriers) - door(CohortSet.Of(SimLedger.Samples, Everybody), carriers);
        });
    }

    [Fact]
    public void Nested_difference_recovers_nobody() =>
        Run("nested difference", (door, carriers, victim, _) => door(SimLedger.Cohort, carriers) - door(SimLedger.Cohort.Without([Alone(victim)]), carriers));

    [Fact]
    public void Complement_of_the_other_groups_recovers_nobody()
    {
        var (recovered, control) = (0, 0);
        var random = new Random(Seed);
        for (var v = 0; v < Victims; v++)
        {
            // The victim's group has one carrier or none: him, if anybody. The other groups are shown, and the total is.
            var isCarrier = random.Next(2) == 0;
            var groups = new[] { SimLedger.Range(0, 200), SimLedger.Range(200, 300), SimLedger.Range(500, 500) };
            BaseCells[] cells = [default, SimLedger.Carriers(groups[0], isCarrier ? 1 : 0), SimLedger.Carriers(groups[1], random.Next(40, 60)), SimLedger.Carriers(groups[2], random.Next(40, 90))];
            cells[0] = cells[1] + cells[2] + cells[3];
            if (Rest([.. cells.Select(c => c.Carriers < K ? default(int?) : c.Carriers)]) is { } plain && plain == 1 == isCarrier) control++;

            using var ledger = new SimLedger().Open();
            var releaser = new Releaser(ledger, TimeProvider.System);
            var rows = releaser.Open(SimLedger.Request(groups: groups)).Release(["v"], cells).Rows;
            // What is banded is asked for again by itself.
            var known = rows.Select((r, i) => r.IsBanded ? Single(releaser, i == 0 ? SimLedger.Cohort : groups[i - 1], cells[i]) : r.Carriers).ToArray();
            if (Rest(known) is not null) recovered++;
        }
        Report("complement", recovered, control);

        static int? Rest(int?[] known) => known[0] - known[2] - known[3];
    }

    /// <summary>Spokes beside the total of a hub, with the policy between sites.</summary>
    [Fact]
    public void Single_spoke_beside_an_exact_total_is_recovered_for_nobody()
    {
        var random = new Random(Seed);
        var (suppression, recovered, control) = (new Suppression(ReleasePolicy.Federated), 0, 0);
        for (var v = 0; v < Victims; v++)
        {
            BaseCells[] spokes = [.. Enumerable.Range(0, random.Next(2, 9)).Select(i => TableAttack.Cells(random.Next(1000, 3000), i == 0 ? random.Next(2) : random.Next(60, 300), 0))];
            var hidden = new bool[spokes.Length];
            if (!suppression.Judge(spokes, hidden) && hidden.Count(h => h) == 1) recovered++;
            if (spokes.Count(s => suppression.IsSmall(s)) == 1 && !suppression.IsSmall(spokes.Aggregate((a, b) => a + b))) control++;
        }
        Report("spoke beside a total", recovered, control);
    }

    [Fact]
    public void Epoch_difference_recovers_nobody()
    {
        var (recovered, control, random) = (0, 0, new Random(Seed));
        for (var v = 0; v < Victims; v++)
        {
            // The victim joins, with nobody else or with too few others of whom the attacker knows what they carry.
            var (before, after) = (SimLedger.Range(0, 1000), SimLedger.Range(0, 1001 + random.Next(10)));
            var carriers = CohortSet.Of(SimLedger.Samples, Everybody.Where(s => s < 1000 ? random.Next(3) == 0 : s == 1000 && random.Next(2) == 0));
            if (after.CountBoth(carriers) - before.CountBoth(carriers) == (carriers.Has(1000) ? 1 : 0)) control++;
            if (!EpochRule.Judge([new CohortHistory("c", [before], after)], K).MayOpen) continue;
            recovered++;
        }
        Report("epoch difference", recovered, control);
    }

    /// <summary>The same question 40 times in other words: other orders of the members. Noise by the words of a question averages out; here one answer is stored.</summary>
    [Fact]
    public void Averaging_recovers_nobody()
    {
        const int Times = 40;
        var (recovered, control, random) = (0, 0, new Random(Seed));
        for (var v = 0; v < Victims; v++)
        {
            var truth = random.Next(K); // hidden: fewer than k
            using var ledger = new SimLedger().Open();
            var releaser = new Releaser(ledger, TimeProvider.System);
            var answers = new HashSet<ReleasedRow>();
            for (var t = 0; t < Times; t++)
            {
                var members = Enumerable.Range(0, 1000).ToArray();
                random.Shuffle(members);
                var cohort = CohortSet.Of(SimLedger.Samples, members);
                answers.Add(releaser.Open(SimLedger.Request(cohort)).Release(["v"], [SimLedger.Carriers(cohort, truth)]).Rows[0]);
            }
            if (answers.Count != 1 || !answers.Single().IsBanded || ledger.UnitsOf("p", SimLedger.Cohort) != 5) recovered++;
            var average = Enumerable.Range(0, Times).Average(_ => truth + ((random.NextDouble() + random.NextDouble() - 1) * 3));
            if ((int)Math.Round(average) == truth) control++;
        }
        Report("averaging", recovered, control);
    }

    private void Run(string attack, Func<Door, CohortSet, int, Random, int?> recover)
    {
        var (recovered, control, random) = (0, 0, new Random(Seed));
        for (var v = 0; v < Victims; v++)
        {
            var victim = random.Next(1000);
            var carriers = CohortSet.Of(SimLedger.Samples, Everybody.Where(_ => random.Next(3) == 0));
            if (recover(Threshold, carriers, victim, random) is { } plain && plain == (carriers.Has(victim) ? 1 : 0)) control++;
            using var ledger = new SimLedger().Open();
            var releaser = new Releaser(ledger, TimeProvider.System);
            if (recover((cohort, among) => Single(releaser, cohort, SimLedger.Carriers(cohort, among)), carriers, victim, random) is not null) recovered++;
        }
        Report(attack, recovered, control);
    }

    private void Report(string attack, int recovered, int control)
    {
        output.WriteLine($"{attack}, seed {Seed}: {recovered} of {Victims} recovered; {control} where only counts below k are hidden");
        Assert.Equal(0, recovered);
        Assert.InRange(control, Victims / 4, Victims);
    }

    private static int? Threshold(CohortSet cohort, CohortSet carriers) => cohort.CountBoth(carriers) is var count && count >= K ? count : null;

    private static int? Single(Releaser releaser, CohortSet cohort, BaseCells cells)
    {
        try
        {
            var batch = releaser.Open(SimLedger.Request(cohort)).Release(["v"], [cells]);
            return batch.Answered == 0 || batch.Rows[0].IsBanded ? null : batch.Rows[0].Carriers;
        }
        catch (ReleaseRefusedException)
        {
            return null;
        }
    }

    private static CohortSet Alone(int person) => CohortSet.Of(SimLedger.Samples, [person]);

    private static CohortSet With(CohortSet set, int person) => CohortSet.Of(SimLedger.Samples, Everybody.Where(s => set.Has(s) || s == person));
}
