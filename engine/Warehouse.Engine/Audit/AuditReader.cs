using System.Globalization;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Audit;

/// <summary>A proof about the log, checked before it is given.</summary>
/// <param name="Path">Its hashes.</param>
/// <param name="Checkpoint">The signed checkpoint that it holds against, as text.</param>
/// <param name="Size">Entries under that.</param>
public sealed record AuditProof(IReadOnlyList<string> Path, string Checkpoint, long Size)
{
    /// <summary>Whether it shows whoever has the key alone that a line stands at an index of the log.</summary>
    /// <param name="key">Of the log's signer: <c>name+id+key</c>.</param>
    /// <param name="index">Of the line, 0-based.</param>
    /// <param name="line">As it is hashed.</param>
    public bool Shows(string key, long index, ReadOnlySpan<byte> line) =>
        TryOpen(key, Checkpoint, out var now) && now.Size == Size && TryHashes(Path, out var path) && MerkleTree.HasInclusion((index, MerkleTree.Leaf(line)), path, now.Size, now.Root);

    /// <summary>Whether hashes show that the log under its checkpoint begins with the entries under an older one.</summary>
    public bool Continues(string key, string older, IReadOnlyList<string> hashes) =>
        TryOpen(key, Checkpoint, out var now) && TryOpen(key, older, out var old) && TryHashes(hashes, out var path) && MerkleTree.HasConsistency((old.Size, old.Root), path, now.Size, now.Root);

    private static bool TryOpen(string key, string note, out Checkpoint checkpoint)
    {
        checkpoint = default;
        return NoteKey.TryParse(key, out var signer) && Audit.Checkpoint.TryOpen(System.Text.Encoding.UTF8.GetBytes(note), signer, out checkpoint);
    }

    private static bool TryHashes(IReadOnlyList<string> texts, out List<Digest> hashes)
    {
        hashes = [];
        Span<byte> bytes = stackalloc byte[Digest.SizeBytes];
        foreach (var text in texts)
        {
            if (!Convert.TryFromBase64String(text, bytes, out var length) || length != bytes.Length) return false;
            hashes.Add(Digest.Read(bytes));
        }
        return true;
    }
}

/// <summary>
/// The audit log of a store, for reading; it may be on a read-only disk, and it takes no lock. Reads what the last checkpoint covers at the
/// time of the call; what an appender is about to add is not there yet. One thread.
/// </summary>
public sealed class AuditReader
{
    private readonly AuditFiles _files;
    private readonly Dictionary<(int Level, long Tile), Digest[]> _tiles = [];

    internal AuditReader(IStorage storage, AuditKeys keys) => (_files, Signer) = (new AuditFiles(storage), keys.Signer);

    internal NoteKey Signer { get; }

    private static ReadOnlySpan<byte> ReviewMark => "\"kind\":\"review\""u8;

    /// <summary>Opens the log in a folder.</summary>
    /// <exception cref="StoreRefusedException">There is none.</exception>
    public static AuditReader Open(string path, AuditKeys keys) => new(DiskStorage.Open(path, "audit folder"), keys);

    /// <summary>The last signed checkpoint as it is published; null when the log is empty.</summary>
    public byte[]? LatestCheckpoint() => Latest() is { } latest ? latest.Note : null;

    /// <summary>Entries as stored, in order, from an index on.</summary>
    /// <exception cref="DamagedStoreException">One is missing.</exception>
    public IEnumerable<(AuditEntry Entry, ReadOnlyMemory<byte> Line)> Entries(long from = 0)
    {
        var size = Latest()?.Checkpoint.Size ?? 0;
        for (var bundle = from / TilePath.Width; bundle * TilePath.Width < size; bundle++)
        {
            var first = bundle * TilePath.Width;
            var (frames, _) = AuditFiles.Split(_files.Read(AuditFiles.Entries(bundle)) ?? []);
            for (var i = (int)Math.Max(0, from - first); i < Math.Min(TilePath.Width, size - first); i++)
            {
                if (i >= frames.Count || !AuditEntry.TryParse(frames[i].Span, out var entry) || entry.Sequence != first + i)
                    throw AuditState.Damaged(bundle, string.Create(CultureInfo.InvariantCulture, $"entry {first + i} is missing or not what was written"));
                yield return (entry, frames[i]);
            }
        }
    }

