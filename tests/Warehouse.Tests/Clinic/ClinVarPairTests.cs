using System.Text;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Clinic;

/// <summary>
/// The two releases of ClinVar that are in the data, of December 2015 and May 2016, against a program of a page that reads the two tables by itself: the same alleles change class, and the
/// same carriers are alerted.
/// </summary>
public sealed class ClinVarPairTests
{
    private const string Before = "2015-12-11", After = "2016-05-20", Owner = "local:lab";

    [DataFact("zcat")]
    public void Classes_that_changed_between_the_two_releases_are_those_of_an_independent_comparison_record_by_record()
    {
        using var folder = new TempFolder();
        using var store = Make(folder);
        var (before, after) = (Load(store, Before, Table(Before)), Load(store, After, Table(After)));
        var changes = ReleaseComparison.Run(before, after, GradeTable.Default);
        Assert.Equal(ReleaseComparison.Run(before.Alleles, after.Alleles, GradeTable.Default), changes); // the twin makes every entry
        var found = changes.Where(c => c.IsOfClass).Select(c => $"{c.Allele} {c.From}>{c.To}".ToLowerInvariant()).Order(StringComparer.Ordinal).ToList();
        var (old, now) = (Naive(Before), Naive(After));
        var naive = old.Keys.Union(now.Keys).Select(k => (Allele: k, From: old.GetValueOrDefault(k, "absent"), To: now.GetValueOrDefault(k, "absent"))).Where(c => c.From != c.To).Select(c => $"{c.Allele} {c.From}>{c.To}".ToLowerInvariant()).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(naive, found);
        Assert.InRange(found.Count, 5000, 20_000);
        // Every term of both tables is known.
        Assert.DoesNotContain(before.Alleles().Concat(after.Alleles()), a => a.IsUnrecognised);
        Assert.Equal((111_758, 117_568), (before.Alleles().Count(), after.Alleles().Count()));
    }

    /// <summary>The same releases as VCF, whose spellings are others. That of the later one was made of another state of the table: 179 records are not in it, and 109 have other values.</summary>
    [DataFact("zcat")]
    public void The_releases_as_vcf_say_what_the_tables_say()
    {
        using var folder = new TempFolder();
        using var store = Make(folder);
        foreach (var date in new[] { Before, After })
        {
            var release = Load(store, date, TestData.File($"clinvar/derived/clinvar_GRCh37_{date}.derived.vcf.gz"));
            var table = Naive(date);
            var alleles = release.Alleles().ToList();
            Assert.DoesNotContain(alleles, a => a.IsUnrecognised);
            Assert.InRange(alleles.Count(a => a.Germline.Net.ToString().ToLowerInvariant() != table.GetValueOrDefault(a.Allele.ToString())), 0, date == Before ? 0 : 109);
            Assert.InRange(alleles.Count, date == Before ? table.Count : table.Count - 179, table.Count);
        }
    }

