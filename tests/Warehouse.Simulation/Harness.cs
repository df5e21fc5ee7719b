using System.Diagnostics;
using System.Globalization;
using Warehouse.Simulation.Faults;

namespace Warehouse.Simulation;

/// <summary>
/// <c>soak HARNESS --minutes N --seed S …</c>: a harness in full. Its last line is: harness, runs, failures, seed, and the bound of its failures that
/// no failure in so many runs gives with 95 %: 3 / runs. Exit 0 when nothing was found, 1 when something was; each failure says how to see it again.
/// </summary>
internal static class Harness
{
    private static readonly Dictionary<string, Func<SoakOptions, (long Runs, long Failures)>> Harnesses = new(StringComparer.Ordinal)
    {
        ["fuzz"] = Fuzz.FuzzHarness.Run,
        ["crash"] = options => ForSomeTime(CrashStates.Run, options),
        ["fault"] = options => ForSomeTime(FaultLoop.Run, options),
        ["kill"] = options => ForSomeTime(KillLoop.Run, options),
        ["alerts"] = options => ForSomeTime((seed, isEnough) => AlertKills.Run(Path.GetFullPath(options.Program), seed, isEnough), options),
        ["history"] = options => ForSomeTime(HistoryRun.Run, options),
    };

    /// <summary>Runs the harness named first; without one prints their names.</summary>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.IsEmpty)
        {
            foreach (var name in Harnesses.Keys) Console.WriteLine(name);
            return 0;
        }
        if (!Harnesses.TryGetValue(arguments[0], out var harness)) throw new ArgumentException($"the harnesses are {string.Join(", ", Harnesses.Keys)}");
        return Tell(arguments[0], SoakOptions.Parse(arguments[1..]), harness);
    }

    /// <summary>Runs a harness and prints its last line.</summary>
    public static int Tell(string name, SoakOptions options, Func<SoakOptions, (long Runs, long Failures)> harness)
    {
        var (runs, failures) = harness(options);
        var bound = failures > 0 || runs == 0 ? "-" : (3.0 / runs).ToString("g2", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{runs}\t{failures}\t{options.Seed}\t{bound}"));
        return failures == 0 ? 0 : 1;
    }

    /// <summary>Runs from the seed on until the time is over, or so often as was said.</summary>
    private static (long Runs, long Failures) ForSomeTime(Func<int, Func<long, bool>, Outcome> run, SoakOptions options)
    {
        var clock = Stopwatch.StartNew();
        var outcome = run(checked((int)options.Seed), runs => options.Count is { } most ? runs >= most : clock.Elapsed >= options.Time);
        foreach (var failure in outcome.Failures) Console.Error.WriteLine(failure);
        return (outcome.Runs, outcome.Failures.Count);
    }
}
