using Warehouse.Engine.Catalog;
using Warehouse.Engine.Events;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    /// <summary>Reads every byte of the store and its keys, and every block of every segment; names what is damaged.</summary>
    public IEnumerable<VerifyFinding> Verify(IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        var named = new HashSet<string>();
        foreach (var finding in _folder.Verify(progress, stop))
        {
            named.Add(finding.File);
            yield return finding;
        }
        foreach (var finding in EventVerifier.Verify(_folder.Storage, _folder.KeyStorage, stop)) yield return finding;
        foreach (var finding in VerifySegments(named, progress, stop)) yield return finding;
        foreach (var finding in VerifyAnnotations(named, progress, stop)) yield return finding;
    }

    /// <summary>Verifies a store that may be too damaged to be opened; then every file is read and named all the same, but no block decoded.</summary>
    /// <param name="path">The store's folder.</param>
    /// <param name="keysPath">Its key folder; null = beside it.</param>
    /// <param name="progress">Gets bytes, then segments.</param>
    /// <param name="stop">Cancels.</param>
    public static IEnumerable<VerifyFinding> Verify(string path, string? keysPath, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        VariantStore? store = null;
        DamagedStoreException? why = null;
        try
        {
            store = Open(path, keysPath);
        }
        catch (DamagedStoreException damaged)
        {
            why = damaged;
        }
        if (store is not null)
        {
            using (store)
                foreach (var finding in store.Verify(progress, stop)) yield return finding;
            yield break;
        }
        var isNamed = false;
        var (storage, keys) = (DiskStorage.Open(path, "store folder"), DiskStorage.Open(KeysPathOf(path, keysPath), "key folder"));
        foreach (var finding in StoreVerifier.Verify(storage, keys, progress, stop).Concat(EventVerifier.Verify(storage, keys, stop)))
        {
            isNamed |= finding.Kind != FindingKind.Surplus;
            yield return finding;
        }
        if (!isNamed) throw why!;
    }

    /// <summary>
    /// Puts whole files of a backup in the place of damaged or missing ones. A file is taken only when it is, byte for byte, the one that the
    /// store's keys and its acknowledgement lead to. Verify the store afterwards: it names what the backup could not mend.
    /// </summary>
    /// <param name="path">The store's folder.</param>
    /// <param name="keysPath">Its key folder, which must be whole; null = beside it.</param>
    /// <param name="backupPath">A copy of the store's folder, of any age; it is only read.</param>
    /// <param name="stop">Cancels between files; what is mended stays mended.</param>
    /// <returns>Names of the files mended; the work is done while they are enumerated.</returns>
    /// <exception cref="StoreException">Someone writes, the key folder is damaged, or a folder is not there.</exception>
    public static IEnumerable<string> Repair(string path, string? keysPath, string backupPath, CancellationToken stop = default)
    {
        if (FullPath(path) == FullPath(backupPath)) throw new StoreRefusedException("the backup is the store itself");
        var (storage, keys, backup) = (DiskStorage.Open(path, "store folder"), DiskStorage.Open(KeysPathOf(path, keysPath), "key folder"), DiskStorage.Open(backupPath, "backup"));
        return StoreFolder.Repair(storage, keys, backup, stop).Concat(EventRepair.Run(storage, keys, backup, stop));
    }

    /// <summary>Wraps the keys of all files under a new master key and retires the old one: whoever has a copy of the old key folder reads nothing that is written from now on. No file of the store changes; readers go on.</summary>
    /// <returns>Number of the new master key, and of the file keys under it.</returns>
    /// <exception cref="StoreException">Someone writes, or the key folder is damaged; then the old key is in force.</exception>
    public (long MasterKey, int FileKeys) RotateKeys() => _folder.RotateMasterKey();

    /// <summary>A store over folders that are open already.</summary>
    internal static VariantStore Over(StoreFolder folder) => new(folder);

    /// <summary>The catalog of the newest version known.</summary>
    internal StoreCatalog CatalogNow => Catalog();

    /// <summary>Open segments and decoded blocks of all sessions.</summary>
    internal SegmentPool Pool => _pool;

    /// <summary>Opens a segment of the newest version known.</summary>
    internal Segment OpenSegmentNow(SegmentEntry entry) => OpenSegment(entry);

    /// <summary>Decodes what the bytes say: a checksum does not tell whether the writer wrote sense. A file named already is left out.</summary>
    private IEnumerable<VerifyFinding> VerifySegments(HashSet<string> named, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        IReadOnlyList<SegmentEntry> segments = [];
        if (Try(() => segments = Catalog().ReadAll().Segments) is { } unreadable)
        {
            yield return new VerifyFinding(FindingKind.Damaged, "catalog", unreadable);
            yield break;
        }
        for (var i = 0; i < segments.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            var entry = segments[i];
            var file = SealedName(entry);
            if (!named.Contains(file) && Try(() => Check(entry, stop)) is { } problem) yield return new VerifyFinding(FindingKind.Damaged, file, problem);
            progress?.Report(new WorkProgress("decode", i + 1, segments.Count, "segments"));
        }
    }

    private void Check(SegmentEntry entry, CancellationToken stop)
    {
        using var segment = OpenSegment(entry);
        if (!segment.Ordinals.AsSpan().SequenceEqual(entry.Ordinals)) throw new InvalidDataException("its samples are not those of the catalog");
        SegmentCheck.Run(segment, stop);
    }

    private static string SealedName(SegmentEntry entry) => "f/" + entry.File;

    /// <summary>What a check found, or null. An overflow is a stored number that cannot be.</summary>
    private static string? Try(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (Exception e) when (e is IOException and not DurableException { IsOfProcess: true } or InvalidDataException or OverflowException)
        {
            return e is DamagedStoreException damaged ? damaged.Problem : e.Message;
        }
    }
}
