using System.Diagnostics;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// One change of the store, made by the only writer: I1 and I2 live here. Order of a publication:
/// <code>
/// 1  data files, changed parts and lists are written under .tmp names and synced
/// 2  the manifest is written under a .tmp name and synced
/// 3  all their keys are appended to the key table and synced; the acknowledgement is written under a .tmp name and synced
/// 4  the files get their names; their folder is synced
/// 5  the manifest gets its name, which must be free; its folder is synced
/// 6  the acknowledgement gets its name, in place of the one before; its folder is synced
/// </code>
/// A stop before step 5 leaves the old version and garbage; after it the new version, whole. Only after step 6 does
/// <see cref="Publish"/> return. From step 4 on nothing needs space: a disk that is full refuses before anything has changed. Files may be written by several threads at once; the other calls are for one thread.
/// Disposed without being published, nothing was changed.
/// </summary>
public sealed class Commit : IDisposable
{
    private readonly StoreFolder _folder;
    private readonly WriterLease _lease;
    private readonly KeyFolder _keys;
    private readonly Manifest _before;
    private readonly Lock _gate = new();
    private readonly Dictionary<FileId, SealedWriter> _writers = [];
    private readonly List<FileEntry> _added = [];
    private readonly HashSet<FileId> _removed = [];
    private readonly SortedDictionary<string, FileEntry> _parts;
    private readonly HashSet<FileId> _named = [];
    private uint _nextKeyId;
    private bool _isOver;

    internal Commit(StoreFolder folder, WriterLease lease)
    {
        _folder = folder;
        _lease = lease;
        _keys = folder.Keys;
        _before = folder.Current;
        _parts = new SortedDictionary<string, FileEntry>(_before.Parts.ToDictionary(), StringComparer.Ordinal);
        _nextKeyId = _keys.NextKeyId;
        Version = _before.Version + 1;
    }

    /// <summary>The version that it will become.</summary>
    public long Version { get; }

    /// <summary>What the clock says now, and never less than the time of the version before: a clock that is set back changes no order.</summary>
    public DateTimeOffset TimeUtc => _folder.Clock.GetUtcNow() is var now && now > _before.CreatedUtc ? now : _before.CreatedUtc;

    /// <summary>Starts a data file; each thread may own one or more.</summary>
    /// <param name="kind">1 to 239, the caller's.</param>
    public SealedWriter CreateFile(byte kind)
    {
        ArgumentOutOfRangeException.ThrowIfZero(kind);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(kind, SealedFormat.FirstStoreKind);
        return Create(kind);
    }

    /// <summary>Names a completed file of this commit in the new version.</summary>
    public void Add(FileEntry completed)
    {
        lock (_gate)
        {
            if (!_writers.ContainsKey(completed.Id) || !_named.Add(completed.Id)) throw new ArgumentException("not a new file of this commit", nameof(completed));
            _added.Add(completed);
        }
    }

    /// <summary>Looks up a data file that the new version is to name.</summary>
    public bool TryFindFile(FileId id, out FileEntry entry)
    {
        lock (_gate)
        {
            if (!_removed.Contains(id) && _before.Files.TryFind(id, out entry)) return true;
            var at = _added.FindIndex(f => f.Id == id);
            entry = at < 0 ? default : _added[at];
            return at >= 0;
        }
    }

    /// <summary>Opens a file of the version before, or one that this commit has completed.</summary>
    public SealedReader OpenFile(FileId id)
    {
        SealedWriter? writer;
        lock (_gate) _writers.TryGetValue(id, out writer);
        if (writer is not null) return SealedReader.OpenUnfinished(_folder.Storage, writer);
        return _before.Files.TryFind(id, out var entry) ? _folder.OpenFile(entry) : throw new ArgumentException("neither version has this file", nameof(id));
    }

    /// <summary>Leaves a file of the version before, or one that this commit has added, out of the new version.</summary>
    public void Remove(FileId id)
    {
        lock (_gate)
        {
            if (_added.RemoveAll(f => f.Id == id) > 0)
            {
                _named.Remove(id);
                return;
            }
        }
        if (!_before.Files.TryFind(id, out _)) throw new ArgumentException("the version before does not name this file", nameof(id));
        _removed.Add(id);
    }

