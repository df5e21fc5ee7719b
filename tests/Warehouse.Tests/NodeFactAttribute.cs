namespace Warehouse.Tests;

/// <summary>A test with a package of npm: skipped where node is not installed or <c>npm ci</c> was not run in tests/interop, unless peers are required.</summary>
public sealed class NodeFactAttribute : Xunit.FactAttribute
{
    /// <summary>Decides at discovery.</summary>
    public NodeFactAttribute(string package)
    {
        if (TestData.Required) return;
        if (!Peer.Exists("node")) Skip = "node is not installed";
        else if (!Directory.Exists(Path.Combine(TestData.ProjectRoot, "tests", "interop", "node_modules", package))) Skip = $"{package} is not installed: run npm ci in tests/interop";
    }
}
