using Warehouse.Engine.Catalog;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Compact;

/// <summary>
/// Puts segments together and drops what no allowed snapshot needs. It changes no answer: the segments say of every sample that stays
/// what they said before. Nothing is visible before the caller publishes the commit; any exception leaves the store as it was. One thread.
/// </summary>
internal sealed class Compaction
{
    /// <summary>Segments merged at once: bounds memory to as many open blocks. More are merged in rounds.</summary>
    public const int MaxInputs = 64;

    /// <summary>Samples from which on a segment is left alone while those that would join it are fewer by <see cref="SettledFactor"/>.</summary>
    public const int LeastSettled = 256;

    /// <summary>How many times larger a settled segment is than what would join it.</summary>
    public const int SettledFactor = 16;

    private readonly StoreCatalog _catalog;
    private readonly Commit _commit;
    private readonly bool[] _dropped;
    private readonly IProgress<WorkProgress>? _progress;
    private readonly CancellationToken _stop;
    private long _done;
    private long _total;

    /// <summary>Prepares.</summary>
    /// <param name="catalog">The catalog whose segments are merged; those of the commit itself may be among them.</param>
    /// <param name="dropped">Per ordinal whether its data is dropped.</param>
    /// <param name="commit">Where segments are read, written, added and removed.</param>
    /// <param name="progress">Gets records merged.</param>
    /// <param name="stop">Cancels.</param>
    public Compaction(StoreCatalog catalog, bool[] dropped, Commit commit, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        (_catalog, _dropped, _commit, _progress, _stop) = (catalog, dropped, commit, progress, stop);
    }

    /// <summary>Whether segments get the smaller form of their genotypes, also those that nothing joins. It takes longer to write.</summary>
    public bool Packs { get; init; }

    /// <summary>
    /// Segments that were to be merged and are damaged. They stay as they are: what is whole of them goes on answering, and what is not goes on
    /// being named (I3). Samples that were to be dropped from them stay in their bytes too.
    /// </summary>
    public HashSet<SegmentEntry> Damaged { get; } = [];

    /// <summary>Ordinals that no snapshot from <paramref name="purgeBefore"/> on can show: of withdrawn samples, and replaced before it.</summary>
    public static bool[] Dropped(StoreCatalog catalog, long purgeBefore) =>
        [.. catalog.Ordinals.Select(o => catalog.Samples[o.Sample].WithdrawnVersion != 0 || (o.UntilVersion != 0 && o.UntilVersion <= purgeBefore))];

    /// <summary>Merges the candidates. Returns the segments of the new catalog, or null when all stay as they are.</summary>
    public IReadOnlyList<SegmentEntry>? Run(Func<SegmentEntry, bool> isCandidate)
    {
        var result = _catalog.Segments.Where(s => !isCandidate(s)).ToList();
        var changed = false;
        var bins = Bins([.. _catalog.Segments.Where(isCandidate)]);
        bins.AddRange(bins.Select(TakeSettled).OfType<SegmentEntry>().Select(s => new List<SegmentEntry> { s }).ToList());
        var work = bins.Where(IsWork).ToHashSet();
        _total = work.Sum(b => b.Sum(s => s.Records));
        foreach (var bin in bins)
        {
            if (!work.Contains(bin))
            {
                result.AddRange(bin);
                continue;
            }
            var (merged, inputs) = MergeWhole(bin);
            result.AddRange(bin.Except(inputs));
            if (merged is not null) result.Add(merged);
            changed |= inputs.Count > 0;
            foreach (var segment in inputs) _commit.Remove(IdOf(segment));
        }
        return changed ? result : null;
    }

    /// <summary>Merges those of a bin that can be read; the inputs are those that the new segment, if there is one, stands for.</summary>
    private (SegmentEntry? Merged, List<SegmentEntry> Inputs) MergeWhole(List<SegmentEntry> bin)
    {
        var inputs = bin.ToList();
        while (inputs.Count > 0 && IsWork(inputs))
            try
            {
                return (inputs.Exists(HasKept) ? Merge(inputs) : null, inputs);
            }
            catch (IOException failure) when (inputs.Find(s => SealedFormat.FileName(IdOf(s)) == Damage.FileOf(failure)) is { } segment)
            {
                inputs.Remove(segment);
                Damaged.Add(segment);
            }
        return (null, []);
    }

    /// <summary>
    /// Takes the largest segment out of a bin whose others are small beside it: a few new samples do not rewrite thousands. They wait
    /// for more, so that each sample is rewritten a limited number of times.
    /// </summary>
    private SegmentEntry? TakeSettled(List<SegmentEntry> bin)
    {
        var largest = bin.MaxBy(s => s.Ordinals.Length)!;
        var others = bin.Sum(s => s.Ordinals.Length) - largest.Ordinals.Length;
        if (bin.Count == 1 || largest.Ordinals.Length < LeastSettled || others * SettledFactor >= largest.Ordinals.Length || Array.Exists(largest.Ordinals, o => _dropped[o])) return null;
        bin.Remove(largest);
        return largest;
    }

