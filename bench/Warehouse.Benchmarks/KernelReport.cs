using System.Globalization;
using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Perfolizer.Horology;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>Runs the benchmarks in this process, in about three minutes, and writes one Markdown page of their tables; and of each store that is named how its genotypes are read.</summary>
internal static class KernelReport
{
    private static readonly Type[] Classes =
        [typeof(ListBenchmarks), typeof(PlaneBenchmarks), typeof(GroupBenchmarks), typeof(ByteBenchmarks), typeof(Crc32Benchmarks), typeof(SampleSetsBenchmarks), typeof(CodecBenchmarks), typeof(StoreBenchmarks)];

    public static void Write(string file, string[] stores)
    {
        var job = Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance).WithIterationTime(TimeInterval.FromMilliseconds(100));
        var config = ManualConfig.CreateEmpty().AddLogger(ConsoleLogger.Default).AddColumnProvider(DefaultColumnProviders.Instance).AddColumn(new RateColumn())
            .AddFilter(new SimpleFilter(IsRunnable)).WithArtifactsPath(Path.Combine(Path.GetTempPath(), "kernel-benchmarks")).AddJob(job);
        var summaries = Classes.Select(type => BenchmarkRunner.Run(type, config)).ToArray();
        using var to = new StreamWriter(file) { NewLine = "\n" };
        to.WriteLine("# Kernels");
        to.WriteLine();
        to.WriteLine("One thread, data warm in cache, short job in process: read differences below 1.2x as none. Ratio is time over that of the bound or the definition of its class. `dotnet run -c Release --project bench/Warehouse.Benchmarks kernels FILE [STORE…]` writes this page.");
        to.WriteLine();
        to.WriteLine("```");
        foreach (var line in summaries[0].HostEnvironmentInfo.ToFormattedString()) to.WriteLine(line);
        to.WriteLine("```");
        foreach (var summary in summaries) WriteTable(to, summary);
        foreach (var store in stores)
        {
            to.WriteLine($"\n## Genotypes of {Path.GetFileName(store)}: plain form, then haplotypes\n\n```");
            foreach (var line in SetsReading.Of(store).Concat(HaplotypeReading.Of(store))) to.WriteLine(line);
            to.WriteLine("```");
        }
    }

    /// <summary>A path whose name says 256 or 512 needs vectors of that width; the register mask also a narrow panel.</summary>
    public static bool IsRunnable(BenchmarkCase benchmark)
    {
        var name = benchmark.Descriptor.WorkloadMethod.Name;
        if (name.Contains("256", StringComparison.Ordinal)) return Avx2.IsSupported;
        if (!name.Contains("512", StringComparison.Ordinal)) return true;
        return Avx512Vbmi2.IsSupported && (name != nameof(ListBenchmarks.Register512) || (int)benchmark.Parameters["SampleCount"] <= SampleMask.RegisterSamples);
    }

    private static void WriteTable(StreamWriter to, Summary summary)
    {
        string[] shown = ["Method", .. summary.BenchmarksCases[0].Parameters.Items.Select(item => item.Name), "Mean", "Ratio", "Rate"];
        var columns = summary.Table.Columns.Where(column => shown.Contains(column.Header)).OrderBy(column => Array.IndexOf(shown, column.Header)).ToArray();
        to.WriteLine();
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"## {summary.BenchmarksCases[0].Descriptor.Type.Name.Replace("Benchmarks", "", StringComparison.Ordinal)}"));
        to.WriteLine();
        to.WriteLine($"| {string.Join(" | ", columns.Select(column => column.Header))} |");
        to.WriteLine($"|{string.Concat(columns.Select(_ => " --- |"))}");
        for (var row = 0; row < summary.Table.FullContent.Length; row++) to.WriteLine($"| {string.Join(" | ", columns.Select(column => column.Content[row].Trim('\'')))} |");
    }
}
