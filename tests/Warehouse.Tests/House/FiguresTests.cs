using Xunit;

namespace Warehouse.Tests.House;

/// <summary>The figures that the README shows are those of a page of results that is committed beside it.</summary>
public sealed class FiguresTests
{
    private const string Begin = "<!-- bench/peers/run.sh writes from here -->\n", End = "\n<!-- to here -->", Heading = "## In short\n\n";

    [Fact]
    public void The_readme_shows_the_table_of_a_committed_page_of_results()
    {
        var shown = Between(SourceTree.Read("README.md"), Begin, End);
        var pages = SourceTree.Files().Where(path => path.StartsWith("bench/results/", StringComparison.Ordinal) && Path.GetFileName(path) == "peers.md");
        Assert.Contains(shown, pages.Select(path => SourceTree.Read(path)).Select(text => text[(text.IndexOf(Heading, StringComparison.Ordinal) + Heading.Length)..].TrimEnd('\n')));
    }

    [Fact]
    public void The_readme_lists_every_target_that_was_missed_as_missed()
    {
        var shown = Between(SourceTree.Read("README.md"), Begin, End).Split('\n');
        var told = shown.Count(line => line.Contains("| missed |", StringComparison.Ordinal));
        Assert.Contains($" {told} missed; ", shown[^1], StringComparison.Ordinal);
    }

    private static string Between(string text, string begin, string end)
    {
        var from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var to = text.IndexOf(end, from, StringComparison.Ordinal);
        Assert.True(from >= begin.Length && to > from, "README.md does not have the two markers");
        return text[from..to];
    }
}
