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
    internal static WriterLease Take(IStorage store, IStorage keys)
    {
        var first = store.Lock(Name, exclusive: true) ?? throw Busy();
        try
        {
            return new WriterLease(first, keys.Lock(Name, exclusive: true) ?? throw Busy());
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

    private static StoreBusyException Busy() => new("another writer holds the store");
}
