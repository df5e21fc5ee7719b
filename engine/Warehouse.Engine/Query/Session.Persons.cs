using Warehouse.Engine.Access;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Query;

/// <summary>A sample of a snapshot.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Person">Whose it is, as the sheet says; its name where the sheet does not, or where the session may not learn it.</param>
/// <param name="Version">The newest version in which a part of it was loaded.</param>
public sealed record LoadedSample(string Name, string Person, long Version)
{
    /// <summary>The version since which it is of that person; 0 = since it is there. Told as far as the person is.</summary>
    public long PersonVersion { get; init; }
}

/// <summary>Whom a sample is of.</summary>
/// <param name="Sample">The sample that was asked for, or one of a person who was; empty where the session sees none of him.</param>
/// <param name="Person">The person, as the sheet names him; empty where the session does not see the sample.</param>
/// <param name="Cells">What the vault says of him, a cell for each of its columns; null where it has nothing.</param>
public sealed record LinkedSample(string Sample, string Person, IReadOnlyList<string>? Cells);

public sealed partial class Session
{
    /// <summary>
    /// Whom samples are of, and what the vault says of them: what is asked for in the order in which it is asked for, of a person all samples that the scope sees at the level linkage. Of what
    /// it does not see nothing is told, be it hidden, withdrawn or not there.
    /// </summary>
    /// <param name="table">What the vault has.</param>
    /// <param name="samples">Names of samples.</param>
    /// <param name="persons">Persons, as the sheet names them.</param>
    public IReadOnlyList<LinkedSample> Link(IdentityTable table, IEnumerable<string> samples, IEnumerable<string> persons)
    {
        BeginUncounted();
        var seen = Detail == Detail.Linkage || _scope.IsOwner ? LoadedSamples() : [];
        var (byName, byPerson) = (seen.ToDictionary(s => s.Name, StringComparer.Ordinal), seen.ToLookup(s => s.Person, StringComparer.Ordinal));
        var links = new List<LinkedSample>();
        foreach (var name in samples) links.Add(byName.TryGetValue(name, out var sample) ? Linked(sample) : new LinkedSample(name, "", null));
        foreach (var person in persons)
        {
            if (byPerson[person].Any()) links.AddRange(byPerson[person].Select(Linked));
            else links.Add(new LinkedSample("", person, null));
        }
        foreach (var link in links)
            if (link is { Sample.Length: > 0, Person.Length: > 0 }) Shows(link.Sample);
        return links;

        LinkedSample Linked(LoadedSample sample) => new(sample.Name, sample.Person, table.Find(sample.Person));
    }

    /// <summary>The samples of the snapshot that the scope sees, in store order. Whose they are is told to the owner, and to callers at the level linkage.</summary>
    public IReadOnlyList<LoadedSample> LoadedSamples()
    {
        var (catalog, newest) = (_view.Catalog, new SortedDictionary<int, long>());
        foreach (var ordinal in catalog.Ordinals)
            if (ordinal.InForce(Snapshot) && _scope.Sees(ordinal.Sample)) newest[ordinal.Sample] = Math.Max(newest.GetValueOrDefault(ordinal.Sample), ordinal.FromVersion);
        var persons = new Dictionary<int, (string? Person, long Version)>();
        foreach (var sheet in catalog.Sheets)
        {
            if (sheet.FromVersion > Snapshot || !(_scope.IsOwner || _scope.Sees(Detail.Linkage, sheet.Sample))) continue;
            var person = sheet.Values.TryGetValue(SheetColumn.Person, out var named) && named.Length > 0 ? named : catalog.Samples[sheet.Sample].Name;
            if ((persons.GetValueOrDefault(sheet.Sample).Person ?? catalog.Samples[sheet.Sample].Name) != person) persons[sheet.Sample] = (person, sheet.FromVersion);
        }
        return [.. newest.Select(n => Loaded(catalog.Samples[n.Key].Name, persons.GetValueOrDefault(n.Key), n.Value))];

        static LoadedSample Loaded(string name, (string? Person, long Version) of, long version) => new(name, of.Person ?? name, version) { PersonVersion = of.Version };
    }
}
