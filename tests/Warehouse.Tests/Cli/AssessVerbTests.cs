using Warehouse.Cli;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>Assessments from the command line: the path of one, its audit, exchange, and what survives the case.</summary>
public sealed class AssessVerbTests
{
    private const string Allele = "chr1-100-A-G";

    [Fact]
    public void An_assessment_is_drafted_reviewed_signed_superseded_and_retired_and_every_version_stays()
    {
        using var store = Store();
        Assert.Contains("assessment\t1\nversion\t1\nstate\tdraft\n", Draft(store, "PVS1"), StringComparison.Ordinal);
        Assert.Contains("implied\tlikely-pathogenic (9 points)", Assess(store, "draft", Allele, "--edit", "1", "--criterion", "PVS1", "PM2=supporting:rare"), StringComparison.Ordinal);
        Assert.Equal("", Assess(store, "list").Split('\n')[1]);
        Assess(store, "review", "1");
        Assert.Contains("at version 3, not at 2", Refused(ExitCode.BadInput, store, "sign", "1", "--version-seen", "2", "--reason", "read"), StringComparison.Ordinal);
        Assert.Contains("its author alone", Assess(store, "sign", "1", "--version-seen", "3", "--reason", "read"), StringComparison.Ordinal);
        Assert.Contains("\tlikely-pathogenic\t9\tlikely-pathogenic\tPVS1 PM2_supporting\t", Assess(store, "list", "--variant", "chr1:100 A>G"), StringComparison.Ordinal);
        Assert.Contains("is signed: begin one that supersedes it", Refused(ExitCode.BadInput, store, "draft", Allele, "--condition", "MONDO:0000001", "--criterion", "PVS1"), StringComparison.Ordinal);
        Assess(store, "supersede", "1", "--class", "uncertain-high", "--difference", "a healthy parent");
        Assess(store, "review", "5");
        Assess(store, "sign", "5", "--version-seen", "2", "--reason", "read again");
        var list = Assess(store, "list", "--all");
        Assert.Contains("own\t1\t5\tsuperseded\t", list, StringComparison.Ordinal);
        Assert.Contains("own\t5\t3\tsigned\t", list, StringComparison.Ordinal);
        Assess(store, "retire", "5", "--reason", "wrong transcript");
        Assert.Equal(4, Assess(store, "show", "5", "--history").Split("assessment\t5\n").Length - 1);
        Assert.Contains("\tassess sign\t", ExportStore.Must("audit", "search", store.Path, "--verb", "assess sign"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_signed_outlives_the_sample_it_was_found_in_and_is_found_for_the_next_one()
    {
        using var store = Store();
        Draft(store, "PVS1");
        Assess(store, "review", "1");
        Assess(store, "sign", "1", "--version-seen", "2", "--reason", "read");
        ExportStore.Must("withdraw", store.Path, "--samples-file", store.Write("w", "S1\n"));
        ExportStore.Must("compact", store.Path);
        Assert.Contains("signed", Assess(store, "list"), StringComparison.Ordinal);
        store.Ingest("b.vcf", "S3", ["chr1 100 . A G . PASS . GT 0/1"]);
        foreach (var verb in (string[])["seen", "carriers"])
        {
            var lines = ExportStore.Must(verb, store.Path, Allele, "chr1-300-A-G", "--assessments").Split('\n');
            Assert.EndsWith("\tassessment", lines[0], StringComparison.Ordinal);
            Assert.EndsWith("\tlikely-pathogenic MONDO:0000001 (1)", lines[1], StringComparison.Ordinal);
        }
        Assert.DoesNotContain("assessment", ExportStore.Must("seen", store.Path, Allele), StringComparison.Ordinal);
        Assert.DoesNotContain("/e/", ExportStore.Must("verify", store.Path), StringComparison.Ordinal); // ends with 0: nothing is damaged
    }

    [Fact]
    public void Exports_are_formula_safe_and_what_others_say_is_compared()
    {
        using var store = Store();
        ExportStore.Must("assess", "draft", store.Path, Allele, "--condition", "MONDO:0000001", "--condition-name", "=cmd|' /C calc'!A0", "--criterion", "PVS1", "--text-file", store.Write("text", "+1\u202e\tend\n"));
        Assess(store, "review", "1");
        Assess(store, "sign", "1", "--version-seen", "2", "--reason", "read");
        var clinvar = Assess(store, "export", "--as", "clinvar").Split('\n');
        Assert.Equal(18, clinvar[0].Split('\t').Length);
        var cells = clinvar[1].Split('\t');
        Assert.Equal(("'=cmd|' /C calc'!A0", "Likely pathogenic"), (cells[8], cells[10]));
        Assert.DoesNotContain('\u202e', clinvar[1]);
        Assert.Contains("WHA_CLASS=likely-pathogenic;", Assess(store, "export", "--as", "vcf"), StringComparison.Ordinal);
        var line = Assess(store, "export", "--as", "jsonl");
        var theirs = store.Write("theirs", line.Replace("\"own\"", "\"other\"", StringComparison.Ordinal).Replace("\"class\":\"likely-pathogenic\"", "\"class\":\"benign\"", StringComparison.Ordinal).Replace(",\"text\"", ",\"reason\":\"x\",\"text\"", StringComparison.Ordinal));
        Assert.Contains("taken\t1\n", Assess(store, "import", theirs), StringComparison.Ordinal);
        Assert.Contains("known\t1\n", Assess(store, "import", theirs), StringComparison.Ordinal);
        Assert.Contains("critical\t1-100-A-G\tother\tbenign\tMONDO:0000001\town\tlikely-pathogenic\tMONDO:0000001\tyes\n", Assess(store, "discordance"), StringComparison.Ordinal);
        Assert.Contains("major\t1-100-A-G\tClinVar\tuncertain\t.\town\t", Assess(store, "discordance", "--with", store.Write("c", "chr1-100-A-G\tuncertain\tClinVar\n")), StringComparison.Ordinal);
        Assert.Contains(":2", Refused(ExitCode.BadInput, store, "import", store.Write("bad", File.ReadAllText(theirs) + "{}\n")), StringComparison.Ordinal);
    }

    [Fact]
    public void Suggestions_show_the_figures_and_follow_the_settings()
    {
        using var store = Store();
        Assert.Contains("suggested\tnothing\n", Assess(store, "suggest", Allele), StringComparison.Ordinal);
        Assess(store, "settings", "--least-alleles", "4", "--laboratory", "Heart Lab");
        Assert.Contains("least alleles\t4\n", Assess(store, "settings"), StringComparison.Ordinal);
        var shown = Assess(store, "suggest", Allele);
        Assert.Contains("ac\t1\nan\t4\n", shown, StringComparison.Ordinal);
        Assert.Contains("suggested\tPM2 supporting\n", Assess(store, "suggest", "chr1-300-A-G"), StringComparison.Ordinal);
        Assert.Contains("rise, from 0 to 1", Refused(ExitCode.BadInput, store, "settings", "--pm2", "0.5"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no assessment 9", "show", "9")]
    [InlineData("not one of", "draft", Allele, "--condition", "MONDO:0000001", "--class", "bad")]
    [InlineData("28 codes", "draft", Allele, "--condition", "MONDO:0000001", "--criterion", "PVS9")]
    [InlineData("a reason is needed", "draft", Allele, "--condition", "MONDO:0000001", "--class", "benign", "--criterion", "PVS1")]
    [InlineData("MONDO: and seven digits", "draft", Allele, "--condition", "OMIM:1", "--criterion", "PVS1")]
    [InlineData("there is no snapshot 9", "list", "--as-of", "9")]
    [InlineData("symbolic", "draft", "chr1:100-200 <DEL>", "--condition", "MONDO:0000001")]
    public void What_makes_no_sense_is_refused_and_nothing_is_written(string expected, params string[] arguments)
    {
        using var store = Store();
        Assert.Contains(expected, Refused(ExitCode.BadInput, store, arguments), StringComparison.Ordinal);
        Assert.Equal("", Assess(store, "list", "--all").Split('\n')[1]);
    }

    private static string Draft(ExportStore store, string criterion) => Assess(store, "draft", Allele, "--condition", "MONDO:0000001", "--criterion", criterion);

    private static string Assess(ExportStore store, params string[] arguments) => ExportStore.Must(["assess", arguments[0], store.Path, .. arguments[1..]]);

    private static string Refused(ExitCode code, ExportStore store, params string[] arguments)
    {
        var cli = new Cli();
        Assert.Equal(code, cli.Run(["assess", arguments[0], store.Path, .. arguments[1..]]));
        Assert.Empty(cli.OutputBytes);
        return cli.Error;
    }

    private static ExportStore Store()
    {
        var store = new ExportStore();
        store.Ingest("a.vcf", "S1 S2", ["chr1 100 . A G . PASS . GT 0/1 0/0", "chr1 300 . A G . PASS . GT 0/0 0/0"]);
        return store;
    }
}