    /// <summary>The last entry that is no review and whose remark begins so; null when there is none. Reads backwards, and parses what has the word in it alone.</summary>
    /// <exception cref="DamagedStoreException">A bundle on the way is missing, or the entry is not what was written.</exception>
    internal AuditEntry? LastNoted(string word)
    {
        var size = Latest()?.Checkpoint.Size ?? 0;
        var mark = System.Text.Encoding.ASCII.GetBytes($",\"note\":\"{word}");
        for (var bundle = size == 0 ? -1 : (size - 1) / TilePath.Width; bundle >= 0; bundle--)
        {
            var bytes = _files.Read(AuditFiles.Entries(bundle)) ?? throw AuditState.Damaged(bundle, "is missing");
            if (bytes.AsSpan().IndexOf(mark) < 0) continue;
            var (frames, _) = AuditFiles.Split(bytes);
            for (var i = (int)Math.Min(frames.Count, size - (bundle * TilePath.Width)) - 1; i >= 0; i--)
            {
                if (frames[i].Span.IndexOf(mark) < 0) continue;
                if (!AuditEntry.TryParse(frames[i].Span, out var entry)) throw AuditState.Damaged(bundle, string.Create(CultureInfo.InvariantCulture, $"entry {(bundle * TilePath.Width) + i} is not what was written"));
                if (entry.Kind != AuditKind.Review && entry.Note?.StartsWith(word, StringComparison.Ordinal) == true) return entry;
            }
        }
        return null;
    }

    /// <summary>
    /// The last entry that signs the log off, from an index on and as far back as a time; and else the time of the earliest entry that was looked at. Parses what
    /// may be one alone, and the first entry of each bundle.
    /// </summary>
    /// <exception cref="DamagedStoreException">A bundle on the way is missing, or an entry is not what was written.</exception>
    internal (long Size, DateTimeOffset? Reviewed, DateTimeOffset? Earliest) LastReviewed(long from, DateTimeOffset since)
    {
        var size = Latest()?.Checkpoint.Size ?? 0;
        DateTimeOffset? earliest = null;
        for (var bundle = size == 0 ? -1 : (size - 1) / TilePath.Width; bundle >= from / TilePath.Width && !(earliest < since); bundle--)
        {
            var (frames, _) = AuditFiles.Split(_files.Read(AuditFiles.Entries(bundle)) ?? throw AuditState.Damaged(bundle, "is missing"));
            for (var i = (int)Math.Min(frames.Count, size - (bundle * TilePath.Width)) - 1; i >= 0; i--)
            {
                if (i > 0 && frames[i].Span.IndexOf(ReviewMark) < 0) continue;
                if (!AuditEntry.TryParse(frames[i].Span, out var entry)) throw AuditState.Damaged(bundle, string.Create(CultureInfo.InvariantCulture, $"entry {(bundle * TilePath.Width) + i} is not what was written"));
                if (entry.Kind == AuditKind.Review) return (size, entry.Utc, entry.Utc);
                earliest = entry.Utc;
            }
        }
        return (size, null, earliest);
    }

    /// <summary>Proves that an entry is in the log.</summary>
    /// <exception cref="InputException">There is no such entry.</exception>
    public AuditProof ProveEntry(long index)
    {
        var latest = Latest();
        if (latest is not { } now || index < 0 || index >= now.Checkpoint.Size)
            throw new InputException("audit-entry", string.Create(CultureInfo.InvariantCulture, $"the log has {latest?.Checkpoint.Size ?? 0} entries, numbered from 0"), InputPlace.None);
        var path = MerkleTree.ProveInclusion(index, now.Checkpoint.Size, Node);
        if (!MerkleTree.HasInclusion((index, Hash(0, index)), path, now.Checkpoint.Size, now.Checkpoint.Root)) throw AuditState.Damaged(index / TilePath.Width, "the tree does not have the root that was signed");
        return new AuditProof([.. path.Select(Base64)], System.Text.Encoding.UTF8.GetString(now.Note), now.Checkpoint.Size);
    }

