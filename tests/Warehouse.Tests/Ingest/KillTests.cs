using System.Diagnostics;
using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>I1 and I2 from outside: the real program is killed at moments of its ingest; the store has the batch whole, or not at all.</summary>
public sealed class KillTests
{
    private const int Kills = 12;

    [Fact]
    public void An_ingest_that_is_killed_is_there_whole_or_not_at_all()
    {
        using var folder = new TempFolder();
        var simulated = Simulator.Run(new SimulationOptions { Folder = folder["data"], Samples = 300, Variants = 6000, Seed = 11, SexChromosomes = false }, null, default);
        var store = folder["store"];
        using (VariantStore.Create(new CreateOptions { Path = store, Assembly = "GRCh37" })) { }
        var (absent, whole) = (0, 0);
        var random = new Random(4711);
        for (var kill = 0; kill < Kills && whole == 0; kill++)
        {
            RunAndKill(store, folder["data/cohort.vcf.gz"], random.Next(20, 450));
            using var opened = VariantStore.Open(store);
            var rows = Count(opened);
            Assert.True(rows == 0 || rows == simulated.Alleles, $"seed 4711, kill {kill}: {rows} of {simulated.Alleles} variants");
            if (rows == 0) absent++;
            else whole++;
            Assert.DoesNotContain(opened.Verify(), f => f.Kind != FindingKind.Surplus);
        }
        RunAndKill(store, folder["data/cohort.vcf.gz"], Timeout.Infinite);
        using var complete = VariantStore.Open(store);
        Assert.Equal(simulated.Alleles, Count(complete));
        Assert.True(absent + whole > 0);
    }

    private static long Count(VariantStore store)
    {
        using var session = store.OpenSession();
        return session.Frequencies(new FrequencyRequest()).LongCount();
    }

    private static void RunAndKill(string store, string file, int afterMs)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), "ingest", store, file]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(afterMs)) process.Kill();
        process.WaitForExit();
        Assert.True(afterMs != Timeout.Infinite || process.ExitCode == 0, output.Result + error.Result);
    }
}
