using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Warehouse.Tests.House;

/// <summary>Rules about what may stand in the files of the project at all.</summary>
public sealed partial class TreeRuleTests
{
    private static readonly string[] TextSuffixes = [".cs", ".csproj", ".props", ".targets", ".md", ".json", ".txt", ".sh", ".sln", ".js", ".mjs", ".py", ".tsv", ".editorconfig", ".npmrc", ".gitignore"];

    [Fact]
    public void No_file_names_a_path_of_one_machine_or_the_host_of_a_registry() => Problems.None(Findings(path => MachinePath().Matches(SourceTree.Read(path)).Select(m => $"{path}: '{m.Value.Trim()}'")));

    [Fact]
    public void Work_left_open_names_an_owner_and_an_issue() => Problems.None(Findings(path => OpenWork().Matches(SourceTree.Read(path)).Select(m => $"{path}: '{m.Value}' has no (owner, #issue)")));

    [Fact]
    public void Every_package_version_is_pinned_and_has_a_reason_above_it()
    {
        var document = XDocument.Parse(SourceTree.Read("Directory.Packages.props"), LoadOptions.PreserveWhitespace);
        var problems = new List<string>();
        foreach (var package in document.Descendants("PackageVersion"))
        {
            if (!PinnedVersion().IsMatch((string?)package.Attribute("Version") ?? "")) problems.Add($"{package}: not one version");
            var above = package.PreviousNode;
            while (above is XText { Value: var space } && space.Trim().Length == 0 || above is XElement { Name.LocalName: "PackageVersion" }) above = above.PreviousNode;
            if (above is not XComment) problems.Add($"{package}: no comment above it says why it is there");
        }
        Problems.None(problems);
    }

    [Fact]
    public void Projects_state_no_version_and_have_a_lock_file_that_names_no_host()
    {
        var problems = new List<string>();
        foreach (var path in SourceTree.Files(suffix: ".csproj"))
        {
            var versions = XDocument.Parse(SourceTree.Read(path)).Descendants("PackageReference").Where(r => r.Attribute("Version") is not null || r.Attribute("VersionOverride") is not null);
            problems.AddRange(versions.Select(r => $"{path}: {r} states a version"));
            var lockFile = Path.Combine(Path.GetDirectoryName(path)!, "packages.lock.json");
            if (!File.Exists(Path.Combine(TestData.ProjectRoot, lockFile))) problems.Add($"{path} has no lock file");
        }
        foreach (var path in SourceTree.Files().Where(f => Path.GetFileName(f) is "packages.lock.json"))
            if (SourceTree.Read(path).Contains("://", StringComparison.Ordinal)) problems.Add($"{path} names a host");
        foreach (var path in SourceTree.Files().Where(f => Path.GetFileName(f) is "package-lock.json"))
            problems.AddRange(NodePackageProblems(path));
        Problems.None(problems);
    }

    /// <summary>The tests must not know which bug is planted: the constants stand in the engine and the command line, in the list and where builds get them, and nowhere else.</summary>
    [Fact]
    public void Planted_bugs_are_the_only_conditional_code_and_each_stands_in_the_list()
    {
        var list = SourceTree.Read("tests/planted.tsv").Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split('\t')).ToList();
        var listed = list.SelectMany(l => l[0].Split('+')).ToHashSet();
        var problems = new List<string>();
        var planted = new HashSet<string>();
        foreach (var path in SourceTree.Files(suffix: ".cs"))
        {
            foreach (Match condition in Condition().Matches(SourceTree.Read(path)))
            {
                if (path.StartsWith("tests/", StringComparison.Ordinal) || PlantedBug().Match(condition.Value) is not { Success: true } bug) problems.Add($"{path}: {condition.Value.Trim()}");
                else planted.Add(bug.Groups[1].Value);
            }
        }
        problems.AddRange(planted.Except(listed).Select(n => $"{n} is not in tests/planted.tsv"));
        problems.AddRange(listed.Except(planted).Select(n => $"{n} is in tests/planted.tsv and nowhere planted"));
        problems.AddRange(list.Where(l => l.Length != 3).Select(l => $"{l[0]}: not three columns"));
        Problems.None(problems);
        Assert.True(planted.Count >= 24);
        Assert.True(list.Count(l => l[0].Contains('+', StringComparison.Ordinal)) >= 6);
    }

    [Fact]
    public void Setup_is_silent_when_nothing_is_missing()
    {
        var (exit, output, error) = Peer.RunIn(TestData.ProjectRoot, "bash", "setup.sh", "run");
        Assert.Equal((0, "", ""), (exit, output, error));
    }

    [Fact]
    public void Setup_names_the_one_line_to_run_when_it_may_not_install()
    {
        using var folder = new TempFolder();
        // A machine without apt-get: PATH holds what bash needs to get there, and nothing else.
        foreach (var program in new[] { "dirname", "id" }) File.CreateSymbolicLink(folder[program], Path.Combine("/usr/bin", program));
        var (exit, output, error) = Peer.Run("/usr/bin/env", $"PATH={folder.Path}", "/bin/bash", Path.Combine(TestData.ProjectRoot, "setup.sh"), "test");
        Assert.Equal((5, ""), (exit, output));
        Assert.Contains("\nsudo apt-get update && sudo apt-get install -y --no-install-recommends bcftools", error, StringComparison.Ordinal);
    }

    private static IEnumerable<string> NodePackageProblems(string path)
    {
        var packages = JsonDocument.Parse(SourceTree.Read(path)).RootElement.GetProperty("packages");
        foreach (var package in packages.EnumerateObject().Where(p => p.Name.Length > 0))
        {
            // What lies in the archive of another package comes with it, and is in that one's hash.
            var around = package.Name.LastIndexOf("/node_modules/", StringComparison.Ordinal) is > 0 and var at ? package.Name[..at] : "";
            if (package.Value.TryGetProperty("inBundle", out _) && packages.TryGetProperty(around, out var archive) && archive.TryGetProperty("integrity", out _) && archive.TryGetProperty("bundleDependencies", out _)) continue;
            if (package.Value.TryGetProperty("resolved", out _)) yield return $"{path}: {package.Name} names a host";
            if (!package.Value.TryGetProperty("integrity", out _)) yield return $"{path}: {package.Name} has no hash";
        }
    }

    private static List<string> Findings(Func<string, IEnumerable<string>> search) =>
        [.. SourceTree.Files().Where(f => TextSuffixes.Contains(Path.GetExtension(f)) || Path.GetExtension(f).Length == 0).SelectMany(search)];

    // Character classes keep the patterns from finding themselves.
    [GeneratedRegex(@"^[ \t]*#(if|elif)\b.*$", RegexOptions.Multiline)]
    private static partial Regex Condition();

    [GeneratedRegex(@"^#if !?PLANTED_([A-Z_]+)\r?$")]
    private static partial Regex PlantedBug();

    [GeneratedRegex(@"(?<![\w.\-/{}$])/(?:[w]ork|[r]oot|[h]ome)/\w+|\b(?:[n]uget\.org|[n]pmjs\.\w+|[p]ypi\.org|[c]rates\.io|[d]eb\.debian\.org)\b")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(?:[T]ODO|[F]IXME)\b(?! ?\(\w[^)]*#\d+\))")]
    private static partial Regex OpenWork();

    [GeneratedRegex(@"^\d+\.\d+\.\d+(\.\d+)?(-[\w.]+)?$")]
    private static partial Regex PinnedVersion();
}
