using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>
/// The product against the naive evaluator on random stores, through the command line alone. The seed is in every message; what a seed makes is
/// written by <see cref="RandomStore"/>.
/// </summary>
[Trait("needs", "product")]
public sealed class RandomStoreTests
{
    [Fact]
    public void Random_stores_answer_freq_as_the_naive_evaluator_does()
    {
        for (var seed = 101; seed <= 115; seed++)
        {
            var (random, truth) = (new RandomStore(seed), new RandomStore(seed).Evaluate());
            using var store = Ingested(random);
            var dice = new Random(seed);
            AssertSame(truth.Frequencies(new NaiveQuery()), store.Freq(), $"seed {seed}, no options");
            for (var q = 0; q < 2; q++)
            {
                var query = random.RandomQuery(dice);
                AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, {query}");
            }
        }
    }

    [Fact]
    public void Alleles_asked_by_name_are_answered_stored_or_not_as_the_naive_evaluator_does()
    {
        for (var seed = 201; seed <= 208; seed++)
        {
            var (random, truth) = (new RandomStore(seed), new RandomStore(seed).Evaluate());
            using var store = Ingested(random);
            var dice = new Random(seed);
            var query = random.RandomQuery(dice) with { MinAc = 0 };
            var asked = random.AllelesToAsk(dice).Concat(truth.Variants.OrderBy(v => v, InFreqOrder.Instance).Take(20)).ToList();
            var answered = store.FreqOf(asked.Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}"), query);
            AssertSame([.. asked.Select(v => truth.Frequency(v, query))], answered, $"seed {seed}, {query}");
        }
    }

    [Fact]
    public void Groups_add_up_to_the_total_and_each_is_right()
    {
        for (var seed = 301; seed <= 304; seed++)
        {
            var (random, truth) = (new RandomStore(seed), new RandomStore(seed).Evaluate());
            using var store = Ingested(random);
            var query = random.RandomQuery(new Random(seed)) with { By = "ancestry" };
            var groups = store.Freq(query).Where(r => r.NSamples > 0).ToList();
            AssertSame(InGroupOrder(truth.Frequencies(query)), InGroupOrder(groups), $"seed {seed}, {query}");
            foreach (var total in store.Freq(query with { By = null }))
                for (var i = 0; i < total.Figures.Length; i++)
                    Assert.True(total.Figures[i] == groups.Where(g => g.Key == total.Key).Sum(g => g.Figures[i]), $"seed {seed}, {query}: {CountRow.FigureNames[i]} of {total.Key}");
        }
    }

    [Fact]
    public void A_region_lists_by_normalised_position()
    {
        for (var seed = 401; seed <= 403; seed++)
        {
            var (random, truth) = (new RandomStore(seed), new RandomStore(seed).Evaluate());
            using var store = Ingested(random);
            var island = random.Genome.Islands[new Random(seed).Next(random.Genome.Islands.Count)];
            var query = new NaiveQuery { Region = (island.Contig, island.From + 10, island.From + 30) };
            AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, {query}");
        }
    }

    internal static ProductStore Ingested(RandomStore random)
    {
        var store = ProductStore.For(random);
        foreach (var command in random.Commands) store.Ingest(command);
        return store;
    }

    private static List<CountRow> InGroupOrder(IEnumerable<CountRow> rows) => [.. rows.GroupBy(r => r.Key).SelectMany(g => g.OrderBy(r => r.Group, StringComparer.Ordinal))];

    internal static void AssertSame(IReadOnlyList<CountRow> expected, IReadOnlyList<CountRow> actual, string about)
    {
        var difference = CountRow.FirstDifference(expected, actual);
        Assert.True(difference is null, $"{about}: {difference}");
    }
}
