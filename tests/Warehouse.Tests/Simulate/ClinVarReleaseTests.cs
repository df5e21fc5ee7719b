using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Simulate;

/// <summary>Simulated releases differ in what their truth says, and in nothing else.</summary>
public sealed class ClinVarReleaseTests
{
    [PeerFact("zcat")]
    public void The_changes_of_two_releases_are_those_of_the_truth()
    {
        foreach (var form in Enum.GetValues<ClinVarForm>()) AssertTruth(form);
    }

    private static void AssertTruth(ClinVarForm form)
    {
        using var folder = new TempFolder();
        Simulator.Run(new SimulationOptions { Folder = folder.Path, Samples = 2, Variants = 6000, Seed = 5, ClinVar = form }, null, CancellationToken.None);
        var (older, newer) = (Read(folder["clinvar-1.vcf.gz"]), Read(folder["clinvar-2.vcf.gz"]));
        var truth = File.ReadAllLines(folder["clinvar-changes.tsv"])[1..].Select(l => l.Split('\t')).ToDictionary(f => string.Join(' ', f[..4]));
        var changed = older.Keys.Union(newer.Keys).Where(k => older.GetValueOrDefault(k) != newer.GetValueOrDefault(k)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(truth.Keys.Order(StringComparer.Ordinal), changed);
        Assert.True(changed.Count > 300);
        foreach (var key in changed)
        {
            var (f, none) = (truth[key], (".", ".", "."));
            Assert.Equal((f[5], f[7], f[9]), older.GetValueOrDefault(key, none));
            Assert.Equal((f[6], f[8], f[10]), newer.GetValueOrDefault(key, none));
            Assert.Equal(f[4] == "new", !older.ContainsKey(key));
            Assert.Equal(f[4] == "dropped", !newer.ContainsKey(key));
        }
        Assert.True(truth.Values.Select(f => f[4]).Distinct().Count() > 7, string.Join(' ', truth.Values.Select(f => f[4]).Distinct()));
    }

    private static Dictionary<string, (string Id, string Class, string Review)> Read(string path) => Peer.Output("zcat", path).Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t'))
        .ToDictionary(f => $"{f[0]} {f[1]} {f[3]} {f[4]}", f => (f[2], Info(f[7], "CLNSIG"), Info(f[7], "CLNREVSTAT")));

    private static string Info(string info, string key) => info.Split(';').First(i => i.StartsWith(key + "=", StringComparison.Ordinal))[(key.Length + 1)..];
}
