using Microsoft.Win32.SafeHandles;
using Warehouse.Primitives;

namespace Warehouse.Engine.Storage;

/// <summary>
/// A folder on a disk. Every sync is checked by <see cref="Durable"/>; the first that fails poisons the whole process (I1).
/// A failed call changes nothing but what its documentation says. Thread-safe.
/// </summary>
public sealed class DiskStorage : IStorage
{
    private readonly string _root;

    private DiskStorage(string root) => _root = root;

    /// <inheritdoc/>
    public bool IsPoisoned => Durable.IsPoisoned;

    /// <summary>Uses an existing folder, or creates it (mode 0700, its name made durable). Folders above must exist.</summary>
    /// <exception cref="StoreRefusedException">It is not a folder, or would lie in one that is not there.</exception>
    public static DiskStorage OpenOrCreate(string path)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Durable.Facts(root) is null)
        {
            try
            {
                Durable.CreateFolder(root);
            }
            catch (DurableException e) when (e.Errno == DurableException.Missing)
            {
                throw new StoreRefusedException("the folder in which the new one is to lie does not exist");
            }
            Durable.SyncFolder(Path.GetDirectoryName(root) ?? "/");
        }
        return Open(root);
    }

    /// <summary>Uses an existing folder.</summary>
    /// <param name="path">Where.</param>
    /// <param name="name">What it is called in an error, which names no path.</param>
    /// <exception cref="StoreRefusedException">It is not there, or not a folder.</exception>
    public static DiskStorage Open(string path, string name = "folder")
    {
        // A link to the folder is the user's choice and is followed once, here; links inside are refused by every open.
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Durable.Facts(root) is not null) root = Directory.ResolveLinkTarget(root, returnFinalTarget: true)?.FullName ?? root;
        return Durable.Facts(root) switch
        {
            { IsFolder: true } => new DiskStorage(root),
            null => throw new StoreRefusedException($"the {name} does not exist"),
            _ => throw new StoreRefusedException($"the {name} is not a folder"),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string folder)
    {
        try
        {
            var names = Directory.EnumerateFileSystemEntries(PathOf(folder)).Select(p => Path.GetFileName(p)).ToArray();
            Array.Sort(names, string.CompareOrdinal);
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            throw new DurableException("opendir", DurableException.Missing); // the runtime's message would carry the path
        }
        catch (UnauthorizedAccessException)
        {
            throw new DurableException("opendir", DurableException.Denied);
        }
        catch (IOException e)
        {
            throw new DurableException("opendir", e.HResult); // on Linux the error number of the system
        }
    }

    /// <inheritdoc/>
    public FileFacts? Facts(string name) => Durable.Facts(PathOf(name));

    /// <inheritdoc/>
    public void CreateFolder(string name) => Durable.CreateFolder(PathOf(name));

    /// <inheritdoc/>
    public IStorageFile Create(string name) => new DiskFile(Durable.Create(PathOf(name)));

    /// <inheritdoc/>
    public IStorageFile Open(string name, bool append = false) =>
        new DiskFile(append ? Durable.OpenWrite(PathOf(name)) : Durable.OpenRead(PathOf(name)));

    /// <inheritdoc/>
    public bool TryRename(string name, string newName) => Durable.TryRename(PathOf(name), PathOf(newName));

    /// <inheritdoc/>
    public void Replace(string name, string newName) => Durable.Replace(PathOf(name), PathOf(newName));

    /// <inheritdoc/>
    public void Delete(string name) => Durable.Delete(PathOf(name));

    /// <inheritdoc/>
    public void SyncFolder(string folder) => Durable.SyncFolder(PathOf(folder));

    /// <inheritdoc/>
    public IStorageLock? Lock(string name, bool exclusive)
    {
        var path = PathOf(name);
        var handle = Durable.OpenRead(path);
        try
        {
            if (Durable.TryLock(handle, exclusive)) return new DiskLock(handle, path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
        handle.Dispose();
        return null;
    }

    private string PathOf(string name)
    {
        if (name.Length == 0) return _root;
        if (name.Contains("..", StringComparison.Ordinal) || name[0] == '/') throw new ArgumentException("not a name inside the folder", nameof(name));
        return $"{_root}/{name}";
    }

    private sealed class DiskFile(SafeFileHandle handle) : IStorageFile
    {
        private long _endBytes = Durable.Facts(handle).LengthBytes;

        public long LengthBytes => _endBytes;

        public void Read(long offsetBytes, Span<byte> bytes) => Durable.Read(handle, bytes, offsetBytes);

        public void Append(ReadOnlySpan<byte> bytes)
        {
            Durable.Write(handle, bytes, _endBytes);
            _endBytes += bytes.Length;
        }

        public void Sync() => Durable.SyncFile(handle);

        public void Dispose() => handle.Dispose();
    }

    private sealed class DiskLock(SafeFileHandle handle, string path) : IStorageLock
    {
        public bool IsHeld => Durable.Facts(path) is { } now && Durable.Facts(handle) is var own && now.Inode == own.Inode && now.Device == own.Device;

        public void Dispose()
        {
            if (handle.IsClosed) return;
            using (handle) Durable.Unlock(handle);
        }
    }
}
