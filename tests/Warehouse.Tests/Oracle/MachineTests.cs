using System.Collections.Concurrent;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>What the machine has changes no figure: neither the width of its vectors nor the number of its processors.</summary>
[Trait("needs", "product")]
public sealed class MachineTests
{
    /// <summary>A setting of the runtime, and what <c>doctor</c> says of the vector unit where the setting has no effect.</summary>
    private static readonly (string Setting, string Without)[] Machines =
        [("DOTNET_PROCESSOR_COUNT=1", "?"), ("DOTNET_EnableAVX512=0", "\t512 bits"), ("DOTNET_EnableAVX2=0", "\t256 bits"), ("DOTNET_EnableHWIntrinsic=0", " bits")];

    [Fact]
    public void Thread_counts_and_vector_widths_change_no_figure()
    {
        using var folder = new TempFolder();
        Simulator.Run(new SimulationOptions { Folder = folder["joint"], Samples = 300, Variants = 800, Seed = 3, Format = SimulationFormat.Full, HalfCallRate = 0.01 }, null, CancellationToken.None);
        Simulator.Run(new SimulationOptions { Folder = folder["blocks"], Samples = 10, Variants = 400, Seed = 4, Shape = SimulationShape.Gvcf }, null, CancellationToken.None);
        var answers = new ConcurrentDictionary<string, string[]>();
        Parallel.ForEach(Machines, new ParallelOptions { MaxDegreeOfParallelism = 2 }, machine => answers[machine.Setting] = Answers(folder, machine));
        var first = answers[Machines[0].Setting];
        Assert.All(first, tsv => Assert.True(tsv.Count(c => c == '\n') > 400));
        Assert.All(answers, a => Assert.Equal(first, a.Value));
    }

    /// <summary>Loads both sets into stores of their own and asks, all under one setting; two processors unless it says one.</summary>
    private static string[] Answers(TempFolder folder, (string Setting, string Without) machine)
    {
        string Run(params string[] arguments) => Product.Must([0], Product.Run(null, arguments, "DOTNET_PROCESSOR_COUNT=2", machine.Setting)).Output;
        Assert.DoesNotContain(machine.Without, Run("doctor", "--format", "tsv").Split('\n').Single(l => l.StartsWith("vector unit\t", StringComparison.Ordinal)));
        var answers = new List<string>();
        foreach (var (set, files) in new[] { ("joint", [folder["joint/" + Simulator.JointName]]), ("blocks", Directory.GetFiles(folder["blocks/gvcf"]).Order(StringComparer.Ordinal).ToArray()) })
        {
            var store = folder[$"{set}.{machine.Setting}"];
            Product.Must([0], Product.RunHere("init", store, "--assembly", "GRCh37", "--reference", folder[set + "/reference.fa"]));
            Run(["ingest", store, .. files, "--samples", folder[set + "/samples.tsv"]]);
            Product.Must([0], Product.RunHere("cohort", "set", store, "women", "--where", "sex == 'XX'"));
            answers.Add(Run("freq", store, "--cohort", "women", "--by", "ancestry", "--adj", "--format", "tsv"));
            if (set == "joint") answers.Add(Run("freq", store, "--no-precomputed", "--format", "tsv"));
        }
        return [.. answers];
    }
}
