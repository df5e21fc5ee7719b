using System.Globalization;
using System.Text;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Simulate;

/// <summary>The year whose ClinVar releases are imitated: their header and the spellings of their terms. From memory, all three.</summary>
public enum ClinVarForm
{
    /// <summary>Germline classes; conflicts listed apart by commas.</summary>
    Y2018 = 2018,

    /// <summary>The shape of 2018, with terms of risk alleles among the classes.</summary>
    Y2021 = 2021,

    /// <summary>Classifications in place of interpretations, conflicts apart by bars, the axes ONC and SCI, terms of risk alleles and low penetrance.</summary>
    Y2024 = 2024,
}

/// <summary>
/// Two releases in the form of ClinVar's VCF over the alleles of the simulated sites, and what changed between them, allele by allele: the
/// truth that a comparison must find. The same seed gives the same bytes, whatever the samples. One thread.
/// </summary>
internal sealed class ClinVarReleases(SimulationOptions options, List<Contig> contigs, ClinVarForm form)
{
    /// <summary>Names of the files: the older release, the newer one, the changes.</summary>
    public static readonly string[] Files = ["clinvar-1.vcf.gz", "clinvar-2.vcf.gz", "clinvar-changes.tsv"];

    private const int GeneBases = 20_000;

    private static readonly (string Class, int Weight)[] Classes =
        [("Uncertain_significance", 50), ("Likely_benign", 22), ("Benign", 9), ("Pathogenic", 7), ("Likely_pathogenic", 5), ("conflicting", 5), ("Benign/Likely_benign", 1), ("Pathogenic/Likely_pathogenic", 1)];

    private static readonly (string Kind, double Share)[] Changes =
        [("upgraded", 0.010), ("downgraded", 0.008), ("conflict", 0.005), ("resolved", 0.004), ("stars", 0.010), ("dropped", 0.003), ("new", 0.030), ("renumbered", 0.002), ("suffix", 0.002), ("unknown-term", 0.0001)];

    private readonly Prng _random = new(options.Seed, 90);
    private readonly StringBuilder _line = new();

    /// <summary>Writes the files.</summary>
    public void Write(CancellationToken stop)
    {
        using var older = new BgzfWriter(File.Create(Path.Combine(options.Folder, Files[0])), threads: options.Threads);
        using var newer = new BgzfWriter(File.Create(Path.Combine(options.Folder, Files[1])), threads: options.Threads);
        using var changes = new StreamWriter(Path.Combine(options.Folder, Files[2])) { NewLine = "\n" };
        changes.WriteLine("contig\tpos\tref\talt\tchange\tid_1\tid_2\tclass_1\tclass_2\treview_1\treview_2");
        older.Write(Encoding.ASCII.GetBytes(Header($"{(int)form}-01-07")));
        newer.Write(Encoding.ASCII.GetBytes(Header($"{(int)form}-02-04")));
        var id = 10_000;
        foreach (var contig in contigs)
        {
            var maker = new SiteMaker(contig, unnormalised: false, new Prng(options.Seed, 100 + (ulong)contigs.IndexOf(contig)));
            // A normalised allele may start before the site that stands before its own.
            foreach (var allele in maker.Sites().SelectMany(s => s.Alleles).OrderBy(a => a.Start))
            {
                stop.ThrowIfCancellationRequested();
                Add(contig.Name, allele, ++id, (older, newer, changes));
            }
        }
        older.Complete();
        newer.Complete();
    }

    private void Add(string contig, Allele allele, int id, (BgzfWriter Older, BgzfWriter Newer, TextWriter Changes) to)
    {
        var before = new Entry(id, Draw(), Stars(), "");
        var (kind, after) = Change(before);
        if (kind != "new") to.Older.Write(Line(contig, allele, before));
        if (kind != "dropped") to.Newer.Write(Line(contig, allele, after));
        if (kind == "same") return;
        var first = kind == "new" ? null : (Entry?)before;
        var second = kind == "dropped" ? null : (Entry?)after;
        to.Changes.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{contig}\t{allele.Start + 1}\t{allele.Ref}\t{allele.Alt}\t{kind}\t{Text(first?.Id)}\t{Text(second?.Id)}\t{ClassOf(first)}\t{ClassOf(second)}\t{ReviewOf(first)}\t{ReviewOf(second)}"));
    }

    private (string Kind, Entry After) Change(Entry before)
    {
        var dice = _random.Unit();
        foreach (var (kind, share) in Changes)
        {
            if ((dice -= share) >= 0) continue;
            var changed = kind switch
            {
                "upgraded" => before with { Class = before.Class is "Pathogenic" ? "Pathogenic/Likely_pathogenic" : "Pathogenic" },
                "downgraded" => before with { Class = before.Class is "Benign" ? "Benign/Likely_benign" : "Benign" },
                "conflict" => before with { Class = "conflicting", Stars = 1 },
                "resolved" => before with { Class = before.Class == "conflicting" ? "Likely_pathogenic" : before.Class, Stars = 2 },
                "stars" => before with { Stars = Math.Min(4, before.Stars + 1) },
                "renumbered" => before with { Id = before.Id + 5_000_000 },
                "suffix" => before with { Suffix = "|drug_response" },
                "unknown-term" => before with { Class = "Probably_fine" },
                _ => before,
            };
            if (kind is "new" or "dropped") return (kind, before);
            // The truth has what a reader of the files sees: no change where the lines are equal, one of the stars where only the review differs.
            if ((changed.Id, ClassOf(changed)) == (before.Id, ClassOf(before))) return ReviewOf(changed) == ReviewOf(before) ? ("same", before) : ("stars", changed);
            return (kind, changed);
        }
        return ("same", before);
    }

