using System.Diagnostics;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// A store: immutable sealed files, a numbered log of manifests, and a key folder outside it. Keeps I1 (what was acknowledged is
/// there, whole, after any stop), I2 (a version is seen whole or not at all), I3 and I7 (what is not as written is an error, never
/// a shorter answer). Thread-safe. A failed call leaves the newest version as it was; after a failed <see cref="Commit.Publish"/> the
/// version may be there or not, whole in both cases.
/// <code>
/// store      identity, see StoreIdentity
/// lock       empty, carries the writer lease
/// m/         manifests, named by version in 20 decimal digits
/// f/         sealed files, named by random id in 32 hex digits; with .tmp appended while unfinished
/// </code>
/// </summary>
public sealed partial class StoreFolder : IDisposable
{
    private readonly IStorage _storage, _keys;
    private readonly Digest _identitySha256;
    private readonly Lock _gate = new();
    private volatile ReaderLease _lease;

    private StoreFolder(IStorage storage, IStorage keys, TimeProvider clock)
    {
        _storage = storage;
        _keys = keys;
        Clock = clock;
        (Identity, _identitySha256) = StoreIdentity.Read(storage);
        _lease = TakeNewest(known: null);
    }

    /// <summary>What the store is.</summary>
    public StoreIdentity Identity { get; }

    /// <summary>The newest version known to this object; <see cref="Refresh"/> looks for a newer one.</summary>
    public Manifest Current => _lease.Manifest;

    internal TimeProvider Clock { get; }

    internal IStorage Storage => _storage;

    internal IStorage KeyStorage => _keys;

    internal KeyFolder Keys => _lease.Keys;

    /// <summary>Creates a store in two empty folders and publishes version 1, which has no file.</summary>
    /// <param name="storage">The store folder.</param>
    /// <param name="keys">The key folder; it must lie outside the store and serves this store only.</param>
    /// <param name="identity">What the store is.</param>
    /// <param name="clock">Gives the times in manifests; no order depends on it.</param>
    /// <exception cref="StoreRefusedException">A folder is not empty, open to others, or lies on two devices.</exception>
    public static StoreFolder Create(IStorage storage, IStorage keys, StoreIdentity identity, TimeProvider clock)
    {
        RequirePrivate(keys);
        if (storage.List("").Count > 0 || keys.List("").Count > 0) throw new StoreRefusedException("a store is created in an empty folder, and its key folder must be empty too");
        storage.CreateFolder(SealedFormat.FileFolder);
        storage.CreateFolder(ManifestFormat.Folder);
        var identitySha256 = identity.Write(storage);
        WriterLease.CreateFiles(storage, keys);
        RequireOneDevice(storage);
        storage.SyncFolder("");
        using (var folder = KeyFolder.Create(keys, identity.StoreId, identitySha256))
        using (var lease = WriterLease.Take(storage, keys))
        {
            var first = new Manifest(1, default, clock.GetUtcNow(), new SortedDictionary<string, FileEntry>(), FileList.Empty) { Sha256 = default };
            Commit.PublishFirst(storage, folder, identity.StoreId, first);
        }
        return new StoreFolder(storage, keys, clock);
    }

    /// <summary>Opens the newest version for reading.</summary>
    /// <exception cref="DamagedStoreException">Something is missing, changed or rolled back.</exception>
    /// <exception cref="StoreRefusedException">Permissions, devices, format or features forbid it.</exception>
    public static StoreFolder Open(IStorage storage, IStorage keys, TimeProvider clock)
    {
        RequirePrivate(keys);
        RequireOneDevice(storage);
        return new StoreFolder(storage, keys, clock);
    }

    /// <summary>Moves to the newest version. Queries that go on with an older one keep it alive by <see cref="Hold"/>.</summary>
    public Manifest Refresh() => Move(_lease);

