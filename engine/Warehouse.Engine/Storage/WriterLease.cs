using Warehouse.Primitives;

namespace Warehouse.Engine.Storage;

/// <summary>
/// The right to write, held by at most one process: an exclusive lock on an empty file in the store and on one in the key folder,
/// so that neither a second opener nor a copy of the store with the same keys can write. The system releases it when the holder
/// dies. Whoever lost the name to another file is fenced: <see cref="IsHeld"/> turns false, and publishing checks it.
/// </summary>
internal sealed class WriterLease : IDisposable
{
    internal const string Name = "lock";

    private readonly IStorageLock _store, _keys;

    private WriterLease(IStorageLock store, IStorageLock keys)
    {
        _store = store;
        _keys = keys;
    }

    internal bool IsHeld => _store.IsHeld && _keys.IsHeld;

    /// <summary>Creates the two empty files of a new store; the caller syncs the folders.</summary>
    internal static void CreateFiles(IStorage store, IStorage keys)
    {
        foreach (var place in (ReadOnlySpan<IStorage>)[store, keys])
        {
            using var file = place.Create(Name);
            file.Sync();
        }
    }

    /// <summary>Takes the lease now, or not at all.</summary>
    /// <exception cref="StoreBusyException">Someone else writes.</exception>
    /// <exception cref="DamagedStoreException">A lock file is missing.</exception>
    internal static WriterLease Take(IStorage store, IStorage keys)
    {
        var first = Lock(store, Name);
        try
        {
            return new WriterLease(first, Lock(keys, "keys/" + Name));
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _keys.Dispose();
        _store.Dispose();
    }

    private static IStorageLock Lock(IStorage place, string file)
    {
        try
        {
            return place.Lock(Name, exclusive: true) ?? throw new StoreBusyException("another writer holds the store");
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing)
        {
            throw new DamagedStoreException(file, "is missing", e) { IsMissing = true };
        }
    }
}