    /// <summary>Sets a small part; one whose content is as before is carried over, not rewritten.</summary>
    /// <param name="name">1 to 64 of a-z, 0-9, dot, dash and slash.</param>
    /// <param name="content">At most 256 MiB.</param>
    public void SetPart(string name, ReadOnlySpan<byte> content)
    {
        if (name.Length is 0 or > ManifestFormat.MaxPartNameBytes || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '/')) throw new ArgumentException("not a name of a part", nameof(name));
        if (content.Length > ManifestFormat.MaxPartBytes) throw new StoreRefusedException($"a part holds at most {ManifestFormat.MaxPartBytes} bytes");
        var hasOld = _before.Parts.TryGetValue(name, out var old);
        if (_parts.TryGetValue(name, out var now)) _named.Remove(now.Id);
        _parts[name] = hasOld && old.ContentBytes == content.Length && old.ContentSha256 == Digest.Of(content) ? old : WriteSmall(SealedFormat.PartKind, content);
    }

    /// <summary>Leaves a part out of the new version.</summary>
    public void RemovePart(string name)
    {
        if (_parts.Remove(name, out var entry)) _named.Remove(entry.Id);
    }

    /// <summary>Publishes the new version; returns only when all of it is durable.</summary>
    /// <exception cref="StorePoisonedException">A sync failed; the version may be there or not, whole in both cases.</exception>
    /// <exception cref="StoreBusyException">The lease was lost, or another writer published; nothing was published, unless the message says that it may be.</exception>
    /// <exception cref="DurableException">The disk refused. For lack of space: nothing was published. Else as for a failed sync, but a later commit may succeed.</exception>
    public Manifest Publish()
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        try
        {
            if (_folder.Storage.IsPoisoned || _keys.IsPoisoned) throw new StorePoisonedException();
            var files = _before.Files.Apply(_removed, _added, bytes => WriteSmall(SealedFormat.FileListKind, bytes));
            var manifest = new Manifest(Version, _before.Sha256, TimeUtc, _parts, files) { Sha256 = default };
            return _folder.MoveTo(Link(manifest));
        }
        catch (DurableException e) when (_folder.Storage.IsPoisoned || _keys.IsPoisoned)
        {
            throw new StorePoisonedException(e);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Gives the lease back. Without <see cref="Publish"/> the files written become garbage and nothing has changed.</summary>
    public void Dispose()
    {
        if (!_isOver) End();
    }

    /// <summary>Publishes version 1 of a new store.</summary>
    internal static void PublishFirst(IStorage storage, KeyFolder keys, FileId storeId, Manifest first)
    {
        using var key = FileKey.New();
        using var writer = new SealedWriter(storage, new SealedHeader(FileId.New(), SealedFormat.ManifestKind, (ulong)first.Version, keys.NextKeyId), key, ManifestFormat.NameOf(1));
        writer.Write(ManifestFormat.Encode(first, storeId));
        writer.Complete();
        keys.Append([(writer.KeyId, writer.Id, key)]);
        keys.Prepare(1, writer.SealedSha256);
        LinkManifest(storage, writer);
        keys.AcknowledgePrepared();
    }

    private SealedWriter Create(byte kind, string? name = null)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            if (_nextKeyId > KeyTable.MaxKeyId) throw new StoreRefusedException("the store has used up its key ids and takes no more files: load its samples into a new store");
            var id = FileId.New();
            var header = new SealedHeader(id, kind, (ulong)Version, _nextKeyId++);
            var writer = new SealedWriter(_folder.Storage, header, FileKey.New(), name ?? SealedFormat.FileName(id));
            _writers.Add(id, writer);
            return writer;
        }
    }

    private FileEntry WriteSmall(byte kind, ReadOnlySpan<byte> content)
    {
        using var writer = Create(kind);
        writer.Write(content);
        var entry = writer.Complete();
        _named.Add(entry.Id);
        return entry;
    }

    private Manifest Link(Manifest manifest)
    {
        var storage = _folder.Storage;
        var name = ManifestFormat.NameOf(Version);
        if (storage.Facts(name + SealedFormat.Unfinished) is not null) storage.Delete(name + SealedFormat.Unfinished); // of a writer that stopped
        using var root = Create(SealedFormat.ManifestKind, name);
        root.Write(ManifestFormat.Encode(manifest, _folder.Identity.StoreId));
        root.Complete();

        RequireLease();
        var linked = _writers.Values.Where(w => _named.Contains(w.Id)).ToList();
        _keys.Append([.. linked.Append(root).OrderBy(w => w.KeyId).Select(w => (w.KeyId, w.Id, w.Key))]);
        _keys.Prepare(Version, root.SealedSha256);
        foreach (var writer in linked)
            if (!storage.TryRename(writer.UnfinishedName, writer.Name)) throw new StoreBusyException("a file of the same random id exists");
#if !PLANTED_SKIPPED_FOLDER_SYNC
        if (linked.Count > 0) storage.SyncFolder(SealedFormat.FileFolder);
#endif

        RequireLease();
#if PLANTED_ACKNOWLEDGED_TOO_EARLY
        _keys.AcknowledgePrepared();
        LinkManifest(storage, root);
#else
        LinkManifest(storage, root);
        if (!_lease.IsHeld) throw new StoreBusyException("the writer lease was lost in the last moment: look whether the version is there"); // whoever writes now promises it before his own
        _keys.AcknowledgePrepared();
#endif
        return manifest with { Sha256 = root.SealedSha256 };
    }

    private static void LinkManifest(IStorage storage, SealedWriter root)
    {
        if (!storage.TryRename(root.UnfinishedName, root.Name)) throw new StoreBusyException("another writer published this version first");
#if !PLANTED_SKIPPED_MANIFEST_SYNC
        storage.SyncFolder(ManifestFormat.Folder);
#endif
    }

    /// <summary>Fencing: whoever lost the lease without knowing it must not touch the key table or the log.</summary>
    private void RequireLease()
    {
#if !PLANTED_NO_FENCING
        if (!_lease.IsHeld) throw new StoreBusyException("the writer lease was lost");
#endif
        if (ManifestFormat.Versions(_folder.Storage) is not [.., var newest] || newest != _before.Version) throw new StoreBusyException("another writer published this version first");
        Debug.Assert(Version == newest + 1, "I2: versions rise by one");
    }

    private void End()
    {
        _isOver = true;
        foreach (var writer in _writers.Values)
        {
            writer.Dispose();
            writer.Key.Dispose();
            TryRemove(() =>
            {
                if (_folder.Storage.Facts(writer.UnfinishedName) is not null) _folder.Storage.Delete(writer.UnfinishedName);
            });
        }
        TryRemove(_keys.ForgetPrepared);
        _lease.Dispose();
    }

    /// <summary>Saves the collector work. A failure here harms nothing: the file stays garbage.</summary>
    private static void TryRemove(Action remove)
    {
        try
        {
            remove();
        }
        catch (DurableException)
        {
            // The commit's own outcome is what the caller must learn; the next garbage collection removes the file.
        }
    }
}
