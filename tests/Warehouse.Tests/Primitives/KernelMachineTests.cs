using System.Diagnostics;
using Xunit;

namespace Warehouse.Tests.Primitives;

/// <summary>The tests of the kernels again, in processes of their own, on machines without what this one has.</summary>
public sealed class KernelMachineTests
{
    [Fact]
    public void Kernels_equal_their_definitions_with_each_instruction_set_switched_off() =>
        Parallel.ForEach(InstructionSetTests.Settings, new ParallelOptions { MaxDegreeOfParallelism = 2 }, RunWithout);

    private static void RunWithout(string setting)
    {
        Type[] classes = [typeof(InstructionSetTests), typeof(SampleSetKernelTests), typeof(GroupCountTests), typeof(DistanceSumsTests)];
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(InstructionSetTests).Assembly.Location);
        foreach (var tests in classes) start.ArgumentList.Add(tests.FullName!);
        start.Environment[setting] = "0";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Count(c => c == '\n') >= 12, $"{setting}=0: {output}{errors.Result}");
    }
}
