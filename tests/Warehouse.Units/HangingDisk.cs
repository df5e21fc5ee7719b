using Warehouse.Engine.Storage;

namespace Warehouse.Units;

/// <summary>F74: a disk whose syncs wait while it hangs, in the order in which they came; all else it does. Any thread.</summary>
internal sealed class HangingDisk : IDisposable
{
    private readonly ManualResetEventSlim _answers = new(true);
    private readonly Changes _changes = new();
    private int _waiting;

    /// <summary>Whether it hangs.</summary>
    public bool IsHanging => !_answers.IsSet;

    /// <summary>This disk over another one.</summary>
    public IStorage Over(IStorage disk) => new WatchedStorage(disk, what =>
    {
        if (what is nameof(IStorageFile.Sync) or nameof(IStorage.SyncFolder)) Wait();
    });

    /// <summary>From here on it answers no sync.</summary>
    public void Hang() => _answers.Reset();

    /// <summary>It answers again, whoever waits first.</summary>
    public void Answer() => _answers.Set();

    /// <summary>It answers when this is disposed of.</summary>
    public IDisposable AnswersAtLast() => new AtLast(this);

    /// <summary>Done once somebody waits for it.</summary>
    public Task IsWaitedForAsync() => _changes.UntilAsync(() => Volatile.Read(ref _waiting) > 0);

    /// <inheritdoc/>
    public void Dispose() => _answers.Dispose();

    private void Wait()
    {
        Interlocked.Increment(ref _waiting);
        _changes.Tell();
        _answers.Wait();
        Interlocked.Decrement(ref _waiting);
    }

    private sealed class AtLast(HangingDisk disk) : IDisposable
    {
        public void Dispose() => disk.Answer();
    }
}