    /// <summary>Proves that the log begins with that of an older checkpoint of it, under the checkpoint of another proof, while the log may have grown since.</summary>
    /// <param name="olderCheckpoint">The older checkpoint.</param>
    /// <param name="under">The other proof.</param>
    /// <exception cref="InputException">One of them is no checkpoint of this log.</exception>
    /// <exception cref="DamagedStoreException">The log does not begin with it.</exception>
    public AuditProof ProveSince(ReadOnlySpan<byte> olderCheckpoint, AuditProof under)
    {
        if (!Checkpoint.TryOpen(olderCheckpoint, Signer, out var old) || !Checkpoint.TryOpen(System.Text.Encoding.UTF8.GetBytes(under.Checkpoint), Signer, out var now))
            throw new InputException("audit-checkpoint", "this is no checkpoint that this log's key signed", InputPlace.None);
        if (old.Size > now.Size) throw AuditState.Damaged(now.Size / TilePath.Width, string.Create(CultureInfo.InvariantCulture, $"the log ends before entry {now.Size}; the checkpoint has {old.Size}"));
        var path = MerkleTree.ProveConsistency(old.Size, now.Size, Node);
        if (!MerkleTree.HasConsistency((old.Size, old.Root), path, now.Size, now.Root)) throw AuditState.Damaged(old.Size / TilePath.Width, "the log does not begin with the entries of that checkpoint");
        return new AuditProof([.. path.Select(Base64)], under.Checkpoint, now.Size);
    }

    internal (Checkpoint Checkpoint, byte[] Note)? Latest()
    {
        for (var bundle = _files.LastBundle(); bundle >= 0; bundle--)
        {
            var (frames, _) = AuditFiles.Split(_files.Read(AuditFiles.Checkpoints(bundle)) ?? []);
            for (var i = frames.Count - 1; i >= 0; i--)
                if (frames[i].Length > 0 && Checkpoint.TryOpen(frames[i].Span, Signer, out var checkpoint)) return (checkpoint, frames[i].ToArray());
        }
        return null;
    }

    /// <summary>A perfect subtree, from the tiles and where these do not reach from the entries.</summary>
    private Digest Node(int height, long index)
    {
        var (level, inTile) = (height / TilePath.Height, height % TilePath.Height);
        var hashes = new Digest[1 << inTile];
        for (var i = 0; i < hashes.Length; i++) hashes[i] = Hash(level, (index << inTile) + i);
        return AuditFiles.RootOf(hashes);
    }

    private Digest Hash(int level, long index)
    {
        var (tile, at) = (index / TilePath.Width, (int)(index % TilePath.Width));
        if (Tile(level, tile) is { } hashes && at < hashes.Length) return hashes[at];
        if (level == 0) throw AuditState.Damaged(tile, string.Create(CultureInfo.InvariantCulture, $"entry {index} is missing"));
        var below = new Digest[TilePath.Width];
        for (var i = 0; i < below.Length; i++) below[i] = Hash(level - 1, (index * TilePath.Width) + i);
        return AuditFiles.RootOf(below);
    }

    private Digest[] Tile(int level, long tile)
    {
        if (_tiles.TryGetValue((level, tile), out var known)) return known;
        var hashes = _files.ReadTile(level, tile);
        if (level == 0 && hashes is not { Length: TilePath.Width })
            hashes = [.. AuditFiles.Split(_files.Read(AuditFiles.Entries(tile)) ?? []).Frames.Select(f => MerkleTree.Leaf(f.Span))];
        if (_tiles.Count >= 1024) _tiles.Clear();
        return _tiles[(level, tile)] = hashes ?? [];
    }

    private static string Base64(Digest digest)
    {
        Span<byte> bytes = stackalloc byte[Digest.SizeBytes];
        digest.Write(bytes);
        return Convert.ToBase64String(bytes);
    }
}
