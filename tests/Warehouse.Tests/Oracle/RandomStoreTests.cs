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
            for (var q = 0; q < 3; q++)
            {
                var query = random.RandomQuery(dice);
                AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, {query}");
            }
        }
    }

    [Fact]
    public void Alleles_asked_by_name_are_answered_stored_or_not_as_the_naive_evaluator_does()
    {
        for (var seed = 201; seed <= 210; seed++)
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
        for (var seed = 301; seed <= 305; seed++)
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
        for (var seed = 401; seed <= 404; seed++)
        {
            var (random, truth) = (new RandomStore(seed), new RandomStore(seed).Evaluate());
            using var store = Ingested(random);
            var island = random.Genome.Islands[new Random(seed).Next(random.Genome.Islands.Count)];
            var query = new NaiveQuery { Region = (island.Contig, island.From + 10, island.From + 30) };
            AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, {query}");
        }
    }

    [Fact]
    public void Order_of_commands_files_and_samples_changes_no_figure()
    {
        for (var seed = 501; seed <= 505; seed++)
        {
            var dice = new Random(seed);
            var random = new RandomStore(seed);
            using var store = ProductStore.For(random);
            foreach (var command in random.Commands.OrderBy(_ => dice.Next()))
                store.Ingest(command, [.. command.Files.OrderBy(_ => dice.Next()).Select(f => VcfText.ShuffleSamples(f, dice))]);
            AssertSame(random.Evaluate().Frequencies(new NaiveQuery { PerSample = true }), store.Freq(new NaiveQuery { PerSample = true }), $"seed {seed}");
        }
    }

    [Fact]
    public void Files_split_by_samples_or_contigs_count_as_the_whole()
    {
        for (var seed = 601; seed <= 605; seed++)
        {
            var random = new RandomStore(seed);
            foreach (var split in new Func<RandomFile, IEnumerable<RandomFile>>[] { VcfText.BySample, VcfText.ByContig })
            {
                using var store = ProductStore.For(random);
                foreach (var command in random.Commands) store.Ingest(command, [.. command.Files.SelectMany(split)]);
                AssertSame(random.Evaluate().Frequencies(new NaiveQuery { PerSample = true }), store.Freq(new NaiveQuery { PerSample = true }), $"seed {seed}, {split.Method.Name}");
            }
        }
    }

    [Fact]
    public void Ingesting_the_same_files_again_and_compacting_at_any_point_change_nothing()
    {
        for (var seed = 701; seed <= 705; seed++)
        {
            var dice = new Random(seed);
            var random = new RandomStore(seed);
            using var store = ProductStore.For(random);
            foreach (var command in random.Commands)
            {
                store.Ingest(command);
                if (dice.Next(2) == 0) Product.Must([0], "compact", store.Path);
                if (dice.Next(2) == 0) store.Ingest(command);
            }
            var query = random.RandomQuery(dice);
            var expected = random.Evaluate().Frequencies(query);
            AssertSame(expected, store.Freq(query), $"seed {seed}, before the last compaction, {query}");
            Product.Must([0], "compact", store.Path);
            AssertSame(expected, store.Freq(query), $"seed {seed}, after it, {query}");
            Product.Must([0], "verify", store.Path);
        }
    }

    [Fact]
    public void Withdrawal_takes_effect_in_every_answer_and_stays_after_compaction()
    {
        for (var seed = 801; seed <= 805; seed++)
        {
            var dice = new Random(seed);
            var random = new RandomStore(seed);
            var truth = random.Evaluate();
            using var store = Ingested(random);
            var before = store.Snapshot();
            var withdrawn = random.Samples.Select(s => s.Name).Where((_, i) => i == 0 || dice.Next(3) == 0).ToList();
            Product.Must([0], "withdraw", store.Path, "--samples-file", store.Write("withdrawn.txt", string.Join('\n', withdrawn) + "\n"));
            withdrawn.ForEach(truth.Withdraw);
            var query = new NaiveQuery { PerSample = true, Adj = dice.Next(2) == 0 };
            AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, withdrawn {string.Join(',', withdrawn)}");
            AssertSame(truth.Frequencies(new NaiveQuery { PerSample = true }), store.Freq("--per", "sample", "--as-of", before), $"seed {seed}, as of before the withdrawal of {string.Join(',', withdrawn)}");
            Product.Must([0], "compact", store.Path);
            AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, compacted, withdrawn {string.Join(',', withdrawn)}");
        }
    }

    [Fact]
    public void An_older_snapshot_answers_as_it_did()
    {
        for (var seed = 901; seed <= 915; seed++)
        {
            var random = new RandomStore(seed);
            if (random.Commands.Count < 2) continue;
            using var store = ProductStore.For(random);
            var answers = new List<(string Snapshot, List<CountRow> Rows)>();
            foreach (var command in random.Commands)
            {
                store.Ingest(command);
                answers.Add((store.Snapshot(), store.Freq()));
            }
            Product.Must([0], "compact", store.Path);
            Assert.Equal(answers.Count, answers.Select(a => a.Snapshot).Distinct().Count());
            foreach (var (snapshot, rows) in answers) AssertSame(rows, store.Freq("--as-of", snapshot), $"seed {seed}, as of {snapshot}");
        }
    }

    private static ProductStore Ingested(RandomStore random)
    {
        var store = ProductStore.For(random);
        foreach (var command in random.Commands) store.Ingest(command);
        return store;
    }

    private static List<CountRow> InGroupOrder(IEnumerable<CountRow> rows) => [.. rows.GroupBy(r => r.Key).SelectMany(g => g.OrderBy(r => r.Group, StringComparer.Ordinal))];

    private static void AssertSame(IReadOnlyList<CountRow> expected, IReadOnlyList<CountRow> actual, string about)
    {
        var difference = CountRow.FirstDifference(expected, actual);
        Assert.True(difference is null, $"{about}: {difference}");
    }
}
