using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Linkage;

/// <summary>Where the vault of a store lies.</summary>
/// <param name="Path">Its folder; null = the store's path with <c>.linkage</c> appended.</param>
/// <param name="KeysPath">Its key folder; null = the path of the vault with <c>.keys</c> appended. Who has it can read whom samples are of: another one than who runs the store.</param>
public sealed record VaultPlaces(string? Path = null, string? KeysPath = null);

/// <summary>
/// Whom the samples of a store are of, under keys of its own (C7): whoever has the store and its keys learns pseudonyms. A folder like that of a store,
/// with one part, replaced as a whole by each change; so what holds for a store holds for it: what was acknowledged is there after any stop, what is not as written is an
/// error, a roll-back is noticed. What a change takes out is unlinked and its key destroyed before it returns. One thread; any number of readers beside one writer.
/// </summary>
public sealed class LinkageVault : IDisposable
{
    /// <summary>What a vault has where a store has its assembly, so that neither is taken for the other.</summary>
    internal const string Kind = "linkage vault";

    private const string Part = "persons";

    private readonly StoreFolder _folder;
    private readonly FileId _store;

    private LinkageVault(StoreFolder folder, FileId store) => (_folder, _store) = (folder, store);

    /// <summary>The newest version.</summary>
    public long Version => _folder.Refresh().Version;

    /// <summary>Opens the vault of a store; null when there is none.</summary>
    /// <param name="store">The store.</param>
    /// <param name="storePath">Its folder.</param>
    /// <param name="places">Where the vault lies.</param>
    /// <param name="clock">Tells the time.</param>
    /// <exception cref="StoreException">It is damaged, no vault, or that of another store.</exception>
    public static LinkageVault? TryOpen(VariantStore store, string storePath, VaultPlaces places, TimeProvider? clock = null)
    {
        var (path, keys) = Resolve(storePath, places);
        return Directory.Exists(path) ? Over(DiskStorage.Open(path, "linkage vault"), DiskStorage.Open(keys, "key folder of the linkage vault"), store, clock ?? TimeProvider.System) : null;
    }

    /// <summary>Opens the vault of a store, and makes it when there is none.</summary>
    /// <inheritdoc cref="TryOpen"/>
    public static LinkageVault OpenOrCreate(VariantStore store, string storePath, VaultPlaces places, TimeProvider? clock = null)
    {
        if (TryOpen(store, storePath, places, clock) is { } known) return known;
        var (path, keys) = Resolve(storePath, places);
        var (own, ownKeys) = (VariantStore.FullPath(storePath), VariantStore.FullPath(VariantStore.KeysPathOf(storePath, null)));
        if (IsWithin(path, own) || IsWithin(keys, own) || IsWithin(path, ownKeys) || IsWithin(keys, ownKeys) || IsWithin(keys, path) || IsWithin(path, keys))
            throw new StoreRefusedException("the linkage vault, its keys, the store and the store's keys lie in four folders, none in another");
        return Create(DiskStorage.OpenOrCreate(path), DiskStorage.OpenOrCreate(keys), store, clock ?? TimeProvider.System);
    }

    internal static LinkageVault Create(IStorage storage, IStorage keys, VariantStore store, TimeProvider clock) =>
        new(StoreFolder.Create(storage, keys, StoreIdentity.New(Kind, default, clock), clock), store.Id);

    internal static LinkageVault Over(IStorage storage, IStorage keys, VariantStore store, TimeProvider clock)
    {
        var folder = StoreFolder.Open(storage, keys, clock);
        if (folder.Identity.Assembly == Kind) return new LinkageVault(folder, store.Id);
        folder.Dispose();
        throw new StoreRefusedException("the folder is a store and no linkage vault");
    }

    /// <summary>All of it, of the newest version.</summary>
    /// <exception cref="StoreException">It is damaged, or belongs to another store.</exception>
    public IdentityTable Read()
    {
        using var held = _folder.HoldNewest();
        try
        {
            return _folder.TryReadPart(held.Manifest, Part) is { } bytes ? IdentityTable.Decode(bytes, _store) : IdentityTable.Empty;
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException(Part, bad.Message, bad);
        }
    }

    /// <summary>Puts rows in the place of those of the same persons. On return they are durable, and what was before is gone.</summary>
    /// <returns>Persons that the vault has now.</returns>
    /// <exception cref="InputException">It would be too large; nothing was changed.</exception>
    /// <exception cref="StoreException">Somebody else writes, it is damaged, or a sync failed.</exception>
    public int Set(IdentityTable rows) => Change(table => table.With(rows)).After;

    /// <summary>Takes persons out: their rows are gone on return, and the key of the file that had them.</summary>
    /// <returns>How many of them it had.</returns>
    /// <exception cref="StoreException">Somebody else writes, it is damaged, or a sync failed.</exception>
    public int Remove(IEnumerable<string> persons) => Change(table => table.Without(persons)) is var (before, after) ? before - after : 0;

    /// <summary>Wraps the keys under a new master key and retires the old one.</summary>
    /// <returns>Number of the new master key.</returns>
    public long RotateKeys() => _folder.RotateMasterKey().MasterKeyId;

    /// <summary>Reads every byte; names what is damaged.</summary>
    public IEnumerable<VerifyFinding> Verify(CancellationToken stop = default) => _folder.Verify(null, stop);

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private (int Before, int After) Change(Func<IdentityTable, IdentityTable> change)
    {
        (int, int) counts;
        using (var commit = _folder.BeginCommit())
        {
            var before = Read(); // nobody else writes meanwhile
            var after = change(before);
            commit.SetPart(Part, after.Encode(_store));
            commit.Publish();
            counts = (before.Persons.Count, after.Persons.Count);
        }
        try
        {
            _folder.CollectGarbage();
        }
        catch (StoreBusyException)
        {
            // Another writer is at work already: he collects behind himself, this too.
        }
        return counts;
    }

    private static (string Path, string Keys) Resolve(string storePath, VaultPlaces places)
    {
        var path = VariantStore.FullPath(places.Path ?? VariantStore.FullPath(storePath) + ".linkage");
        return (path, VariantStore.FullPath(VariantStore.KeysPathOf(path, places.KeysPath)));
    }

    private static bool IsWithin(string path, string folder) => (path + "/").StartsWith(folder + "/", StringComparison.Ordinal);
}