    [DataFact("zcat")]
    public void Alerts_over_simulated_carriers_are_those_of_a_naive_program_exactly()
    {
        const int Seed = 20261129, Samples = 60, Sites = 6000;
        using var folder = new TempFolder();
        using var store = Make(folder);
        var chance = new Random(Seed);
        var (old, now) = (Naive(Before), Naive(After));
        // Alleles of either release, that of plain bases alone; carriers by chance.
        var sites = old.Keys.Union(now.Keys).Order(StringComparer.Ordinal).ToArray();
        chance.Shuffle(sites);
        var carried = sites.Take(Sites).Select(s => (Allele: s, Doses: Enumerable.Range(0, Samples).Select(_ => chance.Next(50) == 0 ? chance.Next(1, 3) : 0).ToArray())).ToList();
        var path = folder["carriers.vcf"];
        File.WriteAllText(path, Vcf(carried, Samples));
        store.Ingest(new IngestRequest { Files = [path], Threads = 2 });

        var sources = new AlertSources { Store = store, Release = (date, digest) => ClinVarShelf.Find(store, date, digest) };
        Load(store, Before, Table(Before));
        Load(store, After, Table(After));
        new AlertBook(store.Events, TimeProvider.System).Append(Owner, store.Version, new WatchSet(new Watch { Name = "all" }));
        Accept(sources, Before);
        Assert.Equal(0, new AlertRun(sources, TimeProvider.System, Owner, []).Run().Raised);
        var preview = ReleasePreview.Of(sources, TimeProvider.System, After);
        Accept(sources, After);
        var report = new AlertRun(sources, TimeProvider.System, Owner, []).Run();

        var expected = new List<string>();
        foreach (var (allele, doses) in carried)
        {
            var (from, to) = (old.GetValueOrDefault(allele, "absent"), now.GetValueOrDefault(allele, "absent"));
            for (var sample = 0; sample < Samples && from != to; sample++)
                if (doses[sample] > 0) expected.Add($"S{sample:d3} {allele} clinvar {After} germline {from}>{to}");
        }
        expected.Sort(StringComparer.Ordinal);
        var book = new AlertBook(store.Events, TimeProvider.System);
        var raised = book.Alerts.Where(a => !a.Draft.IsSelfTest).Select(a => $"{a.Draft.Person} {a.Draft.Allele} {a.Draft.Change}").Order(StringComparer.Ordinal).ToList();
        Assert.True(expected.SequenceEqual(raised), $"seed {Seed}: {expected.Count} expected, {raised.Count} raised; {string.Join('\n', expected.Except(raised).Take(5))} | {string.Join('\n', raised.Except(expected).Take(5))}");
        Assert.Equal((expected.Count, expected.Count), (report.Raised, preview.Alerts.Sum(a => a.Alerts)));
        Assert.InRange(expected.Count, 100, 5000);
    }

    /// <summary>Simulated releases in the headers and spellings of three years, against the changes that the simulator wrote down.</summary>
    [Theory]
    [InlineData(ClinVarForm.Y2018)]
    [InlineData(ClinVarForm.Y2021)]
    [InlineData(ClinVarForm.Y2024)]
    public void Simulated_releases_of_three_years_change_what_the_simulator_changed(ClinVarForm form)
    {
        using var folder = new TempFolder();
        Simulator.Run(new SimulationOptions { Folder = folder["data"], Samples = 2, Variants = 30_000, Seed = 5, ClinVar = form }, null, CancellationToken.None);
        using var store = VariantStore.Create(new CreateOptions { Path = folder["lab.wh"], Assembly = "GRCh37", ReferencePath = folder["data/reference.fa"] });
        var (before, after) = (Load(store, Before, folder["data/clinvar-1.vcf.gz"]), Load(store, After, folder["data/clinvar-2.vcf.gz"]));
        Assert.Equal(ReleaseComparison.Run(before.Alleles, after.Alleles, GradeTable.Default), ReleaseComparison.Run(before, after, GradeTable.Default));
        var found = ReleaseComparison.Run(before, after, GradeTable.Default).Where(c => c.IsOfClass && c.Axis == ClinVarAxis.Germline).Select(c => $"{c.Allele} {c.From}>{c.To}".ToLowerInvariant()).Order(StringComparer.Ordinal).ToList();
        var truth = File.ReadLines(folder["data/clinvar-changes.tsv"]).Skip(1).Select(l => l.Split('\t')).ToList();
        var expected = truth.Select(c => (Allele: $"{c[0]}-{c[1]}-{c[2]}-{c[3]}", From: Net(c[7]), To: Net(c[8]))).Where(c => c.From != c.To).Select(c => $"{c.Allele} {c.From}>{c.To}".ToLowerInvariant()).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(expected, found);
        Assert.True(found.Count > 200);
        Assert.Equal(truth.Count(c => c[4] == "unknown-term"), after.Alleles().Count(a => a.IsUnrecognised));

        static string Net(string value) => value.ToLowerInvariant() switch
        {
            "" or "." => "absent",
            var v when v.StartsWith("conflicting") => "conflicting",
            var v when v.StartsWith("probably_fine") => "unrecognised",
            var v when v.Contains("pathogenic") => "pathogenic",
            var v when v.Contains("benign") => "benign",
            var v when v.Contains("risk") => "risk",
            var v when v.Contains("uncertain") => "uncertain",
            _ => "other",
        };
    }

