using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Units;

/// <summary>A disk of which somebody hears what is to be done before it is done, and may let it wait or fail. Any thread.</summary>
/// <param name="disk">Does it.</param>
/// <param name="before">Hears the name of the member of <see cref="IStorage"/> or <see cref="IStorageFile"/>.</param>
internal sealed class WatchedStorage(IStorage disk, Action<string> before) : IStorage
{
    public bool IsPoisoned => disk.IsPoisoned;

    public IReadOnlyList<string> List(string folder) => Told(nameof(List)).List(folder);

    public FileFacts? Facts(string name) => Told(nameof(Facts)).Facts(name);

    public void CreateFolder(string name) => Told(nameof(CreateFolder)).CreateFolder(name);

    public IStorageFile Create(string name) => new WatchedFile(Told(nameof(Create)).Create(name), before);

    public IStorageFile Open(string name, bool append = false) => new WatchedFile(Told(nameof(Open)).Open(name, append), before);

    public bool TryRename(string name, string newName) => Told(nameof(TryRename)).TryRename(name, newName);

    public void Replace(string name, string newName) => Told(nameof(Replace)).Replace(name, newName);

    public void Delete(string name) => Told(nameof(Delete)).Delete(name);

    public void SyncFolder(string folder) => Told(nameof(SyncFolder)).SyncFolder(folder);

    public IStorageLock? Lock(string name, bool exclusive) => Told(nameof(Lock)).Lock(name, exclusive);

    private IStorage Told(string what)
    {
        before(what);
        return disk;
    }

    private sealed class WatchedFile(IStorageFile file, Action<string> before) : IStorageFile
    {
        public long LengthBytes => file.LengthBytes;

        public void Read(long offsetBytes, Span<byte> bytes)
        {
            before(nameof(Read));
            file.Read(offsetBytes, bytes);
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            before(nameof(Append));
            file.Append(bytes);
        }

        public void Sync()
        {
            before(nameof(Sync));
            file.Sync();
        }

        public void Dispose() => file.Dispose();
    }
}
