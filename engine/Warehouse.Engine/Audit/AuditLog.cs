using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Audit;

/// <summary>The audit log cannot be written: no data is shown (I5). Exit code 5.</summary>
public sealed class AuditRefusedException : StoreException
{
    /// <summary>With the failure behind it.</summary>
    public AuditRefusedException(Exception inner)
        : base($"the audit log cannot be written, so nothing is shown and nothing changed: {inner.Message}. Another folder for it is named by --audit DIR or WAREHOUSE_AUDIT", inner)
    {
    }
}

/// <summary>
/// The audit log of a store, for appending. I5 rests on it: an append returns only when the entries are durable, and under a signed
/// checkpoint that is durable too. Appends that come together share their two syncs. Several processes append to one log: each append
/// holds its lock, for which it waits a bounded time.
/// <para>
/// A failed append has promised nothing; the next one reads the end of the log again, keeps what is whole and cuts a torn end, and says so
/// in the log. After a failed sync every append fails until the process restarts. No two checkpoints of one size differ: entries are
/// synced before their checkpoint is signed, and whatever may have been signed over is kept. Thread-safe.
/// </para>
/// <para>
/// Closing waits for a disk that does not answer no longer than an answer does. What was acknowledged is durable before; of what was not, nothing is
/// signed any more, since the keys may be gone: whole entries that have come to the disk are taken in by the next append of whichever process.
/// </para>
/// </summary>
public sealed class AuditLog : IDisposable
{
    /// <summary>Appends that may wait; more are refused.</summary>
    public const int MaxWaiting = 1 << 16;

    /// <summary>
    /// How long an answer waits for its entry: then it is refused, before the deadline of a call is over, and its caller learns why. The entry may be
    /// written still, once the disk answers: it says more than was shown, never less.
    /// </summary>
    public static readonly TimeSpan MostWait = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(10), LockPause = TimeSpan.FromMilliseconds(2);

    private readonly AuditFiles _files;
    private readonly AuditKeys _keys;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _isWanted = new(false);
    private List<Waiting> _waiting = [];
    private readonly Lock _signing = new();
    private bool _isWriting, _isHandedOver, _isClosed, _isLeft, _isOver;
    private Thread? _writer;
    private AuditState? _state;
    private (IStorageFile Entries, IStorageFile Checkpoints, IStorageFile Leaves)? _open;

    /// <summary>How long closing waits for whoever writes.</summary>
    internal TimeSpan ClosingWait { get; init; } = MostWait;

    internal AuditLog(IStorage storage, AuditKeys keys, TimeProvider clock) => (_files, _keys, _clock) = (new AuditFiles(storage), keys, clock);

    /// <summary>Opens the log in a folder, which is made when it is missing; nothing is read before the first append.</summary>
    /// <param name="path">The folder; the one above it must exist.</param>
    /// <param name="keys">The keys of the store; the caller's.</param>
    /// <param name="clock">Time of the entries.</param>
    /// <param name="disk">What stands between the log and its folder; null = nothing.</param>
    public static AuditLog Open(string path, AuditKeys keys, TimeProvider clock, Func<IStorage, IStorage>? disk = null) => new(disk is null ? OpenFolder(path) : disk(OpenFolder(path)), keys, clock);

    /// <summary>Appends entries side by side with those of others; done when they are durable. The index of the first.</summary>
    /// <exception cref="IOException">They are not, or not known to be.</exception>
    public Task<long> AppendAsync(IReadOnlyList<AuditEntry> entries)
    {
        if (Enqueue(entries, isBlocking: false, out var waiting) && !TryHandOver()) Write(null);
        return waiting.Done.Task;
    }

    /// <summary>
    /// The same, done on return. In a process that has not appended otherwise, the caller's thread writes, no longer than until it is durable, and waits for the disk as any
    /// command does; where the log has its own thread that one writes, and the disk is waited for <see cref="MostWait"/> at the most.
    /// </summary>
    /// <exception cref="IOException">They are not durable, or not known to be.</exception>
    public long Append(IReadOnlyList<AuditEntry> entries)
    {
        if (Enqueue(entries, isBlocking: true, out var waiting) && !(_writer is not null && TryHandOver())) Write(waiting);
        else if (Task.WaitAny([waiting.Done.Task], MostWait) < 0) throw TooSlow();
        return waiting.Done.Task.GetAwaiter().GetResult();
    }

