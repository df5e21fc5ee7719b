using System.Diagnostics;
using Warehouse.Simulation;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>
/// <c>soak pairs</c>: pairs of stores that are equal in what a caller sees (the test of 2,000 is <c>NonInterferenceTests</c>), from a seed on, for some time or until
/// there are as many as <c>--count</c> says. <c>--count 1 --seed N</c> runs the pairs of one seed alone.
/// </summary>
internal static class PairSoak
{
    /// <summary>So few pairs may be more alike by chance.</summary>
    private const int MostLuck = 100;

    public static int Run(ReadOnlySpan<string> arguments) => Harness.Tell("pairs", SoakOptions.Parse(arguments), options =>
    {
        using var house = new PairHouse();
        var (clock, runs, failures, owner, all, asked) = (Stopwatch.StartNew(), 0L, 0L, 0L, 0L, 0L);
        var took = (Building: 0.0, Sessions: 0.0, Servers: 0.0);
        for (var seed = checked((int)options.Seed); options.Count is { } most ? runs < most : clock.Elapsed < options.Time; seed++, runs += PairRun.Pairs)
        {
            var outcome = PairRun.Compare(seed, house);
            owner += outcome.DifferForOwner;
            if (outcome.DifferForAll is { } differ) (asked, all) = (asked + PairRun.Pairs, all + differ);
            took = (took.Building + outcome.Took.Building.TotalMilliseconds, took.Sessions + outcome.Took.Sessions.TotalMilliseconds, took.Servers + outcome.Took.Servers.TotalMilliseconds);
            if (outcome.Difference is not { } difference) continue;
            failures++;
            Console.Error.WriteLine(difference);
        }
        Console.Error.WriteLine($"{owner} of {runs} pairs differ for the owner, {all} of {asked} for somebody who may see everything; {runs / clock.Elapsed.TotalMinutes:f0} pairs a minute; of each {took.Building / runs:f1} ms to build it, {took.Sessions / runs:f1} to ask sessions, {took.Servers / runs:f1} to ask servers");
        return (runs, owner * 10 < runs * 9 || (asked > MostLuck && all * 10 < asked * 9) ? failures + 1 : failures);
    });
}
