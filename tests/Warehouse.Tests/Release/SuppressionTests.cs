using Warehouse.Engine.Release;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Release;

/// <summary>What is shown of groups and their total leaves every hidden figure open.</summary>
public sealed class SuppressionTests(ITestOutputHelper output)
{
    private const int Seed = 20261129;

    [Theory]
    [InlineData(10, 0, 0, true)]
    [InlineData(0, 0, 0, true)]
    [InlineData(11, 0, 0, false)]
    [InlineData(989, 0, 0, false)]
    [InlineData(990, 0, 0, true)]
    [InlineData(200, 1, 0, true)]
    [InlineData(200, 10, 0, true)]
    [InlineData(200, 11, 0, false)]
    [InlineData(10, 300, 0, true)]
    [InlineData(0, 300, 0, false)]
    [InlineData(200, 0, 10, true)]
    [InlineData(200, 0, 11, false)]
    public void A_figure_of_fewer_than_k_hides_the_row(int one, int hom, int missing, bool isSmall)
    {
        var cells = BaseCells.Of(1000, one, hom, missing, (one + (2L * hom), 2L * (1000 - missing)));
        Assert.Equal(isSmall, new Suppression(ReleasePolicy.Research).IsSmall(cells));
    }

    [Fact]
    public void Copies_of_odd_ploidies_are_a_figure_too()
    {
        var suppression = new Suppression(ReleasePolicy.Research);
        Assert.True(suppression.IsSmall(BaseCells.Of(1000, 100, 0, 0, (101, 2000))));
        Assert.False(suppression.IsSmall(BaseCells.Of(1000, 100, 0, 0, (111, 2000))));
    }

    [Fact]
    public void What_is_shown_is_rounded_and_the_frequency_is_of_what_is_shown()
    {
        var cells = BaseCells.Of(1503, 137, 52, 11, (241, 2984));
        Assert.Equal(new ReleasedRow(false, 1503, 189, 52, 241, 2980), new Suppression(ReleasePolicy.Research).Show(cells));
        Assert.Equal(0.0809, new Suppression(ReleasePolicy.Research).Show(cells).Frequency);
        Assert.Equal(new ReleasedRow(false, 1503, 190, 50, 240, 2980), new Suppression(ReleasePolicy.Federated).Show(cells));
        Assert.Equal(0, Suppression.Banded.Frequency);
    }

    [Fact]
    public void The_total_of_a_small_group_goes_with_a_stand_in()
    {
        var groups = new[] { TableAttack.Cells(500, 3, 0), TableAttack.Cells(400, 60, 0), TableAttack.Cells(300, 50, 0), TableAttack.Cells(600, 70, 0) };
        var hidden = new bool[4];
        Assert.False(new Suppression(ReleasePolicy.Research).Judge(groups, hidden));
        Assert.Equal([true, false, true, false], hidden);
    }

    /// <summary>The proof by trying: 10,000 random tables, each against everybody who knows all but the hidden figures, the rules included.</summary>
    [Fact]
    public void Every_hidden_figure_of_10000_random_tables_has_k_possible_values_or_the_whole_band()
    {
        var (violations, tables) = Attack(k => new Suppression(SmallK(k)).Judge, 10_000);
        output.WriteLine($"seed {Seed}: {tables} tables with hidden groups, {violations} violations");
        Assert.Equal(10_000, tables);
        Assert.Equal(0, violations);
    }

    [Fact]
    public void The_same_holds_with_the_k_of_the_policies()
    {
        foreach (var policy in (ReadOnlySpan<ReleasePolicy>)[ReleasePolicy.Research, ReleasePolicy.Federated])
        {
            var (violations, tables) = Attack(_ => new Suppression(policy).Judge, 60, policy.K);
            output.WriteLine($"seed {Seed}, k = {policy.K}: {tables} tables with hidden groups, {violations} violations");
            Assert.Equal(60, tables);
            Assert.Equal(0, violations);
        }
    }

    /// <summary>The planted weakening: without stand-ins the same trial finds what is given away.</summary>
    [Fact]
    public void Hiding_small_figures_alone_is_found_out()
    {
        var (violations, tables) = Attack(k => new PrimaryOnly(new Suppression(SmallK(k))).Judge, 1_000);
        output.WriteLine($"seed {Seed}: {tables} tables with hidden groups, {violations} violations");
        Assert.InRange(violations, tables / 4, tables);
    }

    /// <summary>The design's own form: the smallest figure is the stand-in. Who knows that computes backwards.</summary>
    [Fact]
    public void Stand_ins_chosen_by_their_figures_are_found_out()
    {
        var (violations, _) = Attack(k => new SmallestFigure(new Suppression(SmallK(k))).Judge, 1_000);
        Assert.NotEqual(0, violations);
    }

