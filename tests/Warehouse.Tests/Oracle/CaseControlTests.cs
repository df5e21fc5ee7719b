using System.Globalization;
using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>
/// <c>case-control</c> against the naive evaluator and exact integers: a row for every listed variant that either cohort carries, with the
/// figures of both. The seed is in every message.
/// </summary>
[Trait("needs", "product")]
public sealed class CaseControlTests
{
    [Fact]
    public void Rows_are_the_figures_of_both_cohorts_and_their_exact_test()
    {
        var rows = 0;
        for (var seed = 401; seed <= 408; seed++)
        {
            var (random, truth, dice) = (new RandomStore(seed), new RandomStore(seed).Evaluate(), new Random(seed));
            using var store = ProductStore.For(random);
            foreach (var command in random.Commands) store.Ingest(command);
            var (cases, controls) = (new List<string>(), new List<string>());
            foreach (var sample in random.Samples) (dice.Next(2) == 0 ? cases : controls).Add(sample.Name);
            if (cases.Count == 0 || controls.Count == 0) continue;
            foreach (var (name, members) in new[] { ("ill", cases), ("well", controls) })
                Product.Must([0], "cohort", "set", store.Path, name, "--samples-file", store.Write(name + ".txt", string.Join('\n', members) + "\n"));
            var answer = Product.Must([0, 1], "case-control", store.Path, "--cases", "ill", "--controls", "well", "--format", "tsv").Output;
            var actual = answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).ToList();
            var expected = Expected(truth, cases, controls);
            Assert.True(expected.Count == actual.Count, $"seed {seed}: {actual.Count} rows, {expected.Count} expected");
            for (var i = 0; i < expected.Count; i++) Assert.True(IsSame(expected[i], actual[i]), $"seed {seed}: {actual[i]}, expected {expected[i]}");
            rows += actual.Count;
        }
        Assert.True(rows > 100, $"{rows} rows");
    }

    /// <summary>Without the odds ratio, which follows from the four counts.</summary>
    private static List<(string Place, long[] Counts, double P)> Expected(NaiveCounts truth, List<string> cases, List<string> controls)
    {
        var rows = new List<(string, long[], double)>();
        var (a, b) = (truth.Frequencies(new NaiveQuery { Samples = cases }), truth.Frequencies(new NaiveQuery { Samples = controls }));
        foreach (var (one, other) in a.Zip(b))
        {
            Assert.Equal(one.Key, other.Key);
            if (one.Ac + other.Ac == 0) continue;
            var p = FisherExactTests.Exact((int)one.Ac, (int)(one.An - one.Ac), (int)other.Ac, (int)(other.An - other.Ac));
            rows.Add(($"{one.Contig}\t{one.Position}\t{one.Ref}\t{one.Alt}", [one.Ac, one.An, other.Ac, other.An], p));
        }
        return rows;
    }

    private static bool IsSame((string Place, long[] Counts, double P) expected, string line)
    {
        var fields = line.Split('\t');
        long Count(int at) => long.Parse(fields[at], CultureInfo.InvariantCulture);
        var p = double.Parse(fields[11], CultureInfo.InvariantCulture);
        return string.Join('\t', fields[..4]) == expected.Place && expected.Counts.SequenceEqual([Count(4), Count(5), Count(7), Count(8)]) && Math.Abs(p - expected.P) <= 1e-5 * expected.P;
    }
}
