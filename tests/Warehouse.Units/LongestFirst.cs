using Xunit.Abstractions;

namespace Warehouse.Units;

/// <summary>
/// Begins with the classes that take longest: one of minutes that is begun last runs alone at the end, on one core of two. By name, since nothing else
/// of a class is known before it runs; one that is not here, or has another name now, is run all the same.
/// </summary>
public sealed class LongestFirst : Xunit.ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        "NonInterferenceTests", "FuzzTests", "DamageTests", "HarnessTests", "RandomStoreTests", "BothFormsTests", "SalvageTests", "AlertKillTests", "RealDataTests", "StoreOperationTests", "ExportPeerTests",
        "CanaryMethodTests", "LoginTests",
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(c => Array.FindIndex(Long, name => c.DisplayName.EndsWith("." + name, StringComparison.Ordinal)) is >= 0 and var place ? place : Long.Length);
}
