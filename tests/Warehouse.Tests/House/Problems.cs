using Xunit;

namespace Warehouse.Tests.House;

/// <summary>Shows every finding of a rule in full; an assertion on a collection would cut them short.</summary>
internal static class Problems
{
    /// <summary>Fails with one line per finding.</summary>
    public static void None(IEnumerable<string> findings)
    {
        var list = findings.Order(StringComparer.Ordinal).ToList();
        if (list.Count > 0) Assert.Fail($"{list.Count} found:\n{string.Join('\n', list)}");
    }
}
