using System.Diagnostics;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Release;

/// <summary>The ledger cannot be written: nothing is released (I8). Open it again once the cause is gone.</summary>
public sealed class LedgerRefusedException : StoreException
{
    /// <summary>With the failure behind it.</summary>
    public LedgerRefusedException(Exception inner) : base($"the release ledger cannot be written, so nothing is released: {inner.Message}", inner)
    {
    }
}

/// <summary>
/// The ledger is not what was written, or does not go as far as answers that were given from it (I8): nothing is released. It is put back from its
/// newest copy; or the next release epoch begins it anew, in which all that it told of this one counts for nothing.
/// </summary>
public sealed class LedgerLostException : StoreException
{
    /// <summary>With what was found.</summary>
    public LedgerLostException(Exception inner) : base(Advice + ": " + inner.Message, inner)
    {
    }

    /// <summary>What is the matter, and what to do.</summary>
    public const string Advice = "the release ledger is not whole, so nothing is released. Put the folder 'ledger' of the audit folder back from its newest copy and start again; where there is none, a data steward opens a new release epoch";
}

/// <summary>
/// What was told to whom of figures under the rules of release, durable before it is told. I8 rests on it: an answer leaves only when the
/// record that charges for it is synced, so after any stop the ledger says at least as much as was answered.
/// <para>
/// It lies in the folder <c>ledger</c> of the audit folder: outside the store, whose copies put back would give budgets back, and where the
/// other record of what was asked lies, so that both are kept and moved together. One process holds it at a time. Records that come together share one
/// sync. After a failure nothing is released until it is opened again; what failed may be charged, which is the side to err on.
/// </para>
/// <para>
/// What is taken back: a frame that was changed, or removed from the middle, is found when it is read, and so is what is cut off while a process
/// holds the ledger, at the next charge. A file cut at the end of a record, or the last files removed, between two processes is found against a
/// <see cref="LedgerHead"/> kept elsewhere: the audit log has that of every answer (<see cref="StoreAudit"/>); a last record that nobody marked as durable and that is unreadable cannot be told from one that a
/// stop tore, which was never answered.
/// </para>
/// Thread-safe.
/// </summary>
public sealed class ReleaseLedger : IDisposable
{
    /// <summary>Records that may wait to be written; more are refused.</summary>
    public const int MaxWaiting = 1 << 14;

    /// <summary>The folder in the audit folder.</summary>
    public const string FolderName = "ledger";

    private const string LockName = "lock", Unfinished = ".tmp";

    private readonly IStorage _storage;
    private readonly LedgerCipher _cipher;
    private readonly IStorageLock _lock;
    private readonly Lock _gate = new();
    private readonly byte[] _zeros = new byte[LedgerCipher.TagBytes];
    private List<(byte[] Record, TaskCompletionSource Done)> _waiting = [];
    private Task _newest = Task.CompletedTask;
    private bool _isWriting;
    private Exception? _failure;
    private IStorageFile? _file;
    private (long File, long Records, byte[] Tag) _end;

