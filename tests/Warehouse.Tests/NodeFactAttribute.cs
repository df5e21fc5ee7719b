namespace Warehouse.Tests;

/// <summary>A test with a package of npm: skipped where node is not installed or <c>npm ci</c> was not run in tests/interop, unless peers are required.</summary>
public sealed class NodeFactAttribute : Xunit.FactAttribute
{
    /// <summary>Decides at discovery.</summary>
    public NodeFactAttribute(string package) => Skip = WhyNot(package);

    /// <summary>Why a test with a package cannot run; null when it can or must.</summary>
    internal static string? WhyNot(string package) =>
        TestData.Required ? null
        : !Peer.Exists("node") ? "node is not installed"
        : !Directory.Exists(Path.Combine(TestData.ProjectRoot, "tests", "interop", "node_modules", package)) ? $"{package} is not installed: run npm ci in tests/interop"
        : null;
}

/// <summary>The same of a test with cases.</summary>
public sealed class NodeTheoryAttribute : Xunit.TheoryAttribute
{
    /// <summary>Decides at discovery.</summary>
    public NodeTheoryAttribute(string package) => Skip = NodeFactAttribute.WhyNot(package);
}
