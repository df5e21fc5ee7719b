using System.Globalization;
using System.Text;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Variants;
using Warehouse.Units.Oracle;
using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Clinic;

/// <summary>Random releases as a store keeps them, in blocks of a few rows, read by columns, against the same with every entry made. A failure names its seed.</summary>
public sealed class ShelvedReleaseTests : IDisposable
{
    private const string Owner = "local:lab";
    private static readonly string[] Dates = ["2024-01-07", "2024-02-04", "2024-03-03"];
    private static readonly string[] Classes = ["Pathogenic", "Likely_pathogenic", "Benign", "Likely_benign", "Uncertain_significance", "Conflicting_classifications_of_pathogenicity", "not_provided", "risk_factor", "Pathogenic|drug_response", "Quite_bad", ""];
    private static readonly string[] Reviews = ["criteria_provided,_single_submitter", "reviewed_by_expert_panel", "no_assertion_criteria_provided", "by_hearsay"];
    private readonly TempFolder _folder = new();
    private int _files;

    [Fact]
    public void Releases_of_a_store_are_compared_looked_at_and_searched_as_entry_by_entry()
    {
        var kinds = ChangeKinds.None;
        for (var seed = 1501; seed <= 1530; seed++)
        {
            var dice = new Random(seed);
            using var store = new MemoryStore("GRCh37");
            var records = new SortedDictionary<(int Contig, int Position, string Alleles), List<string>>();
            for (var i = 0; i < 3; i++)
            {
                Change(records, dice);
                Load(store.Store, Dates[i], Vcf(records), dice);
            }
            var releases = Dates.Select(d => ClinVarShelf.Find(store.Store, d)!).ToArray();
            var entries = releases.Select(r => r with { Rows = null }).ToArray();
            foreach (var (from, to) in new[] { (0, 1), (1, 2), (2, 0), (1, 1) })
            {
                var (found, expected) = (ReleaseComparison.Run(releases[from], releases[to], GradeTable.Default), ReleaseComparison.Run(entries[from], entries[to], GradeTable.Default));
                Assert.True(expected.SequenceEqual(found), $"seed {seed}, {from} to {to}: {string.Join('\n', expected.Except(found).Take(3))}\nbut\n{string.Join('\n', found.Except(expected).Take(3))}");
                var (marked, twin) = (ReleaseComparison.WithFlipFlops(found, [releases[0]]), ReleaseComparison.WithFlipFlops(found, [entries[0]]));
                Assert.True(twin.SequenceEqual(marked), $"seed {seed}, flip-flops of {from} to {to}");
                foreach (var change in marked) kinds |= change.Kinds;
            }
            Assert.True(entries[0].Alleles().Select(Text).SequenceEqual(releases[0].Of(entries[0].Alleles().Select(a => a.Allele)).OrderBy(a => a.Key).Select(a => Text(a.Value))), $"seed {seed}, entries by allele");
            Assert.Empty(releases[0].Of([Variant.FromNormalized("1", 500, "A", "C"), Variant.FromNormalized("20", 7, "A", "C")]));
            foreach (var held in new[] { -1, 0 })
            {
                AlertSources Sources(ShelvedRelease[] of) => new() { Store = store.Store, Release = (date, _) => of[Array.IndexOf(Dates, date)] };
                var book = new AlertBook(store.Store.Events, TimeProvider.System);
                if (held >= 0) book.Append(Owner, store.Store.Version, new ReleaseAccepted(Dates[held], releases[held].Digest, 1, 0));
                var (looked, expected) = (ReleaseIntake.Look(Sources(releases), book, Dates[1]), ReleaseIntake.Look(Sources(entries), book, Dates[1]));
                Assert.True((expected.Alleles, expected.Retracted, expected.Unrecognised) == (looked.Alleles, looked.Retracted, looked.Unrecognised) && expected.First.SequenceEqual(looked.First), $"seed {seed}, facts: {expected}; {looked}");
            }
        }
        // All kinds of change that are hard to tell were among them.
        var met = ChangeKinds.Merged | ChangeKinds.Split | ChangeKinds.MovedCondition | ChangeKinds.Retracted | ChangeKinds.Appeared | ChangeKinds.FlipFlop | ChangeKinds.Stars | ChangeKinds.ConflictBegun | ChangeKinds.ConflictEnded;
        Assert.Equal(met, kinds & met);
    }

