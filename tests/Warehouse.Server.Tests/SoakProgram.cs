using Warehouse.Server.Tests.Pairs;

namespace Warehouse.Server.Tests;

/// <summary>The entry point of this assembly: <c>soak pairs …</c> is a harness of tests/soak.sh, <c>timing …</c> the measurement of bench/timing.sh.</summary>
internal static class SoakProgram
{
    public static int Main(string[] words) => words switch
    {
        ["soak", "pairs", ..] => PairSoak.Run(words.AsSpan(2)),
        ["timing", ..] => PairTiming.Run(words.AsSpan(1)),
        _ => throw new ArgumentException("soak pairs or timing"),
    };
}