    private bool IsWork(List<SegmentEntry> bin) => bin.Count > 1 || Array.Exists(bin[0].Ordinals, o => _dropped[o]) || (Packs && !IsPacked(bin[0]));

    private bool IsPacked(SegmentEntry entry)
    {
        try
        {
            using var segment = Segment.Open(_commit.OpenFile(IdOf(entry)));
            return segment.IsPacked;
        }
        catch (IOException failure) when (Damage.FileOf(failure) is not null)
        {
            Damaged.Add(entry);
            return true;
        }
    }

    private bool HasKept(SegmentEntry segment) => !Array.TrueForAll(segment.Ordinals, o => _dropped[o]);

    /// <summary>
    /// First fit in the order of loading, at most <see cref="CallColumns.MaxSamples"/> samples to a bin, and no sample twice: questions
    /// rely on one part of a sample per segment. Parts of samples that came in several files go with parts of the same contigs, so that
    /// at a place one segment still decides. Segments that keep nothing make bins of their own.
    /// </summary>
    private List<List<SegmentEntry>> Bins(List<SegmentEntry> segments)
    {
        var parts = new int[_catalog.Samples.Count];
        foreach (var ordinal in _catalog.Ordinals)
            if (ordinal.UntilVersion == 0) parts[ordinal.Sample]++;
        var bins = new List<(string Key, List<SegmentEntry> Segments, HashSet<int> Samples)>();
        foreach (var segment in segments)
        {
            var samples = segment.Ordinals.Where(o => !_dropped[o]).Select(o => _catalog.Ordinals[o].Sample).ToList();
            var key = samples.Count == 0 ? "none" : samples.Exists(s => parts[s] > 1) ? string.Join(',', segment.Stretches.Keys.Order()) : "";
            var bin = bins.FindIndex(b => b.Key == key && b.Samples.Count + samples.Count <= CallColumns.MaxSamples && !samples.Exists(b.Samples.Contains));
            if (bin < 0)
            {
                bin = bins.Count;
                bins.Add((key, [], []));
            }
            bins[bin].Segments.Add(segment);
            bins[bin].Samples.UnionWith(samples);
        }
        return [.. bins.Select(b => b.Segments)];
    }

    private SegmentEntry Merge(List<SegmentEntry> inputs)
    {
        var round = inputs.Where(HasKept).ToList();
        while (round.Count > MaxInputs)
        {
            _total += round.Sum(s => s.Records);
            round = [.. round.Chunk(MaxInputs).Select(chunk => MergeOnce(chunk, packed: false).Entry)];
        }
        var (entry, file) = MergeOnce([.. round], Packs);
        _commit.Add(file);
        return entry;
    }

    private (SegmentEntry Entry, FileEntry File) MergeOnce(SegmentEntry[] entries, bool packed)
    {
        var kept = entries.SelectMany(e => e.Ordinals).Where(o => !_dropped[o]).Order().ToArray();
        var places = new Dictionary<int, int>();
        for (var place = 0; place < kept.Length; place++) places.Add(kept[place], place);
        var segments = new List<Segment>();
        try
        {
            foreach (var entry in entries) segments.Add(Segment.Open(_commit.OpenFile(IdOf(entry))));
            var inputs = segments.Select((s, i) => new MergeInput(s, i, places, PanelOf)).ToArray();
            using var writer = new SegmentWriter(_commit.CreateFile(SegmentWriter.FileKind), kept, packed);
            new SegmentMerge(inputs, writer, Report, _stop).Run();
            var file = writer.Complete();
            return (new SegmentEntry
            {
                File = file.Id.ToString(), Ordinals = kept, Stretches = BlockInfo.StretchesOf(writer.Blocks),
                Records = writer.Blocks.Sum(b => (long)b.RecordCount), Rows = writer.Blocks.Sum(b => (long)b.RowCount),
            }, file);
        }
        finally
        {
            segments.ForEach(s => s.Dispose());
        }
    }

    private int PanelOf(int ordinal) => CallColumns.PanelOf(ordinal, _catalog.Batches[_catalog.Ordinals[ordinal].Batch].FirstOrdinal);

    private void Report(long records)
    {
        const int Step = 4096;
        var before = _done;
        _done += records;
        if (before / Step != _done / Step) _progress?.Report(new WorkProgress("merging", _done, _total, "records"));
    }

    private static FileId IdOf(SegmentEntry entry) => FileId.TryParse(entry.File, out var id) ? id : throw new InvalidDataException("a segment has no file id");
}
