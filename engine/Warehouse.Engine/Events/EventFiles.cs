using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Events;

/// <summary>The files of the event log: which of them hold it, their content, and how they are written. Knows nothing of locks. One thread.</summary>
internal sealed class EventFiles(IStorage storage, EventKeys keys)
{
    /// <summary>So many files at the end, none of them large, are merged into one before the next append.</summary>
    internal const int MergeAt = 64;

    /// <summary>A file of this size is not merged any more.</summary>
    internal const int LargeBytes = 1 << 24;

    private readonly Dictionary<string, (EventRange Range, long Bytes)> _known = new(StringComparer.Ordinal);

    /// <summary>Files that hold the log, in order: without a gap, each following the one before.</summary>
    internal IReadOnlyList<EventRange> Ranges { get; private set; } = [];

    internal EventEnd End => Ranges.Count > 0 ? Ranges[^1].End : default;

    /// <summary>Looks at the folder. What a merged file covers does not count.</summary>
    /// <returns>Names that are no longer of use: of files that are covered, and unfinished ones.</returns>
    /// <exception cref="DamagedStoreException">A file is missing or not what was written.</exception>
    internal List<string> Refresh()
    {
        var (found, surplus) = (new List<(long First, long? Last, string Name)>(), new List<string>());
        foreach (var name in storage.List(SealedFormat.EventFolder))
        {
            if (EventFile.TryParse(name, out var first, out var last)) found.Add((first, last, name));
            else if (name.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal)) surplus.Add(name);
        }
        var ranges = new List<EventRange>();
        var end = default(EventEnd);
        // Of files that begin with the same event the longest counts; a batch is never longer than what it was merged into.
        foreach (var (first, _, name) in found.OrderBy(f => f.First).ThenByDescending(f => f.Last ?? 0))
        {
            if (first <= end.Number)
            {
                surplus.Add(name);
                continue;
            }
            if (first > end.Number + 1) throw Missing(end.Number + 1);
            var range = RangeOf(name);
            if (range.Before != end.Chain) throw EventFile.Damaged(name, "does not follow the events before it");
            ranges.Add(range);
            end = range.End;
        }
        foreach (var gone in _known.Keys.Except(ranges.Select(r => r.Name)).ToList()) _known.Remove(gone);
        Ranges = ranges;
        return surplus;
    }

    internal static DamagedStoreException Missing(long number) => new(EventFile.NameOf(number), "is missing") { IsMissing = true };

    /// <summary>Whether something stands where the next batch is to be written.</summary>
    internal bool IsTaken => storage.Facts(EventFile.NameOf(End.Number + 1)) is not null || storage.Facts(EventFile.NameOf(End.Number + 1) + SealedFormat.Unfinished) is not null;

    /// <summary>Removes names that <see cref="Refresh"/> has called of no use.</summary>
    internal void Remove(IReadOnlyList<string> names)
    {
        foreach (var name in names) storage.Delete($"{SealedFormat.EventFolder}/{name}");
    }

    /// <summary>All of a file, authenticated.</summary>
    internal byte[] Content(EventRange range)
    {
        using var reader = Open(range.Name);
        if (reader.LengthBytes > EventFile.MaxBytes) throw EventFile.Damaged(range.Name, "is too long");
        var bytes = new byte[reader.LengthBytes];
        reader.Read(0, bytes);
        if (EventFile.Range(bytes, range.Name) != range) throw EventFile.Damaged(range.Name, "is another file than a moment ago");
        return bytes;
    }

    /// <summary>Writes a batch behind the last file, durable and under its name on return.</summary>
    internal void Append(IReadOnlyList<byte[]> encoded, EventEnd end)
    {
        var range = new EventRange(Path.GetFileName(EventFile.NameOf(End.Number + 1)), End.Number + 1, End.Chain, end);
        var bytes = new ByteWriter(encoded.Sum(e => e.Length + 10) + EventFile.HeaderBytes);
        bytes.Raw(EventFile.Header(range, encoded.Count));
        foreach (var one in encoded) bytes.Bytes(one);
        if (bytes.Length > EventFile.MaxBytes) throw new InputException("event-batch", "the events of one batch take more than 64 MiB", InputPlace.None);
        Write(range, bytes.Written);
        Take([.. Ranges, range], range, bytes.Length);
    }

    /// <summary>Takes a file of another store's log as it is, under keys of this one's.</summary>
    internal void Take(EventRange range, ReadOnlySpan<byte> content)
    {
        Write(range, content);
        Take([.. Ranges, range], range, content.Length);
    }

    /// <summary>Merges files at the end where they have piled up: together, so that their number stays small and each event is written anew only a few times.</summary>
    internal void MergeIfMany()
    {
        if (FirstSmall() > Ranges.Count - MergeAt) return;
        Remove(Refresh()); // another process may have merged them
        if (FirstSmall() is var from && Ranges.Count - from >= MergeAt) Merge(from);
    }

    private int FirstSmall()
    {
        var from = Ranges.Count;
        while (from > 0 && BytesOf(Ranges[from - 1]) < LargeBytes / MergeAt) from--;
        return from;
    }

    /// <summary>Merges the files from a place on, and those before that are no larger than what is merged so far.</summary>
    private void Merge(int from)
    {
        var total = Ranges.Skip(from).Sum(BytesOf);
        while (from > 0 && BytesOf(Ranges[from - 1]) is var before && before < LargeBytes && before <= total && before + total <= EventFile.MaxBytes)
        {
            total += before;
            from--;
        }
        var merged = Ranges.Skip(from).ToList();
        if (merged.Count < 2) return;
        var range = merged[0] with { Name = Path.GetFileName(EventFile.NameOf(merged[0].First, merged[^1].Last)), End = merged[^1].End };
        var bytes = new ByteWriter((int)total + EventFile.HeaderBytes);
        bytes.Raw(EventFile.Header(range, (int)(range.Last - range.First + 1)));
        foreach (var one in merged) bytes.Raw(Content(one).AsSpan(EventFile.HeaderBytes));
        Write(range, bytes.Written);
        Take([.. Ranges.Take(from), range], range, bytes.Length);
        Remove([.. merged.Select(r => r.Name)]);
    }

    /// <summary>Merges all that is not large.</summary>
    internal void MergeAll()
    {
        var from = Ranges.Count;
        while (from > 0 && BytesOf(Ranges[from - 1]) < LargeBytes) from--;
        if (from < Ranges.Count) Merge(from);
    }

    private void Take(IReadOnlyList<EventRange> ranges, EventRange written, long bytes) => (Ranges, _known[written.Name]) = (ranges, (written, bytes));

    private long BytesOf(EventRange range) => _known[range.Name].Bytes;

    private void Write(EventRange range, ReadOnlySpan<byte> content)
    {
        var (id, name) = (FileId.New(), $"{SealedFormat.EventFolder}/{range.Name}");
        using var key = keys.KeyOf(id);
        using (var writer = new SealedWriter(storage, new SealedHeader(id, SealedFormat.EventKind, (ulong)range.First, 0), key, name))
        {
            writer.Write(content);
            writer.Complete();
        }
        if (!storage.TryRename(name + SealedFormat.Unfinished, name)) throw EventFile.Damaged(range.Name, "is there although nobody else writes");
        storage.SyncFolder(SealedFormat.EventFolder);
    }

    /// <summary>Puts an index in the place of the one before.</summary>
    internal void WriteIndex(string name, ReadOnlySpan<byte> content)
    {
        var id = FileId.New();
        using var key = keys.KeyOf(id);
        using (var writer = new SealedWriter(storage, new SealedHeader(id, SealedFormat.EventIndexKind, EventIndex.HashOf(name), 0), key, name))
        {
            writer.Write(content);
            writer.Complete();
        }
        storage.Replace(name + SealedFormat.Unfinished, name);
        storage.SyncFolder(SealedFormat.EventFolder);
    }

    /// <summary>All of an index, authenticated.</summary>
    internal byte[] IndexContent(string name)
    {
        using var reader = SealedReader.Open(storage, name, h => keys.KeyOf(h.Id), out var header);
        if (header.Kind != SealedFormat.EventIndexKind || header.Epoch != EventIndex.HashOf(name) || reader.LengthBytes > int.MaxValue / 2) throw EventFile.Damaged(Path.GetFileName(name), "is no index");
        var bytes = new byte[reader.LengthBytes];
        reader.Read(0, bytes);
        return bytes;
    }

    private EventRange RangeOf(string name)
    {
        if (_known.TryGetValue(name, out var known)) return known.Range;
        using var reader = Open(name);
        Span<byte> header = stackalloc byte[EventFile.HeaderBytes];
        if (reader.LengthBytes < header.Length) throw EventFile.Damaged(name, "is no file of the event log");
        reader.Read(0, header);
        var range = EventFile.Range(header, name);
        _known[name] = (range, reader.LengthBytes);
        return range;
    }

    internal SealedReader Open(string name)
    {
        EventFile.TryParse(name, out var first, out _);
        var reader = SealedReader.Open(storage, $"{SealedFormat.EventFolder}/{name}", h => keys.KeyOf(h.Id), out var header);
        if (header.Kind == SealedFormat.EventKind && header.Epoch == (ulong)first) return reader;
        reader.Dispose();
        throw EventFile.Damaged(name, "another file stands in its place");
    }
}
