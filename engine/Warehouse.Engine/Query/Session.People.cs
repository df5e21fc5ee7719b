using Warehouse.Engine.Access;

namespace Warehouse.Engine.Query;

/// <summary>Who is counted by a question: what the rules of release judge before anything is counted.</summary>
/// <param name="Samples">Numbers of the samples in the store.</param>
/// <param name="Groups">Names of the groups in the order of answers, each with its members; none when the question has no grouping.</param>
/// <param name="IsCut">Somebody who would be counted was withdrawn since the snapshot: the figures are not those of the snapshot any more.</param>
public sealed record CountedPeople(IReadOnlyList<int> Samples, IReadOnlyList<(string Name, IReadOnlyList<int> Samples)> Groups, bool IsCut);

public sealed partial class Session
{
    /// <summary>Who a question would count.</summary>
    /// <exception cref="InputException">An unknown cohort, sample or column; or a column whose values may not name groups at the session's level.</exception>
    public CountedPeople PeopleOf(SampleChoice choice, CountRules rules, string? by)
    {
        if (by is not null && Detail < Detail.Record && (!_view.Catalog.Columns.TryGetValue(by, out var isAggregate) || !isAggregate))
            throw new InputException("column-class", "answers of this level are grouped by columns of class aggregate or public alone", InputPlace.None);
        var selection = Prepare(choice, rules, by);
        var groups = new List<(string, IReadOnlyList<int>)>();
        for (var group = 0; by is not null && group < selection.Groups.Count; group++)
            groups.Add((selection.Groups[group]!, [.. selection.SampleOf.Where((_, slot) => selection.GroupOf[slot] == group)]));
        return new CountedPeople([.. selection.SampleOf], groups, IsCut(choice));
    }

    private bool IsCut(SampleChoice choice)
    {
        var catalog = _view.Catalog;
        var cohort = choice.Cohort is { } name ? catalog.Cohort(name, Snapshot)?.Samples : null;
        foreach (var ordinal in catalog.Ordinals)
        {
            if (!ordinal.InForce(Snapshot) || catalog.Samples[ordinal.Sample].WithdrawnVersion <= Snapshot || !_scope.Granted(ordinal.Sample)) continue;
            if (cohort is null || Array.BinarySearch(cohort, ordinal.Sample) >= 0) return true;
        }
        return false;
    }
}
