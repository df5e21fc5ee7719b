using System.Diagnostics;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Events;

/// <summary>
/// The small records of a store that no count depends on: sealed, append-only, numbered, in the store's folder, so that a copy of the store has them. Any
/// number of processes may append; a short lock keeps them apart, and an ingest does not hold it.
/// <para>
/// I1, I2: when <see cref="Append(EventBatch)"/> returns, all its events are on the disk and stay there after any stop; when it throws, all of them are there or none, and
/// the next look at the log tells. I3, I7: what is not what was written, is missing or was rolled back is an error, never a shorter log; the head in the key
/// folder tells the latter. Order of an append, under the lock: the batch is written under another name and synced; it gets its name, which must be free, and the
/// folder is synced; the head is written and synced. A batch that has its name and no head, since its writer stopped, is promised by the next writer.
/// </para>
/// A reader takes no lock and may be on a read-only disk. Thread-safe.
/// </summary>
public sealed partial class EventLog : IDisposable
{
    /// <summary>Most events of a batch.</summary>
    public const int MaxBatchEvents = 1 << 16;

    /// <summary>Largest payload.</summary>
    public const int MaxPayloadBytes = 1 << 20;

    /// <summary>Longest id of an actor.</summary>
    public const int MaxActorBytes = 512;

    internal const string LockName = SealedFormat.EventFolder + "/lock";

    private const int ReadAttempts = 100;

    private readonly IStorage _storage, _keyStorage;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private EventKeys? _keys;
    private EventFiles? _files;
    private EventHead? _promised;
    private bool _isCertain;

    /// <summary>A log of a store; nothing is read or made yet.</summary>
    internal EventLog(IStorage storage, IStorage keys, TimeProvider clock) => (_storage, _keyStorage, _clock) = (storage, keys, clock);

    /// <summary>How often the lock is asked for, with 2 ms between.</summary>
    internal int LockAttempts { get; set; } = 5000;

    /// <summary>Looks for what others have appended.</summary>
    /// <returns>Number of the last event; 0 = there is none.</returns>
    /// <exception cref="DamagedStoreException">The log is damaged or was rolled back.</exception>
    public long Refresh()
    {
        lock (_gate)
        {
            Look();
            return _files?.End.Number ?? 0;
        }
    }

    /// <summary>Events in their order, from a number on, as many as there are when the enumeration begins. One file of the log is in memory at a time.</summary>
    /// <param name="from">Number of the first; 1 or more.</param>
    /// <param name="asOf">Only those that follow this manifest version or an older one, which come before all others; null = all.</param>
    /// <exception cref="DamagedStoreException">The log is damaged or was rolled back.</exception>
    public IEnumerable<LoggedEvent> Read(long from = 1, long? asOf = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        return ReadFrom(from, Refresh(), asOf ?? long.MaxValue);
    }

    /// <summary>Appends events, all of them or none; durable on return.</summary>
    /// <returns>Number of the last of them.</returns>
    /// <exception cref="EventConflictException">The log does not end where the batch expects it to; nothing was written.</exception>
    /// <exception cref="StoreBusyException">Others appended all the time; nothing was written.</exception>
    /// <exception cref="StoreException">The log is damaged, or a sync failed in this process.</exception>
    public long Append(EventBatch batch)
    {
        EventFile.Check(batch);
        lock (_gate)
        {
            if (_storage.IsPoisoned || _keyStorage.IsPoisoned) throw new StorePoisonedException();
            try
            {
                using var held = TakeLock();
                var files = BeginWriting();
                if (batch.ExpectedHead is { } expected && expected != files.End.Number) throw new EventConflictException(expected, files.End.Number);
                _isCertain = false; // until it is done
                files.MergeIfMany();
                Append(files, batch);
                if (!held.IsHeld) throw new StoreBusyException("somebody else took the lock of the event log away");
                Promise(files);
                _isCertain = true;
                return files.End.Number;
            }
            catch (DurableException e) when (_storage.IsPoisoned || _keyStorage.IsPoisoned)
            {
                throw new StorePoisonedException(e);
            }
        }
    }