    /// <summary>Holds the newest version against garbage collection until the lease is disposed; does not move <see cref="Current"/>.</summary>
    public ReaderLease Hold() => TakeNewest(_lease);

    /// <summary>Moves to the newest version and holds it, so that its files outlive a compaction.</summary>
    public ReaderLease HoldNewest()
    {
        while (true)
        {
            Refresh();
            var held = Hold();
            if (held.Manifest.Version == Current.Version) return held;
            held.Dispose(); // a writer published in between: look again
        }
    }

    /// <summary>Versions whose manifest is there, rising.</summary>
    public IReadOnlyList<long> Versions() => ManifestFormat.Versions(_storage);

    /// <summary>Reads an older version. Nothing holds its files: they may go at any time.</summary>
    /// <exception cref="StoreRefusedException">There is no such version, or its file lists were collected.</exception>
    public Manifest Load(long version)
    {
        var current = Current;
        if (version == current.Version) return current;
        if (version < 1 || version > current.Version) throw new StoreRefusedException($"there is no version {version}");
        return TryLoadOlder(version) ?? throw new StoreRefusedException($"version {version} was purged");
    }

    /// <summary>When a version was published; also known of one whose file lists were collected.</summary>
    public DateTimeOffset PublishedUtc(long version) => version == Current.Version ? Current.CreatedUtc : ManifestFormat.LoadRoot(_storage, Keys, version).Root.CreatedUtc;

    /// <summary>Opens a file for random access; its length is checked here, each chunk when it is read.</summary>
    public SealedReader OpenFile(FileEntry file) => SealedReader.Open(_storage, file, Keys);

    /// <summary>Content of a part, at most 256 MiB; null when the version has no such part.</summary>
    public byte[]? TryReadPart(Manifest manifest, string name) =>
        manifest.Parts.TryGetValue(name, out var entry) ? ManifestFormat.ReadWhole(_storage, entry, Keys) : null;

    /// <summary>The first bytes of a part, as many as it has up to a limit; null when the version has no such part. Each chunk is checked.</summary>
    internal byte[]? TryReadPart(Manifest manifest, string name, int mostBytes)
    {
        if (!manifest.Parts.TryGetValue(name, out var entry) || entry.ContentBytes <= mostBytes) return TryReadPart(manifest, name);
        using var reader = OpenFile(entry);
        var bytes = new byte[mostBytes];
        reader.Read(0, bytes);
        return bytes;
    }

    /// <summary>Content of a part that must be there.</summary>
    /// <exception cref="DamagedStoreException">The version has no such part.</exception>
    public byte[] ReadPart(Manifest manifest, string name) =>
        TryReadPart(manifest, name) ?? throw new DamagedStoreException(ManifestFormat.NameOf(manifest.Version), $"has no part {name}");

