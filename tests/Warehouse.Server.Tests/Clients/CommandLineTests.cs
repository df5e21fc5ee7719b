using Warehouse.Cli;
using Warehouse.Engine.Access;
using Xunit;
using static Warehouse.Server.Tests.Clients.ServedCommands;

namespace Warehouse.Server.Tests.Clients;

/// <summary>The verbs that read, with a server in the place of the store: the same bytes come out.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public async Task Every_verb_that_reads_prints_what_it_prints_of_the_store_itself()
    {
        await using var served = await ServedStore.StartAsync(variants: 600); // the reader is granted everything, and nobody was withdrawn: nothing is hidden from him
        served.Owner((store, _) => store.SetCohort("cases", null, "affected == 'yes'"));
        served.Owner((store, _) => store.SetCohort("controls", null, "affected == 'no'"));
        var credentials = Credentials(served, "reader", Role.Analyst, Role.LabDirector);
        var variants = Local(served, "freq").Output.Split('\n')[1..].Where(l => l.Length > 0).Select(l => l.Split('\t')).Select(c => $"{c[0]}-{c[1]}-{c[2]}-{c[3]}").ToList();
        File.WriteAllLines(served["asked"], [.. variants.Take(40), "22-1-A-C"]);
        File.WriteAllLines(served["names"], ["S000001", "S000002", "S000005"]);
        string[] queries = [.. variants.Take(1100), "22-1-A-C", "nonsense"];
        (string Verb, string[] More)[] lines =
        [
            ("seen", queries), ("seen", [variants[3], "--cohort", "cases"]), ("freq", []), ("freq", ["--by", "ancestry", "--adj", "--cohort", "controls"]), ("freq", ["--region", "22:1,001-2,000", "--symbolic", "--min-ac", "2"]),
            ("freq", ["--variants", served["asked"], "--samples-file", served["names"], "--per", "sample"]), ("freq", ["--region", "22:1-3,000", "--as-of", "2"]), ("carriers", [variants[0], variants[5], "22-1-A-C", "nonsense"]),
            ("case-control", ["--cases", "cases", "--controls", "controls"]), ("cohorts", []), ("cohort show", ["cases"]), ("snapshots", []), ("info", []), ("verify", []),
            ("access list", ["--all"]), ("access review", []), ("access settings", []), ("access explain", ["group:nobody", "--purpose", "treatment", "--detail", "record"]), // those of audit: AccessCommandTests
        ];
        var wrong = new List<string>();
        foreach (var (verb, rest) in lines)
            foreach (var format in Formats) Compare(served, credentials, verb, [.. rest, "--format", format], wrong);
        foreach (var (format, name) in new[] { ("vcf", "a.vcf"), ("vcf", "a.vcf.gz"), ("bcf", "a.bcf"), ("tsv", "a.tsv"), ("arrow", "a.arrows") })
        {
            var (local, remote) = (Local(served, "export", "--format", format, "--cohort", "cases", "-o", served["local-" + name]), Remote(served, credentials, "export", "--format", format, "--cohort", "cases", "-o", served["remote-" + name]));
            if (local.Exit != remote.Exit || !File.Exists(served["remote-" + name]) || !Same(served["local-" + name], served["remote-" + name])) wrong.Add($"export {name}: {remote.Exit} {remote.Error}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>A researcher with a grant of figures alone need not say so: he is printed what he is printed at that level.</summary>
    [Fact]
    public async Task Who_names_no_level_is_answered_at_the_most_that_is_granted_to_him()
    {
        await using var served = await ServedStore.StartAsync(samples: 140, variants: 120, seed: 5);
        var (pem, issued) = served.Server.Identity.Issue("researcher", 1, roles: [Role.Researcher]);
        File.WriteAllText(served["researcher.pem"], pem);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Aggregate, Detail.Exists);
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        File.WriteAllLines(served["asked"], [Local(served, "freq").Output.Split('\n')[1].Split('\t') is var c ? $"{c[0]}-{c[1]}-{c[2]}-{c[3]}" : ""]);
        foreach (var line in (string[][])[["seen", File.ReadAllLines(served["asked"])[0]], ["freq", "--variants", served["asked"]], ["cohorts"], ["snapshots"]])
        {
            var (said, most, least) = (Remote(served, served["researcher.pem"], line[0], [.. line[1..], "--detail", "aggregate"]), Remote(served, served["researcher.pem"], line[0], line[1..]), Remote(served, served["researcher.pem"], line[0], [.. line[1..], "--detail", "record"]));
            Assert.True((said.Exit, said.Output) == (most.Exit, most.Output) && said.Output.Length > 10, $"{line[0]}: {said.Exit} {most.Exit}\n{said.Output}{said.Error}\n{most.Output}{most.Error}");
            Assert.Equal(ExitCode.CouldNot, least.Exit);
        }
        AssertFails(Remote(served, served["researcher.pem"], "carriers", "22-1-A-C"), ExitCode.CouldNot, "not-granted");
    }

    [Fact]
    public async Task What_a_server_refuses_is_a_line_with_the_rule_and_a_code()
    {
        await using var served = await ServedStore.StartAsync(samples: 5, variants: 40);
        var credentials = Credentials(served, "reader", Role.Analyst);
        var stranger = served["stranger.pem"];
        File.WriteAllText(stranger, served.Server.Identity.Issue("stranger", 1, roles: [Role.Analyst]).Pem);
        AssertFails(Remote(served, stranger, "seen", "22-1-A-C"), ExitCode.CouldNot, "no-samples", "not-granted");
        AssertFails(Remote(served, credentials, "freq", "--cohort", "nobody"), ExitCode.BadInput, "unknown-cohort");
        AssertFails(Remote(served, credentials, "freq", "--no-precomputed"), ExitCode.BadInput, "--no-precomputed");
        AssertFails(Remote(served, credentials, "info"), ExitCode.CouldNot, "not-granted");
        AssertFails(Remote(served, credentials, "verify", "--repair-from", "x"), ExitCode.BadInput, "--repair-from");
        AssertFails(Run("info", "--server", "https://localhost:1", "--credentials", credentials), ExitCode.CouldNot, "");
        AssertFails(Run("info", "--server", "localhost", "--credentials", credentials), ExitCode.BadInput, "server-address");
        AssertFails(Run("info", "--server", $"https://localhost:{served.Server.Port}"), ExitCode.CouldNot, "");
    }

    [Fact]
    public void A_line_names_a_store_or_a_server()
    {
        using var folder = new Units.TempFolder();
        Directory.CreateDirectory(folder["lab.wh"]);
        AssertFails(Run("info", folder["lab.wh"], "--server", "https://localhost:1"), ExitCode.BadInput, "not both");
        AssertFails(Run("seen", "--server", "https://localhost:1", folder["lab.wh"], "22-1-A-C"), ExitCode.BadInput, "not both");
        AssertFails(Run("info"), ExitCode.BadInput, "--server URL");
        AssertFails(Run("seen"), ExitCode.BadInput, "--server URL");
        AssertFails(Run("freq", folder["lab.wh"], "--purpose", "research"), ExitCode.BadInput, "--purpose goes with --server");
        AssertFails(Run("ingest", "--server", "https://localhost:1", "x.vcf"), ExitCode.BadInput, "--server");
        AssertFails(Run("freq", "--server", "https://localhost:1", "--keys", "k"), ExitCode.BadInput, "--keys");
    }

    private static bool Same(string local, string remote) => File.ReadAllBytes(local) is { Length: > 1000 } bytes && bytes.AsSpan().SequenceEqual(File.ReadAllBytes(remote));

    private static void AssertFails((ExitCode Exit, string Output, byte[] Bytes, string Error) run, ExitCode code, params string[] anyOf)
    {
        Assert.True(run.Exit == code, $"{run.Exit}: {run.Error}");
        Assert.True(anyOf.Any(a => run.Error.Contains(a, StringComparison.Ordinal)), run.Error);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }
}
