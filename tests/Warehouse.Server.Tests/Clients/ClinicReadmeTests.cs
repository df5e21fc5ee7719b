using Warehouse.Server.Tests.Services;
using Xunit;

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
        foreach (var line in ReadmeTests.LinesBelow(Heading))
        {
            var output = ReadmeTests.Run(line, w => w switch
            {
                ReadmeTests.Address => served.Url, "lab.wh" => served.StorePath, "lab.wh.server" => served.StorePath + ".server", Id => alert, Allele => house.Allele,
                _ => w.EndsWith(".pem", StringComparison.Ordinal) || w.EndsWith(".vcf", StringComparison.Ordinal) ? served[w] : w,
            });
            served.Server.Store.LookNow();
            var words = line.Split(' ');
            if (words[2] == "follow") alert = output.Split('\n')[1].Split('\t')[0];
            if (words[2] == "preview") release = output;
            lines.Add($"{words[1]} {words[2]}: {output}");
        }
        Assert.Contains("alerts\t.\t.\t.\tcritical\t", release, StringComparison.Ordinal);
        Assert.Equal(20, alert.Length);
        Assert.Contains(lines, l => l.StartsWith("alerts show: ", StringComparison.Ordinal) && l.Contains($"{alert}\tcritical\topen\t", StringComparison.Ordinal) && l.Contains("germline uncertain>pathogenic", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("alerts ack: ", StringComparison.Ordinal) && l.Contains($"{alert}\tcritical\tacknowledged\t", StringComparison.Ordinal));
    }
}
