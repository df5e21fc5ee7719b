using Warehouse.Primitives;
using System.Buffers;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// Puts whole files of a backup, a copy of the store folder of any age, in the place of damaged or missing ones. Nothing is believed of either:
/// a file is taken only when it is, to the last byte, the one that the store's keys and the acknowledgement lead to, and only where
/// the store's own is not (I3, I7). The chain is walked down from the acknowledged manifest: each names the digest of the one before it. The key
/// folder is not repaired: without it nothing can be told apart. A stop at any point leaves each file as it was or mended; run it again.
/// </summary>
internal sealed class StoreRepair : IDisposable
{
    private const int CopyBytes = 1 << 20;

    private readonly IStorage _storage, _backup;
    private readonly KeyFolder _keys;
    private readonly WriterLease _lease;

    /// <summary>Takes the writer lease of the store, so that nobody publishes meanwhile.</summary>
    /// <param name="storage">The store folder; its lock file is made anew when it is missing.</param>
    /// <param name="keys">Its key folder, which must be whole.</param>
    /// <param name="backup">The copy; it is only read.</param>
    /// <exception cref="StoreBusyException">Someone writes.</exception>
    /// <exception cref="DamagedStoreException">The key folder is damaged.</exception>
    public StoreRepair(IStorage storage, IStorage keys, IStorage backup)
    {
        (_storage, _backup) = (storage, backup);
        foreach (var folder in (ReadOnlySpan<string>)[ManifestFormat.Folder, SealedFormat.FileFolder])
            if (storage.Facts(folder) is null) storage.CreateFolder(folder);
        if (storage.Facts(WriterLease.Name) is null) storage.Create(WriterLease.Name).Dispose();
        storage.SyncFolder("");
        _lease = WriterLease.Take(storage, keys);
        try
        {
            _keys = KeyFolder.Open(keys);
        }
        catch
        {
            _lease.Dispose();
            throw;
        }
    }

    /// <summary>Mends; the work is done while the names of mended files are enumerated. What stays damaged is what verify finds afterwards.</summary>
    public IEnumerable<string> Run(CancellationToken stop)
    {
        if (MendWhole(StoreIdentity.Name, _keys.Promised.IdentitySha256)) yield return StoreIdentity.Name;
        foreach (var name in MendManifests(stop)) yield return name;
        var newest = _keys.Promised.ManifestVersion;
        if (_storage.Facts(ManifestFormat.NameOf(newest + 1)) is not null) newest++; // published and not acknowledged yet
        if (TryLoadRoot(newest) is not { } root) yield break;
        foreach (var list in root.Lists)
            if (Mend(list, stop)) yield return list.Name;
        if (TryLoad(newest) is not { } manifest) yield break;
        foreach (var entry in manifest.Named)
            if (Mend(entry, stop)) yield return entry.Name;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _lease.Dispose();
    }

    private IEnumerable<string> MendManifests(CancellationToken stop)
    {
        var expected = _keys.Promised.ManifestSha256;
        for (var version = _keys.Promised.ManifestVersion; version >= 1; version--)
        {
            stop.ThrowIfCancellationRequested();
            var name = ManifestFormat.NameOf(version);
            if (MendWhole(name, expected)) yield return name;
            // Where the chain is broken nobody can say which older manifest is the right one.
            if (TryLoadRoot(version) is not { } root || root.Root.Sha256 != expected) yield break;
            expected = root.Root.PreviousSha256;
        }
    }

    private (Manifest Root, FileEntry[] Lists)? TryLoadRoot(long version)
    {
        try
        {
            return ManifestFormat.LoadRoot(_storage, _keys, version);
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            return null;
        }
    }

    private Manifest? TryLoad(long version)
    {
        try
        {
            return ManifestFormat.Load(_storage, _keys, version);
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            return null;
        }
    }

    /// <summary>Mends a file of which the digest of its bytes on disk is known.</summary>
    private bool MendWhole(string name, Digest sha256) => Mend(name, (storage, at) => storage.Facts(at) is { IsFolder: false } && ManifestFormat.Sha256Of(storage, at) == sha256, CancellationToken.None);

    /// <summary>Mends a sealed file that a manifest names.</summary>
    private bool Mend(FileEntry entry, CancellationToken stop) => Mend(entry.Name, (storage, at) => IsEntry(storage, at, entry, stop), stop);

    private bool IsEntry(IStorage storage, string name, FileEntry entry, CancellationToken stop)
    {
        using var reader = SealedReader.Open(storage, name, _keys, out var header);
        return (header.Id, header.Kind, header.KeyId, reader.LengthBytes) == (entry.Id, entry.Kind, entry.KeyId, entry.ContentBytes) && reader.ReadAll(stop) == entry.ContentSha256;
    }

    /// <summary>Where the store's own file is not whole and the backup's is: copied beside, synced, judged once more, then put over what is there. The name stands for the old bytes or for the new ones, never for a part.</summary>
    private bool Mend(string name, Func<IStorage, string, bool> isWhole, CancellationToken stop)
    {
        bool Judge(IStorage storage, string at)
        {
            try
            {
                return isWhole(storage, at);
            }
            catch (IOException e) when (e is not DurableException { IsOfProcess: true })
            {
                return false;
            }
        }
        if (Judge(_storage, name) || !Judge(_backup, name)) return false;
        var unfinished = name + SealedFormat.Unfinished;
        if (_storage.Facts(unfinished) is not null) _storage.Delete(unfinished);
        Copy(name, unfinished, stop);
        if (!Judge(_storage, unfinished))
        {
            _storage.Delete(unfinished);
            return false;
        }
        _storage.Replace(unfinished, name);
        _storage.SyncFolder(name.Contains('/', StringComparison.Ordinal) ? name[..name.IndexOf('/', StringComparison.Ordinal)] : "");
        return true;
    }

    private void Copy(string name, string to, CancellationToken stop)
    {
        using var from = _backup.Open(name);
        using var written = _storage.Create(to);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            for (var at = 0L; at < from.LengthBytes;)
            {
                stop.ThrowIfCancellationRequested();
                var some = buffer.AsSpan(0, (int)Math.Min(CopyBytes, from.LengthBytes - at));
                from.Read(at, some);
                written.Append(some);
                at += some.Length;
            }
            written.Sync();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
