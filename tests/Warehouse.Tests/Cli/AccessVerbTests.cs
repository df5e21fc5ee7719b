using Warehouse.Cli;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>The policy from the command line: what is granted is listed with who did it, reviewed and explained, and no sample is named.</summary>
public sealed class AccessVerbTests
{
    private const string Anna = "oidc:https://id.example|anna", Ben = "oidc:https://id.example|ben";
    private static readonly string Me = "local:" + Warehouse.Cli.Engine.Principal;

    [Fact]
    public void A_grant_is_listed_with_who_granted_and_approved_it_and_what_it_opens()
    {
        using var store = Store();
        Assert.Contains("entry\t1\nstate\tawaits-approval\n", Access(store, "grant", Ben, "--cohort", "few", "--detail", "record", "--purpose", "treatment", "--reason", "his patients"), StringComparison.Ordinal);
        Assert.Contains("state\tin-force\n", Access(store, "approve", "1"), StringComparison.Ordinal);
        var cells = Access(store, "list").Split('\n')[1].Split('\t');
        Assert.Equal(["1", "grant", Ben, "cohort few, record, treatment", "in-force"], cells[..5]);
        Assert.Equal((Me, Me, "his patients"), (cells[8], cells[10], cells[13]));
        Assert.Contains("1\tattest\t", Access(store, "review"), StringComparison.Ordinal);
        Access(store, "attest", "1");
        Access(store, "revoke", "1");
        Assert.DoesNotContain("grant", Access(store, "list"), StringComparison.Ordinal);
        Assert.Contains("\trevoked\t", Access(store, "list", "--all"), StringComparison.Ordinal);
    }

    [Fact]
    public void Once_there_is_a_steward_the_owner_does_not_approve_what_he_made()
    {
        using var store = Store();
        Access(store, "assign", Anna, "data-steward");
        Access(store, "approve", "1");
        Access(store, "grant", Ben, "--all-samples", "--detail", "record", "--purpose", "treatment");
        Assert.Contains("another principal", Refused(ExitCode.CouldNot, store, "approve", "2"), StringComparison.Ordinal);
        var list = Access(store, "list");
        Assert.Contains("2\tgrant\t" + Ben + "\tall samples, record, treatment\tawaits-approval\t", list, StringComparison.Ordinal);
        Assert.Contains("2\tawaits-approval\t", Access(store, "review"), StringComparison.Ordinal);
        Access(store, "unassign", Anna, "data-steward");
        Access(store, "approve", "2");
    }

    [Fact]
    public void Explain_says_what_is_missing_step_by_step_and_nothing_of_what_is_hidden()
    {
        using var store = Store();
        string Explain(params string[] options) => Access(store, ["explain", Ben, .. options]);
        Assert.Contains("answer\tagainst\trefused (not-granted)", Explain("--purpose", "treatment", "--detail", "record"), StringComparison.Ordinal);
        Access(store, "grant", "group:ward", "--samples-file", store.Write("names", "S1\n"), "--detail", "record", "exists", "--purpose", "treatment");
        Assert.Contains("grant 1\tagainst\ta list of samples, exists+record, treatment, until ", Explain("--group", "ward", "--purpose", "treatment", "--detail", "record"), StringComparison.Ordinal);
        Access(store, "approve", "1");
        Assert.Contains("answer\tfor\texact", Explain("--group", "ward", "--purpose", "treatment", "--detail", "record"), StringComparison.Ordinal);
        Assert.Contains("answer\tfor\tyes where at least 11 samples", Explain("--group", "ward", "--purpose", "treatment", "--detail", "exists"), StringComparison.Ordinal);
        Assert.Contains("not at this level of detail", Explain("--group", "ward", "--purpose", "treatment", "--detail", "aggregate"), StringComparison.Ordinal);
        Assert.Contains("not for this purpose", Explain("--group", "ward", "--purpose", "operations", "--detail", "record"), StringComparison.Ordinal);
        Assert.Contains("roles\tagainst\toperator:", Explain("--group", "ward", "--role", "operator", "--purpose", "treatment", "--detail", "record"), StringComparison.Ordinal);
        var research = Explain("--group", "ward", "--purpose", "research", "--detail", "record");
        Assert.Contains("project\tagainst\t", research, StringComparison.Ordinal);
        Assert.Contains("refused (project)", research, StringComparison.Ordinal);
        Assert.DoesNotContain("S1", Explain("--group", "ward", "--purpose", "treatment", "--detail", "record") + Access(store, "list") + Access(store, "review"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_glass_is_in_the_review_and_in_the_audit_log_with_whom_it_opens()
    {
        using var store = Store();
        Access(store, "break-glass", "--for", Ben, "--samples-file", store.Write("names", "S2\n"), "--minutes", "30", "--reason", "found unconscious");
        Assert.Contains("1\treview-break-glass\t", Access(store, "review"), StringComparison.Ordinal);
        Assert.Contains("break-glass: one patient, record, treatment", Access(store, "review"), StringComparison.Ordinal);
        Assert.Contains("\taccess break-glass\t", ExportStore.Must("audit", "search", store.Path, "--sample", "S2"), StringComparison.Ordinal);
        Assert.Contains("\taccess break-glass\t", ExportStore.Must("audit", "review", store.Path), StringComparison.Ordinal);
        Access(store, "review", "--reviewed", "1");
        Assert.DoesNotContain("review-break-glass", Access(store, "review"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("role:analyst or group:NAME", "grant", "somebody", "--all-samples", "--detail", "record", "--purpose", "treatment")]
    [InlineData("all samples, a cohort, or a list", "grant", "group:g", "--detail", "record", "--purpose", "treatment")]
    [InlineData("there is no cohort", "grant", "group:g", "--cohort", "none", "--detail", "record", "--purpose", "treatment")]
    [InlineData("one of exists, aggregate, record, linkage", "grant", "group:g", "--all-samples", "--detail", "all", "--purpose", "treatment")]
    [InlineData("a time is a day", "grant", "group:g", "--all-samples", "--detail", "record", "--purpose", "treatment", "--until", "tomorrow")]
    [InlineData("not a role", "assign", "group:g", "chief")]
    [InlineData("no entry 9", "approve", "9")]
    [InlineData("k is at least 11", "settings", "--k", "5")]
    [InlineData("names diseases", "project", "p", "--member", "group:g", "--use", "disease")]
    public void What_makes_no_sense_is_refused_with_what_was_expected(string expected, params string[] arguments)
    {
        using var store = Store();
        var error = Refused(ExitCode.BadInput, store, arguments);
        Assert.Contains(expected.Replace("role:analyst or group:NAME", "expected role:ROLE"), error, StringComparison.Ordinal);
        Assert.Equal("entry", Access(store, "list", "--all").Split('\t')[0]);
        Assert.Single(Access(store, "list", "--all").TrimEnd('\n').Split('\n'));
    }

    private static string Access(ExportStore store, params string[] arguments) => ExportStore.Must(["access", arguments[0], store.Path, .. arguments[1..]]);

    private static string Refused(ExitCode code, ExportStore store, params string[] arguments)
    {
        var cli = new Cli();
        Assert.Equal(code, cli.Run(["access", arguments[0], store.Path, .. arguments[1..]]));
        Assert.Empty(cli.OutputBytes);
        return cli.Error;
    }

    private static ExportStore Store()
    {
        var store = new ExportStore();
        store.Ingest("a.vcf", "S1 S2", ["chr1 100 . A G . PASS . GT 0/1 0/0"]);
        ExportStore.Must("cohort", "set", store.Path, "few", "--where", "sample == 'S1'");
        return store;
    }
}
