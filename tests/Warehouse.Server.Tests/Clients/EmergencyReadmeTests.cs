using Warehouse.Engine.Export;
using Xunit;

namespace Warehouse.Server.Tests.Clients;

/// <summary>The emergency of the README, from the first refusal to the sign-off of the auditor, is executed line by line: nobody in it has the store's folder, but who issues certificates.</summary>
public sealed class EmergencyReadmeTests
{
    private const string Heading = "### Who may see what, served", Sample = "S000005", Allele = "22-1029-G-A";

    [Fact]
    public async Task From_the_grant_of_a_steward_to_the_sign_off_of_an_auditor()
    {
        await using var served = await ServedStore.StartAsync(samples: 40, variants: 400, seed: 1);
        await served.Server.Rounds.DisposeAsync();
        served.Owner((store, _) => store.SetCohort("cardio", ["S000001", "S000002"], null));
        var allele = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            var row = session.Rows(new GenotypeRequest()).First(r => r.Sample == Sample);
            return $"{row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt}";
        });
        File.WriteAllText(served["one.txt"], Sample + "\n");
        var said = new List<(string Line, string Output)>();
        foreach (var line in ReadmeTests.LinesBelow(Heading))
        {
            said.Add((line, ReadmeTests.Run(line, w => w switch
            {
                ReadmeTests.Address => served.Url, "lab.wh.server" => served.StorePath + ".server", Allele => allele, "lab.wh" => throw new InvalidOperationException($"{line}: this needs the store's folder"),
                _ => w.EndsWith(".pem", StringComparison.Ordinal) || w is "one.txt" or "monday.note" ? served[w] : w,
            })));
        }
        string Of(string words) => said.Last(s => s.Line.StartsWith("warehouse " + words, StringComparison.Ordinal)).Output;
        Assert.Contains("state\tin-force\n", Of("access approve"), StringComparison.Ordinal);
        Assert.Contains("state\tin-force\n", Of("access break-glass"), StringComparison.Ordinal);
        Assert.Contains(Sample, Of("carriers"), StringComparison.Ordinal);
        Assert.Contains("one patient", said.First(s => s.Line.StartsWith("warehouse access review", StringComparison.Ordinal)).Output, StringComparison.Ordinal);
        Assert.Contains("warehouse.v1.Variants/Carriers", Of("audit search"), StringComparison.Ordinal);
        Assert.Contains("break-glass", Of("audit review"), StringComparison.Ordinal);
        Assert.True(new FileInfo(served["monday.note"]).Length > 100);
    }
}
