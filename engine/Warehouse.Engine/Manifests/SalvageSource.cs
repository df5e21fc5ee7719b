using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// What of a damaged store can be proved (I3, I7): its keys, its identity, and its versions. It changes nothing, holds off writers as long as it
/// lives, and reports every file that is not whole. A version is sealed under a key of the store or it does not count; it is <em>proved</em> when the chain
/// of digests leads to it from the acknowledgement, and <em>wrong</em> when the chain names another.
/// </summary>
internal sealed class SalvageSource : IDisposable
{
    private readonly IStorage _storage;
    private readonly Action<string, string> _report;
    private readonly List<IStorageLock> _locks = [];
    private readonly SortedDictionary<long, Link> _links = [];

    /// <summary>Reads keys, identity and all manifests.</summary>
    /// <param name="storage">The store folder.</param>
    /// <param name="keys">The key folder.</param>
    /// <param name="report">Gets file and problem of each damage.</param>
    /// <param name="progress">Gets manifests.</param>
    /// <param name="stop">Cancels.</param>
    /// <exception cref="StoreBusyException">Somebody writes.</exception>
    /// <exception cref="DamagedStoreException">The master key is not whole: nothing can be proved.</exception>
    public SalvageSource(IStorage storage, IStorage keys, Action<string, string> report, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        (_storage, _report) = (storage, report);
        try
        {
            foreach (var place in (ReadOnlySpan<IStorage>)[storage, keys])
                if (place.Facts(WriterLease.Name) is { IsFolder: false }) _locks.Add(place.Lock(WriterLease.Name, exclusive: true) ?? throw new StoreBusyException("another writer holds the store"));
            var (identity, sha256) = ReadIdentity();
            (Keys, IsPromised) = KeyFolder.Recover(keys, identity?.StoreId, (file, problem) => report("keys/" + file, problem));
            Identity = Fits(identity, sha256) ? identity : null;
            Newest = ReadManifests(progress, stop);
            if (IsPromised && Newest > Keys.Promised.ManifestVersion + 1) report("keys/" + Acknowledgement.Name, "is older than the store: the key folder was rolled back");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The keys that can be proved.</summary>
    public KeyFolder Keys { get; } = null!;

    /// <summary>False when the acknowledgement is lost: nothing tells then which version was the newest.</summary>
    public bool IsPromised { get; }

    /// <summary>What the store is; null when that is lost.</summary>
    public StoreIdentity? Identity { get; }

    /// <summary>The newest version that was acknowledged, or that a file is named after; 0 for none.</summary>
    public long Newest { get; }

    /// <summary>The versions that may be taken, newest first.</summary>
    public IEnumerable<long> Candidates => _links.Where(l => !l.Value.IsWrong).Select(l => l.Key).Reverse();

    /// <summary>Whether the acknowledgement and the chain of digests lead to a version.</summary>
    public bool IsProved(long version) => _links.TryGetValue(version, out var link) && link.IsProved;

    /// <summary>When a version was published, or null when its manifest is lost.</summary>
    public DateTimeOffset? PublishedUtc(long version) => _links.TryGetValue(version, out var link) && !link.IsWrong ? link.Root.CreatedUtc : null;

    /// <summary>The root of a candidate.</summary>
    public (Manifest Root, FileEntry[] Lists) LoadRoot(long version) => ManifestFormat.LoadRoot(_storage, Keys, version);

    /// <summary>Content of a small file, or null with the problem when it is not whole.</summary>
    public byte[]? TryRead(FileEntry entry, out string problem)
    {
        problem = "";
        try
        {
            return ManifestFormat.ReadWhole(_storage, entry, Keys);
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            problem = ProblemOf(e);
            return null;
        }
    }

    /// <summary>Entries of a file list, or null when it is not whole.</summary>
    public IReadOnlyList<FileEntry>? TryReadList(FileEntry list, out string problem)
    {
        problem = "";
        try
        {
            return FileList.Load(_storage, Keys, [list]);
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            problem = ProblemOf(e);
            return null;
        }
    }

    /// <summary>A data file for reading, with its key.</summary>
    /// <returns>Null with the problem when it is not there or its key is lost.</returns>
    public (IStorageFile File, FileKey Key)? TryOpen(FileEntry entry, out string problem)
    {
        var key = Keys.Find(entry.KeyId, entry.Id);
        problem = "its key is lost";
        if (key is null) return null;
        try
        {
            return (_storage.Open(entry.Name), key);
        }
        catch (DurableException e) when (!e.IsOfProcess)
        {
            key.Dispose();
            problem = e.Errno == DurableException.Missing ? "is missing" : e.Message;
            return null;
        }
    }

    /// <summary>
    /// Entries of data files that no whole list of a version names, found by the digests of their content: in lists of other versions, else by reading
    /// the files that are there.
    /// </summary>
    public Dictionary<Digest, FileEntry> Find(HashSet<Digest> wanted, CancellationToken stop)
    {
        var found = new Dictionary<Digest, FileEntry>();
        foreach (var version in Candidates.TakeWhile(_ => found.Count < wanted.Count))
            foreach (var list in LoadRoot(version).Lists)
            {
                stop.ThrowIfCancellationRequested();
                foreach (var entry in TryReadList(list, out _) ?? [])
                    if (wanted.Contains(entry.ContentSha256)) found.TryAdd(entry.ContentSha256, entry);
            }
        foreach (var name in NamesIn(SealedFormat.FileFolder).Where(n => FileId.TryParse(n, out _)))
            if (found.Count < wanted.Count && TryEntryOf($"{SealedFormat.FileFolder}/{name}", stop) is { } entry && wanted.Contains(entry.ContentSha256)) found.TryAdd(entry.ContentSha256, entry);
        return found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Keys?.Dispose();
        foreach (var one in _locks) one.Dispose();
    }

    /// <summary>What an error says of the file that it is reported with.</summary>
    internal static string ProblemOf(IOException e) => (e as DamagedStoreException)?.Problem ?? e.Message;

    private FileEntry? TryEntryOf(string name, CancellationToken stop)
    {
        try
        {
            using var reader = SealedReader.Open(_storage, name, Keys, out var header);
            if (header.Kind >= SealedFormat.FirstStoreKind || SealedFormat.FileName(header.Id) != name) return null;
            return new FileEntry(header.Id, header.Kind, header.KeyId, SealedFormat.SealedLength(reader.LengthBytes), reader.LengthBytes, reader.ReadAll(stop));
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            return null;
        }
    }

    private (StoreIdentity? Identity, Digest Sha256) ReadIdentity()
    {
        try
        {
            return StoreIdentity.Read(_storage);
        }
        catch (IOException e) when (e is not (StoreRefusedException or DurableException { IsOfProcess: true }))
        {
            _report(StoreIdentity.Name, ProblemOf(e));
            return (null, default);
        }
    }

    private bool Fits(StoreIdentity? identity, Digest sha256)
    {
        if (identity is null) return false;
        if (IsPromised ? sha256 == Keys.Promised.IdentitySha256 : identity.StoreId == Keys.Promised.StoreId) return true;
        _report(StoreIdentity.Name, "is not what was written, or the key folder belongs to another store");
        return false;
    }

    private IReadOnlyList<string> NamesIn(string folder)
    {
        try
        {
            return _storage.List(folder);
        }
        catch (DurableException e) when (!e.IsOfProcess)
        {
            _report(folder, e.Errno == DurableException.Missing ? "is missing" : e.Message);
            return [];
        }
    }

    private long ReadManifests(IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var (promised, unreadable, done) = (Keys.Promised, new HashSet<long>(), 0);
        var versions = NamesIn(ManifestFormat.Folder).Select(ManifestFormat.VersionOf).Where(v => v > 0).ToList();
        foreach (var version in versions)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                var (root, _) = ManifestFormat.LoadRoot(_storage, Keys, version);
                _links.Add(version, new Link(root with { Parts = new Dictionary<string, FileEntry>() })); // many versions: their parts are read again when they are needed
            }
            catch (IOException e) when (e is not DurableException { IsOfProcess: true })
            {
                unreadable.Add(version);
                _report(ManifestFormat.NameOf(version), ProblemOf(e));
            }
            progress?.Report(new WorkProgress("reading manifests", ++done, versions.Count, "versions"));
        }
        var newest = Math.Max(promised.ManifestVersion, versions.Count == 0 ? 0 : versions.Max());
        Judge();
        foreach (var (version, _) in _links.Where(l => l.Value.IsWrong)) _report(ManifestFormat.NameOf(version), "is not the one that the chain of versions names");
        for (var version = 1L; version <= Math.Max(promised.ManifestVersion, _links.Keys.LastOrDefault()); version++)
            if (!_links.ContainsKey(version) && !unreadable.Contains(version)) _report(ManifestFormat.NameOf(version), "is missing");
        return newest;
    }

