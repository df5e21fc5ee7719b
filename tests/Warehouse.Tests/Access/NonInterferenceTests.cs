using Warehouse.Units.Access;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Access;

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
            var (difference, differs) = PairSoak.Compare(seed);
            Assert.True(difference is null, difference);
            differ += differs ? 1 : 0;
        }
        output.WriteLine($"seeds {FirstSeed} to {FirstSeed + Pairs - 1}: {differ} of {Pairs} pairs differ for the owner");
        Assert.True(differ >= Pairs * 9 / 10, $"{differ} of {Pairs} pairs differ for the owner");
    }
}
