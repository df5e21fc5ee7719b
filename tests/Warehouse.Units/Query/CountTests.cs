using System.Text;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Units.Oracle;
using Xunit;

namespace Warehouse.Units.Query;

/// <summary>Figures of small random stores in memory against the naive evaluator, and of wide ones, counted by whole columns, against counting call by call.</summary>
public sealed class CountTests
{
    [Fact]
    public void Random_stores_count_as_the_naive_evaluator_does()
    {
        for (var seed = 101; seed <= 118; seed++)
        {
            var (random, truth, dice) = (new RandomStore(seed), new RandomStore(seed).Evaluate(), new Random(seed));
            using var store = MemoryStore.Of(random);
            AssertSame(truth.Frequencies(new NaiveQuery()), store.Rows(new FrequencyRequest()), $"seed {seed}, no options");
            for (var q = 0; q < 3; q++)
            {
                var query = random.RandomQuery(dice);
                AssertSame(truth.Frequencies(query), store.Rows(MemoryStore.RequestOf(query)), $"seed {seed}, {query}");
            }
            var all = random.RandomQuery(dice) with { MinAc = 0 };
            var asked = random.AllelesToAsk(dice).Concat(truth.Variants.OrderBy(v => v, InFreqOrder.Instance).Take(20)).ToList();
            var request = MemoryStore.RequestOf(all) with { Variants = [.. asked.Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}")] };
            AssertSame([.. asked.Select(v => truth.Frequency(v, all))], store.Rows(request), $"seed {seed}, asked, {all}");
        }
    }

    [Fact]
    public void Groups_of_random_stores_count_as_the_naive_evaluator_does()
    {
        for (var seed = 301; seed <= 308; seed++)
        {
            var (random, truth) = (new RandomStore(seed), new RandomStore(seed).Evaluate());
            using var store = MemoryStore.Of(random);
            var query = random.RandomQuery(new Random(seed)) with { By = "ancestry" };
            var groups = store.Rows(MemoryStore.RequestOf(query)).Where(r => r.NSamples > 0).ToList();
            AssertSame(InGroupOrder(truth.Frequencies(query)), InGroupOrder(groups), $"seed {seed}, {query}");
        }
    }

    [Fact]
    public void Whole_columns_count_as_counting_call_by_call_does()
    {
        const int Samples = 4103, Records = 24;
        var dice = new Random(6101);
        var calls = new string[Records][];
        for (var record = 0; record < Records; record++)
        {
            var rate = record == 0 ? 0 : Math.Pow(dice.NextDouble(), 3);
            calls[record] = [.. Enumerable.Range(0, Samples).Select(_ => dice.NextDouble() < 0.02 && record % 3 == 1 ? "./." : dice.NextDouble() >= rate ? "0/0" : dice.Next(3) switch { 0 => "0/1", 1 => "1|1", _ => "1/2" })];
        }
        string[] groups = [.. Enumerable.Range(0, Samples).Select(_ => "g" + Math.Min(dice.Next(9), 4))];
        using var store = new MemoryStore("GRCh38");
        store.Ingest(new NaiveIngest { Sheet = "sample\tsite:aggregate\n" + string.Concat(groups.Select((g, s) => $"S{s}\t{g}\n")) }, Text(calls));
        // The sample of another file is outside of the columns: reference by assumption where it has no record.
        store.Ingest(new NaiveIngest { AssumeReference = true, Sheet = "sample\tsite:aggregate\nother\tg0\n" }, Text([["1/2"]], "other", start: 900_000));
        var some = Enumerable.Range(0, Samples).Where(s => s % 7 < 3).ToArray();
        foreach (var options in new[] { new SessionOptions(), new SessionOptions { OneQuestion = true } })
            foreach (var noPrecomputed in new[] { false, true })
                foreach (var by in new[] { null, "site" })
                    foreach (var counted in new[] { null, some })
                    {
                        var request = new FrequencyRequest
                        {
                            By = by, Rules = new CountRules { NoPrecomputed = noPrecomputed },
                            Samples = counted is null ? SampleChoice.All : new SampleChoice { Names = [.. counted.Select(s => $"S{s}")] },
                            Regions = noPrecomputed ? [new Region("1", 1_007, 1_200)] : [new Region("1", 0, 100_000)],
                        };
                        using var session = store.Store.OpenSession(options);
                        var rows = session.Frequencies(request).Select(MemoryStore.RowOf).Where(r => r.Group is null || r.NSamples > 0).ToList();
                        var expected = Expected(calls, by is null ? null : groups, counted, noPrecomputed ? 3 : 0);
                        AssertSame(expected, rows, $"{request}, {counted?.Length} samples");
                        Assert.True(by is null && counted is null && !noPrecomputed || session.GenotypeBytesRead > 0, $"{request}: not counted by columns");
                    }
    }

    /// <summary>Rows of both ALTs of each record, call by call.</summary>
    private static List<CountRow> Expected(string[][] calls, string[]? groupOf, int[]? counted, int first)
    {
        var rows = new List<CountRow>();
        var samples = counted ?? [.. Enumerable.Range(0, calls[0].Length)];
        for (var record = first; record < calls.Length; record++)
            foreach (var alt in new[] { '1', '2' })
                foreach (var group in groupOf is null ? [null] : groupOf.Distinct().Order(StringComparer.Ordinal).ToArray<string?>())
                {
                    var own = samples.Where(s => group is null || groupOf![s] == group).Select(s => calls[record][s]).ToList();
                    var outside = counted is null && group is null or "g0" && counted is null ? 2 : 0;
                    var ac = own.Sum(c => c.Count(a => a == alt));
                    long hom = own.Count(c => c.Count(a => a == alt) == 2), het = ac - (2 * hom), missing = own.Count(c => c == "./.");
                    rows.Add(new CountRow
                    {
                        Contig = "1", Position = 1_000 + (record * 3) + 1, Ref = "A", Alt = alt == '1' ? "C" : "G", Group = group,
                        Figures = [ac, (2 * (own.Count - missing)) + outside, het, hom, 0, 0, het + hom, missing, 0, own.Count + (outside / 2), outside],
                    });
                }
        return rows;
    }

    private static string Text(string[][] calls, string? name = null, int start = 1_000)
    {
        var text = new StringBuilder("##fileformat=VCFv4.3\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        for (var s = 0; s < calls[0].Length; s++) text.Append('\t').Append(name ?? "S" + s);
        for (var record = 0; record < calls.Length; record++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n1\t{start + (record * 3) + 1}\t.\tA\tC,G\t.\tPASS\t.\tGT\t").AppendJoin('\t', calls[record]);
        return text.Append('\n').ToString();
    }

    private static List<CountRow> InGroupOrder(IEnumerable<CountRow> rows) => [.. rows.GroupBy(r => r.Key).SelectMany(g => g.OrderBy(r => r.Group, StringComparer.Ordinal))];

    private static void AssertSame(IReadOnlyList<CountRow> expected, IReadOnlyList<CountRow> actual, string about)
    {
        var difference = CountRow.FirstDifference(expected, actual);
        Assert.True(difference is null, $"{about}: {difference}");
    }
}