    /// <summary>Upwards from what was acknowledged, then downwards: a root names the digest of the one before it.</summary>
    private void Judge()
    {
        var promised = IsPromised ? Keys.Promised : null;
        var before = promised?.ManifestSha256;
        for (var version = (promised?.ManifestVersion ?? long.MaxValue - 1) + 1; before is not null && _links.TryGetValue(version, out var link); version++)
        {
            (link.IsProved, link.IsWrong) = (link.Root.PreviousSha256 == before, link.Root.PreviousSha256 != before);
            before = link.IsProved ? link.Root.Sha256 : null;
        }
        foreach (var (version, link) in _links.Reverse().Where(l => !l.Value.IsWrong && !l.Value.IsProved))
        {
            var after = _links.GetValueOrDefault(version + 1) is { IsWrong: false } next ? next : null;
            var expected = version == promised?.ManifestVersion ? promised.ManifestSha256 : after?.Root.PreviousSha256;
            if (expected is null) continue; // below a gap: sealed by the store, but nothing leads to it
            link.IsWrong = link.Root.Sha256 != expected;
            link.IsProved = !link.IsWrong && (version == promised?.ManifestVersion || after!.IsProved);
        }
    }

    private sealed class Link(Manifest root)
    {
        public Manifest Root => root;

        public bool IsProved { get; set; }

        public bool IsWrong { get; set; }
    }
}
