using System.Text;
using Warehouse.Cli;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Server.Tests.Clients;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;

namespace Warehouse.Server.Tests.Services;

/// <summary>A line of a verb, run by the owner of a store that lies here.</summary>
/// <param name="Verb">Verb and sub-verb.</param>
/// <param name="Rest">What follows the store, made when its turn comes.</param>
internal sealed record WhoSawVerb(string Verb, Func<string[]> Rest)
{
    /// <summary>The sets of samples of which it tells numbers.</summary>
    public Func<IEnumerable<IReadOnlyCollection<string>>> Counts { get; init; } = () => [];

    /// <summary>Those of whom it changes who may see or hear of them.</summary>
    public string[] About { get; init; } = [];

    /// <summary>It is refused, which is in the log as well.</summary>
    public bool IsRefused { get; init; }

    /// <summary>It looks carriers up, and names all of them before it knows whom of them it speaks of: an alert's owner is asked for his alleles.</summary>
    public bool LooksUp { get; init; }
}

/// <summary>The verbs of the command line, every one that there is, over the store of a <see cref="WhoSawLab"/>.</summary>
internal sealed class WhoSawVerbs(WhoSawLab lab)
{
    private string Allele => lab.House.Allele;

    private string[] Few => lab.Cohorts["few"];

    /// <summary>Runs all, and holds what each printed against its entries.</summary>
    /// <param name="apart">Verbs that have no entry, or no store.</param>
    /// <param name="wrong">Gets what differs.</param>
    public void Run(string[] apart, List<string> wrong)
    {
        var run = new HashSet<string>(StringComparer.Ordinal);
        using var audit = StoreAudit.Open(lab.Served.StorePath, null, null);
        var hidden = lab.Names.ToDictionary(n => audit.Keys.Hide("sample", n), n => n, StringComparer.Ordinal);
        foreach (var line in All())
        {
            var before = audit.Reader().Latest()!.Value.Checkpoint.Size;
            var (exit, _, bytes, error) = ServedCommands.Local(lab.Served, line.Verb, line.Rest());
            var entries = audit.Reader().Entries(before).Select(e => e.Entry).Where(e => e.Role == "owner" && e.Verb == line.Verb).ToList();
            var question = $"{line.Verb} ({exit} {error})";
            if (exit is not (ExitCode.Done or ExitCode.Incomplete or ExitCode.NothingMatched) != line.IsRefused) wrong.Add($"{question}: did not what it was to do");
            if (entries.Count(e => e.Kind == AuditKind.End) != 1) wrong.Add($"{question}: has {entries.Count(e => e.Kind == AuditKind.End)} ends in the log");
            var told = lab.NamedIn(bytes);
            told.UnionWith(WhoSawLab.Few(line.Counts()));
            told.UnionWith(line.About);
            var found = entries.SelectMany(e => e.Subjects).Where(hidden.ContainsKey).Select(s => hidden[s]).ToHashSet(StringComparer.Ordinal);
            if (line.LooksUp) found.IntersectWith(told);
            WhoSawTests.Hold(question, told, found, wrong);
            run.Add(line.Verb);
        }
        Assert.Equal(Verbs().Except(apart).Order(StringComparer.Ordinal), run.Order(StringComparer.Ordinal));
    }

    /// <summary>Every verb and sub-verb of the table.</summary>
    private static IEnumerable<string> Verbs()
    {
        static IEnumerable<string> Leaves(System.CommandLine.Command command, string path) =>
            command.Subcommands.Count == 0 ? [path] : command.Subcommands.SelectMany(s => Leaves(s, $"{path} {s.Name}"));
        return VerbTable.All.SelectMany(v => Leaves(v.Create().Build(v, new CliRun().Context), v.Name));
    }

    private static WhoSawVerb Of(string verb, params string[] rest) => new(verb, () => rest);

    private IEnumerable<WhoSawVerb> All() => [.. Data(), .. Clinic(), .. Access(), .. Changes()];

