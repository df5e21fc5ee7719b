using System.Diagnostics;
using Warehouse.Simulation;

namespace Warehouse.Units.Access;

/// <summary>
/// <c>soak pairs</c>: pairs of stores that are equal in what a caller sees (<see cref="NonInterferenceTests"/>), from a seed on, for some time or so
/// many as <c>--count</c> says. <c>--count 1 --seed N</c> runs a pair alone.
/// </summary>
internal static class PairSoak
{
    public static int Run(ReadOnlySpan<string> arguments) => Harness.Tell("pairs", SoakOptions.Parse(arguments), options =>
    {
        var (clock, runs, failures, differ) = (Stopwatch.StartNew(), 0L, 0L, 0L);
        for (var seed = checked((int)options.Seed); options.Count is { } most ? runs < most : clock.Elapsed < options.Time; seed++, runs++)
        {
            var (difference, differs) = NonInterferenceTests.Run(seed);
            differ += differs ? 1 : 0;
            if (difference is null) continue;
            failures++;
            Console.Error.WriteLine(difference);
        }
        Console.Error.WriteLine($"{differ} of {runs} pairs differ for the owner");
        return (runs, differ * 10 < runs * 9 ? failures + 1 : failures);
    });
}