    /// <summary>The dull twin: the rule of the class comment, read word by word, over every prefix of the stand-ins.</summary>
    [Fact]
    public void Stand_ins_are_those_of_the_dull_twin()
    {
        var random = new Random(Seed);
        for (var run = 0; run < 20_000; run++)
        {
            var policy = SmallK(random.Next(2, 12));
            var groups = RandomTable(random, policy.K, random.Next(1, 8), isHomToo: run % 2 == 0);
            var (actual, expected) = (new bool[groups.Length], new bool[groups.Length]);
            var isTotalHidden = new Suppression(policy).Judge(groups, actual);
            Assert.Equal(Twin(groups, policy, expected), isTotalHidden);
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"seed {Seed}, run {run}");
        }
    }

    private static bool Twin(BaseCells[] groups, ReleasePolicy policy, bool[] isHidden)
    {
        var (rule, k) = (new Suppression(policy), policy.K);
        var small = Enumerable.Range(0, groups.Length).Where(i => rule.IsSmall(groups[i])).ToList();
        foreach (var i in small) isHidden[i] = true;
        if (rule.IsSmall(groups.Aggregate(default(BaseCells), (a, b) => a + b))) return true;
        if (small.Count == 0) return false;
        var order = Enumerable.Range(0, groups.Length).Except(small).OrderBy(i => groups[i].People).ThenBy(i => i).ToList();
        for (var taken = 1; taken <= order.Count; taken++)
        {
            var standIns = order.Take(taken).ToList();
            isHidden[standIns[^1]] = true;
            var pool = small.Concat(standIns).Select(i => groups[i]).Aggregate((a, b) => a + b);
            var upper = (small.Count * (k - 1)) + (taken * k);
            var figures = new long[] { pool.One, pool.Hom, pool.Missing, pool.Excess };
            if (!rule.IsSmall(pool) && pool.Carriers >= upper && figures.All(f => f == 0 || f >= upper) && groups[standIns[^1]].People - pool.Carriers - pool.Missing >= k) return false;
        }
        return false;
    }

    private static ReleasePolicy SmallK(int k) => new() { K = k };

    private static (int Violations, int Tables) Attack(Func<int, TableAttack.Rule> ruleOf, int tables, int? fixedK = null)
    {
        var random = new Random(Seed);
        var (violations, tried) = (0, 0);
        while (tried < tables)
        {
            var k = fixedK ?? random.Next(2, 4);
            var rule = ruleOf(k);
            var groups = RandomTable(random, k, random.Next(2, k == 2 ? 8 : k == 3 ? 6 : 4), isHomToo: random.Next(4) == 0);
            var hidden = new bool[groups.Length];
            rule(groups, hidden);
            if (!hidden.Any(h => h) || hidden.Count(h => h) > 6 || CostOf(groups, hidden) > 8_000) continue;
            tried++;
            if (!TableAttack.IsSafe(TableAttack.Feasible(groups, rule, knowsRule: false), groups, k) || !TableAttack.IsSafe(TableAttack.Feasible(groups, rule, knowsRule: true), groups, k)) violations++;
        }
        return (violations, tried);
    }

    /// <summary>How many tables there are to try, about: one figure per hidden group but the last, two where there are homozygous ones.</summary>
    private static double CostOf(BaseCells[] groups, bool[] hidden)
    {
        var people = groups.Where((_, i) => hidden[i]).Select(g => g.People + 1.0).Order().ToArray();
        return people.Take(Math.Max(1, people.Length - 1)).Aggregate(1.0, (a, b) => a * b * (groups.Any(g => g.Hom > 0) ? b / 2 : 1));
    }

    private static BaseCells[] RandomTable(Random random, int k, int groups, bool isHomToo) =>
    [
        .. Enumerable.Range(0, groups).Select(_ =>
        {
            var people = random.Next(k, (random.Next(4) == 0 ? 10 : 5) * k);
            var carriers = random.Next(4) switch { 0 => random.Next(k), 1 => people - random.Next(k + 1), _ => random.Next(people + 1) };
            carriers = Math.Clamp(random.Next(2) == 0 ? Math.Min(carriers, 2 * k) : carriers, 0, people);
            var hom = isHomToo ? random.Next(carriers + 1) : 0;
            return TableAttack.Cells(people, carriers - hom, hom);
        }),
    ];

    /// <summary>Hides small figures and nothing else.</summary>
    private sealed class PrimaryOnly(Suppression suppression)
    {
        internal bool Judge(ReadOnlySpan<BaseCells> groups, Span<bool> isHidden)
        {
            var total = default(BaseCells);
            for (var i = 0; i < groups.Length; i++)
            {
                isHidden[i] = suppression.IsSmall(groups[i]);
                total += groups[i];
            }
            return suppression.IsSmall(total);
        }
    }

    /// <summary>Takes the group with the fewest carriers as the stand-in of one that is small.</summary>
    private sealed class SmallestFigure(Suppression suppression)
    {
        internal bool Judge(ReadOnlySpan<BaseCells> groups, Span<bool> isHidden)
        {
            var (total, count, least) = (default(BaseCells), 0, -1);
            for (var i = 0; i < groups.Length; i++)
            {
                isHidden[i] = suppression.IsSmall(groups[i]);
                total += groups[i];
                if (isHidden[i]) count++;
                else if (least < 0 || groups[i].Carriers < groups[least].Carriers) least = i;
            }
            if (suppression.IsSmall(total)) return true;
            if (count == 1 && least >= 0) isHidden[least] = true;
            return false;
        }
    }
}
