namespace Warehouse.Tests;

/// <summary>Where the real public data lies. Tests that need it skip elsewhere; with WAREHOUSE_REQUIRE_DATA=1 its absence fails them.</summary>
public static class TestData
{
    /// <summary>The project's root: the folder of Warehouse.sln.</summary>
    public static string ProjectRoot { get; } = FindRoot();

    /// <summary>The data folder, or null when there is none.</summary>
    public static string? Folder { get; } = FindFolder();

    /// <summary>True when a missing data folder or peer is a failure.</summary>
    public static bool Required => Environment.GetEnvironmentVariable("WAREHOUSE_REQUIRE_DATA") == "1";

    /// <summary>A file of the data folder; call it only in tests marked <see cref="DataFactAttribute"/>.</summary>
    public static string File(string relative) => Path.Combine(Folder ?? throw new InvalidOperationException("no data folder: set WAREHOUSE_TEST_DATA"), relative);

    private static string FindRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (System.IO.File.Exists(Path.Combine(at.FullName, "Warehouse.sln"))) return at.FullName;
        throw new InvalidOperationException("Warehouse.sln not found above the test assembly");
    }

    private static string? FindFolder()
    {
        var folder = Environment.GetEnvironmentVariable("WAREHOUSE_TEST_DATA") ?? Path.Combine(ProjectRoot, "..", "shared", "data");
        return System.IO.File.Exists(Path.Combine(folder, "MANIFEST.tsv")) ? Path.GetFullPath(folder) : null;
    }
}

/// <summary>A test on real data: skipped where the data folder is missing, unless data is required.</summary>
public sealed class DataFactAttribute : Xunit.FactAttribute
{
    /// <summary>Decides at discovery.</summary>
    public DataFactAttribute(params string[] tools)
    {
        if (TestData.Required) return;
        if (TestData.Folder is null) Skip = "no test data: set WAREHOUSE_TEST_DATA";
        else if (tools.FirstOrDefault(t => !Peer.Exists(t)) is { } missing) Skip = $"{missing} is not installed";
    }
}

/// <summary>A test with a foreign program: skipped where it is not installed, unless data is required.</summary>
public sealed class PeerFactAttribute : Xunit.FactAttribute
{
    /// <summary>Decides at discovery.</summary>
    public PeerFactAttribute(params string[] tools)
    {
        if (!TestData.Required && tools.FirstOrDefault(t => !Peer.Exists(t)) is { } missing) Skip = $"{missing} is not installed";
    }
}
