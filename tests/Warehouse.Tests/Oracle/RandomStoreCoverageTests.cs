using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>The random stores reach what they are for; a generator that only makes dull stores would let everything pass.</summary>
public sealed class RandomStoreCoverageTests
{
    [Fact]
    public void Random_stores_reach_every_figure_and_every_reading_of_the_page()
    {
        var sums = new long[CountRow.FigureNames.Length];
        var (rows, readAlike, evidence, personsMatter) = (0, true, 0, 0);
        var groups = new HashSet<string>();
        for (var seed = 1; seed <= 60; seed++)
        {
            var store = new RandomStore(seed);
            var (page, program) = (store.Evaluate(), store.Evaluate(asThePythonReadsIt: true));
            foreach (var query in new[] { new NaiveQuery { PerSample = true }, new NaiveQuery { Adj = true, Pass = true, By = "ancestry" } })
            {
                var answer = page.Frequencies(query);
                rows += answer.Count;
                foreach (var row in answer)
                {
                    for (var i = 0; i < sums.Length; i++) sums[i] += row.Figures[i];
                    groups.Add(row.Group ?? "");
                    Assert.True(0 <= row.Ac && row.Ac <= row.An, $"seed {seed}: {row.Text}");
                }
                readAlike &= CountRow.FirstDifference(answer, program.Frequencies(query)) is null;
            }
            personsMatter += CountRow.FirstDifference(page.Frequencies(new NaiveQuery()), page.Frequencies(new NaiveQuery { PerSample = true })) is null ? 0 : 1;
            var asked = store.AllelesToAsk(new Random(seed)).Select(v => page.Frequency(v, new NaiveQuery { PerSample = true })).ToList();
            evidence += asked.Count(r => r.Ac == 0 && r.An > 0 && r.AnAssumed == 0);
        }
        Assert.True(rows > 2000, $"{rows} rows");
        for (var i = 0; i < sums.Length; i++) Assert.True(sums[i] > 20, $"{CountRow.FigureNames[i]} sums to {sums[i]}");
        Assert.True(evidence > 100, $"{evidence} alleles that are reference by evidence");
        Assert.True(personsMatter > 5, $"{personsMatter} stores in which a person has several samples");
        Assert.False(readAlike, "no store on which the page and counts_oracle.py differ");
        Assert.Equal(["", "AFR", "EUR", "SAS"], groups.Order());
    }

    /// <summary>What the product must keep, the evaluator keeps on the same stores: else the stores, not the product, would be at fault.</summary>
    [Fact]
    public void Shuffling_and_splitting_change_no_figure_of_the_naive_evaluator()
    {
        var query = new NaiveQuery { PerSample = true, By = "ancestry" };
        for (var seed = 501; seed <= 640; seed++)
        {
            var (store, dice) = (new RandomStore(seed), new Random(seed));
            var whole = store.Evaluate().Frequencies(query);
            foreach (var change in new Func<RandomFile, IEnumerable<RandomFile>>[] { f => [VcfText.ShuffleSamples(f, dice)], VcfText.BySample, VcfText.ByContig })
            {
                var changed = new NaiveCounts(store.Genome.Assembly, store.Genome.Reference);
                foreach (var command in store.Commands.OrderBy(_ => dice.Next()))
                    foreach (var file in command.Files.SelectMany(change).OrderBy(_ => dice.Next())) changed.Ingest(file.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries), command.How);
                var difference = CountRow.FirstDifference(whole, changed.Frequencies(query));
                Assert.True(difference is null, $"seed {seed}: {difference}");
            }
        }
    }

    [PeerFact("bcftools")]
    public void Bcftools_reads_every_random_file_without_a_warning()
    {
        using var folder = new TempFolder();
        for (var seed = 101; seed <= 115; seed++)
            foreach (var file in new RandomStore(seed).Commands.SelectMany(c => c.Files))
            {
                System.IO.File.WriteAllText(folder[file.Name], file.Text);
                var (exit, _, error) = Peer.RunIn(folder.Path, "bash", "-c", $"set -o pipefail; bcftools view -Ob '{file.Name}' -o sorted.bcf && bcftools index -f sorted.bcf"); // index refuses what is not sorted
                Assert.True(exit == 0 && error.Length == 0, $"seed {seed}, {file.Name}: {error}\n{file.Text}");
            }
    }
}
