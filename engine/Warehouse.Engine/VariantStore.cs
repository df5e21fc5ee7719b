using Warehouse.Engine.Access;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Events;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine;

/// <summary>What <c>init</c> asks.</summary>
public sealed record CreateOptions
{
    /// <summary>Folder of the store; must not exist or be empty.</summary>
    public required string Path { get; init; }

    /// <summary>GRCh37, GRCh38, an alias of them, or a name of another assembly.</summary>
    public required string Assembly { get; init; }

    /// <summary>FASTA of the reference, or null: then alleles are only trimmed, and answers say so.</summary>
    public string? ReferencePath { get; init; }

    /// <summary>Folder of the keys; null = the store's path with <c>.keys</c> appended.</summary>
    public string? KeysPath { get; init; }
}

/// <summary>
/// A store of variants: the one door to it for ingest, questions and upkeep. Writers are serialised by a lease; any number of readers.
/// An instance serves one thread at a time; its sessions, each of one thread, may be asked side by side: they share open segments and up to
/// 256 MiB of decoded blocks. After an exception of a changing method the store is as it was before the call.
/// </summary>
public sealed partial class VariantStore : IDisposable
{
    private const string ReferencePart = "reference";
    private readonly StoreFolder _folder;
    private readonly SegmentPool _pool = new();
    private EventLog? _events;
    private StoreCatalog? _catalog;
    private long _catalogVersion = -1;

    private VariantStore(StoreFolder folder)
    {
        _folder = folder;
        Assembly = Assembly.Parse(folder.Identity.Assembly);
    }

    /// <summary>The store's assembly.</summary>
    public Assembly Assembly { get; }

    /// <summary>Its random id.</summary>
    internal FileId Id => _folder.Identity.StoreId;

    /// <summary>The newest manifest version.</summary>
    public long Version => _folder.Current.Version;

    /// <summary>The small records that no count depends on; it lives as long as this object.</summary>
    public EventLog Events => _events ??= new EventLog(_folder.Storage, _folder.KeyStorage, _folder.Clock);

    /// <summary>Makes an empty store and its key folder.</summary>
    /// <exception cref="InputException">The reference cannot be read or is of another assembly; nothing was made.</exception>
    /// <exception cref="StoreRefusedException">A folder is not empty, or one lies in the other; nothing was made.</exception>
    public static VariantStore Create(CreateOptions options, TimeProvider? clock = null)
    {
        var time = clock ?? TimeProvider.System;
        var assembly = Assembly.Parse(options.Assembly);
        byte[] reference = [];
        if (options.ReferencePath is { } path)
        {
            using var genome = ReferenceGenome.Open(path, assembly);
            reference = ReferenceRecord.Write(genome);
        }
        var keys = KeysPathOf(options.Path, options.KeysPath);
        RequireFree(options.Path, keys);
        var isNew = !Directory.Exists(options.Path);
        var storage = DiskStorage.OpenOrCreate(options.Path);
        try
        {
            return new VariantStore(StoreFolder.Create(storage, DiskStorage.OpenOrCreate(keys), StoreIdentity.New(assembly.Name, reference, time), time));
        }
        catch (IOException) when (isNew && storage.List("").Count == 0)
        {
            Directory.Delete(options.Path); // the key folder cannot be made: nothing is left behind
            throw;
        }
    }

    /// <summary>Opens a store.</summary>
    /// <param name="path">Its folder.</param>
    /// <param name="keysPath">Folder of its keys; null = beside it.</param>
    /// <param name="clock">Tells the time; null = the system does.</param>
    /// <param name="disk">What stands between the store and its folder; null = nothing.</param>
    /// <exception cref="StoreException">It is damaged, of a later format, or not a store.</exception>
    public static VariantStore Open(string path, string? keysPath = null, TimeProvider? clock = null, Func<IStorage, IStorage>? disk = null)
    {
        var time = clock ?? TimeProvider.System;
        var storage = DiskStorage.Open(path, "store folder");
        var folder = StoreFolder.Open(disk is null ? storage : disk(storage), DiskStorage.Open(KeysPathOf(path, keysPath), "key folder"), time);
        if (folder.Identity.Assembly != LinkageVault.Kind) return new VariantStore(folder);
        folder.Dispose();
        throw new StoreRefusedException("the folder is the linkage vault of a store, and no store");
    }

    /// <summary>The key folder of a store: the one named, else the store's full path with <c>.keys</c> appended. A slash at the end of the path, as shells append it, must not put the keys into the store.</summary>
    internal static string KeysPathOf(string path, string? keysPath) => keysPath ?? FullPath(path) + ".keys";

