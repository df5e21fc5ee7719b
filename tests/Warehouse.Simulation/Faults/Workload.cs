using System.Globalization;

namespace Warehouse.Simulation.Faults;

/// <summary>Draws changes that the store must accept in a given state.</summary>
internal sealed class Workload(Random chance)
{
    private readonly Dictionary<string, int> _editions = [];
    private int _nextSample, _nextEdition, _nextBatch, _nextAllele;

    /// <summary>The next change.</summary>
    internal Change Next(StoreState state)
    {
        while (true)
        {
            var living = state.Samples.Keys.ToList();
            switch (chance.Next(14))
            {
                case 0 or 1 or 2 or 3:
                    return new Change(ChangeKind.Ingest, Enumerable.Range(0, chance.Next(1, 4)).Select(_ => SampleFiles.NameOf(0, NewSamples(chance.Next(1, 3)))).ToArray());
                case 4 when living.Count > 0:
                    var sample = living[chance.Next(living.Count)];
                    return new Change(ChangeKind.Replace, SampleFiles.NameOf(_editions[sample] = _editions.GetValueOrDefault(sample) + 1, sample));
                case 5 when living.Count > 2:
                    return new Change(ChangeKind.Withdraw, living[chance.Next(living.Count)]);
                case 6 when living.Count > 1:
                    return new Change(ChangeKind.Cohort, living.Where(_ => chance.Next(2) == 0).Prepend(chance.Next(2) == 0 ? "x" : "y").ToArray());
                case 7 or 8:
                    return new Change(chance.Next(4) == 0 ? ChangeKind.Purge : ChangeKind.Compact);
                case 10:
                    return new Change(ChangeKind.Annotate, Text(_nextEdition++));
                case 11 when state.Releases.Exists(r => r.Until == 0):
                    var live = state.Releases.FindAll(r => r.Until == 0);
                    return new Change(ChangeKind.Retire, Text(live[chance.Next(live.Count)].Edition));
                case 12:
                    return new Change(ChangeKind.Log, Text(_nextBatch++), Text(chance.Next(1, 4)));
                case 13:
                    return chance.Next(2) == 0 ? new Change(ChangeKind.Index) : new Change(ChangeKind.Assess, Text(++_nextAllele));
                case 9:
                    return new Change(chance.Next(2) == 0 ? ChangeKind.Collect : ChangeKind.Rotate);
            }
        }
    }

    /// <summary>A load of one sample that no other change has.</summary>
    internal Change Fresh() => new(ChangeKind.Ingest, SampleFiles.NameOf(0, NewSamples(1)));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private IEnumerable<string> NewSamples(int count) => [.. Enumerable.Range(0, count).Select(_ => FormattableString.Invariant($"s{_nextSample++}"))];
}