    private IEnumerable<WhoSawVerb> Data()
    {
        yield return Of("seen", Allele);
        yield return Of("seen", Allele, "--cohort", "few") with { Counts = () => [Few] };
        yield return Of("freq", "--cohort", "half");
        yield return Of("freq", "--cohort", "few") with { Counts = () => [Few] };
        yield return Of("carriers", Allele);
        yield return Of("case-control", "--cases", "few", "--controls", "rest") with { Counts = () => [Few] };
        yield return Of("export", "--format", "vcf", "-o", "-", "--cohort", "few");
        yield return Of("export", "--format", "tsv", "-o", "-", "--cohort", "one");
        yield return Of("cohort set", "many", "--samples-file", Names("many", lab.Names[..12]));
        yield return Of("cohort set", "ruled", "--where", "person == '" + lab.PersonOf(lab.Names[4]) + "'") with { Counts = () => [[lab.Names[4]]] };
        yield return Of("cohort refresh", "ruled") with { Counts = () => [[lab.Names[4]]] };
        yield return Of("cohort show", "half");
        yield return Of("cohorts") with { Counts = () => lab.Served.Owner((store, _) => store.Cohorts().Select(c => store.CohortMembers(c.Name)).ToList()) };
        yield return Of("info");
        yield return Of("snapshots");
        yield return Of("linkage import", Write("identities", $"person\tname\n{lab.PersonOf(lab.Names[8])}\tRichard Roe\n"));
        yield return Of("linkage show", "--samples-file", Names("linked", Few));
        yield return Of("linkage show", "--persons-file", Names("person", lab.PersonOf(lab.Names[8])));
        yield return Of("linkage verify");
    }

    private IEnumerable<WhoSawVerb> Clinic()
    {
        var owner = Warehouse.Cli.Engine.Owner.Id;
        yield return Of("annotations load", "notes", lab.House.Write("notes", "Benign"), "--release", "2024-05-05");
        yield return Of("annotations list");
        yield return Of("annotations drop", "notes");
        yield return Of("care import", Write("care", $"person\tresponsible\tdeputies\n{lab.PersonOf(lab.Names[9])}\t{owner}\t\n")) with { About = [lab.Names[9]] };
        yield return Of("care show");
        yield return Of("watch add", "his", "--person-file", Names("watched", lab.PersonOf(lab.Names[10])), "--hear", owner) with { About = [lab.Names[10]] };
        yield return Of("watch list");
        yield return Of("watch remove", "his");
        yield return Of("clinvar load", lab.House.Write("2024-06-02", "Likely_pathogenic"), "--release", "2024-06-02", "--hold");
        yield return Of("clinvar releases");
        yield return Of("clinvar compare", AlertHouse.January, AlertHouse.February);
        yield return Of("clinvar preview", "2024-06-02") with { LooksUp = true };
        yield return Of("clinvar accept", "2024-06-02");
        yield return Of("clinvar history", Allele);
        yield return Of("clinvar grades");
        yield return Of("alerts run") with { LooksUp = true };
        yield return Of("alerts list") with { LooksUp = true };
        yield return OfAlert("show");
        yield return OfAlert("snooze", "--hours", "1", "--reason", "later");
        yield return OfAlert("escalate", "--reason", "now");
        yield return OfAlert("delegate", "--to", owner, "--reason", "his");
        yield return OfAlert("ack", "--reason", "seen");
        yield return Of("alerts status");
        yield return Of("alerts settings");
        yield return Of("assess draft", Allele, "--condition", "MONDO:0000005", "--criterion", "PP3=supporting:a prediction");
        yield return OfAssessment("review");
        yield return OfAssessment("sign", "--version-seen", "2", "--reason", "read");
        yield return OfAssessment("show", "--history");
        yield return OfAssessment("supersede", "--criterion", "PP3=moderate:a prediction");
        yield return Of("assess list", "--all");
        yield return Of("assess suggest", Allele, "--cohort", "few") with { Counts = () => [Few] };
        yield return Of("assess settings");
        yield return Of("assess export", "--as", "jsonl", "-o", lab.Served["ours.jsonl"]);
        yield return Of("assess import", Write("theirs", $$$"""{"schema":"warehouse.assessment/1","laboratory":"other","id":7,"version":1,"state":"draft","assembly":"GRCh37","points":0,"implied":"uncertain","content":{"variant":"{{{Allele}}}","condition":"MONDO:0000001","class":"uncertain"}}""" + "\n"));
        yield return Of("assess discordance");
        yield return OfAssessment("retire", "--reason", "no more");
    }