    private static VariantStore Make(TempFolder folder) => VariantStore.Create(new CreateOptions { Path = folder["lab.wh"], Assembly = "GRCh37" });

    private static void Accept(AlertSources sources, string release)
    {
        var book = new AlertBook(sources.Store.Events, TimeProvider.System);
        Assert.True(ReleaseIntake.Accept(sources, book, Owner, (release, ReleaseIntake.Look(sources, book, release)), new AcceptOptions { Retracted = 10_000 }));
    }

    private static ShelvedRelease Load(VariantStore store, string date, string file)
    {
        var mapping = file.Contains(".tsv", StringComparison.Ordinal) ? AnnotationMapping.Parse(ClinVarShelf.TableMapping, "table") : null;
        store.LoadAnnotations(new AnnotationRequest { Source = ClinVarShelf.Source, Date = DateOnly.ParseExact(date, "yyyy-MM-dd"), File = file, Mapping = mapping, Threads = 2 });
        return ClinVarShelf.Find(store, date)!;
    }

    private static string Table(string date) => TestData.File($"clinvar/macarthur-lab+clinvar/macarthur_{date}_clinvar.tsv.gz");

    /// <summary>Class per allele, from the table's lines alone.</summary>
    private static Dictionary<string, string> Naive(string date)
    {
        var classes = new Dictionary<string, string>();
        foreach (var line in LinesOf(Table(date)).Skip(1))
        {
            var cells = line.Split('\t');
            var words = cells[7].ToLowerInvariant().Split(';');
            bool pathogenic = words.Contains("pathogenic") || words.Contains("likely pathogenic"), benign = words.Contains("benign") || words.Contains("likely benign"), uncertain = words.Contains("uncertain significance");
            var kinds = new[] { pathogenic, benign, uncertain }.Count(k => k);
            var net = kinds > 1 ? "conflicting" : pathogenic ? "pathogenic" : benign ? "benign" : uncertain ? "uncertain" : words.Contains("risk factor") ? "risk" : words.All(w => w == "not provided") ? "absent" : "other";
            classes.Add($"{cells[0]}-{cells[1]}-{cells[2]}-{cells[3]}", net);
        }
        return classes;
    }

    private static string Vcf(List<(string Allele, int[] Doses)> carried, int samples)
    {
        string[] order = [.. Enumerable.Range(1, 22).Select(c => $"{c}"), "X", "Y", "MT"];
        var text = new StringBuilder("##fileformat=VCFv4.2\n");
        foreach (var contig in order) text.Append($"##contig=<ID={contig}>\n");
        text.Append("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        for (var i = 0; i < samples; i++) text.Append($"\tS{i:d3}");
        text.Append('\n');
        foreach (var (cells, doses) in carried.Select(c => (Cells: c.Allele.Split('-'), c.Doses)).OrderBy(c => Array.IndexOf(order, c.Cells[0])).ThenBy(c => int.Parse(c.Cells[1])))
        {
            text.Append($"{cells[0]}\t{cells[1]}\t.\t{cells[2]}\t{cells[3]}\t.\tPASS\t.\tGT");
            foreach (var dose in doses) text.Append(dose switch { 0 => "\t0/0", 1 => "\t0/1", _ => "\t1/1" });
            text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A gzip file read by the system's program, so that the comparison shares no reader with the product.</summary>
    private static string[] LinesOf(string path)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("zcat", path) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
