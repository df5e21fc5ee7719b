using System.Buffers.Binary;
using System.Collections;
using System.Diagnostics;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// The data files of a version, in the order in which they were added. Kept in sealed list files of at most 1,024 entries, so that
/// a commit rewrites only the lists that it changes. Immutable.
/// <code>
///  0   8  magic "WHFILES1"
///  8   4  number of entries
/// 12   4  zero
/// 16  72  entries, see FileEntry
/// </code>
/// </summary>
public sealed class FileList : IReadOnlyList<FileEntry>
{
    internal const int MaxEntries = 1024;

    private const int FixedBytes = 16;

    private readonly FileEntry[] _entries;
    private readonly Dictionary<FileId, int> _places;

    private FileList(IReadOnlyList<FileListChunk> chunks)
    {
        Chunks = chunks;
        _entries = new FileEntry[chunks.Sum(c => c.Entries.Length)];
        var at = 0;
        foreach (var chunk in chunks)
        {
            chunk.Entries.CopyTo(_entries, at);
            at += chunk.Entries.Length;
        }
        _places = new Dictionary<FileId, int>(_entries.Length);
        for (var i = 0; i < _entries.Length; i++)
            if (!_places.TryAdd(_entries[i].Id, i)) throw new DamagedStoreException(_entries[i].Name, "is listed twice");
    }

    internal static FileList Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _entries.Length;

    internal IReadOnlyList<FileListChunk> Chunks { get; }

    private static ReadOnlySpan<byte> Magic => "WHFILES1"u8;

    /// <inheritdoc/>
    public FileEntry this[int index] => _entries[index];

    /// <summary>Looks a file up by its id.</summary>
    public bool TryFind(FileId id, out FileEntry entry)
    {
        var found = _places.TryGetValue(id, out var place);
        entry = found ? _entries[place] : default;
        return found;
    }

    /// <inheritdoc/>
    public IEnumerator<FileEntry> GetEnumerator()
    {
        foreach (var entry in _entries) yield return entry;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Reads the lists that a manifest names.</summary>
    internal static FileList Load(IStorage storage, KeyFolder keys, FileEntry[] lists)
    {
        if (lists.Length == 0) return Empty;
        var chunks = new FileListChunk[lists.Length];
        for (var i = 0; i < chunks.Length; i++) chunks[i] = new FileListChunk(lists[i], Decode(ManifestFormat.ReadWhole(storage, lists[i], keys), lists[i].Name));
        return new FileList(chunks);
    }

    /// <summary>The list after a commit: unchanged chunks stay as they are, changed and new ones are written.</summary>
    /// <param name="removed">Entries to leave out.</param>
    /// <param name="added">Entries to append, in order.</param>
    /// <param name="write">Writes one list file.</param>
    internal FileList Apply(IReadOnlySet<FileId> removed, IReadOnlyList<FileEntry> added, Func<byte[], FileEntry> write)
    {
        if (removed.Count == 0 && added.Count == 0) return this;
        var kept = new List<(FileListChunk? Same, List<FileEntry> Entries)>();
        foreach (var chunk in Chunks)
        {
            var left = chunk.Entries.Where(e => !removed.Contains(e.Id)).ToList();
            if (left.Count > 0) kept.Add((left.Count == chunk.Entries.Length ? chunk : null, left));
        }
        // Many half-empty lists are packed anew; otherwise only the last one is filled up.
        if (kept.Count > 2 + 2 * kept.Sum(k => k.Entries.Count) / MaxEntries) kept = [(null, [.. kept.SelectMany(k => k.Entries)])];
        if (added.Count > 0 && kept.Count > 0 && kept[^1].Entries.Count < MaxEntries) kept[^1] = (null, [.. kept[^1].Entries, .. added]);
        else if (added.Count > 0) kept.Add((null, [.. added]));
        return new FileList([.. kept.SelectMany(k => k.Same is { } same ? [same] : k.Entries.Chunk(MaxEntries).Select(e => new FileListChunk(write(Encode(e)), e)))]);
    }

    private static byte[] Encode(FileEntry[] entries)
    {
        Debug.Assert(entries.Length is > 0 and <= MaxEntries, "I2: a list is never empty and never too long");
        var bytes = new byte[FixedBytes + entries.Length * FileEntry.SizeBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), entries.Length);
        for (var i = 0; i < entries.Length; i++) entries[i].Write(bytes.AsSpan(FixedBytes + i * FileEntry.SizeBytes));
        return bytes;
    }

    internal static FileEntry[] Decode(byte[] bytes, string name)
    {
        if (bytes.Length < FixedBytes || !bytes.AsSpan().StartsWith(Magic)) throw new DamagedStoreException(name, "is not a file list");
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (count > MaxEntries || bytes.Length != FixedBytes + count * FileEntry.SizeBytes) throw new DamagedStoreException(name, "its length does not fit");
        var entries = new FileEntry[count];
        for (var i = 0; i < entries.Length; i++) entries[i] = FileEntry.Read(bytes.AsSpan(FixedBytes + i * FileEntry.SizeBytes));
        return entries;
    }
}

/// <summary>One list file and its entries.</summary>
internal sealed record FileListChunk(FileEntry ListFile, FileEntry[] Entries);
