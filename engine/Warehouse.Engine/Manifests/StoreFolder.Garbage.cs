using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Manifests;

public sealed partial class StoreFolder
{
    /// <summary>
    /// Removes sealed files that neither the newest version nor a version under a reader's lease names, unfinished files, and the
    /// keys of all of them, so that copies of the files are shredded too. Manifests stay; an older one may name files that are gone.
    /// A stop in the middle leaves garbage for the next run, nothing else.
    /// </summary>
    /// <exception cref="StoreBusyException">A writer is at work: its files are not named yet.</exception>
    public GarbageReport CollectGarbage()
    {
        using var writer = TakeWriterLease();
        var held = new List<IStorageLock>();
        try
        {
            var kept = new HashSet<FileId>(Current.Named.Select(f => f.Id));
            foreach (var version in Versions().Where(v => v < Current.Version))
            {
                // The lock is kept to the end: a reader that comes for this version waits, and then finds that it is not the newest.
                if (_storage.Lock(ManifestFormat.NameOf(version), exclusive: true) is { } free) held.Add(free);
#if PLANTED_COLLECTOR_IGNORES_READERS

#else
                else if (TryLoadOlder(version) is { } read) kept.UnionWith(read.Named.Select(f => f.Id));
#endif
            }
            var (files, bytes) = RemoveFiles(kept);
            var keptKeys = new HashSet<FileId>(kept);
            keptKeys.UnionWith(Versions().Select(IdOf));
            return new GarbageReport(files, bytes, Keys.Shred(keptKeys.Contains));
        }
        catch (DurableException e) when (_storage.IsPoisoned || _keys.IsPoisoned)
        {
            throw new StorePoisonedException(e);
        }
        finally
        {
            foreach (var one in held) one.Dispose();
        }
    }

    private (int Files, long Bytes) RemoveFiles(HashSet<FileId> kept)
    {
        var (files, bytes) = (0, 0L);
        foreach (var folder in (ReadOnlySpan<string>)[SealedFormat.FileFolder, ManifestFormat.Folder])
        {
            var before = files;
            foreach (var name in _storage.List(folder).Where(n => IsGarbage(folder, n, kept)))
            {
                bytes += _storage.Facts($"{folder}/{name}")?.LengthBytes ?? 0;
                _storage.Delete($"{folder}/{name}");
                files++;
            }
            if (files > before) _storage.SyncFolder(folder);
        }
        return (files, bytes);
    }

    /// <summary>Only names that the store itself gives are removed; anything else is left for verify to report.</summary>
    private static bool IsGarbage(string folder, string name, HashSet<FileId> kept)
    {
        var isUnfinished = name.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal);
        if (folder == ManifestFormat.Folder) return isUnfinished && ManifestFormat.VersionOf(name[..^SealedFormat.Unfinished.Length]) > 0;
        return FileId.TryParse(isUnfinished ? name[..^SealedFormat.Unfinished.Length] : name, out var id) && (isUnfinished || !kept.Contains(id));
    }

    /// <summary>An older version; null when its lists are gone. Then nobody holds it: a lock seen on it is a reader passing by on the way to the newest.</summary>
    private Manifest? TryLoadOlder(long version)
    {
        var (root, lists) = ManifestFormat.LoadRoot(_storage, Keys, version);
        return lists.All(l => _storage.Facts(l.Name) is not null) ? root with { Files = FileList.Load(_storage, Keys, lists) } : null;
    }

    /// <summary>Checked against its key: a damaged manifest must not lose it too.</summary>
    private FileId IdOf(long version)
    {
        SealedReader.Open(_storage, ManifestFormat.NameOf(version), Keys, out var header).Dispose();
        return header.Id;
    }
}

/// <summary>What a garbage collection removed.</summary>
/// <param name="Files">Files removed.</param>
/// <param name="Bytes">Their length together.</param>
/// <param name="Keys">Keys destroyed.</param>
public readonly record struct GarbageReport(int Files, long Bytes, int Keys);
