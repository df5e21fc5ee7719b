using Warehouse.Cli;
using Warehouse.Engine.Access;
using Xunit;
using static Warehouse.Server.Tests.Clients.ServedCommands;

namespace Warehouse.Server.Tests.Clients;

/// <summary>Lines with a server in the place of the store: at which level they are answered, and what is refused. What they print is held against the store itself by <see cref="ServedVerbTests"/>.</summary>
public sealed class CommandLineTests
{
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

    private static void AssertFails((ExitCode Exit, string Output, byte[] Bytes, string Error) run, ExitCode code, params string[] anyOf)
    {
        Assert.True(run.Exit == code, $"{run.Exit}: {run.Error}");
        Assert.True(anyOf.Any(a => run.Error.Contains(a, StringComparison.Ordinal)), run.Error);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }
}
