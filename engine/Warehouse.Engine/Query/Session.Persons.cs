using Warehouse.Engine.Access;
using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Query;

/// <summary>A sample of a snapshot.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Person">Whose it is, as the sheet says; its name where the sheet does not, or where the session may not learn it.</param>
/// <param name="Version">The newest version in which a part of it was loaded.</param>
public sealed record LoadedSample(string Name, string Person, long Version);

public sealed partial class Session
{
    /// <summary>The samples of the snapshot that the scope sees, in store order. Whose they are is told to the owner, and to callers at the level linkage.</summary>
    public IReadOnlyList<LoadedSample> LoadedSamples()
    {
        var (catalog, newest) = (_view.Catalog, new SortedDictionary<int, long>());
        foreach (var ordinal in catalog.Ordinals)
            if (ordinal.InForce(Snapshot) && _scope.Sees(ordinal.Sample)) newest[ordinal.Sample] = Math.Max(newest.GetValueOrDefault(ordinal.Sample), ordinal.FromVersion);
        var sheet = catalog.SheetAt(Snapshot);
        return [.. newest.Select(n => new LoadedSample(catalog.Samples[n.Key].Name, PersonOf(n.Key) ?? catalog.Samples[n.Key].Name, n.Value))];

        string? PersonOf(int sample) =>
            (_scope.IsOwner || _scope.Sees(Detail.Linkage, sample)) && sheet.TryGetValue(sample, out var values) && values.TryGetValue(SheetColumn.Person, out var person) && person.Length > 0 ? person : null;
    }
}