    /// <summary>A text that is there beside one that is not, in either order, is a difference: code 0 of a column is no text.</summary>
    [Fact]
    public void A_class_that_is_gone_while_its_record_stays_is_a_change()
    {
        using var store = new MemoryStore("GRCh37");
        var key = (Contig: 1, Position: 10, Alleles: "A\tC");
        Load(store.Store, Dates[0], Vcf(new() { [key] = ["7\tCLNSIG=Benign"] }), new Random(1));
        Load(store.Store, Dates[1], Vcf(new() { [key] = ["7\tCLNDN=x"] }), new Random(1));
        var (before, after) = (ClinVarShelf.Find(store.Store, Dates[0])!, ClinVarShelf.Find(store.Store, Dates[1])!);
        Assert.Equal([(NetClass.Benign, NetClass.Absent)], ReleaseComparison.Run(before, after, GradeTable.Default).Select(c => (c.From, c.To)));
        Assert.Equal([(NetClass.Absent, NetClass.Benign)], ReleaseComparison.Run(after, before, GradeTable.Default).Select(c => (c.From, c.To)));
    }

    /// <summary>The preview counts by columns; the run makes alerts; a naive program reads each call.</summary>
    [Fact]
    public void A_preview_counts_the_alerts_that_a_naive_program_lists_and_the_run_raises()
    {
        for (var seed = 1601; seed <= 1610; seed++)
        {
            var dice = new Random(seed);
            using var store = new MemoryStore("GRCh37");
            var records = new SortedDictionary<(int Contig, int Position, string Alleles), List<string>>();
            Change(records, dice);
            Load(store.Store, Dates[0], Vcf(records), dice);
            Change(records, dice);
            Load(store.Store, Dates[1], Vcf(records), dice);
            var people = Enumerable.Range(0, 12).ToDictionary(i => $"S{i:d2}", _ => $"P{dice.Next(8)}");
            var alleles = records.Keys.GroupBy(k => (k.Contig, k.Position, k.Alleles)).Select(g => g.Key).ToList();
            store.Ingest(new NaiveIngest { Sheet = "sample\tperson\n" + string.Concat(people.Select(p => $"{p.Key}\t{p.Value}\n")) }, Cohort(alleles, [.. people.Keys], dice));
            store.Store.SetCohort("few", [.. people.Keys.Take(4)], null);
            var watches = new[]
            {
                new Watch { Name = "all", Least = (Grade)dice.Next(1, 4), Triggers = WatchTriggers.Class | WatchTriggers.Review }, new Watch { Name = "person", Scope = WatchScope.Person, Items = ["P3"], Triggers = WatchTriggers.Class | WatchTriggers.Review },
                new Watch { Name = "cohort", Scope = WatchScope.Cohort, Items = ["few"] },
            };
            var kept = watches.Where(_ => dice.Next(3) > 0).ToList();
            var book = new AlertBook(store.Store.Events, TimeProvider.System);
            var sources = new AlertSources { Store = store.Store, Release = (date, digest) => ClinVarShelf.Find(store.Store, date, digest) };
            book.Append(Owner, store.Store.Version, [.. kept.Select(w => new WatchSet(w)), new ReleaseAccepted(Dates[0], sources.Release(Dates[0], null)!.Digest, 1, 0)]);
            new AlertRun(sources, TimeProvider.System, Owner, []).Run();

            var expected = new HashSet<(Grade Grade, string Person, string Allele, ClinVarAxis Axis)>();
            using (var session = store.Store.OpenSession())
                foreach (var change in ReleaseComparison.Run(sources.Release(Dates[0], null)!.Alleles, sources.Release(Dates[1], null)!.Alleles, GradeTable.Default))
                    foreach (var person in session.Carriers([change.Allele.ToString()]).Single().Carriers.GroupBy(c => people[c.Sample]))
                        if (kept.Any(w => change.Grade >= w.Least && change.Grade > Grade.None && (change.IsOfClass || (w.Triggers & WatchTriggers.Review) != 0)
                            && (w.Scope == WatchScope.Everybody || (w.Scope == WatchScope.Person ? person.Key == "P3" : person.Any(c => string.CompareOrdinal(c.Sample, "S04") < 0)))))
                            expected.Add((change.Grade, person.Key, change.Allele.ToString(), change.Axis));
            var listed = expected.GroupBy(e => e.Grade).OrderByDescending(g => g.Key).Select(g => (g.Key, g.Count(), g.Select(e => e.Person).Distinct().Count())).ToList();
            var preview = ReleasePreview.Of(sources, TimeProvider.System, Dates[1]);
            Assert.True(listed.SequenceEqual(preview.Alerts), $"seed {seed}: {string.Join(' ', listed)}; {string.Join(' ', preview.Alerts)}");

            book.Refresh();
            ReleaseIntake.Accept(sources, book, Owner, (Dates[1], ReleaseIntake.Look(sources, book, Dates[1])), new AcceptOptions { Unrecognised = 1000, Retracted = 1000 });
            new AlertRun(sources, TimeProvider.System, Owner, []).Run();
            book.Refresh();
            var raised = book.Alerts.Where(a => a.Draft.Person.Length > 0).Select(a => (a.Draft.Grade, a.Draft.Person, a.Draft.Allele)).Order().ToList();
            Assert.True(expected.Select(e => (e.Grade, e.Person, e.Allele)).Order().SequenceEqual(raised), $"seed {seed}: {expected.Count} expected, {raised.Count} raised");
        }
    }

