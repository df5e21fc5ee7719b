using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// Writes a new store out of what was proved of another. Files that are taken keep id, key and bytes, so that a copy of the old store can mend them
/// later; store id, master key, manifests and file lists are new. Nothing is a store before the acknowledgement, the last thing that <see cref="Publish"/>
/// writes: a stop before leaves two folders that do not open. One thread.
/// </summary>
internal sealed class SalvageTarget : IDisposable
{
    private readonly IStorage _storage, _keyFolder;
    private readonly StoreIdentity _identity;
    private readonly Digest _identitySha256;
    private readonly List<(uint KeyId, FileId File, FileKey Key)> _keys = [];
    private readonly HashSet<FileId> _taken = [];
    private uint _nextKeyId;

    /// <summary>Begins a store in two empty folders.</summary>
    /// <param name="storage">The store folder.</param>
    /// <param name="keys">Its key folder.</param>
    /// <param name="identity">What the store is; it gets an id of its own.</param>
    /// <param name="firstKeyId">Above the key ids of all files that are taken.</param>
    public SalvageTarget(IStorage storage, IStorage keys, StoreIdentity identity, uint firstKeyId)
    {
        (_storage, _keyFolder, _identity, _nextKeyId) = (storage, keys, identity with { StoreId = FileId.New() }, firstKeyId);
        StoreFolder.RequirePrivate(keys);
        if (storage.List("").Count > 0 || keys.List("").Count > 0) throw new StoreRefusedException("a store is salvaged into an empty folder, and its key folder must be empty too");
        storage.CreateFolder(SealedFormat.FileFolder);
        storage.CreateFolder(ManifestFormat.Folder);
        _identitySha256 = _identity.Write(storage);
        WriterLease.CreateFiles(storage, keys);
        StoreFolder.RequireOneDevice(storage);
    }

    /// <summary>Takes what of a file is whole, and its key, if that is there, also when nothing is: a copy of the old store may bring the file back.</summary>
    /// <param name="source">Where it lies.</param>
    /// <param name="entry">The file.</param>
    /// <param name="copied">Gets bytes done.</param>
    /// <param name="stop">Cancels.</param>
    /// <returns>The problem, empty when there is none, and the ranges of the content that are lost; a null list when all of it is.</returns>
    public (string Problem, IReadOnlyList<(long Start, long End)>? Lost) Take(SalvageSource source, FileEntry entry, Action<long> copied, CancellationToken stop)
    {
        if (!_taken.Add(entry.Id)) return ("", []);
        if (source.Keys.Find(entry.KeyId, entry.Id) is { } kept) _keys.Add((entry.KeyId, entry.Id, kept));
        if (source.TryOpen(entry, out var problem) is not { } opened) return (problem, null);
        using var from = opened.File;
        using var key = opened.Key;
        List<(long Start, long End)>? lost;
        bool isAsWritten;
        using (var to = _storage.Create(entry.Name))
        {
            (lost, isAsWritten) = SealedSalvage.Copy(from, to, (entry, key, (ulong)source.Newest + 1), copied, stop);
            if (lost is not null) to.Sync();
        }
        if (lost is null) _storage.Delete(entry.Name);
        return (lost is null ? "nothing of it is whole" : lost.Count > 0 ? "is damaged" : isAsWritten ? "" : "its header or its length was not what was written; its content is whole", lost);
    }

    /// <summary>Writes a file of the new store's own.</summary>
    public FileEntry Write(byte kind, ReadOnlySpan<byte> content)
    {
        var id = FileId.New();
        using var writer = Create(id, kind, SealedFormat.FileName(id), epoch: 1);
        writer.Write(content);
        var entry = writer.Complete();
        _storage.TryRename(writer.UnfinishedName, writer.Name);
        return entry;
    }

    /// <summary>Makes it a store. Its older versions are there by number and time alone; no answer reads more of them.</summary>
    /// <param name="publishedUtc">Times of its versions from 1 on, rising.</param>
    /// <param name="parts">Parts of the newest.</param>
    /// <param name="files">Data files of the newest.</param>
    /// <param name="stop">Cancels, up to the acknowledgement.</param>
    public void Publish(IReadOnlyList<DateTimeOffset> publishedUtc, IReadOnlyDictionary<string, FileEntry> parts, IReadOnlyList<FileEntry> files, CancellationToken stop)
    {
        var list = FileList.Empty.Apply(new HashSet<FileId>(), files, bytes => Write(SealedFormat.FileListKind, bytes));
        Digest last = default;
        for (var version = 1; version <= publishedUtc.Count; version++)
        {
            stop.ThrowIfCancellationRequested();
            var isNewest = version == publishedUtc.Count;
            var manifest = new Manifest(version, last, publishedUtc[version - 1], isNewest ? parts : new Dictionary<string, FileEntry>(), isNewest ? list : FileList.Empty) { Sha256 = default };
            using var root = Create(FileId.New(), SealedFormat.ManifestKind, ManifestFormat.NameOf(version), (ulong)version);
            root.Write(ManifestFormat.Encode(manifest, _identity.StoreId));
            root.Complete();
            _storage.TryRename(root.UnfinishedName, root.Name);
            last = root.SealedSha256;
        }
        foreach (var folder in (ReadOnlySpan<string>)[SealedFormat.FileFolder, ManifestFormat.Folder, ""]) _storage.SyncFolder(folder);
        using var made = KeyFolder.Create(_keyFolder, _identity.StoreId, _identitySha256);
        made.Append([.. _keys.OrderBy(k => k.KeyId)]);
        made.Acknowledge(publishedUtc.Count, last);
    }

    /// <summary>Wipes the keys from memory.</summary>
    public void Dispose() => _keys.ForEach(k => k.Key.Dispose());

    private SealedWriter Create(FileId id, byte kind, string name, ulong epoch)
    {
        var key = FileKey.New();
        _keys.Add((_nextKeyId, id, key));
        return new SealedWriter(_storage, new SealedHeader(id, kind, epoch, _nextKeyId++), key, name);
    }
}
