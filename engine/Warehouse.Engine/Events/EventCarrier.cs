using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Events;

/// <summary>
/// Brings an event log into a new store that has none: the events with their numbers and times, sealed with the new store's keys. Of a damaged log what
/// is whole from the first event on: what is behind a gap would say things of what nobody knows. Others may append to the old log, and merge its files, meanwhile.
/// </summary>
internal static class EventCarrier
{
    /// <summary>So often it is looked again: of a damaged log to which somebody appends without a pause no two looks are alike.</summary>
    private const int Looks = 100;

    /// <summary>Carries over.</summary>
    /// <param name="from">The store and its keys, only read.</param>
    /// <param name="to">The new store and its keys.</param>
    /// <param name="stop">Cancels.</param>
    /// <returns>What is lost, in words; null = nothing.</returns>
    internal static string? Carry((IStorage Store, IStorage Keys) from, (IStorage Store, IStorage Keys) to, CancellationToken stop)
    {
        if (from.Store.Facts(SealedFormat.EventFolder) is null) return IsBegun(from.Keys) ? "no event is taken: its folder is missing" : null;
        try
        {
            using var oldKeys = from.Keys.Facts(KeyFolder.AuditSecret) is null ? null : new EventKeys(from.Keys);
            if (oldKeys is null) return "no event is taken: the secret that opens it is missing";
            return Carry(from, oldKeys, to, stop);
        }
        catch (DamagedStoreException e) when (e.File == KeyFolder.AuditSecret)
        {
            return "no event is taken: the secret that opens it is damaged";
        }
        catch (DurableException e) when (e.Operation == "opendir" && !e.IsOfProcess)
        {
            return "no event is taken: its folder cannot be read";
        }
    }

    private static string? Carry((IStorage Store, IStorage Keys) from, EventKeys oldKeys, (IStorage Store, IStorage Keys) to, CancellationToken stop)
    {
        using var newKeys = new EventKeys(to.Keys);
        to.Store.CreateFolder(SealedFormat.EventFolder);
        to.Store.Create(SealedFormat.EventFolder + "/lock").Dispose();
        to.Store.SyncFolder("");
        // What the head promises has a name by now; what is promised later need not be among the names.
        var (promised, before) = (HeadOf(from.Keys, oldKeys), new List<(long First, long? Last, string Name)>());
        for (var look = 1; ; look++)
        {
            var target = new EventFiles(to.Store, newKeys);
            var (names, problem) = Take(new EventFiles(from.Store, oldKeys), from.Store.List(SealedFormat.EventFolder), target, stop);
            var last = Math.Max(promised?.Number ?? 0, names.Select(n => n.Last ?? n.First).DefaultIfEmpty().Max());
            if (last > target.End.Number && look < Looks && !names.SequenceEqual(before))
            {
                // A gap, or files that were merged into one under another name while they were read: two looks at the same names tell them apart.
                target.Remove([.. target.Ranges.Select(r => r.Name)]);
                before = names;
                continue;
            }
            new EventHead(target.End.Number, target.End.Chain).Write(to.Keys, newKeys);
            if (last > target.End.Number) return FormattableString.Invariant($"events {target.End.Number + 1} to {last} and perhaps later ones are not taken: {problem?.File ?? SealedFormat.EventFolder}: {problem?.Problem ?? "is missing"}");
            return promised is null ? FormattableString.Invariant($"taken up to event {target.End.Number}; the head is lost, so nothing tells whether there were more") : null;
        }
    }

    /// <summary>Takes what follows from the first event on without a gap; tells which files were named, in their order, and the first problem met.</summary>
    private static (List<(long First, long? Last, string Name)> Names, DamagedStoreException? Problem) Take(EventFiles source, IReadOnlyList<string> listed, EventFiles target, CancellationToken stop)
    {
        var names = new List<(long First, long? Last, string Name)>();
        foreach (var name in listed)
            if (EventFile.TryParse(name, out var first, out var last)) names.Add((first, last, name));
        // Where a merged file is damaged, those that it was made of may still be there.
        names = [.. names.OrderBy(n => n.First).ThenByDescending(n => n.Last ?? 0)];
        DamagedStoreException? problem = null;
        foreach (var (first, _, name) in names)
        {
            stop.ThrowIfCancellationRequested();
            if (first != target.End.Number + 1) continue;
            if (EventVerifier.TryRead(source, name, target.End.Chain, out var content, out var damage) is { } range) target.Take(range, content);
            else problem ??= damage;
        }
        return (names, problem);
    }

    private static EventHead? HeadOf(IStorage keys, EventKeys secret)
    {
        try
        {
            return EventHead.Read(keys, secret);
        }
        catch (DamagedStoreException)
        {
            return null; // then nothing tells how far it went
        }
    }

    private static bool IsBegun(IStorage keys) => keys.Facts(KeyFolder.EventHead) is not null;
}
