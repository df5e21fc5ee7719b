using Warehouse.Engine.Annotations;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Compact;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

/// <summary>What a compaction did.</summary>
/// <param name="Version">The newest version afterwards; unchanged when there was nothing to do.</param>
/// <param name="SegmentsBefore">Segments before.</param>
/// <param name="SegmentsAfter">Segments after.</param>
/// <param name="BytesBefore">Length of the segments before.</param>
/// <param name="BytesAfter">Length of the segments after.</param>
/// <param name="SamplesDropped">Loaded parts of samples whose data was dropped: withdrawn, or replaced before the purge.</param>
/// <param name="FilesRemoved">Files removed from the disk, their keys destroyed; files that a reader still holds go with a later compaction.</param>
public sealed record CompactReport(long Version, int SegmentsBefore, int SegmentsAfter, long BytesBefore, long BytesAfter, int SamplesDropped, int FilesRemoved)
{
    /// <summary>Files of damaged segments that were left as they are, and so kept also what was to be dropped from them.</summary>
    public IReadOnlyList<string> DamagedFiles { get; init; } = [];
}

public sealed partial class VariantStore
{
    /// <summary>One-sample segments from which on an ingest merges them before it publishes: its own, and those that earlier commits left.</summary>
    private const int LeastToMergeInIngest = 64;

    /// <summary>Records of earlier commits that an ingest merges at most, a few seconds of work; more are left to a compaction.</summary>
    private const long MostEarlierRecords = 1 << 22;

    /// <summary>
    /// Merges segments, drops the data of withdrawn samples, and removes what no version in use names. No answer changes. A damaged segment is
    /// left as it is and named.
    /// </summary>
    /// <param name="purgeBefore">Also drop what only snapshots before this one show; they are refused from now on.</param>
    /// <param name="progress">Gets records merged.</param>
    /// <param name="stop">Cancels; the store is then as it was.</param>
    /// <exception cref="InputException">There is no such snapshot.</exception>
    public CompactReport Compact(long? purgeBefore = null, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        StoreCatalog before;
        Manifest old;
        bool[] dropped;
        HashSet<SegmentEntry> damaged;
        using (var commit = _folder.BeginCommit())
        {
            _folder.Refresh();
            (before, old) = (Catalog(), _folder.Current);
            if (purgeBefore is { } asked && (asked < 1 || asked > Version))
                throw new InputException("unknown-snapshot", FormattableString.Invariant($"there is no snapshot {asked}; the newest is {Version}"), InputPlace.None);
            var purged = Math.Max(before.PurgedBefore, purgeBefore ?? 0);
            dropped = Compaction.Dropped(before, purged);
            var compaction = new Compaction(before, dropped, commit, progress, stop) { Packs = true };
            var segments = Merged(compaction, _ => true);
            damaged = compaction.Damaged;
            var sheets = before.Sheets.Where(s => before.Samples[s.Sample].WithdrawnVersion == 0).ToList();
            var annotations = PurgeAnnotations(commit, purged);
            if (annotations is not null) commit.SetPart(AnnotationCatalog.Part, annotations);
            if (segments is not null || annotations is not null || purged != before.PurgedBefore || sheets.Count != before.Sheets.Count)
                Publish(commit, before with { Segments = segments ?? before.Segments, Sheets = sheets.Count == before.Sheets.Count ? before.Sheets : sheets, PurgedBefore = purged });
        }
        var garbage = _folder.CollectGarbage();
        var held = before.Segments.Where(s => !damaged.Contains(s)).SelectMany(s => s.Ordinals).Count(o => dropped[o]);
        return new CompactReport(Version, before.Segments.Count, Catalog().Segments.Count, Bytes(old), Bytes(_folder.Current), held, garbage.Files)
        {
            DamagedFiles = [.. damaged.Select(SealedName)],
        };
    }

    /// <summary>
    /// Merges one-sample segments when they are many, before anything is published. Samples that come one by one are so rewritten once,
    /// with every 64th of them, and questions meet a 64th of the segments. The files of earlier commits stay until a compaction removes them.
    /// </summary>
    private static StoreCatalog WithoutSmallSegments(StoreCatalog before, StoreCatalog after, Commit commit, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var small = after.Segments.Where(s => s.Ordinals.Length == 1).ToHashSet();
        bool IsEarlier(SegmentEntry segment) => segment.Ordinals[0] < before.Ordinals.Count;
        if (small.Count < LeastToMergeInIngest || small.Where(IsEarlier).Sum(s => s.Records) > MostEarlierRecords) small.RemoveWhere(IsEarlier);
        if (small.Count < LeastToMergeInIngest) return after;
        var compaction = new Compaction(after, new bool[after.Ordinals.Count], commit, progress, stop);
        return Merged(compaction, small.Contains) is { } segments ? after with { Segments = segments } : after;
    }

    private static IReadOnlyList<SegmentEntry>? Merged(Compaction compaction, Func<SegmentEntry, bool> isCandidate)
    {
        try
        {
            return compaction.Run(isCandidate);
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException("segments", bad.Message, bad);
        }
    }

    private static long Bytes(Manifest manifest) => manifest.Files.Where(f => f.Kind == SegmentWriter.FileKind).Sum(f => f.LengthBytes);
}
