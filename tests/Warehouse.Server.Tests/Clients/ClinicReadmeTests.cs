using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Services;
using Warehouse.Tests;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;

namespace Warehouse.Server.Tests.Clients;

/// <summary>The clinician's path of the README, from "a release arrives" to "the amended report is sent", is executed line by line.</summary>
public sealed class ClinicReadmeTests
{
    private const string Heading = "### A reclassification, served", Id = "3f0c5b1e2a9d4c6f7b80", Allele = "22-1029-G-A";

    [Fact]
    public async Task From_the_arrival_of_a_release_to_the_amended_report()
    {
        await using var house = await AlertHouse.StartAsync();
        var served = house.Served;
        var (release, alert, lines) = ("", "", new List<string>());
        house.Write("january", "Uncertain_significance");
        house.Write("february", "Pathogenic");
        foreach (var line in Block().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = CliRun.Words(line).Select(w => w switch
            {
                ReadmeTests.Address => served.Url, "lab.wh" => served.StorePath, "lab.wh.server" => served.StorePath + ".server", Id => alert, Allele => house.Allele,
                _ => w.EndsWith(".pem", StringComparison.Ordinal) || w.EndsWith(".vcf", StringComparison.Ordinal) ? served[w] : w,
            }).ToArray();
            if (words[0] == "certificate")
            {
                Assert.Equal(0, CertificateCommand.Run(words[1..], TextWriter.Null, TextWriter.Null, TimeProvider.System));
                continue;
            }
            var cli = new CliRun();
            var exit = cli.Run(words);
            Assert.True(exit == Cli.ExitCode.Done, $"{line}: {exit}: {cli.Error}{cli.Output}");
            served.Server.Store.LookNow();
            if (words[1] == "follow") alert = cli.Output.Split('\n')[1].Split('\t')[0];
            lines.Add($"{words[0]} {words[1]}: {cli.Output}");
            release = words[1] == "preview" ? cli.Output : release;
        }
        Assert.Contains("alerts\t.\t.\t.\tcritical\t", release, StringComparison.Ordinal);
        Assert.Equal(20, alert.Length);
        Assert.Contains(lines, l => l.StartsWith("alerts show: ", StringComparison.Ordinal) && l.Contains($"{alert}\tcritical\topen\t", StringComparison.Ordinal) && l.Contains("germline uncertain>pathogenic", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("alerts ack: ", StringComparison.Ordinal) && l.Contains($"{alert}\tcritical\tacknowledged\t", StringComparison.Ordinal));
    }

    private static string Block()
    {
        var text = File.ReadAllText(Path.Combine(TestData.ProjectRoot, "README.md"));
        return text[text.IndexOf(Heading, StringComparison.Ordinal)..].Split("```")[1];
    }
}
