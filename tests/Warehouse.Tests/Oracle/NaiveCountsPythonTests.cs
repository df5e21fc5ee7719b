using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>
/// The two oracles against each other. Where counts_oracle.py differs from COUNTS.md the page holds; the evaluator then reads as the program does,
/// so that everything else stays compared (<see cref="NaiveCounts.AsThePythonReadsIt"/>). The known differences, each with a test of the page in
/// <see cref="NaiveCountsTests"/>:
/// (a) rule 4: the page says no-call if no touching record passes, the program if any touching record does not;
/// (b) ALT <c>*,&lt;NON_REF&gt;</c> holds a <c>*</c> and is a record by rule 2; the program takes it for a reference block;
/// (c) adj: "a half-call has no balance test"; the program tests <c>0/1/.</c>;
/// (d) adj: an absent AD of an allele that is not called; the program fails the record.
/// </summary>
public sealed class NaiveCountsPythonTests
{
    [DataFact("python3")]
    public void Naive_evaluator_and_the_reference_program_agree_on_random_stores()
    {
        var rows = 0;
        for (var seed = 1; seed <= 20; seed++)
        {
            var store = new RandomStore(seed, uniform: true);
            var random = new Random(seed);
            using var folder = new TempFolder();
            var arguments = Arguments(store, folder);
            var counts = store.Evaluate(asThePythonReadsIt: true);
            foreach (var adj in new[] { false, true })
            {
                var query = store.RandomQuery(random) with { AsCalled = false, PerSample = true, MinAc = 0, Adj = adj };
                System.IO.File.WriteAllLines(folder["cohort.txt"], query.Samples ?? []);
                var program = PythonOracle.Counts([.. arguments, .. PythonOracle.Options(query, folder["cohort.txt"])]);
                rows += program.Count;
                AssertEqual(program, counts.Frequencies(query), $"seed {seed}, {query}");
            }
        }
        Assert.True(rows > 300, $"only {rows} rows compared");
    }

    [DataFact("python3")]
    public void Naive_evaluator_and_the_reference_program_agree_on_real_gvcfs()
    {
        foreach (var (assembly, files) in RealData.GvcfSets())
        {
            var counts = new NaiveCounts(assembly) { AsThePythonReadsIt = true };
            foreach (var file in files) counts.Ingest(file, new NaiveIngest());
            foreach (var adj in new[] { false, true })
            {
                var program = PythonOracle.Counts(["--assembly", assembly, .. files, .. adj ? ["--adj"] : Array.Empty<string>()]);
                Assert.Contains(program, r => files.Length == 1 || r.An > 2 * r.Carriers); // blocks were counted
                AssertEqual(program, counts.Frequencies(new NaiveQuery { PerSample = true, Adj = adj }), $"{files[0]}, adj {adj}");
            }
        }
    }

    private static List<string> Arguments(RandomStore store, TempFolder folder)
    {
        string Write(string name, string text)
        {
            System.IO.File.WriteAllText(folder[name], text);
            return folder[name];
        }
        var arguments = new List<string> { "--assembly", store.Genome.Assembly, "--sheet", Write("sheet.tsv", "sample\tsex\n" + string.Concat(store.Samples.Select(s => $"{s.Name}\t{s.SheetSex}\n"))) };
        if (store.Genome.HasReference) arguments.AddRange(["--reference", Write("ref.fa", store.Genome.Fasta().Fasta)]);
        if (store.Commands[0].How.Callable is { } bed) arguments.AddRange(["--callable", Write("regions.bed", bed)]);
        foreach (var file in store.Commands.Where(c => c.How.AssumeReference).SelectMany(c => c.Files)) arguments.AddRange(["--assume", Write(file.Name, file.Text)]);
        arguments.AddRange(store.Commands.Where(c => !c.How.AssumeReference).SelectMany(c => c.Files).Select(f => Write(f.Name, f.Text)));
        return arguments;
    }

    /// <summary>The program spells contigs as first written, the evaluator as in the reference: that is not compared here.</summary>
    private static void AssertEqual(List<CountRow> program, List<CountRow> naive, string about)
    {
        var difference = CountRow.FirstDifference([.. program.Select(Plain)], [.. naive.Select(Plain)]);
        Assert.True(difference is null, $"{about}: {difference}");
    }

    private static CountRow Plain(CountRow row) => row with { Contig = NaiveVcf.Plain(row.Contig) };
}
