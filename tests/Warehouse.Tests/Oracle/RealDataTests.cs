using System.Collections.Concurrent;
using System.Globalization;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>
/// The product on real files against tools and figures of others. Every test collects what differs over all files before it fails, so that one file
/// does not hide the next.
/// </summary>
[Trait("needs", "product")]
public sealed class RealDataTests
{
    /// <summary>Files that the product rightly refuses: it names an ALT twice in one record.</summary>
    private static readonly string[] Refused = ["field_type_combos.vcf.gz"];

    private const int CohortCount = 20;

    [DataFact("bcftools")]
    public void Every_multi_sample_file_counts_as_bcftools_counts_it()
    {
        var (wrong, compared) = (new ConcurrentBag<string>(), 0);
        var files = RealData.MultiSampleFiles().Where(f => !Refused.Contains(Path.GetFileName(f.Path))).OrderByDescending(f => f.Genotypes).ToList();
        Parallel.ForEach(Partitioner.Create(files, EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = 2 }, file =>
        {
            var path = file.Path;
            var cohorts = Cohorts(BcftoolsCounts.Samples(path));
            var expected = BcftoolsCounts.Of(path, cohorts);
            try
            {
                using var store = new ProductStore("any1", here: true);
                store.Ingest([path]);
                for (var c = -1; c < cohorts.Length; c++)
                {
                    var rows = store.Freq(new NaiveQuery { Samples = c < 0 ? null : cohorts[c] });
                    Interlocked.Add(ref compared, rows.Count);
                    if (BcftoolsCounts.FirstDifference(expected[c + 1], rows) is { } difference) wrong.Add($"{path}, cohort {c}: {difference}");
                }
            }
            catch (InvalidOperationException e) { wrong.Add($"{path}: {e.Message}"); }
        });
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
        Assert.True(compared > 200_000, $"only {compared} rows");
    }

    /// <summary>plink2 gets no X, Y, MT and half-calls: it wants the sexes for the first and refuses the last.</summary>
    [PeerFact("bcftools", "plink2")]
    public void Simulated_cohorts_count_as_bcftools_and_plink2_count_them() => Parallel.ForEach([false, true], hard =>
    {
        using var folder = new TempFolder();
        Simulator.Run(new SimulationOptions { Folder = folder.Path, Samples = 500, Variants = 1500, Seed = 11, SexChromosomes = hard, HalfCallRate = hard ? 0.01 : 0 }, null, CancellationToken.None);
        var path = folder[Simulator.JointName];
        var cohorts = Cohorts(BcftoolsCounts.Samples(path));
        var expected = BcftoolsCounts.Of(path, cohorts);
        using var store = new ProductStore("any1", here: true);
        store.Ingest([path]);
        for (var c = -1; c < cohorts.Length; c++)
        {
            var rows = store.Freq(new NaiveQuery { Samples = c < 0 ? null : cohorts[c] });
            Assert.True(rows.Count > 1400, $"cohort {c}: {rows.Count} rows");
            Assert.Null(BcftoolsCounts.FirstDifference(expected[c + 1], rows));
            if (hard) continue;
            var counts = rows.ToDictionary(r => r.Key, r => $"{r.Ac} {r.An}");
            Assert.All(Plink2Counts.Of(path, c < 0 ? null : cohorts[c]), e => Assert.Equal($"{e.Key} {e.Value}", $"{e.Key} {counts.GetValueOrDefault(e.Key)}"));
        }
    });

    [DataFact("bcftools", "plink2")]
    public void Files_that_plink2_counts_right_are_counted_alike_over_all_samples_and_random_cohorts()
    {
        var wrong = new System.Collections.Concurrent.ConcurrentBag<string>();
        Parallel.ForEach(RealData.Plink2Files(), path =>
        {
            using var store = new ProductStore("any1", here: true);
            store.Ingest([path]);
            var cohorts = Cohorts(BcftoolsCounts.Samples(path));
            for (var c = -1; c < cohorts.Length; c++)
            {
                var cohort = c < 0 ? null : cohorts[c];
                var rows = store.Freq(new NaiveQuery { Samples = cohort }).ToDictionary(r => r.Key);
                foreach (var e in Plink2Counts.Of(path, cohort).Where(e => !rows.TryGetValue(e.Key, out var r) || $"{r.Ac} {r.An}" != e.Value).Take(3))
                    wrong.Add($"{path} cohort {c} {e.Key}: plink2 {e.Value}, here {(rows.TryGetValue(e.Key, out var r) ? r.Text : "missing")}");
            }
        });
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
    }

