using System.Diagnostics;

namespace Warehouse.Tests;

/// <summary>Runs foreign programs (bcftools, plink2, node …) as oracles.</summary>
public static class Peer
{
    /// <summary>True when the program is on PATH.</summary>
    public static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => System.IO.File.Exists(Path.Combine(d, program)));

    /// <summary>Runs a program and returns exit code, standard output and standard error.</summary>
    public static (int Exit, string Output, string Error) Run(string program, params string[] arguments) => RunIn(Path.GetTempPath(), program, arguments);

    /// <summary>The same in a folder.</summary>
    public static (int Exit, string Output, string Error) RunIn(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        foreach (var a in arguments) start.ArgumentList.Add(a);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>Runs a program that must succeed and returns its standard output.</summary>
    public static string Output(string program, params string[] arguments)
    {
        var (exit, output, error) = Run(program, arguments);
        return exit == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit {exit}: {error}");
    }
}
