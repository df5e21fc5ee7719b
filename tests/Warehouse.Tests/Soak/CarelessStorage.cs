using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Tests.Soak;

/// <summary>A planted fault: exclusive locks that hold nobody back, and on request renames that overwrite, so that nothing keeps two writers apart.</summary>
internal sealed class CarelessStorage(IStorage storage, bool overwrites) : IStorage
{
    public bool IsPoisoned => storage.IsPoisoned;

    public IReadOnlyList<string> List(string folder) => storage.List(folder);

    public FileFacts? Facts(string name) => storage.Facts(name);

    public void CreateFolder(string name) => storage.CreateFolder(name);

    public IStorageFile Create(string name) => storage.Create(name);

    public IStorageFile Open(string name, bool append = false) => storage.Open(name, append);

    public bool TryRename(string name, string newName)
    {
        if (!overwrites) return storage.TryRename(name, newName);
        storage.Replace(name, newName);
        return true;
    }

    public void Replace(string name, string newName) => storage.Replace(name, newName);

    public void Delete(string name) => storage.Delete(name);

    public void SyncFolder(string folder) => storage.SyncFolder(folder);

    public IStorageLock? Lock(string name, bool exclusive) => exclusive && name == "lock" ? new NoLock() : storage.Lock(name, exclusive);

    private sealed class NoLock : IStorageLock
    {
        public bool IsHeld => true;

        public void Dispose()
        {
        }
    }
}
