namespace Warehouse.Tests.House;

/// <summary>The project's own text files: everything under the root but what is built, downloaded or the repository itself.</summary>
internal static class SourceTree
{
    private static readonly string[] NotOurs = [".git", "artifacts", "node_modules", "bin", "obj", ".vs", ".idea", ".warehouse-setup", "demo"];

    /// <summary>Paths relative to the root with '/' between folders, in order; under one folder when stated.</summary>
    public static IReadOnlyList<string> Files(string under = "", string suffix = "")
    {
        var found = new List<string>();
        Collect(new DirectoryInfo(Path.Combine(TestData.ProjectRoot, under)), found);
        return [.. found.Select(f => Path.GetRelativePath(TestData.ProjectRoot, f)).Where(f => f.EndsWith(suffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Text of a file.</summary>
    public static string Read(string relative) => File.ReadAllText(Path.Combine(TestData.ProjectRoot, relative));

    private static void Collect(DirectoryInfo folder, List<string> found)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is not null || NotOurs.Contains(entry.Name)) continue;
            if (entry is DirectoryInfo inner) Collect(inner, found);
            else found.Add(entry.FullName);
        }
    }
}
