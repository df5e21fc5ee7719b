using System.Diagnostics;
using Warehouse.Simulation;

namespace Warehouse.Units.Access;

/// <summary>
/// <c>soak pairs</c>: pairs of stores that are equal in what a caller sees (the test of 2,000 is <c>NonInterferenceTests</c>), from a seed on, for some time or so
/// many as <c>--count</c> says. <c>--count 1 --seed N</c> runs a pair alone.
/// </summary>
internal static class PairSoak
{
    public static int Run(ReadOnlySpan<string> arguments) => Harness.Tell("pairs", SoakOptions.Parse(arguments), options =>
    {
        var (clock, runs, failures, differ) = (Stopwatch.StartNew(), 0L, 0L, 0L);
        for (var seed = checked((int)options.Seed); options.Count is { } most ? runs < most : clock.Elapsed < options.Time; seed++, runs++)
        {
            var (difference, differs) = Compare(seed);
            differ += differs ? 1 : 0;
            if (difference is null) continue;
            failures++;
            Console.Error.WriteLine(difference);
        }
        Console.Error.WriteLine($"{differ} of {runs} pairs differ for the owner");
        return (runs, differ * 10 < runs * 9 ? failures + 1 : failures);
    });

    /// <summary>One pair: where its texts part, or null; and whether it is another store for the owner.</summary>
    internal static (string? Difference, bool DiffersForOwner) Compare(int seed)
    {
        using var pair = new StorePair(seed);
        if (pair.Left.Store.Version != pair.Right.Store.Version) return ($"seed {seed}: the pair is no pair: {pair.Left.Store.Version} and {pair.Right.Store.Version} versions", false);
        var questions = new PairQuestions(pair, new Random(seed));
        var (left, right) = (questions.Ask(pair.Left.Store, pair.Options), questions.Ask(pair.Right.Store, pair.Options));
        return (left == right ? null : Parting(seed, left, right), questions.AskOwner(pair.Left.Store) != questions.AskOwner(pair.Right.Store));
    }

    private static string Parting(int seed, string left, string right)
    {
        var (a, b) = (left.Split('\n'), right.Split('\n'));
        var at = Enumerable.Range(0, Math.Min(a.Length, b.Length)).FirstOrDefault(i => a[i] != b[i], Math.Min(a.Length, b.Length) - 1);
        var question = Array.FindLast(a[..(at + 1)], l => l.StartsWith("== ", StringComparison.Ordinal));
        return $"seed {seed}, {question}, line {at}:\n{a[at]}\n{b[at]}";
    }
}
