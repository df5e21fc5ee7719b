using Warehouse.Engine.Storage;
using Warehouse.Primitives;

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
    public IStorage Over(IStorage disk) => new Storage(disk, this);

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

    private sealed class Storage(IStorage disk, HangingDisk hanging) : IStorage
    {
        public bool IsPoisoned => disk.IsPoisoned;

        public IReadOnlyList<string> List(string folder) => disk.List(folder);

        public FileFacts? Facts(string name) => disk.Facts(name);

        public void CreateFolder(string name) => disk.CreateFolder(name);

        public IStorageFile Create(string name) => new OpenFile(disk.Create(name), hanging);

        public IStorageFile Open(string name, bool append = false) => new OpenFile(disk.Open(name, append), hanging);

        public bool TryRename(string name, string newName) => disk.TryRename(name, newName);

        public void Replace(string name, string newName) => disk.Replace(name, newName);

        public void Delete(string name) => disk.Delete(name);

        public void SyncFolder(string folder)
        {
            hanging.Wait();
            disk.SyncFolder(folder);
        }

        public IStorageLock? Lock(string name, bool exclusive) => disk.Lock(name, exclusive);
    }

    private sealed class OpenFile(IStorageFile file, HangingDisk hanging) : IStorageFile
    {
        public long LengthBytes => file.LengthBytes;

        public void Read(long offsetBytes, Span<byte> bytes) => file.Read(offsetBytes, bytes);

        public void Append(ReadOnlySpan<byte> bytes) => file.Append(bytes);

        public void Sync()
        {
            hanging.Wait();
            file.Sync();
        }

        public void Dispose() => file.Dispose();
    }
}
