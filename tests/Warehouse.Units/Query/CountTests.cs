using System.Text;
using Warehouse.Engine.Access;
using Warehouse.Engine.Export;
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
        for (var seed = 101; seed <= 110; seed++)
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

    /// <summary>A comparison and an export have a context of their own: not none, and not that of the question before.</summary>
    [Fact]
    public void Every_listing_says_what_it_was_answered_from()
    {
        var random = Enumerable.Range(1, 100).Select(seed => new RandomStore(seed)).First(r => r.Samples.Count > 2);
        using var store = MemoryStore.Of(random);
        string[] samples = [.. random.Samples.Select(s => s.Name)];
        store.Store.SetCohort("cases", samples[..1], null);
        store.Store.SetCohort("controls", samples[1..], null);
        var request = new GenotypeRequest { Samples = new SampleChoice { Cohort = "cases" } };
        var digests = new List<string?>();
        foreach (var ask in (Action<Session>[])[s => s.CaseControl("cases", "controls").Count(), s => s.CaseControl("controls", "cases").Count(), s => s.Frequencies(new FrequencyRequest()).Count(),
                     s => s.Rows(request).Count(), s => s.WriteLines(request, (new MemoryStream(), Engine.Vcf.VariantEncoding.Vcf))])
        {
            using var session = store.Store.OpenSession();
            Assert.Null(session.AnsweredFrom);
            ask(session);
            digests.Add(session.AnsweredFrom?.SamplesDigest);
        }
        Assert.DoesNotContain(null, digests);
        Assert.Equal(4, digests.Distinct().Count());
        Assert.Equal(digests[3], digests[4]);
    }

    /// <summary>Parts of one sample in several files, and all of them in one segment after compaction, where samples lack the records of others.</summary>
    [Fact]
    public void Samples_in_several_files_and_compacted_ones_count_as_the_naive_evaluator_does()
    {
        for (var seed = 501; seed <= 506; seed++)
        {
            var (random, dice) = (new RandomStore(seed), new Random(seed));
            var truth = new NaiveCounts(random.Genome.Assembly, random.Genome.Reference);
            using var store = new MemoryStore(random.Genome.Assembly, random.Genome.HasReference ? random.Genome.Fasta() : null);
            foreach (var command in random.Commands)
            {
                string[] parts = [.. command.Files.SelectMany(f => Parts(f.Text, dice))];
                foreach (var part in parts) truth.Ingest(part.Split('\n', StringSplitOptions.RemoveEmptyEntries), command.How);
                store.Ingest(command.How, parts);
            }
            for (var round = 0; round < 2; round++)
            {
                foreach (var query in new[] { new NaiveQuery(), random.RandomQuery(dice) })
                {
                    AssertSame(truth.Frequencies(query), store.Rows(MemoryStore.RequestOf(query)), $"seed {seed}, round {round}, {query}");
                    var asked = random.AllelesToAsk(dice);
                    var request = MemoryStore.RequestOf(query) with { MinAc = 0, Variants = [.. asked.Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}")] };
                    AssertSame([.. asked.Select(v => truth.Frequency(v, query))], store.Rows(request), $"seed {seed}, round {round}, asked, {query}");
                }
                store.Store.Compact();
            }
        }
    }

    /// <summary>Samples that have nothing on the contig beside several files that have, and after compaction records of which some samples have none, one after the other.</summary>
    [Fact]
    public void Samples_of_other_files_and_contigs_count_as_the_naive_evaluator_does()
    {
        const string Head = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";
        string[][] files =
        [
            [Head + "c", "2\t50\t.\tA\tC\t.\tPASS\t.\tGT\t0/1"],
            [Head + "a1\ta2", "1\t100\t.\tACGT\tA\t.\tPASS\t.\tGT\t0/1\t0/0", "1\t120\t.\tA\tC\t.\tPASS\t.\tGT\t0/0\t1/1"],
            [Head + "b", "1\t90\t.\tA\tT\t.\tPASS\t.\tGT\t0/1", "1\t110\t.\tAGG\tA\t.\tPASS\t.\tGT\t0/1"],
            [Head + "d", "1\t300\t.\tA\tT\t.\tPASS\t.\tGT\t1/1"],
        ];
        var truth = new NaiveCounts("other");
        using var store = new MemoryStore("other");
        foreach (var lines in files)
        {
            truth.Ingest(lines, new NaiveIngest());
            store.Ingest(new NaiveIngest(), "##fileformat=VCFv4.3\n" + string.Concat(lines.Select(l => l + "\n")));
        }
        NaiveVariant[] asked = [new("1", 89, "A", "T"), new("1", 101, "C", "G"), new("1", 109, "AGG", "A"), new("1", 110, "G", "C"), new("1", 119, "A", "C"), new("1", 299, "A", "T"), new("2", 49, "A", "C")];
        for (var round = 0; round < 2; round++)
        {
            AssertSame(truth.Frequencies(new NaiveQuery()), store.Rows(new FrequencyRequest()), $"round {round}");
            AssertSame([.. asked.Select(v => truth.Frequency(v, new NaiveQuery()))], store.Rows(new FrequencyRequest { Variants = [.. asked.Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}")] }), $"round {round}, asked");
            store.Store.Compact();
        }
    }

    /// <summary>More samples than a word has bits, each in another state where a record or a block of another allele lies.</summary>
    [Fact]
    public void Seventy_samples_without_a_record_of_their_own_count_as_the_naive_evaluator_does()
    {
        const int Samples = 70;
        var dice = new Random(7);
        string Cells(params string[] choices) => string.Concat(Enumerable.Range(0, Samples).Select(_ => "\t" + choices[dice.Next(choices.Length)]));
        string[] lines =
        [
            "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT" + string.Concat(Enumerable.Range(0, Samples).Select(s => "\ts" + s)),
            "1\t100\t.\tACGT\tA\t.\tPASS\t.\tGT" + Cells("0/0", "0/1", "./.", "1", "0|1", "./1"),
            "1\t105\t.\tG\tT\t.\tPASS\t.\tGT" + Cells("0/0", "1/1", ".", "0"),
            "1\t120\t.\tA\t<NON_REF>\t.\tPASS\tEND=140\tGT:GQ" + Cells("0/0:50", "0/0:3", "./.:0"),
            "1\t150\t.\tA\tC\t.\tPASS\t.\tGT" + Cells("0/1", "0/0"),
        ];
        var truth = new NaiveCounts("other");
        truth.Ingest(lines, new NaiveIngest());
        using var store = new MemoryStore("other");
        store.Ingest(new NaiveIngest(), "##fileformat=VCFv4.3\n" + string.Concat(lines.Select(l => l + "\n")));
        NaiveVariant[] asked = [new("1", 101, "G", "A"), new("1", 102, "TAG", "T"), new("1", 103, "TA", "T"), new("1", 129, "A", "C"), new("1", 138, "ACG", "A"), new("1", 109, "A", "C"), new("1", 149, "A", "C")];
        AssertSame([.. asked.Select(v => truth.Frequency(v, new NaiveQuery()))], store.Rows(new FrequencyRequest { Variants = [.. asked.Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}")] }), "seventy samples");
    }

    [Fact]
    public void A_state_is_added_for_as_many_samples_as_are_in_it()
    {
        var figures = new CountFigures();
        new SampleState(StateKind.Called, 2, 2, Zygosity.Hom).AddTo(ref figures, 3);
        new SampleState(StateKind.Assumed, 0, 2, Zygosity.None).AddTo(ref figures, 5);
        SampleState.NoCall.AddTo(ref figures, 7);
        SampleState.NotAssessed.AddTo(ref figures, 11);
        Assert.Equal((6L, 16L, 3, 10L, 7, 11), (figures.Ac, figures.An, figures.NHomAlt, figures.AnAssumed, figures.NNoCall, figures.NNotAssessed));
    }

    /// <summary>A file cut at some of the places where nothing reaches over: parts of one call set.</summary>
    private static IEnumerable<string> Parts(string text, Random dice)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var header = string.Concat(lines.Where(l => l[0] == '#').Select(l => l + "\n"));
        var (part, reach, contig) = (new StringBuilder(), 0, "");
        foreach (var line in lines.Where(l => l[0] != '#'))
        {
            var f = line.Split('\t');
            var start = int.Parse(f[1], System.Globalization.CultureInfo.InvariantCulture) - 1;
            if (part.Length > 0 && f[0] == contig && start >= reach && dice.Next(3) == 0)
            {
                yield return header + part;
                part.Clear();
            }
            if (f[0] != contig) (contig, reach) = (f[0], 0);
            var end = f[7].Split(';').Where(i => i.StartsWith("END=", StringComparison.Ordinal)).Select(i => int.Parse(i[4..], System.Globalization.CultureInfo.InvariantCulture)).FirstOrDefault();
            // A length in FORMAT is not read here: such a block reaches as far as any.
            reach = f[8].Contains("LEN", StringComparison.Ordinal) ? int.MaxValue : Math.Max(reach, Math.Max(end, start + f[3].Length));
            part.Append(line).Append('\n');
        }
        yield return header + part;
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
