using Warehouse.Clinic.ClinVar;
using Warehouse.Engine.Query;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// The persons of a snapshot who carry what changed, where a watch wants it: as alerts, or only counted. Both go through the alleles in their order, each of which is looked up once. One thread.
/// </summary>
internal sealed class Carrying : IDisposable
{
    private readonly IReadOnlyList<WatchFilter> _watches;
    private readonly CarrierLookup _lookup;
    private readonly string[] _persons;
    private readonly int[] _personOf;
    private readonly bool[]? _asked;
    private readonly List<int>?[] _samplesOf;
    private readonly List<int> _found = [];

    /// <summary>Prepares to ask.</summary>
    /// <param name="session">The session, whose samples are all looked at.</param>
    /// <param name="samples">These samples, and whose they are.</param>
    /// <param name="watches">The watches that look.</param>
    /// <param name="loaded">Only these samples count; null = all.</param>
    internal Carrying(Session session, IReadOnlyList<LoadedSample> samples, IReadOnlyList<WatchFilter> watches, IReadOnlyCollection<string>? loaded)
    {
        (_watches, _lookup) = (watches, session.PrepareCarriers());
        var (persons, names) = (samples.ToDictionary(s => s.Name, s => s.Person, StringComparer.Ordinal), _lookup.Samples);
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in names) numbers.TryAdd(persons[name], numbers.Count);
        _persons = [.. numbers.Keys];
        _personOf = [.. names.Select(n => numbers[persons[n]])];
        _samplesOf = new List<int>?[_persons.Length];
        if (loaded is null) return;
        var wanted = loaded.ToHashSet(StringComparer.Ordinal);
        _asked = [.. names.Select(wanted.Contains)];
    }

    /// <summary>Of a watch that would want a change: whether it is told of it otherwise. Null = it is not.</summary>
    internal Func<WatchFilter, ClassChange, bool>? Unless { get; init; }

    /// <summary>Persons, by the numbers that <see cref="Persons"/> gives.</summary>
    internal IReadOnlyList<string> Names => _persons;

    /// <summary>The changes that a watch wants, in their order, and the numbers of the persons who carry them and at whom it looks; the list is used again for the next.</summary>
    internal IEnumerable<(ClassChange Change, List<int> Persons)> Persons(WatchTriggers trigger, IEnumerable<ClassChange> changes)
    {
        ClassChange? before = null;
        var hears = new List<int>();
        foreach (var change in changes)
        {
            var wanting = Wanting(trigger, change);
            if (wanting.Count == 0) continue;
            if (before is null || !before.Allele.Equals(change.Allele)) Find(change);
            before = change;
            if (_found.Count == 0) continue;
            if (wanting.Exists(w => w.LooksAtEverybody))
            {
                yield return (change, _found);
                continue;
            }
            hears.Clear();
            hears.AddRange(_found.Where(p => wanting.Exists(w => Takes(w, p))));
            if (hears.Count > 0) yield return (change, hears);
        }
    }

    /// <summary>The alerts.</summary>
    /// <param name="trigger">What raises them.</param>
    /// <param name="changes">The changes, in the order of alleles.</param>
    /// <param name="words">What an alert says of a change.</param>
    internal IEnumerable<AlertDraft> Drafts(WatchTriggers trigger, IEnumerable<ClassChange> changes, Func<ClassChange, string> words)
    {
        foreach (var (change, persons) in Persons(trigger, changes))
        {
            var (wanting, allele, says) = (Wanting(trigger, change), change.Allele.ToString(), words(change));
            var everybody = wanting.TrueForAll(w => w.LooksAtEverybody) ? wanting.ConvertAll(w => w.Watch.Name) : null;
            foreach (var person in persons)
            {
                var hit = everybody ?? [.. wanting.Where(w => Takes(w, person)).Select(w => w.Watch.Name)];
                yield return new AlertDraft
                {
                    Trigger = trigger, Person = _persons[person], Allele = allele, Change = says, Grade = change.Grade, Genes = change.Genes, Ids = change.Ids,
                    Samples = [.. _samplesOf[person]!.Select(s => _lookup.Samples[s]).Order(StringComparer.Ordinal)], Watches = hit, Kinds = change.Kinds,
                };
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lookup.Dispose();

    private List<WatchFilter> Wanting(WatchTriggers trigger, ClassChange change) => [.. _watches.Where(w => w.Wants(trigger, change) && Unless?.Invoke(w, change) != true)];

    private bool Takes(WatchFilter watch, int person) => watch.Takes(_persons[person], _samplesOf[person]!.Select(s => _lookup.Samples[s]));

    /// <summary>Who carries the allele of a change: persons in the order of their first samples, and which samples of theirs.</summary>
    private void Find(ClassChange change)
    {
        foreach (var person in _found) _samplesOf[person]!.Clear();
        _found.Clear();
        foreach (var sample in _lookup.Find(change.Allele))
        {
            if (_asked is not null && !_asked[sample]) continue;
            var samples = _samplesOf[_personOf[sample]] ??= [];
            if (samples.Count == 0) _found.Add(_personOf[sample]);
            samples.Add(sample);
        }
    }
}