    private ReleaseLedger(IStorage storage, LedgerCipher cipher, LedgerHead? witness, long? lostEpoch)
    {
        (_storage, _cipher) = (storage, cipher);
        _lock = TakeLock(storage);
        try
        {
            (State, _end) = Load(witness);
        }
        catch (DamagedStoreException lost) when (lostEpoch is not null)
        {
            _failure = new LedgerLostException(lost);
            State = new LedgerState(witness?.Epoch ?? lostEpoch.Value, 0); // no answer left of a later one
            _end = (Math.Max(new LedgerFiles(storage, cipher).Last(), witness?.File ?? -1), 0, _zeros);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>Number of the release epoch; 0 = none was opened yet, and nothing can be released.</summary>
    public long Epoch => Locked(() => State.Epoch);

    /// <summary>Samples of the epoch.</summary>
    public int Samples => Locked(() => State.Samples);

    /// <summary>How far it goes: for the audit entry of an answer. Null while nothing was ever written.</summary>
    public LedgerHead? Head => Locked(() => _end.File < 0 ? null : new LedgerHead(_end.File, _end.Records, Convert.ToHexStringLower(_end.Tag), State.Epoch));

    /// <summary>What is wrong with it, when nothing can be released before the next epoch; null = nothing is.</summary>
    public LedgerLostException? Lost => Locked(() => _failure as LedgerLostException);

    /// <summary>Held by whoever decides and records.</summary>
    internal Lock Gate => _gate;

    /// <summary>What the ledger says; touched under <see cref="Gate"/> alone.</summary>
    internal LedgerState State { get; private set; }

    /// <summary>Opens the ledger of a store; its folder is made when it is missing.</summary>
    /// <param name="auditPath">Folder of the audit log; the one above it must exist.</param>
    /// <param name="keysPath">Folder of the keys.</param>
    /// <param name="witness">A head that this ledger gave out; null = none is known.</param>
    /// <exception cref="StoreBusyException">Another process holds it.</exception>
    /// <exception cref="DamagedStoreException">It is not what was written, or shorter than the head.</exception>
    public static ReleaseLedger Open(string auditPath, string keysPath, LedgerHead? witness = null) => Open(auditPath, keysPath, witness, null);

    /// <summary>Opens it also when it is not whole: then it releases nothing (<see cref="Lost"/>) before a later epoch is opened.</summary>
    /// <param name="auditPath">As above.</param>
    /// <param name="keysPath">As above.</param>
    /// <param name="witness">As above; the epoch that was open then is over for a ledger that is not whole.</param>
    /// <param name="lostEpoch">The epoch that is over where no head is known; null = a ledger that is not whole is an error.</param>
    /// <param name="disk">What stands between the ledger and its folder; null = nothing.</param>
    /// <exception cref="StoreBusyException">Another process holds it.</exception>
    internal static ReleaseLedger Open(string auditPath, string keysPath, LedgerHead? witness, long? lostEpoch, Func<IStorage, IStorage>? disk = null)
    {
        DiskStorage.OpenOrCreate(auditPath);
        var folder = DiskStorage.OpenOrCreate(Path.Combine(auditPath, FolderName));
        return Open(disk is null ? folder : disk(folder), DiskStorage.Open(keysPath, "key folder"), witness, lostEpoch);
    }

    /// <summary>What is wrong with the ledger of an audit folder; null = nothing is. Only reads, also while a process writes to it.</summary>
    /// <param name="auditPath">Folder of the audit log.</param>
    /// <param name="keysPath">Folder of the keys.</param>
    /// <param name="witness">A head that it gave out; null = none is known.</param>
    internal static string? ProblemOf(string auditPath, string keysPath, LedgerHead? witness)
    {
        var path = Path.Combine(auditPath, FolderName);
        if (!Directory.Exists(path)) return witness is null ? null : "release ledger: is missing, and answers were given from it";
        using var cipher = new LedgerCipher(DiskStorage.Open(keysPath, "key folder"));
        var files = new LedgerFiles(DiskStorage.Open(path, "ledger folder"), cipher);
        try
        {
            var last = LastOf(files, witness);
            if (last >= 0) files.Load(last, witness);
            return null;
        }
        catch (DamagedStoreException bad)
        {
            return bad.Message;
        }
    }

    internal static ReleaseLedger Open(IStorage storage, IStorage keys, LedgerHead? witness = null, long? lostEpoch = null)
    {
        var cipher = new LedgerCipher(keys);
        try
        {
            return new ReleaseLedger(storage, cipher, witness, lostEpoch);
        }
        catch
        {
            cipher.Dispose();
            throw;
        }
    }

    /// <summary>Opens a release epoch, durable on return: budgets, guards and comparisons begin anew, locked projects stay locked. Whether it may be opened, <see cref="EpochRule"/> says.</summary>
    /// <param name="epoch">Its number, above the last one.</param>
    /// <param name="samples">Samples of its snapshot.</param>
    /// <exception cref="ArgumentException">The number is not above the last one.</exception>
    /// <exception cref="StoreException">The ledger cannot be written.</exception>
    public void OpenEpoch(long epoch, int samples)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        while (true)
        {
            Task running;
            lock (_gate)
            {
                if (epoch <= State.Epoch) throw new ArgumentException("the number of the epoch is not above the last one", nameof(epoch));
                if (!_isWriting)
                {
                    Begin(State.Next(epoch, samples));
                    return;
                }
                running = _newest;
            }
            running.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
        }
    }

    /// <summary>Projects that are locked until somebody reviews them, in ordinal order.</summary>
    public IReadOnlyList<string> LockedProjects() => Locked(() => State.Projects.Where(p => p.Value.Record.IsLocked).Select(p => p.Key).Order(StringComparer.Ordinal).ToArray());

    /// <summary>Opens a locked project again after a review; durable on return, with who did it and what was found.</summary>
    /// <exception cref="ArgumentException">The project is not locked, or a text is empty or too long.</exception>
    /// <exception cref="StoreException">The ledger cannot be written.</exception>
    public void Unlock(string project, string by, string note, TimeProvider clock)
    {
        CheckText(by, nameof(by));
        CheckText(note, nameof(note));
        Task done;
        bool mustWrite;
        lock (_gate)
        {
            if (!State.Projects.TryGetValue(project, out var known) || !known.Record.IsLocked) throw new ArgumentException("the project is not locked", nameof(project));
            (done, mustWrite) = Record(new UnlockRecord(project, by, note, DayOf(clock)));
        }
        if (mustWrite) Write();
        Finish(done);
    }

    /// <summary>Units that a project, or with null all together, has taken of a cohort or group in this epoch.</summary>
    public int UnitsOf(string? project, CohortSet set)
    {
        lock (_gate)
        {
            var number = State.NumberOf(set);
            if (project is null) return State.Shared.UsedOf(number);
            return State.Projects.TryGetValue(project, out var known) ? known.Budget.UsedOf(number) : 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _lock.Dispose();
        _cipher.Dispose();
    }

    internal static int DayOf(TimeProvider clock) => (int)(clock.GetUtcNow().Ticks / TimeSpan.TicksPerDay);

    internal static void CheckText(string text, string name)
    {
        if (text.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(text) > LedgerRecord.MaxTextBytes) throw new ArgumentException("the text is empty or too long", name);
    }

    /// <summary>Applies a record and puts it in line to be written; the caller holds <see cref="Gate"/>, and afterwards, without it, writes when told to and waits.</summary>
    /// <param name="record">The record.</param>
    /// <param name="isApplied">The caller has applied it, and says <see cref="Fail"/> when it could not be recorded.</param>
    internal (Task Done, bool MustWrite) Record(LedgerRecord record, bool isApplied = false)
    {
        RequireWhole();
        if (State.Epoch == 0) throw new InvalidOperationException("no epoch was opened");
        if (_waiting.Count >= MaxWaiting) throw new StoreBusyException("too many answers wait for the release ledger");
        var bytes = record.Encode(State);
        if (bytes.Length > LedgerCipher.MaxContentBytes) throw new ArgumentException("too much in one call", nameof(record));
        if (!isApplied) record.Apply(State);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Add((bytes, done));
        _newest = done.Task;
        return (done.Task, !_isWriting && (_isWriting = true));
    }

    /// <summary>Nothing is released any more: something was applied that is not on its way to the disk. The caller holds <see cref="Gate"/>.</summary>
    internal void Fail(Exception failure) => _failure ??= failure;

    /// <summary>Done when everything recorded so far is durable: what costs nothing rests on it too. The caller holds <see cref="Gate"/>.</summary>
    internal Task Newest()
    {
        RequireWhole();
        return _newest;
    }

    /// <summary>Something can be released. The caller holds <see cref="Gate"/>.</summary>
    /// <exception cref="LedgerLostException">It is not whole.</exception>
    /// <exception cref="LedgerRefusedException">It could not be written.</exception>
    internal void RequireWhole()
    {
        if (_failure is LedgerLostException lost) throw lost;
        if (_failure is not null) throw new LedgerRefusedException(_failure);
    }

    /// <summary>Writes what waits, on the caller's thread, until nothing does.</summary>
    internal void Write()
    {
        while (true)
        {
            List<(byte[] Record, TaskCompletionSource Done)> batch;
            lock (_gate)
            {
                _isWriting = _waiting.Count > 0;
                if (!_isWriting) return;
                (batch, _waiting) = (_waiting, []);
            }
            try
            {
                Append([.. batch.Select(w => w.Record)]);
                foreach (var (_, done) in batch) done.SetResult();
            }
            catch (Exception failure)
            {
                // Whatever it was: each of those who wait must learn of it, and what this process knows of the file may be wrong.
                lock (_gate) _failure ??= failure;
                foreach (var (_, done) in batch) done.SetException(failure);
            }
        }
    }

    /// <summary>Waits; a failure is told as what it means.</summary>
    /// <exception cref="LedgerRefusedException">What was recorded is not known to be durable.</exception>
    internal static void Finish(Task done)
    {
        try
        {
            done.GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is DurableException or StoreException and not LedgerRefusedException)
        {
            throw new LedgerRefusedException(e);
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate) return read();
    }

    private static IStorageLock TakeLock(IStorage storage)
    {
        if (storage.Facts(LockName) is null)
        {
            try
            {
                storage.Create(LockName).Dispose();
            }
            catch (DurableException e) when (e.Errno == DurableException.Exists)
            {
                // Another process was first.
            }
        }
        return storage.Lock(LockName, exclusive: true) ?? throw new StoreBusyException("another process holds the release ledger");
    }

    private static long LastOf(LedgerFiles files, LedgerHead? witness)
    {
        var last = files.Last();
        return witness?.File > last ? throw LedgerFiles.Damaged(witness.File, "is missing, and answers were given from it") : last;
    }

    private (LedgerState State, (long File, long Records, byte[] Tag) End) Load(LedgerHead? witness)
    {
        var files = new LedgerFiles(_storage, _cipher);
        foreach (var name in _storage.List("").Where(n => n.EndsWith(Unfinished, StringComparison.Ordinal))) _storage.Delete(name); // left by a stop; the lock is held
        var last = LastOf(files, witness);
        if (last < 0) return (new LedgerState(0, 0), (-1, 0, _zeros));
        var (state, records, tag, doubtful) = files.Load(last, witness);
        // What nobody marked as durable may be in memory alone, after a sync that failed; and behind it may stand a torn end.
        if (doubtful.Count > 0) return (state, Create(new LedgerBegin(state.Epoch, state.Samples, false, records, tag), last, doubtful));
        return (state, (last, records, tag));
    }

    /// <summary>Begins the file of a new epoch.</summary>
    private void Begin(LedgerState next)
    {
        if (_failure is not LedgerLostException) RequireWhole();
        try
        {
            var carried = next.Projects.Select(p => new RefusalRecord(p.Key, p.Value.Record.Day, p.Value.Record.Refusals, p.Value.Record.IsLocked)).OrderBy(r => r.Project, StringComparer.Ordinal);
            var begin = new LedgerBegin(next.Epoch, next.Samples, true, _end.Records, _end.Tag) { Carried = [.. carried] };
            _file?.Dispose();
            _file = null;
            _end = Create(begin, _end.File, []);
            _file = _storage.Open(LedgerFiles.NameOf(_end.File), append: true);
            (State, _failure) = (next, null);
        }
        catch (Exception failure)
        {
            _failure = failure;
            throw;
        }
    }

    /// <summary>Writes a new file, whole and durable, behind the last one.</summary>
    private (long File, long Records, byte[] Tag) Create(LedgerBegin begin, long last, IReadOnlyList<byte[]> adopted)
    {
        if (_storage.IsPoisoned) throw new StorePoisonedException();
        var end = (File: last + 1, Records: 0L, Tag: _zeros);
        var name = LedgerFiles.NameOf(end.File);
        using (var file = _storage.Create(name + Unfinished))
        {
            Seal(file, [begin.Encode(), .. adopted], ref end);
            Mark(file, end);
            file.Sync();
        }
        if (!_storage.TryRename(name + Unfinished, name)) throw new DamagedStoreException("release ledger, file " + name, "is there although nobody else writes");
        _storage.SyncFolder("");
        return end;
    }

    private void Append(IReadOnlyList<byte[]> records)
    {
        if (_storage.IsPoisoned) throw new StorePoisonedException();
        if (_failure is not null) throw new LedgerRefusedException(_failure);
        _file ??= OpenOwn();
        if (!_lock.IsHeld || _storage.Facts(LedgerFiles.NameOf(_end.File))?.LengthBytes != _file.LengthBytes) throw LedgerFiles.Damaged(_end.File, "was replaced or cut while this process held it");
        var end = _end;
        Seal(_file, records, ref end);
        _file.Sync();
        lock (_gate) _end = end;
        // Tells the next process that the sync succeeded. After one that failed, the same bytes would be read back and never be on the disk.
        Mark(_file, end);
    }

    /// <summary>The file of this process: it writes behind no other one's records.</summary>
    private IStorageFile OpenOwn()
    {
        LedgerState state;
        lock (_gate) state = State;
        var end = Create(new LedgerBegin(state.Epoch, state.Samples, false, _end.Records, _end.Tag), _end.File, []);
        lock (_gate) _end = end;
        return _storage.Open(LedgerFiles.NameOf(end.File), append: true);
    }

    private void Seal(IStorageFile file, IReadOnlyList<byte[]> records, ref (long File, long Records, byte[] Tag) end)
    {
        var bytes = new byte[records.Sum(r => LedgerCipher.FrameBytes(r.Length))];
        var at = 0;
        foreach (var record in records)
        {
            var frame = bytes.AsSpan(at, LedgerCipher.FrameBytes(record.Length));
            _cipher.Seal(frame, record, (end.File, end.Records), end.Tag);
            end = (end.File, end.Records + 1, frame[^LedgerCipher.TagBytes..].ToArray());
            at += frame.Length;
        }
        Debug.Assert(at == bytes.Length);
        file.Append(bytes);
    }

    private void Mark(IStorageFile file, (long File, long Records, byte[] Tag) end)
    {
        Span<byte> mark = stackalloc byte[LedgerCipher.MarkBytes];
        _cipher.Mark(mark, end.File, end.Records);
        file.Append(mark);
    }
}