    [DataFact]
    public void Population_frequencies_that_1000_Genomes_wrote_are_those_of_its_genotypes()
    {
        var populations = RealData.SuperPopulations();
        using var store = new ProductStore("any1");
        store.Ingest([RealData.Chr22], "--samples", store.Write("sheet.tsv", "sample\tancestry\n" + string.Concat(populations.Select(p => $"{p.Key}\t{p.Value}\n"))));
        var rows = store.Freq("--by", "ancestry").ToDictionary(r => $"{r.Group} {r.Key}");
        var (wrong, compared) = (new List<string>(), 0);
        foreach (var f in NaiveVcf.Lines(RealData.Chr22).Where(l => l[0] != '#').Select(l => l.Split('\t', 9)))
        {
            var info = f[7].Split(';').Select(i => i.Split('=')).ToDictionary(i => i[0], i => i[^1].Split(','));
            var alts = f[4].Split(',');
            foreach (var population in populations.Values.Distinct())
                for (var a = 0; a < alts.Length; a++)
                    if (NaiveVcf.IsBases(alts[a]))
                    {
                        compared++;
                        var key = $"{population} {BcftoolsCounts.Key(f[0], f[1], f[3], alts[a])}";
                        var written = double.Parse(info[population + "_AF"][a], CultureInfo.InvariantCulture);
                        // Written with four decimals.
                        if (!rows.TryGetValue(key, out var row) || row.An == 0 || Math.Abs((double)row.Ac / row.An - written) > 0.00005001) wrong.Add($"{key}: written {written}, here {row?.Text}");
                    }
        }
        Assert.True(compared > 48_000, $"only {compared} frequencies");
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n{string.Join('\n', wrong.Take(5))}");
    }

    [DataFact]
    public void Five_batches_with_assumed_reference_count_as_the_whole_file()
    {
        // 9,673 sites have one ALT and AC > 0; at four of them it is symbolic and not listed here.
        var sites = NaiveVcf.Lines(RealData.Chr22).Where(l => l[0] != '#').Select(l => l.Split('\t', 6)).Where(f => NaiveVcf.IsBases(f[4])).Select(f => BcftoolsCounts.Key(f[0], f[1], f[3], f[4])).ToHashSet();
        using var whole = new ProductStore("any1");
        whole.Ingest([RealData.Chr22]);
        var expected = whole.Freq().Where(r => r.Ac > 0 && sites.Contains(r.Key)).ToList();
        Assert.Equal(9_669, expected.Count);
        using var parts = new ProductStore("any1");
        foreach (var batch in RealData.Chr22Batches()) parts.Ingest([batch], "--assume-reference");
        var rows = parts.Freq().ToDictionary(r => r.Key);
        var wrong = expected.Where(e => !rows.TryGetValue(e.Key, out var r) || (r.Ac, r.An, r.NHet, r.NHomAlt, r.Carriers) != (e.Ac, e.An, e.NHet, e.NHomAlt, e.Carriers)).ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n{string.Join('\n', wrong.Take(5).Select(e => $"whole {e.Text}\nparts {rows.GetValueOrDefault(e.Key)?.Text}"))}");
        Assert.Contains(rows.Values, r => r.AnAssumed > 0);
    }

    [DataFact]
    public void Golden_counts_of_bravo_data_prep_are_reproduced()
    {
        foreach (var (input, output) in new[] { ("input.vcf.gz", "allelecounts.output_ok.vcf.gz"), ("input.vcf.gz", "allelecounts.region.output_ok.vcf.gz"), ("input_no_DP_GQ.vcf.gz", "allelecounts.output_ok.vcf.gz"), ("input.with_info_fields.vcf.gz", "allelecounts_and_histograms.with_info_fields.output_ok.vcf.gz") })
        {
            using var store = new ProductStore("any1");
            store.Ingest([RealData.Bravo(input)]);
            var rows = store.Freq().ToDictionary(r => r.Key, r => $"{r.NSamples - r.NNoCall - r.NNotAssessed} {r.An} {r.Ac} {r.NHet} {r.NHomAlt}");
            var golden = RealData.BravoGolden(output);
            Assert.True(golden.Count > 20, $"{output}: {golden.Count} alleles");
            foreach (var (key, figures) in golden) Assert.Equal($"{output} {key}: {figures}", $"{output} {key}: {rows.GetValueOrDefault(key, "missing")}");
        }
    }

    /// <summary>The evaluator agrees with counts_oracle.py on these files (NaiveCountsPythonTests) and reads the page where the program does not.</summary>
    [DataFact]
    public void Reference_blocks_of_gvcfs_count_as_the_oracles_count_them()
    {
        var wrong = new List<string>();
        foreach (var (assembly, files) in RealData.GvcfSets())
            try
            {
                using var store = new ProductStore(assembly);
                store.Ingest(files);
                var counts = new NaiveCounts(assembly);
                foreach (var file in files) counts.Ingest(file, new NaiveIngest());
                foreach (var adj in new[] { false, true })
                {
                    var query = new NaiveQuery { Adj = adj, PerSample = true };
                    if (CountRow.FirstDifference(counts.Frequencies(query), store.Freq(query)) is { } difference) wrong.Add($"{files[0]} …, adj {adj}: {difference}");
                }
            }
            catch (InvalidOperationException e) { wrong.Add($"{files[0]} …: {e.Message}"); }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>Random halves; a seed per number of samples.</summary>
    private static string[][] Cohorts(string[] samples)
    {
        var random = new Random(samples.Length);
        return [.. Enumerable.Range(0, CohortCount).Select(_ => samples.Where((_, i) => i == 0 || random.Next(2) == 0).ToArray())];
    }
}
