using Warehouse.Primitives;

namespace Warehouse.Engine.Storage;

/// <summary>
/// A folder of files, one level of folders deep: the seam between the store and what keeps bytes. Two implementations:
/// <see cref="DiskStorage"/>, and the simulated disk of the tests, which loses what was not synced.
/// <para>
/// Names are relative: <c>name</c> or <c>folder/name</c>; <c>""</c> is the folder itself. Failures are <see cref="DurableException"/>.
/// A name is durable only after <see cref="SyncFolder"/>, content only after <see cref="IStorageFile.Sync"/>. Thread-safe.
/// </para>
/// </summary>
public interface IStorage
{
    /// <summary>True after a failed sync: nothing more may be promised until the process restarts.</summary>
    bool IsPoisoned { get; }

    /// <summary>Names (without the folder) of all files and folders in a folder, in ordinal order.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Facts of a file or folder; null when it is missing.</summary>
    FileFacts? Facts(string name);

    /// <summary>Creates a folder that must not exist, for the owner only.</summary>
    void CreateFolder(string name);

    /// <summary>Creates a file that must not exist, for the owner only.</summary>
    IStorageFile Create(string name);

    /// <summary>Opens an existing file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="append">Also for appending at its end.</param>
    IStorageFile Open(string name, bool append = false);

    /// <summary>Renames to a name that must be free; of racing callers exactly one wins.</summary>
    /// <returns>False when the new name was taken; then nothing changed.</returns>
    bool TryRename(string name, string newName);

    /// <summary>Renames over whatever has the new name.</summary>
    void Replace(string name, string newName);

    /// <summary>Removes a file's name; open readers go on.</summary>
    void Delete(string name);

    /// <summary>Makes the names in a folder durable; failure poisons.</summary>
    void SyncFolder(string folder);

    /// <summary>Locks an existing file for as long as the lock lives; the system releases it when the process dies.</summary>
    /// <param name="name">The file.</param>
    /// <param name="exclusive">True does not wait, false waits.</param>
    /// <returns>Null when an exclusive lock is not to be had now.</returns>
    IStorageLock? Lock(string name, bool exclusive);
}

/// <summary>An open file. Reads are thread-safe, appends are not.</summary>
public interface IStorageFile : IDisposable
{
    /// <summary>Length now.</summary>
    long LengthBytes { get; }

    /// <summary>Fills the whole span from an offset; throws when the file ends before.</summary>
    void Read(long offsetBytes, Span<byte> bytes);

    /// <summary>Writes all bytes at the end.</summary>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Makes the content durable; failure poisons.</summary>
    void Sync();
}

/// <summary>A lock on a file; Dispose releases it.</summary>
public interface IStorageLock : IDisposable
{
    /// <summary>False when another file has taken the name meanwhile, so that someone else can hold a lock of that name.</summary>
    bool IsHeld { get; }
}