    private byte[] Line(string contig, Allele allele, Entry entry)
    {
        var (snv, gene) = (allele.Ref.Length == 1 && allele.Alt.Length == 1, allele.Start / GeneBases);
        _line.Clear();
        _line.Append(CultureInfo.InvariantCulture, $"{contig}\t{allele.Start + 1}\t{entry.Id}\t{allele.Ref}\t{allele.Alt}\t.\t.\tALLELEID={entry.Id + 15_000};");
        _line.Append(CultureInfo.InvariantCulture, $"CLNDISDB=MONDO:MONDO:{entry.Id % 997:D7},MedGen:C{entry.Id % 991:D7};CLNDN=Simulated_condition_{entry.Id % 997}|not_provided;");
        _line.Append(CultureInfo.InvariantCulture, $"CLNHGVS={contig}:g.{allele.Start + 1}{allele.Ref}>{allele.Alt};CLNREVSTAT={ReviewOf(entry)};CLNSIG={ClassOf(entry)};");
        if (entry.Class == "conflicting") _line.Append("CLNSIGCONF=Likely_pathogenic(1)").Append(form == ClinVarForm.Y2024 ? '|' : ',').Append("Uncertain_significance(2);");
        _line.Append(CultureInfo.InvariantCulture, $"CLNVC={(snv ? "single_nucleotide_variant" : "Indel")};CLNVCSO={(snv ? "SO:0001483" : "SO:1000032")};GENEINFO=SIM{contig}G{gene}:{gene + 1};MC=SO:0001583|missense_variant;");
        if (form == ClinVarForm.Y2024 && entry.Id % 50 == 0) _line.Append("ONC=Oncogenic;ONCREVSTAT=criteria_provided,_single_submitter;ONCDN=Simulated_neoplasm;");
        if (form == ClinVarForm.Y2024 && entry.Id % 70 == 0) _line.Append("SCI=Tier_I_-_Strong;SCIREVSTAT=criteria_provided,_single_submitter;SCIDN=Simulated_neoplasm;");
        _line.Append(CultureInfo.InvariantCulture, $"ORIGIN={(entry.Id % 9 == 0 ? 2 : 1)};RS={entry.Id + 900_000_000}\n");
        return Encoding.ASCII.GetBytes(_line.ToString());
    }

    private string Header(string day)
    {
        var text = new StringBuilder($"##fileformat=VCFv4.1\n##fileDate={day}\n##source=ClinVar (simulated)\n##reference=GRCh37\n##ID=<Description=\"ClinVar Variation ID\">\n");
        string[] keys = ["ALLELEID", "CLNDISDB", "CLNDN", "CLNHGVS", "CLNREVSTAT", "CLNSIG", "CLNSIGCONF", "CLNVC", "CLNVCSO", "GENEINFO", "MC", "ORIGIN", "RS"];
        if (form == ClinVarForm.Y2024) keys = [.. keys, "ONC", "ONCREVSTAT", "ONCDN", "SCI", "SCIREVSTAT", "SCIDN"];
        foreach (var key in keys)
        {
            var type = key == "ALLELEID" ? "Integer" : "String";
            text.Append(CultureInfo.InvariantCulture, $"##INFO=<ID={key},Number={(key is "ALLELEID" or "CLNVC" or "CLNVCSO" or "GENEINFO" ? "1" : ".")},Type={type},Description=\"As ClinVar has it\">\n");
        }
        return text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n").ToString();
    }

    private string Draw()
    {
        var at = _random.Below(100);
        if (form != ClinVarForm.Y2018 && _random.Chance(0.004)) return form == ClinVarForm.Y2024 && _random.Chance(0.5) ? "Pathogenic,_low_penetrance" : "Likely_risk_allele";
        foreach (var (name, weight) in Classes)
            if ((at -= weight) < 0) return name;
        return Classes[0].Class;
    }

    private int Stars() => _random.Below(100) switch { < 15 => 0, < 75 => 1, < 97 => 2, < 99 => 3, _ => 4 };

    private string ClassOf(Entry? entry) => entry is not { } of ? "."
        : (of.Class == "conflicting" ? form == ClinVarForm.Y2024 ? "Conflicting_classifications_of_pathogenicity" : "Conflicting_interpretations_of_pathogenicity" : of.Class) + of.Suffix;

    private string ReviewOf(Entry? entry) => entry is not { } of ? "." : of.Class == "conflicting"
        ? form == ClinVarForm.Y2024 ? "criteria_provided,_conflicting_classifications" : "criteria_provided,_conflicting_interpretations"
        : of.Stars switch { 0 => "no_assertion_criteria_provided", 1 => "criteria_provided,_single_submitter", 2 => "criteria_provided,_multiple_submitters,_no_conflicts", 3 => "reviewed_by_expert_panel", _ => "practice_guideline" };

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? ".";

    private readonly record struct Entry(int Id, string Class, int Stars, string Suffix);
}