    /// <summary>Ends appending: what waits is written before, unless the disk does not answer for <see cref="MostWait"/>.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_isClosed) _isWanted.Set();
            _isClosed = true;
        }
        if (_writer?.Join(ClosingWait) != false)
        {
            _isWanted.Dispose();
            SpinWait.SpinUntil(() => !IsWriting, ClosingWait); // somebody who blocks may write for all who wait
        }
        lock (_gate) _isLeft = _isWriting;
        // Whoever still waits for the disk has the files, and closes them when it answers.
        if (_isLeft) lock (_signing) _isOver = true;
        else Forget();
    }

    private bool IsWriting
    {
        get
        {
            lock (_gate) return _isWriting;
        }
    }

    /// <summary>The disk of the log has not answered for <see cref="MostWait"/>.</summary>
    internal static StoreBusyException TooSlow() => new(string.Create(CultureInfo.InvariantCulture, $"its disk has not answered for {MostWait.TotalSeconds} s"));

    private bool Enqueue(IReadOnlyList<AuditEntry> entries, bool isBlocking, out Waiting waiting)
    {
        waiting = new Waiting(entries, isBlocking);
        lock (_gate)
        {
            if (_waiting.Count >= MaxWaiting) throw new StoreBusyException("too many entries wait for the audit log");
            _waiting.Add(waiting);
            return !_isWriting && (_isWriting = true);
        }
    }

    /// <summary>
    /// Writes what waits on the log's own thread: one of the pool would answer nobody while it waits for the disk. False when the log is closed.
    /// </summary>
    private bool TryHandOver()
    {
        lock (_gate)
        {
            if (_isClosed) return false;
            if (_writer is null)
            {
                _writer = new Thread(WriteWhenWanted) { IsBackground = true, Name = "audit log" };
                _writer.Start();
            }
            _isHandedOver = true;
            _isWanted.Set();
            return true;
        }
    }

    private void WriteWhenWanted()
    {
        while (true)
        {
            bool isHandedOver;
            lock (_gate)
            {
                (isHandedOver, _isHandedOver) = (_isHandedOver, false);
                if (!isHandedOver && _isClosed) return;
            }
            // Looked at before it is waited for: of two signals that come together, what waits and that it is closed, one is lost.
            if (isHandedOver) Write(null);
            else _isWanted.WaitOne();
        }
    }

    /// <summary>Writes what waits, until nothing does: one thread at a time, that which <see cref="_isWriting"/> was set for.</summary>
    /// <param name="own">Once it is durable the rest is handed over, since whoever blocks for it has work of his own; null = there is nobody else to write.</param>
    private void Write(Waiting? own)
    {
        while (true)
        {
            List<Waiting> batch;
            lock (_gate)
            {
                _isWriting = _waiting.Count > 0;
                if (!_isWriting && _isLeft) Forget();
                if (!_isWriting || (own is { Done.Task.IsCompleted: true } && TryHandOver())) return;
                (batch, _waiting) = (_waiting, []);
            }
            try
            {
                var first = Commit([.. batch.SelectMany(w => w.Entries)]);
                foreach (var waiting in batch)
                {
                    waiting.First = first;
                    first += waiting.Entries.Count;
                }
            }
            catch (Exception failure)
            {
                // Whatever it was: each of those who wait must learn of it, and what this process knows of the log may be wrong.
                Forget();
                foreach (var waiting in batch) waiting.Failure = failure;
            }
            Tell(batch);
        }
    }

    /// <summary>
    /// Tells those who wait: who blocks, here; all others in as many lots as there are processors, since a work item for each would cost the pool
    /// more than what is left of a call.
    /// </summary>
    private static void Tell(List<Waiting> batch)
    {
        foreach (var waiting in batch)
            if (waiting.IsBlocking) waiting.Tell();
        var lots = Math.Min(Environment.ProcessorCount, batch.Count(w => !w.IsBlocking));
        for (var lot = 0; lot < lots; lot++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static of =>
            {
                for (var i = of.Lot; i < of.Batch.Count; i += of.Lots)
                    if (!of.Batch[i].IsBlocking) of.Batch[i].Tell();
            }, (Batch: batch, Lot: lot, Lots: lots), preferLocal: false);
        }
    }

    private long Commit(List<AuditEntry> entries)
    {
        if (_files.Storage.IsPoisoned) throw new StorePoisonedException();
        RequireOpen();
        using var held = TakeLock();
        if (_state is null || !IsCurrent(_state)) Load();
        var first = _state!.Edge.Size;
        var now = _clock.GetUtcNow();
        for (var done = 0; done < entries.Count;)
        {
            var count = Math.Min(entries.Count - done, TilePath.Width - (_state.Leaves.Count % TilePath.Width));
            Append([.. entries.Skip(done).Take(count).Select((e, i) => e.ToBytes(first + done + i, now))]);
            done += count;
        }
        return first;
    }

    /// <summary>Appends lines that have room in one bundle: entries, sync, checkpoint, sync.</summary>
    private void Append(IReadOnlyList<byte[]> lines)
    {
        var state = _state!;
        if (state.Leaves.Count == TilePath.Width) NextBundle();
        var (entriesFile, checkpointsFile, leavesFile) = _open ??= OpenBundle();
        var bytes = new List<byte>();
        foreach (var line in lines) AuditFiles.Frame(bytes, line);
        entriesFile.Append(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        entriesFile.Sync();

        bytes.Clear();
        Span<byte> hash = stackalloc byte[Digest.SizeBytes];
        foreach (var line in lines)
        {
            var leaf = MerkleTree.Leaf(line);
            state.Edge.Add(leaf);
            state.Leaves.Add(leaf);
            leaf.Write(hash);
            bytes.AddRange(hash);
        }
        // The tile of the bundle as far as it goes, so that a changed entry is named and not its append alone. Nothing needs it, so it is not synced.
        leavesFile.Append(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        bytes.Clear();
        AuditFiles.Frame(bytes, Sign(new Checkpoint(_keys.Signer.Name, state.Edge.Size, state.Edge.Root())));
        checkpointsFile.Append(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        checkpointsFile.Sync();
        // Tells the next process that the sync succeeded. After one that failed, the same bytes would be read back and never be on the disk.
        checkpointsFile.Append([0, 0]);
        state.LengthBytes = (entriesFile.LengthBytes, checkpointsFile.LengthBytes);
        Debug.Assert(state.Leaves.Count <= TilePath.Width);
    }

    private void RequireOpen()
    {
        lock (_signing)
        {
            if (_isOver) throw new StoreBusyException("the audit log was closed before its disk answered");
        }
    }

    /// <summary>Signs, unless the log was closed before its disk answered: its keys may be wiped, and what they would sign then locks the log.</summary>
    private byte[] Sign(Checkpoint checkpoint)
    {
        lock (_signing)
        {
            RequireOpen();
            return _keys.Sign(checkpoint);
        }
    }

    private void NextBundle()
    {
        _files.PutTiles(_state!.Bundle, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_state.Leaves));
        _files.Storage.SyncFolder(AuditFiles.TilesFolder);
        CloseFiles();
        _state.Next();
    }

    private (IStorageFile Entries, IStorageFile Checkpoints, IStorageFile Leaves) OpenBundle()
    {
        var (storage, state) = (_files.Storage, _state!);
        if (state.LengthBytes.Entries < 0)
        {
            storage.Create(AuditFiles.Entries(state.Bundle)).Dispose();
            storage.Create(AuditFiles.Checkpoints(state.Bundle)).Dispose();
            storage.SyncFolder(AuditFiles.EntriesFolder);
            storage.SyncFolder(AuditFiles.CheckpointsFolder);
        }
        _files.GrowTile(state.Bundle, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(state.Leaves));
        return (storage.Open(AuditFiles.Entries(state.Bundle), append: true), storage.Open(AuditFiles.Checkpoints(state.Bundle), append: true), storage.Open(AuditFiles.Tile(0, state.Bundle), append: true));
    }

    /// <summary>Reads the end of the log, and mends it where a process stopped in the middle.</summary>
    private void Load()
    {
        Forget();
        if (_files.LastBundle() < 0) _files.Prepare();
        var state = AuditState.Load(_files, _keys.Signer);
        _state = state;
        if (!state.IsDoubtful) return;
        var (adopted, cutBytes) = state.Tail;
        _files.Put(AuditFiles.Entries(state.Bundle), state.Whole.Entries.Span);
        _files.Put(AuditFiles.Checkpoints(state.Bundle), [.. state.Whole.Checkpoints.Span]);
        _files.Storage.SyncFolder(AuditFiles.EntriesFolder);
        _files.Storage.SyncFolder(AuditFiles.CheckpointsFolder);
        state.LengthBytes = (state.Whole.Entries.Length, state.Whole.Checkpoints.Length);
        if (adopted.Count > 0) Append([.. adopted.Select(a => a.ToArray())]);
        if (adopted.Count == 0 && cutBytes == 0) return;
        var told = new AuditEntry
        {
            Sequence = state.Edge.Size, Utc = _clock.GetUtcNow(), Kind = AuditKind.Recovered, Call = FileId.New().ToString(), Who = "audit log", Role = "log", Verb = "recover", Purpose = "operations",
            Note = string.Create(CultureInfo.InvariantCulture, $"{adopted.Count} whole entries behind the last checkpoint kept, {cutBytes} bytes of a torn end cut"),
        };
        Append([told.ToBytes()]);
    }

    /// <summary>Whether nobody else has appended since: the two files of the last bundle are as long as they were, and there is none behind.</summary>
    private bool IsCurrent(AuditState state)
    {
        var storage = _files.Storage;
        if (state.LengthBytes.Entries < 0) return _files.LastBundle() < state.Bundle;
        return storage.Facts(AuditFiles.Entries(state.Bundle))?.LengthBytes == state.LengthBytes.Entries
            && storage.Facts(AuditFiles.Checkpoints(state.Bundle))?.LengthBytes == state.LengthBytes.Checkpoints
            && (state.Leaves.Count < TilePath.Width || storage.Facts(AuditFiles.Entries(state.Bundle + 1)) is null);
    }

    private IStorageLock TakeLock()
    {
        var storage = _files.Storage;
        if (storage.Facts(AuditFiles.LockName) is null)
        {
            try
            {
                storage.Create(AuditFiles.LockName).Dispose();
            }
            catch (DurableException e) when (e.Errno == DurableException.Exists)
            {
                // Another process was first.
            }
        }
        for (var since = Stopwatch.StartNew(); ; Thread.Sleep(LockPause))
        {
            if (storage.Lock(AuditFiles.LockName, exclusive: true) is { } held)
            {
                if (held.IsHeld) return held;
                held.Dispose();
            }
            if (since.Elapsed > LockWait) throw new StoreBusyException("another process holds the audit log");
        }
    }

    private void Forget()
    {
        CloseFiles();
        _state = null;
    }

    private void CloseFiles()
    {
        if (_open is not { } open) return;
        open.Entries.Dispose();
        open.Checkpoints.Dispose();
        open.Leaves.Dispose();
        _open = null;
    }

    private static DiskStorage OpenFolder(string path)
    {
        try
        {
            return DiskStorage.OpenOrCreate(path);
        }
        catch (DurableException e) when (e.Errno == DurableException.Exists)
        {
            return DiskStorage.Open(path, "audit folder"); // another process made it in between
        }
    }

    /// <summary>Entries of one append, and what became of them.</summary>
    private sealed class Waiting(IReadOnlyList<AuditEntry> entries, bool isBlocking)
    {
        public IReadOnlyList<AuditEntry> Entries => entries;

        /// <summary>Who appended does nothing meanwhile.</summary>
        public bool IsBlocking => isBlocking;

        public long First { get; set; }

        public Exception? Failure { get; set; }

        /// <summary>What follows runs on the thread that says so.</summary>
        public TaskCompletionSource<long> Done { get; } = new();

        public void Tell()
        {
            if (Failure is { } failure) Done.SetException(failure);
            else Done.SetResult(First);
        }
    }
}
