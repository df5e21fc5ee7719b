using System.Text.RegularExpressions;
using Warehouse.Cli;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>What the README shows is executed.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(TestData.ProjectRoot, "README.md"));

    [PeerFact("sh")]
    public void The_first_look_can_be_typed_line_by_line()
    {
        using var folder = new TempFolder();
        var lines = Text[Text.IndexOf("## A first look", StringComparison.Ordinal)..].Split("```")[1].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 9, $"{lines.Length} lines");
        foreach (var line in lines)
        {
            var (exit, output, error) = ExampleTests.Run(folder, line);
            Assert.True(exit == 0, $"{line}: exit {exit}: {error}");
            Assert.True(output.Length > 0 || line.Contains(" init ") || line.Contains(" -o "), $"{line}: says nothing");
        }
        Assert.True(new FileInfo(folder["cases.vcf.gz"]).Length > 1000);
    }

    [Fact]
    public void The_exit_codes_are_those_of_the_program()
    {
        var listed = ExitCodes().Match(Text).Groups[1].Value.Split("; ").Select(c => c.Split(' ', 2)).ToDictionary(c => int.Parse(c[0]), c => c[1]);
        Assert.Equal(Enum.GetValues<ExitCode>().Select(c => (int)c), listed.Keys);
        // The first word of the code's name is in what the README says of it.
        Assert.All(Enum.GetValues<ExitCode>(), c => Assert.Contains(Word().Match(c.ToString()).Value, listed[(int)c], StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void Every_verb_is_in_the_table() =>
        Assert.All(VerbTable.All, v => Assert.Matches($@"\| .*`(warehouse )?{v.Name}\b", Text));

    [GeneratedRegex(@"Exit codes: ([^.]*)\.")]
    private static partial Regex ExitCodes();

    [GeneratedRegex("^[A-Z][a-z]+")]
    private static partial Regex Word();
}
