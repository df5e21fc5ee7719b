using System.Text.RegularExpressions;
using Xunit;

namespace Warehouse.Tests.House;

/// <summary>Every lasting promise has a number in ARCHITECTURE.md, and the number stands where it is kept and where it is tested.</summary>
public sealed partial class InvariantTests
{
    /// <summary>Promises that are stated and not yet named in both places. This list may shrink, never grow.</summary>
    private static readonly string[] Pending = [];

    [Fact]
    public void Every_invariant_is_named_in_the_engine_and_in_a_test()
    {
        var listed = Row().Matches(SourceTree.Read("ARCHITECTURE.md")).Select(m => m.Groups[1].Value).ToList();
        Assert.NotEmpty(listed);
        Assert.Equal(listed.Distinct(), listed);
        var engine = Named(SourceTree.Files("engine", ".cs"));
        var tests = Named(SourceTree.Files("tests", ".cs").Where(f => !f.Contains("/House/", StringComparison.Ordinal)));
        var problems = new List<string>();
        foreach (var number in listed)
        {
            var isNamed = engine.Contains(number) && tests.Contains(number);
            if (!isNamed && !Pending.Contains(number)) problems.Add($"{number} is named in {(engine.Contains(number) ? "no test" : "no file of the engine")}");
            if (isNamed && Pending.Contains(number)) problems.Add($"{number} is named in the engine and in a test: take it off the list of pending ones");
        }
        problems.AddRange(engine.Union(tests).Except(listed).Select(n => $"{n} is named in code and has no row in ARCHITECTURE.md"));
        problems.AddRange(Pending.Except(listed).Select(n => $"{n} is pending and has no row in ARCHITECTURE.md"));
        Problems.None(problems);
    }

    private static HashSet<string> Named(IEnumerable<string> paths) => [.. paths.SelectMany(p => Number().Matches(SourceTree.Read(p))).Select(m => m.Value)];

    [GeneratedRegex(@"^\| (I\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    // A type parameter or a lane of a vector may be called I8; a promise is followed by a colon, a bracket, a stop, or a word.
    [GeneratedRegex(@"\bI(?:[1-9]|1[0-2])\b(?![<,>(\[])")]
    private static partial Regex Number();
}
