using System.Diagnostics;
using System.Globalization;
using Warehouse.Simulation.Faults;

namespace Warehouse.Simulation;

/// <summary>
/// <c>soak HARNESS --minutes N --seed S</c>: a harness for some time. Prints one line: harness, runs, failures, seed, and the bound of its
/// failures that no failure in so many runs gives with 95 %: 3 / runs. Exit 1 when something failed; each failure says its seed.
/// </summary>
internal static class Soak
{
    /// <summary>The harnesses by name: each runs from a seed on until it is told that its runs are enough.</summary>
    private static readonly Dictionary<string, Func<int, Func<long, bool>, Outcome>> Harnesses = new()
    {
        ["crash"] = CrashStates.Run,
        ["fault"] = FaultLoop.Run,
        ["kill"] = KillLoop.Run,
        ["history"] = HistoryRun.Run,
    };

    /// <summary>Runs the harness named first; without one prints their names.</summary>
    internal static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.IsEmpty)
        {
            foreach (var known in Harnesses.Keys) Console.WriteLine(known);
            return 0;
        }
        if (arguments is not [var name, "--minutes", var minutes, "--seed", var seedText] || !Harnesses.TryGetValue(name, out var run))
        {
            Console.Error.WriteLine("soak HARNESS --minutes N --seed S; harnesses: " + string.Join(' ', Harnesses.Keys));
            return 2;
        }
        var seed = int.Parse(seedText, CultureInfo.InvariantCulture);
        var (clock, length) = (Stopwatch.StartNew(), TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)));
        var outcome = run(seed, _ => clock.Elapsed >= length);
        foreach (var failure in outcome.Failures) Console.Error.WriteLine(failure);
        var bound = outcome.Failures.Count > 0 || outcome.Runs == 0 ? "-" : (3.0 / outcome.Runs).ToString("g2", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{outcome.Runs}\t{outcome.Failures.Count}\t{seed}\t{bound}"));
        return outcome.Failures.Count == 0 ? 0 : 1;
    }
}