    internal static string FullPath(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <summary>Before anything is made: a refused init leaves no folder behind.</summary>
    private static void RequireFree(string path, string keysPath)
    {
        var (store, keys) = (FullPath(path) + "/", FullPath(keysPath) + "/");
        if (keys.StartsWith(store, StringComparison.Ordinal) || store.StartsWith(keys, StringComparison.Ordinal))
            throw new StoreRefusedException("the key folder must lie outside the store, and the store outside the key folder");
        foreach (var (folder, name) in ((string, string)[])[(store, "store"), (keys, "key")])
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new StoreRefusedException($"the {name} folder is not empty: a store is created in an empty folder, and its key folder must be empty too");
    }

    /// <summary>Loads files in one commit, or none of them.</summary>
    /// <exception cref="InputException">A file, sheet or BED cannot be understood; nothing was committed.</exception>
    public IngestReceipt Ingest(IngestRequest request, IProgress<WorkProgress>? progress = null, CancellationToken stop = default) => Load(request, null, progress, stop);

    private IngestReceipt Load(IngestRequest request, SessionOptions? sender, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        // Under the lock of the commit: what was revoked before it is over, and nobody revokes anything before its end.
#if PLANTED_UPLOAD_UNBOUNDED
        var bounds = sender is null || _pool is not null ? null : BoundsOfSender(sender);
#else
        var bounds = sender is null ? null : BoundsOfSender(sender);
#endif
        if (request.Mark is { } asked && FindBatch(asked.Key) is not null) throw new InputException("batch-known", "a batch of this name is in the store", InputPlace.None);
        using var reference = OpenReference();
        var (catalog, receipt) = new IngestRun(request, Catalog(), Assembly, reference, bounds).Run(commit, (name, most) => _folder.TryReadPart(_folder.Current, name, most), progress, stop);
        if (request.Mark is { } mark)
        {
            // Files that were all there change nothing, but that the batch was taken has to be known: that is a version of its own.
            receipt = receipt with { Version = commit.Version };
            var part = BatchMarks.PartOf(mark.Key);
            commit.SetPart(part, BatchMarks.With(ReadPart(part), MarkedBatch.Of(mark, request, receipt)));
            if (sender?.Caller is { } caller) MarkSender(commit, caller);
        }
        if (catalog is not null) Publish(commit, WithoutSmallSegments(Catalog(), catalog, commit, progress, stop));
        else if (request.Mark is not null) Publish(commit, Catalog());
        return receipt;
    }

    /// <summary>Opens a session: every question is asked through one.</summary>
    /// <exception cref="InputException">The snapshot does not exist or was purged.</exception>
    /// <exception cref="AccessRefusedException">The caller sees no sample at the level of detail that he asks for.</exception>
    public Session OpenSession(SessionOptions? options = null)
    {
        var held = HoldNewest();
        try
        {
            return OpenSession(options, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private Session OpenSession(SessionOptions? options, ReaderLease held)
    {
        var catalog = Catalog();
        var wanted = options ?? new SessionOptions();
        // Before anything else that could be refused: who may see nothing learns nothing of the store either.
        var scope = ScopeOf(wanted);
        if (wanted.Caller is { } caller) wanted = wanted with { Principal = caller.Id };
        var version = wanted.Snapshot ?? _folder.Current.Version;
        if (version < 0 || version > _folder.Current.Version)
            throw new InputException("unknown-snapshot", FormattableString.Invariant($"there is no snapshot {version}; the newest is {_folder.Current.Version}"), InputPlace.None);
        if (version < catalog.PurgedBefore)
            throw new InputException("purged-snapshot", FormattableString.Invariant($"snapshot {version} was purged; the oldest that can be asked is {catalog.PurgedBefore}"), InputPlace.None);
        var current = held.Manifest;
        var facts = new StoreFacts(ReferenceRecord.Digests(_folder.Identity.ReferenceDigests.Span));
        var seen = scope.HidesNothing ? catalog : CallerCatalog.Of(catalog, scope, version, Assembly, facts);
        return new Session(new StoreView(seen, Assembly, entry => OpenSegment(entry, current, _pool), (held, _pool)), scope, (wanted, version), OpenReference, facts);
    }

    private ReaderLease HoldNewest()
    {
        var held = _folder.HoldNewest();
        KeepOnlyCurrent();
        return held;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _events?.Dispose();
        _pool.Dispose();
        _folder.Dispose();
    }

    /// <summary>Segments that the newest version does not name are closed, so that their space on disk is free again.</summary>
    private void KeepOnlyCurrent()
    {
        var files = _folder.Current.Files;
        _pool.KeepOnly(name => FileId.TryParse(name, out var id) && files.TryFind(id, out _));
    }

    private Segment OpenSegment(SegmentEntry entry) => OpenSegment(entry, _folder.Current, pool: null);

    private Segment OpenSegment(SegmentEntry entry, Manifest manifest, SegmentPool? pool)
    {
        if (!FileId.TryParse(entry.File, out var id) || !manifest.Files.TryFind(id, out var file))
            throw new DamagedStoreException(entry.File, "the catalog names a segment that the manifest lacks");
        try
        {
            return Segment.Open(_folder.OpenFile(file), pool);
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException(entry.File, bad.Message, bad);
        }
    }

    private StoreCatalog Catalog()
    {
        var manifest = _folder.Current;
        if (_catalog is not null && _catalogVersion == manifest.Version) return _catalog;
        _catalog = CatalogParts.Read(_folder, manifest);
        _catalogVersion = manifest.Version;
        return _catalog;
    }

    private byte[]? ReadPart(string name) => _folder.TryReadPart(_folder.Current, name);

    internal void Publish(Commit commit, StoreCatalog catalog)
    {
        CatalogParts.Write(commit, catalog, Catalog());
        commit.Publish();
        _folder.Refresh();
        KeepOnlyCurrent();
    }

    /// <summary>Before alleles are asked for whose carriers must not seem to be nobody: the reference, without which no spelling is understood, is there.</summary>
    /// <exception cref="InputException">It is not where it was at init.</exception>
    internal void RequireReference() => OpenReference()?.Dispose();

    private ReferenceGenome? OpenReference()
    {
        if (_folder.Identity.ReferenceDigests.IsEmpty) return null;
        return ReferenceRecord.Open(_folder.Identity.ReferenceDigests.Span, Assembly, Environment.GetEnvironmentVariable("WAREHOUSE_REFERENCE"));
    }
}
