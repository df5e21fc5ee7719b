using Warehouse.Engine.Release;
using Xunit;

namespace Warehouse.Tests.Release;

/// <summary>Whatever is admitted, no sum of answers is of fewer than k people.</summary>
public sealed class AtomGuardTests
{
    private const int Seed = 43;

    [Fact]
    public void Decisions_are_those_of_the_dull_twin_and_no_sum_of_admitted_cohorts_is_of_few()
    {
        var random = new Random(Seed);
        var (admitted, refused) = (0, 0);
        for (var run = 0; run < 400; run++)
        {
            var (samples, k) = (random.Next(20, 70), random.Next(2, 5));
            var guard = new AtomGuard(samples);
            var asked = new List<CohortSet>();
            for (var i = 0; i < 12; i++)
            {
                var cohort = RandomCohort(random, samples, asked);
                var isSafe = Twin([.. asked, cohort], k);
                Assert.True(isSafe == guard.Admits([cohort], k), $"seed {Seed}, run {run}, cohort {i}");
                Assert.Equal(isSafe, guard.TryAdmit([cohort], k));
                if (isSafe) asked.Add(cohort);
                (admitted, refused) = (admitted + (isSafe ? 1 : 0), refused + (isSafe ? 0 : 1));
            }
            foreach (var people in Sums([.. asked.Take(6)])) Assert.True(people >= k, $"seed {Seed}, run {run}: a sum is of {people} people");
        }
        Assert.InRange(admitted, 400, 4400);
        Assert.InRange(refused, 400, 4400);
    }

    /// <summary>I4: how many people there are beside those whom a project may ask, it does not learn from what is refused.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(500)]
    public void Nothing_is_refused_for_those_whom_nobody_asks(int others)
    {
        var guard = new AtomGuard(200 + others);
        bool Admits(int start, int count) => guard.TryAdmit([CohortSet.Of(200 + others, Enumerable.Range(start, count))], 11);
        Assert.True(Admits(0, 200));
        Assert.False(Admits(0, 195));
        Assert.False(Admits(0, 10));
        Assert.True(Admits(0, 100));
        if (others > 0) Assert.Equal(others > 10, Admits(0, 200 + others));
    }

    [Fact]
    public void Several_are_admitted_together_or_not_at_all()
    {
        var guard = new AtomGuard(100);
        Assert.False(guard.TryAdmit([Range(0, 50), Range(0, 45)], 11));
        Assert.False(guard.Has(Range(0, 50)));
        Assert.True(guard.TryAdmit([Range(0, 50), Range(0, 30)], 11));
        Assert.True(guard.TryAdmit([Range(0, 50)], 11));
        Assert.False(guard.TryAdmit([Range(35, 40)], 11));
        Assert.Equal(2, guard.Count);
        Assert.Throws<ArgumentException>(() => guard.TryAdmit([CohortSet.Of(99, [1])], 1));
    }

    [Fact]
    public void Equal_sets_are_one_whatever_order_their_members_come_in()
    {
        var (a, b) = (CohortSet.Of(200, [5, 70, 199]), CohortSet.Of(200, [199, 5, 70, 5]));
        Assert.Equal(a.Digest, b.Digest);
        Assert.Equal(3, b.People);
        Assert.NotEqual(a.Digest, CohortSet.Of(201, [5, 70, 199]).Digest);
        Assert.Throws<ArgumentException>(() => new CohortSet(3, [8]));
        Assert.Throws<ArgumentException>(() => new CohortSet(3, [0, 0]));
        Assert.Throws<ArgumentException>(() => CohortSet.Of(3, [3]));
    }

    /// <summary>Figures derived from several cohorts are those that trying all sums finds, with the figures that counting finds.</summary>
    [Fact]
    public void Derived_figures_are_those_of_the_sets_they_speak_of()
    {
        var random = new Random(Seed);
        var found = 0;
        for (var run = 0; run < 200; run++)
        {
            var cohorts = new List<CohortSet>();
            for (var i = random.Next(2, 6); i > 0; i--) cohorts.Add(RandomCohort(random, 40, cohorts));
            var carriers = CohortSet.Of(40, Enumerable.Range(0, 40).Where(_ => random.Next(3) == 0));
            var sums = DerivedCells.Of(cohorts);
            var cells = cohorts.Select(c => SimLedger.Carriers(c, carriers)).ToArray();
            foreach (var factors in sums)
            {
                var members = Members(cohorts, factors);
                Assert.NotNull(members);
                Assert.Equal(SimLedger.Carriers(members, carriers), DerivedCells.Sum(cells, factors));
                found++;
            }
            var all = AllFactors(cohorts.Count).Where(f => f[^1] != 0 && f.Count(x => x != 0) > 1 && Members(cohorts, f) is { People: > 0 }).Count();
            Assert.Equal(all, sums.Count);
        }
        Assert.InRange(found, 100, 100_000);
    }

    private static CohortSet Range(int first, int count) => CohortSet.Of(100, Enumerable.Range(first, count));

    /// <summary>Half of the time something near to a cohort before: a person more, a person less, what is left.</summary>
    private static CohortSet RandomCohort(Random random, int samples, IReadOnlyList<CohortSet> before)
    {
        var all = Enumerable.Range(0, samples);
        if (before.Count == 0 || random.Next(2) == 0)
        {
            var (first, count) = (random.Next(samples), random.Next(1, samples));
            return CohortSet.Of(samples, all.Where(s => s >= first && s < first + count || random.Next(20) == 0));
        }
        var near = before[random.Next(before.Count)];
        var victim = random.Next(samples);
        return random.Next(3) switch
        {
            0 => CohortSet.Of(samples, all.Where(s => near.Has(s) != (s == victim))),
            1 => CohortSet.Of(samples, all.Where(s => !near.Has(s))),
            _ => CohortSet.Of(samples, all.Where(s => near.Has(s) || before[0].Has(s))),
        };
    }

    private static bool Twin(IReadOnlyList<CohortSet> cohorts, int k) =>
        Enumerable.Range(0, cohorts[0].Samples).GroupBy(s => string.Concat(cohorts.Select(c => c.Has(s) ? '1' : '0'))).All(atom => atom.Count() >= k || !atom.Key.Contains('1'));

    private static IEnumerable<int> Sums(IReadOnlyList<CohortSet> cohorts) =>
        AllFactors(cohorts.Count).Select(f => Members(cohorts, f)).OfType<CohortSet>().Select(s => s.People).Where(p => p > 0);

    private static IEnumerable<sbyte[]> AllFactors(int count) => count == 0
        ? [[]]
        : AllFactors(count - 1).SelectMany(f => ((sbyte[])[-1, 0, 1]).Select(x => (sbyte[])[.. f, x]));

    /// <summary>The set of which a sum speaks, or null when it is the figure of none.</summary>
    private static CohortSet? Members(IReadOnlyList<CohortSet> cohorts, sbyte[] factors)
    {
        var times = Enumerable.Range(0, cohorts.Count == 0 ? 0 : cohorts[0].Samples).Select(s => Enumerable.Range(0, cohorts.Count).Sum(i => cohorts[i].Has(s) ? factors[i] : 0)).ToArray();
        return times.All(t => t is 0 or 1) ? CohortSet.Of(times.Length, Enumerable.Range(0, times.Length).Where(s => times[s] == 1)) : null;
    }
}
