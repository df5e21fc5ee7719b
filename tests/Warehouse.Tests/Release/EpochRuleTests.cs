using Warehouse.Engine.Release;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Release;

/// <summary>The answers of two epochs, subtracted, are of no fewer than k people.</summary>
public sealed class EpochRuleTests(ITestOutputHelper output)
{
    private const int Seed = 4, K = 11, Cohorts = 4;

    [Fact]
    public void Over_200_epochs_of_random_joins_and_leaves_no_difference_isolates_anybody()
    {
        var replay = Replay(EpochRule.Judge, reach: 200);
        output.WriteLine($"seed {Seed}: {replay.Opened} of 200 epochs opened, {replay.Isolated} isolating differences");
        Assert.InRange(replay.Opened, 10, 200);
        Assert.Equal(0, replay.Isolated);
    }

    /// <summary>The planted weakening.</summary>
    [Fact]
    public void Without_the_rule_differences_isolate_people()
    {
        var without = Replay((_, _) => new EpochJudgement(true, []), reach: 1);
        output.WriteLine($"seed {Seed}: {without.Isolated} isolating differences between epochs that follow each other");
        Assert.InRange(without.Isolated, 100, int.MaxValue);
    }

    /// <summary>Eleven join, then ten of them and somebody else leave: against the epoch before each change is of eleven, against the first it is of one and one.</summary>
    [Fact]
    public void An_epoch_is_compared_with_all_earlier_ones()
    {
        var first = CohortSet.Of(300, Enumerable.Range(0, 100));
        var second = CohortSet.Of(300, Enumerable.Range(0, 111));
        var third = CohortSet.Of(300, Enumerable.Range(1, 100));
        Assert.True(EpochRule.Judge([new CohortHistory("c", [second], third)], K).MayOpen);
        Assert.False(EpochRule.Judge([new CohortHistory("c", [first, second], third)], K).MayOpen);
    }

    [Fact]
    public void Joins_and_leaves_are_counted_apart()
    {
        var before = CohortSet.Of(200, Enumerable.Range(0, 100));
        Assert.True(Judge(before, CohortSet.Of(200, Enumerable.Range(0, 100))).MayOpen);
        Assert.False(Judge(before, CohortSet.Of(200, Enumerable.Range(0, 110))).MayOpen);
        Assert.True(Judge(before, CohortSet.Of(200, Enumerable.Range(0, 111))).MayOpen);
        Assert.False(Judge(before, CohortSet.Of(200, Enumerable.Range(1, 120))).MayOpen);
        Assert.True(Judge(before, CohortSet.Of(300, Enumerable.Range(11, 150))).MayOpen);
        Assert.Equal(["c"], Judge(before, CohortSet.Of(300, Enumerable.Range(1, 150))).Blocking);
        Assert.Throws<ArgumentException>(() => EpochRule.Judge([new CohortHistory("a", [before], before), new CohortHistory("b", [], before)], K));
    }

    [Fact]
    public void A_cohort_with_somebody_withdrawn_is_suppressed()
    {
        var cohort = CohortSet.Of(200, Enumerable.Range(0, 100));
        Assert.True(EpochRule.IsWithdrawn(cohort, CohortSet.Of(200, [7])));
        Assert.False(EpochRule.IsWithdrawn(cohort, CohortSet.Of(200, [107])));
    }

    private static EpochJudgement Judge(CohortSet before, CohortSet now) => EpochRule.Judge([new CohortHistory("c", [before], now)], K);

    private static (int Opened, int Isolated) Replay(Func<IReadOnlyList<CohortHistory>, int, EpochJudgement> rule, int reach)
    {
        var random = new Random(Seed);
        var members = Enumerable.Range(0, Cohorts).Select(c => Enumerable.Range(0, 600).Where(s => c == 0 || s % 3 == c - 1).ToHashSet()).ToArray();
        var (opened, samples) = (new List<CohortSet[]>(), 600);
        for (var epoch = 0; epoch < 200; epoch++)
        {
            var joins = random.Next(4) == 0 ? random.Next(5) : random.Next(40, 80);
            for (var i = 0; i < joins; i++, samples++)
                for (var c = 0; c < Cohorts; c++)
                    if (c == 0 || samples % 3 == c - 1) members[c].Add(samples);
            // Whoever leaves leaves the project: all of its cohorts.
            var leaving = members[0].Order().Where(_ => random.Next(12) == 0).Take(random.Next(4) == 0 ? 3 : 100).ToList();
            foreach (var cohort in members) cohort.ExceptWith(leaving);
            var now = members.Select(m => CohortSet.Of(samples, m)).ToArray();
            var histories = now.Select((n, c) => new CohortHistory($"c{c}", [.. opened.Select(e => e[c])], n)).ToList();
            if (rule(histories, K).MayOpen) opened.Add(now);
        }
        return (opened.Count, IsolatingIn(opened, reach));
    }

    /// <summary>Tries every pair of epochs and, in each, every sum and difference of the four cohorts' changes: those of a set of fewer than k people.</summary>
    private static int IsolatingIn(List<CohortSet[]> epochs, int reach)
    {
        var isolated = 0;
        for (var a = 0; a < epochs.Count; a++)
        {
            for (var b = a + 1; b < Math.Min(epochs.Count, a + 1 + reach); b++)
            {
                var patterns = new Dictionary<(int, int), int>();
                for (var s = 0; s < epochs[b][0].Samples; s++)
                {
                    var (then, now) = (PatternOf(epochs[a], s), PatternOf(epochs[b], s));
                    if (then != now) patterns[(then, now)] = patterns.GetValueOrDefault((then, now)) + 1;
                }
                for (var number = 0; number < 81; number++)
                {
                    var (rest, factors) = (number, new int[Cohorts]);
                    for (var c = 0; c < Cohorts; c++, rest /= 3) factors[c] = (rest % 3) - 1;
                    var times = patterns.Select(p => (Times: Enumerable.Range(0, Cohorts).Sum(c => factors[c] * ((p.Key.Item2 >> c & 1) - (p.Key.Item1 >> c & 1))), p.Value)).ToList();
                    // Somebody who joined and somebody who left in one difference are told apart by its sign.
                    foreach (var sign in (ReadOnlySpan<int>)[1, -1])
                        if (times.Where(t => t.Times == sign).Sum(t => t.Value) is > 0 and < K) isolated++;
                }
            }
        }
        return isolated;
    }

    private static int PatternOf(CohortSet[] cohorts, int sample)
    {
        var pattern = 0;
        for (var c = 0; c < cohorts.Length; c++)
            if (sample < cohorts[c].Samples && cohorts[c].Has(sample)) pattern |= 1 << c;
        return pattern;
    }
}
