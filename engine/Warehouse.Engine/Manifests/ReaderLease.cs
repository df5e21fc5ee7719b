using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// A version that is being read: a shared lock on its manifest file, which the system releases when the reader dies. As long as it
/// lives, no garbage collection removes a file of that version. Any thread may dispose it.
/// </summary>
public sealed class ReaderLease : IDisposable
{
    private const int Attempts = 1000;

    private readonly IStorageLock _lock;

    private ReaderLease(IStorageLock held, Manifest manifest, KeyFolder keys)
    {
        _lock = held;
        Manifest = manifest;
        Keys = keys;
    }

    /// <summary>The version held.</summary>
    public Manifest Manifest { get; }

    internal KeyFolder Keys { get; }

    /// <summary>
    /// Takes the newest version. I7: it must not be older than what was acknowledged, and it must continue that.
    /// </summary>
    internal static ReaderLease TakeNewest(IStorage storage, IStorage keys, StoreIdentity identity, Digest identitySha256)
    {
        for (var attempt = 1; ; attempt++)
        {
            // The newest version is looked up before the key table is read: then the table has its keys.
            var newest = Newest(storage);
            var folder = KeyFolder.Open(keys);
            try
            {
                if (folder.Promised.StoreId != identity.StoreId) throw new DamagedStoreException(Acknowledgement.Name, "the key folder belongs to another store");
                if (folder.Promised.IdentitySha256 != identitySha256) throw new DamagedStoreException(StoreIdentity.Name, "is not what was written");
                if (TryTake(storage, folder, newest) is { } lease) return lease;
                if (attempt == Attempts || (Newest(storage) == newest && IsSettled(keys, folder))) throw Unreachable(newest, folder.Promised);
            }
            catch
            {
                folder.Dispose();
                throw;
            }
            folder.Dispose();
        }
    }

    /// <summary>A second lease of the same version when it is still the newest, else null.</summary>
    internal ReaderLease? TryShare(IStorage storage)
    {
#if !PLANTED_STALE_SNAPSHOT
        if (Newest(storage) != Manifest.Version) return null;
#endif
        var held = storage.Lock(ManifestFormat.NameOf(Manifest.Version), exclusive: false);
#if PLANTED_STALE_SNAPSHOT
        if (held is not null) return new ReaderLease(held, Manifest, Keys);
#else
        if (held is not null && Newest(storage) == Manifest.Version) return new ReaderLease(held, Manifest, Keys);
#endif
        held?.Dispose();
        return null;
    }

    /// <summary>Releases the version.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>Null when a writer moved on meanwhile, or the version does not follow the acknowledged one.</summary>
    private static ReaderLease? TryTake(IStorage storage, KeyFolder folder, long newest)
    {
        var promised = folder.Promised;
#if PLANTED_ROLLBACK_UNSEEN
        if (newest < 1 || newest > promised.ManifestVersion + 1) return null;
#else
        if (newest < promised.ManifestVersion || newest > promised.ManifestVersion + 1) return null;
#endif
        var held = storage.Lock(ManifestFormat.NameOf(newest), exclusive: false);
        try
        {
            // A collector tests older versions only. Still the newest after the lock: it will see the lock.
            if (held is null || Newest(storage) != newest) return null;
            var manifest = ManifestFormat.Load(storage, folder, newest);
            var link = newest == promised.ManifestVersion ? manifest.Sha256 : manifest.PreviousSha256;
#if PLANTED_ROLLBACK_UNSEEN
            if (newest >= promised.ManifestVersion && link != promised.ManifestSha256) throw new DamagedStoreException(ManifestFormat.NameOf(newest), "does not follow the version that was acknowledged");
#else
            if (link != promised.ManifestSha256) throw new DamagedStoreException(ManifestFormat.NameOf(newest), "does not follow the version that was acknowledged");
#endif
            var lease = new ReaderLease(held, manifest, folder);
            held = null;
            return lease;
        }
        finally
        {
            held?.Dispose();
        }
    }

    private static bool IsSettled(IStorage keys, KeyFolder folder)
    {
        var (now, master) = Acknowledgement.Read(keys);
        master.Dispose();
        return now == folder.Promised;
    }

    private static long Newest(IStorage storage) => ManifestFormat.Versions(storage) is { Count: > 0 } versions ? versions[^1] : 0;

    private static DamagedStoreException Unreachable(long newest, Acknowledgement promised) => newest < promised.ManifestVersion
        ? new(ManifestFormat.NameOf(promised.ManifestVersion), "was acknowledged but is missing: the store was rolled back or lost a version") { IsMissing = true }
        : new(Acknowledgement.Name, "is older than the store: the key folder was rolled back");
}
