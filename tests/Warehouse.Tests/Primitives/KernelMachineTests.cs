using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;
using Xunit;

namespace Warehouse.Tests.Primitives;

/// <summary>The tests of the kernels again, in processes of their own, on machines without what this one has.</summary>
public sealed partial class KernelMachineTests
{
    private static readonly string[] Settings = ["DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic"];

    [Fact]
    public void Kernels_equal_their_definitions_with_each_instruction_set_switched_off() =>
        Parallel.ForEach(Settings, new ParallelOptions { MaxDegreeOfParallelism = 2 }, RunWithout);

    [Fact]
    public void A_setting_of_the_runtime_switches_off_what_it_names()
    {
        Assert.False(Avx512BW.IsSupported && Settings.Any(IsOff));
        Assert.False(Avx2.IsSupported && Settings[1..].Any(IsOff));
        Assert.False(Vector128.IsHardwareAccelerated && IsOff("DOTNET_EnableHWIntrinsic"));
    }

    private static void RunWithout(string setting)
    {
        string[] classes = [nameof(SampleSetKernelTests), nameof(GroupCountTests), nameof(DistanceSumsTests), nameof(A_setting_of_the_runtime_switches_off_what_it_names)];
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("vstest");
        start.ArgumentList.Add(typeof(KernelMachineTests).Assembly.Location);
        start.ArgumentList.Add("--TestCaseFilter:" + string.Join('|', classes.Select(name => "FullyQualifiedName~Primitives." + name).Append("FullyQualifiedName~" + classes[^1])));
        start.Environment[setting] = "0";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && int.Parse(PassedTests().Match(output).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) >= 12, $"{setting}=0: {output}{errors.Result}");
    }

    private static bool IsOff(string setting) => Environment.GetEnvironmentVariable(setting) == "0";

    [GeneratedRegex(@"Passed: *(\d+)")]
    private static partial Regex PassedTests();
}
