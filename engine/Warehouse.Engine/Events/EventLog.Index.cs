using Warehouse.Primitives;

namespace Warehouse.Engine.Events;

public sealed partial class EventLog
{
    /// <summary>With fewer events behind the index than this they are looked through; a writer brings the index up to date when there are more.</summary>
    public const int MostBehindIndex = 8192;

    /// <summary>Events of some subjects, in their order, each once; found by the index, if there is one, and in what is behind it. Others may be among them.</summary>
    /// <param name="rule">The index.</param>
    /// <param name="subjects">Subjects.</param>
    /// <param name="asOf">Only events that follow this manifest version or an older one; null = all.</param>
    /// <exception cref="Storage.DamagedStoreException">Log or index is damaged. An index may be deleted.</exception>
    public IReadOnlyList<LoggedEvent> Find(EventIndexRule rule, IReadOnlyCollection<string> subjects, long? asOf = null)
    {
        EventIndex index;
        lock (_gate)
        {
            Look();
            index = LoadIndex(rule);
        }
        var numbers = subjects.SelectMany(index.Find).Distinct().Order().ToList();
        var found = new List<LoggedEvent>();
        for (var i = 0; i < numbers.Count;)
        {
            // One file at a time; a file that is merged away meanwhile is looked for again.
            var (events, through) = PickFrom(numbers, i);
            found.AddRange(events);
            while (i < numbers.Count && numbers[i] <= through) i++;
        }
        var wanted = subjects.ToHashSet(StringComparer.Ordinal);
        found.AddRange(Read(index.Covered + 1).Where(e => rule.SubjectsOf(e).Any(wanted.Contains)));
        return asOf is { } version ? [.. found.TakeWhile(e => e.ManifestVersion <= version)] : found;
    }

    /// <summary>How many events are behind the index; all, where there is none.</summary>
    public long BehindIndex(EventIndexRule rule)
    {
        lock (_gate)
        {
            Look();
            return (_files?.End.Number ?? 0) - LoadIndex(rule).Covered;
        }
    }

    /// <summary>Brings the index up to date; durable on return. Changes no event.</summary>
    public void SaveIndex(EventIndexRule rule)
    {
        lock (_gate)
        {
            Look();
            if (_files is null) return;
            using var held = TakeLock();
            var files = BeginWriting();
            var before = LoadIndex(rule);
            var behind = new List<LoggedEvent>();
            foreach (var range in files.Ranges.Where(r => r.Last > before.Covered)) behind.AddRange(EventFile.Events(files.Content(range), range).Select(e => e.Event).SkipWhile(e => e.Number <= before.Covered));
            files.WriteIndex(EventIndex.NameOf(rule.Name), before.With(behind, rule, files.End).Encode(rule.Version));
            _index = null;
        }
    }

    private (IReadOnlyList<LoggedEvent> Events, long Through) PickFrom(List<long> numbers, int first)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                lock (_gate)
                {
                    var range = _files!.Ranges.First(r => r.Last >= numbers[first]);
                    return (EventFile.Pick(_files.Content(range), range, numbers.Skip(first).TakeWhile(n => n <= range.Last)), range.Last);
                }
            }
            catch (Storage.DamagedStoreException e) when (e.IsMissing && attempt < ReadAttempts)
            {
                Refresh();
            }
        }
    }

    /// <summary>The index as it lies on the disk; empty when there is none, or one of another version. Kept while the same file lies there.</summary>
    private EventIndex LoadIndex(EventIndexRule rule)
    {
        var name = EventIndex.NameOf(rule.Name);
        if (_files is null || _storage.Facts(name) is not { } facts) return EventIndex.Empty;
        if (_index is { } known && known.Rule == rule.Name && known.Facts == facts) return known.Index;
        byte[] bytes;
        try
        {
            bytes = _files.IndexContent(name);
        }
        catch (Storage.DamagedStoreException e) when (e.IsMissing)
        {
            return EventIndex.Empty; // deleted a moment ago
        }
        var index = EventIndex.Decode(bytes, rule.Version, Path.GetFileName(name)) ?? EventIndex.Empty;
        var at = _files.Ranges.FirstOrDefault(r => r.Last == index.Covered);
        if (index.Covered > _files.End.Number || (at is not null && at.End.Chain != index.Chain)) throw EventFile.Damaged(Path.GetFileName(name), "is of another history of the log; delete it");
        _index = (rule.Name, facts, index);
        return index;
    }

    private (string Rule, FileFacts Facts, EventIndex Index)? _index;
}