    private IEnumerable<WhoSawVerb> Access()
    {
        string[] opened = lab.Names[11..13];
        yield return Of("access grant", "role:researcher", "--samples-file", Names("granted", opened), "--detail", "record", "--purpose", "research", "--reason", "work") with { About = opened };
        yield return OfEntry("approve");
        yield return OfEntry("attest");
        yield return OfEntry("revoke");
        yield return Of("access assign", "oidc:https://id.example|anna", "researcher");
        yield return Of("access unassign", "oidc:https://id.example|anna", "researcher");
        yield return Of("access project", "lungs", "--member", "role:researcher", "--use", "biomedical");
        yield return Of("access elevate", "--for", "oidc:https://id.example|ben", "--samples-file", Names("elevated", lab.Names[14]), "--detail", "record", "--purpose", "operations", "--minutes", "30", "--reason", "a second look") with { About = [lab.Names[14]] };
        yield return Of("access break-glass", "--samples-file", Names("glass", lab.Names[15]), "--minutes", "10", "--reason", "unconscious") with { About = [lab.Names[15]] };
        yield return Of("access settings");
        yield return Of("access list", "--all");
        yield return Of("access review");
        yield return Of("access explain", "role:researcher", "--purpose", "treatment", "--detail", "record");
        yield return Of("access epoch") with { IsRefused = true }; // the cohorts above differ by few from those of the epoch that is open
    }

    private IEnumerable<WhoSawVerb> Changes()
    {
        File.WriteAllBytes(lab.Served["NEW2.vcf"], lab.House.Vcf("NEW2"));
        yield return Of("ingest", lab.Served["NEW2.vcf"]);
        yield return Of("linkage remove", "--persons-file", lab.Served["person"]);
        yield return Of("linkage rotate");
        yield return Of("withdraw", "--samples-file", Names("withdrawn", lab.Names[23]));
        yield return Of("compact");
        yield return Of("keys rotate");
        yield return Of("verify");
        yield return Of("salvage", "--to", lab.Served["rescued"]);
        yield return Of("audit search", "--sample", lab.Names[3]);
        yield return Of("audit review");
        yield return Of("audit checkpoint", "-o", lab.Served["checkpoint.note"]);
        yield return Of("audit export", "-o", lab.Served["audit.jsonl"]);
    }

    private WhoSawVerb OfAlert(string verb, params string[] rest) => new("alerts " + verb, () => [Owned(), .. rest]) { LooksUp = true };

    private WhoSawVerb OfAssessment(string verb, params string[] rest) => new("assess " + verb, () => [lab.Served.Owner((store, owner) => new AssessmentDesk(store).List(owner).Max(a => a.Id)).ToString(System.Globalization.CultureInfo.InvariantCulture), .. rest]);

    private WhoSawVerb OfEntry(string verb) => new("access " + verb, () => [lab.Served.Owner((store, _) => store.Policy().Entries.Max(e => e.Id)).ToString(System.Globalization.CultureInfo.InvariantCulture)]);

    /// <summary>An open alert of the owner that he was shown.</summary>
    private string Owned() => lab.Served.Owner((store, _) => new AlertBook(store.Events, TimeProvider.System).Alerts.Last(a => a.State == AlertState.Open && a.Shown.ContainsKey(Warehouse.Cli.Engine.Owner.Id)).Id);

    private string Names(string name, params string[] lines) => Write(name, string.Concat(lines.Select(l => l + "\n")));

    private string Write(string name, string text)
    {
        File.WriteAllText(lab.Served[name], text, new UTF8Encoding(false));
        return lab.Served[name];
    }
}
