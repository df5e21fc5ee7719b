using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Events;

/// <summary>
/// Puts whole files of a backup's event log in the place of damaged or missing ones. A file is taken only when it is authentic under the store's keys and
/// follows, by the chain, what is whole before it (I3, I7); one that the store itself has whole is never replaced. Where backup and store merged
/// differently, a damaged merged file gives way to the smaller ones. A stop at any point leaves each file as it was or mended; run it again.
/// </summary>
internal static class EventRepair
{
    /// <summary>Mends; the work is done while the names of mended files are enumerated.</summary>
    /// <exception cref="StoreBusyException">Somebody appends.</exception>
    internal static IEnumerable<string> Run(IStorage storage, IStorage keys, IStorage backup, CancellationToken stop)
    {
        if (keys.Facts(KeyFolder.EventHead) is null || keys.Facts(KeyFolder.AuditSecret) is null || backup.Facts(SealedFormat.EventFolder) is null) yield break;
        if (storage.Facts(SealedFormat.EventFolder) is null) storage.CreateFolder(SealedFormat.EventFolder);
        if (storage.Facts(EventLog.LockName) is null) storage.Create(EventLog.LockName).Dispose();
        storage.SyncFolder("");
        using var held = storage.Lock(EventLog.LockName, exclusive: true) ?? throw new StoreBusyException("somebody appends to the event log");
        using var secret = new EventKeys(keys);
        var (own, other) = (Side.Of(storage, secret), Side.Of(backup, secret));
        var end = default(EventEnd);
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            if (own.Next(end) is { } whole)
            {
                end = whole.End;
                continue;
            }
            if (other.Next(end) is not { } found) yield break;
            Copy(backup, storage, found.Name);
            foreach (var name in own.Of(end.Number + 1).Where(n => n != found.Name)) storage.Delete($"{SealedFormat.EventFolder}/{name}");
            storage.SyncFolder(SealedFormat.EventFolder);
            yield return $"{SealedFormat.EventFolder}/{found.Name}";
            end = found.End;
        }
    }

    private static void Copy(IStorage from, IStorage to, string name)
    {
        var path = $"{SealedFormat.EventFolder}/{name}";
        var unfinished = path + SealedFormat.Unfinished;
        if (to.Facts(unfinished) is not null) to.Delete(unfinished);
        using (var source = from.Open(path))
        using (var target = to.Create(unfinished))
        {
            var bytes = new byte[source.LengthBytes];
            source.Read(0, bytes);
            target.Append(bytes);
            target.Sync();
        }
        to.Replace(unfinished, path);
    }

    /// <summary>The files of one log, by the event with which they begin, the longest first.</summary>
    private sealed class Side
    {
        private readonly EventFiles _files;
        private readonly ILookup<long, string> _names;

        private Side(EventFiles files, ILookup<long, string> names) => (_files, _names) = (files, names);

        internal static Side Of(IStorage storage, EventKeys secret)
        {
            var names = new List<(long First, long? Last, string Name)>();
            foreach (var name in storage.List(SealedFormat.EventFolder))
                if (EventFile.TryParse(name, out var first, out var last)) names.Add((first, last, name));
            return new Side(new EventFiles(storage, secret), names.OrderByDescending(n => n.Last ?? 0).ToLookup(n => n.First, n => n.Name));
        }

        internal IEnumerable<string> Of(long first) => _names[first];

        /// <summary>The longest whole file that follows.</summary>
        internal EventRange? Next(EventEnd end) => _names[end.Number + 1].Select(n => EventVerifier.TryRead(_files, n, end.Chain, out _, out _)).FirstOrDefault(r => r is not null);
    }
}