    /// <summary>Takes the writer lease and prepares the next version; <see cref="Current"/> moves to the newest first.</summary>
    /// <exception cref="StoreBusyException">Another writer holds the lease.</exception>
    /// <exception cref="StorePoisonedException">A sync failed earlier in this process.</exception>
    public Commit BeginCommit()
    {
        var lease = TakeWriterLease();
        try
        {
            return new Commit(this, lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Wraps every data key under a new master key and retires the old one. Readers go on; no sealed file changes.</summary>
    /// <returns>Id of the new master key, and the number of data keys under it.</returns>
    /// <exception cref="StoreBusyException">A writer is at work.</exception>
    public (uint MasterKeyId, int Keys) RotateMasterKey()
    {
        using var writer = TakeWriterLease();
        try
        {
            var rotated = Keys.Rotate();
            Move(known: null);
            return rotated;
        }
        catch (DurableException e) when (_storage.IsPoisoned || _keys.IsPoisoned)
        {
            throw new StorePoisonedException(e);
        }
    }

    /// <summary>Reads every byte of the store and its keys: see <see cref="StoreVerifier"/>.</summary>
    public IEnumerable<VerifyFinding> Verify(IProgress<WorkProgress>? progress, CancellationToken stop) => StoreVerifier.Verify(_storage, _keys, progress, stop);

    /// <summary>Puts whole files of a copy of the store in the place of damaged ones: see <see cref="StoreRepair"/>. The work is done while the names of mended files are enumerated.</summary>
    /// <exception cref="StoreBusyException">A writer is at work.</exception>
    /// <exception cref="DamagedStoreException">The key folder is damaged: nothing can be told apart without it.</exception>
    internal static IEnumerable<string> Repair(IStorage storage, IStorage keys, IStorage backup, CancellationToken stop)
    {
        RequirePrivate(keys);
        using var repair = new StoreRepair(storage, keys, backup);
        foreach (var name in repair.Run(stop)) yield return name;
    }

    /// <summary>Lets go of the version held. Readers opened before go on.</summary>
    public void Dispose() => _lease.Dispose();

    /// <summary>A commit published a version: it becomes the current one.</summary>
    internal Manifest MoveTo(Manifest published)
    {
        var current = Move(known: null);
        Debug.Assert(current.Version == published.Version, "I1: what was acknowledged is the newest version");
        Debug.Assert(current.Sha256 == published.Sha256, "I7: what was acknowledged is what lies on disk");
        return current;
    }

    internal static void RequirePrivate(IStorage keys)
    {
        var root = keys.Facts("") ?? throw new StoreRefusedException("the key folder does not exist");
        if (!root.IsPrivate) throw new StoreRefusedException("the key folder is open to others; its mode must be 0700");
    }

    internal static void RequireOneDevice(IStorage storage)
    {
        var root = storage.Facts("") ?? throw new StoreRefusedException("the store folder does not exist");
        foreach (var name in (ReadOnlySpan<string>)[SealedFormat.FileFolder, ManifestFormat.Folder])
        {
            var facts = storage.Facts(name) ?? throw new DamagedStoreException(name, "is missing: the folder holds no store") { IsMissing = true };
            if (!facts.IsFolder) throw new DamagedStoreException(name, "is not a folder");
            if (facts.Device != root.Device) throw new StoreRefusedException("the folders of the store lie on different devices");
        }
    }

    private ReaderLease TakeNewest(ReaderLease? known) =>
        known?.TryShare(_storage) ?? ReaderLease.TakeNewest(_storage, _keys, Identity, _identitySha256);

    private Manifest Move(ReaderLease? known)
    {
        lock (_gate)
        {
            var before = _lease;
            _lease = TakeNewest(known);
            before.Dispose();
            return Current;
        }
    }

    /// <summary>
    /// Takes the lease and brings the store to rest: a version that was published but never acknowledged, because its writer
    /// stopped, is acknowledged now, and what the key table has behind what is promised is written anew. It looks whole, but a writer
    /// whose sync failed may have left it: then it is in memory only, and no later sync of that file would bring it to the disk.
    /// </summary>
    private WriterLease TakeWriterLease()
    {
        if (_storage.IsPoisoned || _keys.IsPoisoned) throw new StorePoisonedException();
        var lease = WriterLease.Take(_storage, _keys);
        try
        {
            _keys.SyncFolder(""); // a writer that was killed may have replaced the acknowledgement and not synced its name
            Move(known: null); // the key table as it lies on disk now
            if (Keys.Promised.ManifestVersion != Current.Version)
            {
                _storage.SyncFolder(SealedFormat.FileFolder);
                _storage.SyncFolder(ManifestFormat.Folder);
                Keys.Acknowledge(Current.Version, Current.Sha256);
            }
#if !PLANTED_UNPROMISED_KEYS_KEPT
            if (Keys.HasUnpromised) Keys.Shred(_ => true);
#endif
            return lease;
        }
        catch (DurableException e) when (_storage.IsPoisoned || _keys.IsPoisoned)
        {
            lease.Dispose();
            throw new StorePoisonedException(e);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }
}