    public void Dispose() => _folder.Dispose();

    private static string Text(ClinVarAllele entry) => $"{entry.Allele} {string.Join(',', entry.Ids)} {entry.Genes} {entry.Conditions} {entry.Germline.Net} {entry.Germline.Stars} {entry.Oncogenicity.Net} {entry.SomaticImpact.Net} {entry.Line} {entry.IsUnrecognised}";

    /// <summary>Some records come, go and change; several may be of one allele, and one id stand for several alleles.</summary>
    private static void Change(SortedDictionary<(int Contig, int Position, string Alleles), List<string>> records, Random dice)
    {
        foreach (var key in records.Keys.Where(_ => dice.Next(6) == 0).ToList()) records.Remove(key);
        foreach (var key in records.Keys.Where(_ => dice.Next(4) == 0).ToList()) records[key] = Entries(dice);
        for (var i = 20 + dice.Next(40); i > 0; i--) records[(dice.Next(1, 4), dice.Next(1, 60), $"A\t{"CGT"[dice.Next(3)]}{(dice.Next(8) == 0 ? "CA" : "")}")] = Entries(dice);
    }

    private static List<string> Entries(Random dice) => [.. Enumerable.Range(0, dice.Next(6) == 0 ? 2 : 1).Select(_ =>
    {
        string Some(string key, string value, int of) => value.Length > 0 && dice.Next(of) > 0 ? $"{key}={value};" : "";
        var info = Some("CLNSIG", Classes[dice.Next(Classes.Length)], 20) + Some("CLNREVSTAT", Reviews[dice.Next(Reviews.Length)], 10) + Some("CLNDN", $"c{dice.Next(3)}|c{dice.Next(3)}", 4) + Some("GENEINFO", $"G{dice.Next(4)}:1", 4)
            + (dice.Next(8) == 0 ? "CLNSIGCONF=Pathogenic(1)|Benign(2);" : "") + (dice.Next(8) == 0 ? "ONC=Oncogenic;ONCREVSTAT=criteria_provided,_single_submitter;" : "") + (dice.Next(8) == 0 ? "SCI=Tier_II_-_Potential;" : "");
        return $"{dice.Next(40)}\t{(info.Length == 0 ? "." : info.TrimEnd(';'))}";
    })];

    private static string Vcf(SortedDictionary<(int Contig, int Position, string Alleles), List<string>> records)
    {
        var text = new StringBuilder("##fileformat=VCFv4.1\n##source=ClinVar\n##reference=GRCh37\n");
        foreach (var key in (string[])["CLNSIG", "CLNREVSTAT", "CLNDN", "GENEINFO", "CLNSIGCONF", "ONC", "ONCREVSTAT", "SCI"]) text.Append(CultureInfo.InvariantCulture, $"##INFO=<ID={key},Number=.,Type=String,Description=\"x\">\n");
        text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        foreach (var ((contig, position, alleles), entries) in records)
            foreach (var entry in entries) text.Append(CultureInfo.InvariantCulture, $"{contig}\t{position}\t{entry.Split('\t')[0]}\t{alleles}\t.\t.\t{entry.Split('\t')[1]}\n");
        return text.ToString();
    }

    private static string Cohort(List<(int Contig, int Position, string Alleles)> alleles, List<string> samples, Random dice)
    {
        var text = new StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=1>\n##contig=<ID=2>\n##contig=<ID=3>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t");
        text.AppendJoin('\t', samples).Append('\n');
        string[] calls = ["0/0", "0/0", "0/0", "0/0", "0/0", "0|1", "1/1", "./.", "./1", "1"];
        foreach (var (contig, position, written) in alleles.Where(_ => dice.Next(3) > 0))
            text.Append(CultureInfo.InvariantCulture, $"{contig}\t{position}\t.\t{written}\t.\tPASS\t.\tGT\t{string.Join('\t', samples.Select(_ => calls[dice.Next(calls.Length)]))}\n");
        return text.ToString();
    }

    private void Load(VariantStore store, string date, string vcf, Random dice)
    {
        var path = _folder[$"{_files++}.vcf"];
        File.WriteAllText(path, vcf);
        store.LoadAnnotations(new AnnotationRequest { Source = ClinVarShelf.Source, Date = DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture), File = path, Sizes = (8 + dice.Next(60), 1 + dice.Next(12), dice.Next(30)) });
    }
}
