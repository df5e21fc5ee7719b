using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>What no operation on a store may change, and what withdrawal and an older snapshot must, on random stores through the command line.</summary>
[Trait("needs", "product")]
public sealed class StoreOperationTests
{
    [Fact]
    public void Order_of_commands_files_and_samples_changes_no_figure()
    {
        for (var seed = 501; seed <= 504; seed++)
        {
            var dice = new Random(seed);
            var random = new RandomStore(seed);
            using var store = ProductStore.For(random);
            foreach (var command in random.Commands.OrderBy(_ => dice.Next()))
                store.Ingest(command, [.. command.Files.OrderBy(_ => dice.Next()).Select(f => VcfText.ShuffleSamples(f, dice))]);
            RandomStoreTests.AssertSame(random.Evaluate().Frequencies(new NaiveQuery { PerSample = true }), store.Freq(new NaiveQuery { PerSample = true }), $"seed {seed}");
        }
    }

    [Fact]
    public void Files_split_by_samples_or_contigs_count_as_the_whole()
    {
        for (var seed = 601; seed <= 603; seed++)
        {
            var random = new RandomStore(seed);
            foreach (var split in new Func<RandomFile, IEnumerable<RandomFile>>[] { VcfText.BySample, VcfText.ByContig })
            {
                using var store = ProductStore.For(random);
                foreach (var command in random.Commands) store.Ingest(command, [.. command.Files.SelectMany(split)]);
                RandomStoreTests.AssertSame(random.Evaluate().Frequencies(new NaiveQuery { PerSample = true }), store.Freq(new NaiveQuery { PerSample = true }), $"seed {seed}, {split.Method.Name}");
            }
        }
    }

    [Fact]
    public void Ingesting_the_same_files_again_and_compacting_at_any_point_change_nothing()
    {
        for (var seed = 701; seed <= 704; seed++)
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
            RandomStoreTests.AssertSame(expected, store.Freq(query), $"seed {seed}, before the last compaction, {query}");
            Product.Must([0], "compact", store.Path);
            RandomStoreTests.AssertSame(expected, store.Freq(query), $"seed {seed}, after it, {query}");
            Product.Must([0], "verify", store.Path);
        }
    }

    [Fact]
    public void Withdrawal_takes_effect_in_every_answer_and_stays_after_compaction()
    {
        for (var seed = 801; seed <= 804; seed++)
        {
            var dice = new Random(seed);
            var random = new RandomStore(seed);
            var truth = random.Evaluate();
            using var store = RandomStoreTests.Ingested(random);
            var before = store.Snapshot();
            var withdrawn = random.Samples.Select(s => s.Name).Where((_, i) => i == 0 || dice.Next(3) == 0).ToList();
            Product.Must([0], "withdraw", store.Path, "--samples-file", store.Write("withdrawn.txt", string.Join('\n', withdrawn) + "\n"));
            withdrawn.ForEach(truth.Withdraw);
            var query = new NaiveQuery { PerSample = true, Adj = dice.Next(2) == 0 };
            RandomStoreTests.AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, withdrawn {string.Join(',', withdrawn)}");
            RandomStoreTests.AssertSame(truth.Frequencies(new NaiveQuery { PerSample = true }), store.Freq("--per", "sample", "--as-of", before), $"seed {seed}, as of before the withdrawal of {string.Join(',', withdrawn)}");
            Product.Must([0], "compact", store.Path);
            RandomStoreTests.AssertSame(truth.Frequencies(query), store.Freq(query), $"seed {seed}, compacted, withdrawn {string.Join(',', withdrawn)}");
        }
    }

    [Fact]
    public void An_older_snapshot_answers_as_it_did()
    {
        for (var seed = 901; seed <= 908; seed++)
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
            foreach (var (snapshot, rows) in answers) RandomStoreTests.AssertSame(rows, store.Freq("--as-of", snapshot), $"seed {seed}, as of {snapshot}");
        }
    }
}