    /// <summary>Merges small files of the log, as appending does by and by. Changes no event.</summary>
    public void Compact()
    {
        lock (_gate)
        {
            Look();
            if (_files is null) return;
            if (_storage.IsPoisoned || _keyStorage.IsPoisoned) throw new StorePoisonedException();
            using var held = TakeLock();
            var files = BeginWriting();
            _isCertain = false;
            files.MergeAll();
            _isCertain = true;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _keys?.Dispose();

    private IEnumerable<LoggedEvent> ReadFrom(long from, long through, long asOf)
    {
        for (var next = from; next <= through;)
        {
            foreach (var one in EventsFrom(next))
            {
                if (one.Number > through || one.ManifestVersion > asOf) yield break;
                yield return one;
                next = one.Number + 1;
            }
        }
    }

    /// <summary>The rest of the file that holds an event; a file that is merged away meanwhile is looked for again.</summary>
    private List<LoggedEvent> EventsFrom(long number)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                lock (_gate)
                {
                    var range = _files!.Ranges.First(r => r.Last >= number);
                    return [.. EventFile.Events(_files.Content(range), range).Select(e => e.Event).SkipWhile(e => e.Number < number)];
                }
            }
            catch (DamagedStoreException e) when (e.IsMissing && attempt < ReadAttempts)
            {
                Refresh();
            }
        }
    }

    /// <summary>Reads what is promised, then the folder, which holds at least that.</summary>
    private void Look()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // Without a head there never was a log; and the secret is made by whoever writes first.
                if (_keyStorage.Facts(KeyFolder.EventHead) is null)
                {
                    if (_storage.Facts(SealedFormat.EventFolder) is not null) throw new DamagedStoreException("keys/" + KeyFolder.EventHead, "is missing") { IsMissing = true };
                    return;
                }
                var keys = _keys ??= new EventKeys(_keyStorage);
                _promised = EventHead.Read(_keyStorage, keys) ?? throw new DamagedStoreException("keys/" + KeyFolder.EventHead, "is missing") { IsMissing = true };
                if (_storage.Facts(SealedFormat.EventFolder) is null)
                {
                    if (_promised.Value.Number == 0) return;
                    throw new DamagedStoreException(SealedFormat.EventFolder, "is missing") { IsMissing = true };
                }
                var files = _files ??= new EventFiles(_storage, keys);
                files.Refresh();
                CheckPromised(files, _promised.Value);
                return;
            }
            catch (DamagedStoreException e) when (e.IsMissing && attempt < ReadAttempts && _files is not null)
            {
                // Merged away, or appended, while the folder was read.
            }
        }
    }

    private static void CheckPromised(EventFiles files, EventHead promised)
    {
        if (files.End.Number < promised.Number) throw EventFiles.Missing(files.End.Number + 1);
        var at = files.Ranges.FirstOrDefault(r => r.Last == promised.Number);
        if (at is not null && at.End.Chain != promised.Chain) throw EventFile.Damaged(at.Name, "is not what was acknowledged");
    }

    /// <summary>Under the lock: brings what is known up to date, removes what a stop has left, and promises what it did not come to promise.</summary>
    private EventFiles BeginWriting()
    {
        var keys = _keys!;
        var promised = EventHead.Read(_keyStorage, keys) ?? throw new DamagedStoreException("keys/" + KeyFolder.EventHead, "is missing") { IsMissing = true };
        var files = _files ??= new EventFiles(_storage, keys);
        if (_isCertain && _promised == promised && !files.IsTaken) return files;
        var surplus = files.Refresh();
        CheckPromised(files, promised);
        files.Remove(surplus);
        _promised = promised;
        if (files.End.Number > promised.Number)
        {
            _storage.SyncFolder(SealedFormat.EventFolder);
            Promise(files);
        }
        return files;
    }

    private void Promise(EventFiles files)
    {
        var head = new EventHead(files.End.Number, files.End.Chain);
        head.Write(_keyStorage, _keys!);
        _promised = head;
    }

    private void Append(EventFiles files, EventBatch batch)
    {
        var end = files.End;
        var now = new DateTimeOffset(Math.Max(_clock.GetUtcNow().UtcTicks, end.TimeTicks), TimeSpan.Zero);
        var version = Math.Max(batch.ManifestVersion, end.ManifestVersion);
        var encoded = new List<byte[]>(batch.Events.Count);
        foreach (var one in batch.Events)
        {
            var bytes = EventFile.Encode(new LoggedEvent { Number = end.Number + 1, TimeUtc = now, Actor = batch.Actor, ManifestVersion = version, Kind = one.Kind, Schema = one.Schema, Payload = one.Payload });
            end = new EventEnd(end.Number + 1, EventFile.ChainAfter(end.Chain, bytes), version, now.UtcTicks);
            encoded.Add(bytes);
        }
        files.Append(encoded, end);
        Debug.Assert(files.End == end, "I1: what is promised is what was written");
    }

    /// <summary>Waits for other processes, each of which holds it for the syncs of one append. The folder, its lock and the first head are made here.</summary>
    private IStorageLock TakeLock()
    {
        if (_keys is null || _storage.Facts(SealedFormat.EventFolder) is null || _storage.Facts(LockName) is null) Begin();
        for (var attempt = 1; attempt <= LockAttempts; attempt++)
        {
            if (_storage.Lock(LockName, exclusive: true) is { } held) return held;
            Thread.Sleep(2);
        }
        throw new StoreBusyException("others append to the event log all the time");
    }

    private void Begin()
    {
        var keys = _keys ??= new EventKeys(_keyStorage);
        if (EventHead.Read(_keyStorage, keys) is null)
        {
            if (_storage.Facts(SealedFormat.EventFolder) is not null) throw new DamagedStoreException("keys/" + KeyFolder.EventHead, "is missing") { IsMissing = true };
            new EventHead(0, default).Write(_keyStorage, keys, isFirst: true);
        }
        if (_storage.Facts(SealedFormat.EventFolder) is null) Unless(DurableException.Exists, () => _storage.CreateFolder(SealedFormat.EventFolder));
        _storage.SyncFolder("");
        if (_storage.Facts(LockName) is null) Unless(DurableException.Exists, () => _storage.Create(LockName).Dispose());
    }

    /// <summary>Another process may be first.</summary>
    private static void Unless(int errno, Action make)
    {
        try
        {
            make();
        }
        catch (DurableException e) when (e.Errno == errno)
        {
            // It is there.
        }
    }
}
