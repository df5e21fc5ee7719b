using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Units.Access;

/// <summary>
/// I4: what a caller may not see does not change what he gets. Pairs of stores that are equal in what he sees give him the same text, whatever he
/// asks; to the owner nearly all of them are different. tests/soak.sh pairs goes on for as long as wanted.
/// </summary>
public sealed class NonInterferenceTests(ITestOutputHelper output)
{
    private const int FirstSeed = 40_000, Pairs = 2_000;

    [Fact]
    public void Stores_that_are_equal_in_what_a_caller_sees_are_equal_for_him()
    {
        var differ = 0;
        for (var seed = FirstSeed; seed < FirstSeed + Pairs; seed++)
        {
            var (difference, differs) = Run(seed);
            Assert.True(difference is null, difference);
            differ += differs ? 1 : 0;
        }
        output.WriteLine($"seeds {FirstSeed} to {FirstSeed + Pairs - 1}: {differ} of {Pairs} pairs differ for the owner");
        Assert.True(differ >= Pairs * 9 / 10, $"{differ} of {Pairs} pairs differ for the owner");
    }

    /// <summary>One pair: where its texts part, or null; and whether it is another store for the owner.</summary>
    internal static (string? Difference, bool DiffersForOwner) Run(int seed)
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
