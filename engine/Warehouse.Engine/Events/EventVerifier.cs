using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Events;

/// <summary>
/// Reads every byte of the event log and names what is damaged, missing or surplus (I3, I7). Believes nothing that was read before, and changes nothing. Others may
/// append and merge meanwhile, which looks like files that are missing or surplus: a finding counts when a second look finds the same.
/// </summary>
internal static class EventVerifier
{
    /// <summary>So often it is looked again.</summary>
    private const int Looks = 100;

    internal static IEnumerable<VerifyFinding> Verify(IStorage storage, IStorage keys, CancellationToken stop)
    {
        var found = Look(storage, keys, stop);
        for (var (look, before) = (1, (IReadOnlyList<VerifyFinding>)[]); look < Looks && found.Count > 0 && !found.SequenceEqual(before); look++) (before, found) = (found, Look(storage, keys, stop));
        return found;
    }

    private static IReadOnlyList<VerifyFinding> Look(IStorage storage, IStorage keys, CancellationToken stop)
    {
        var (isBegun, hasFolder) = (keys.Facts(KeyFolder.EventHead) is not null, storage.Facts(SealedFormat.EventFolder) is not null);
        if (!isBegun && !hasFolder) return [];
        if (!isBegun) return [new VerifyFinding(FindingKind.Missing, "keys/" + KeyFolder.EventHead, "is missing")];
        var found = new List<VerifyFinding>();
        try
        {
            using var secret = new EventKeys(keys);
            var promised = EventHead.Read(keys, secret)!.Value;
            if (hasFolder) Verify(storage, secret, promised, found, stop);
            else if (promised.Number > 0) found.Add(new VerifyFinding(FindingKind.Missing, SealedFormat.EventFolder, "is missing"));
        }
        catch (DamagedStoreException e)
        {
            found.Add(new VerifyFinding(e.IsMissing ? FindingKind.Missing : FindingKind.Damaged, e.File.StartsWith("keys/", StringComparison.Ordinal) ? e.File : "keys/" + e.File, e.Problem));
        }
        return found;
    }

    private static void Verify(IStorage storage, EventKeys keys, EventHead promised, List<VerifyFinding> found, CancellationToken stop)
    {
        var (files, names) = (new EventFiles(storage, keys), new List<(long First, long? Last, string Name)>());
        foreach (var name in storage.List(SealedFormat.EventFolder))
        {
            if (EventFile.TryParse(name, out var first, out var last)) names.Add((first, last, name));
            else if (name.StartsWith(EventIndex.Prefix, StringComparison.Ordinal) && !name.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal)) CheckIndex(files, name, found);
            else if (name != "lock") found.Add(Finding(name, FindingKind.Surplus, "nothing names it"));
            else if (storage.Facts(SealedFormat.EventFolder + "/lock") is { LengthBytes: > 0 }) found.Add(Finding(name, FindingKind.Damaged, "must be empty"));
        }
        // Behind a file that cannot be read, and that does not say in its name where it ends, the next one is believed.
        var (next, chain) = (1L, (Digest?)default(Digest));
        foreach (var (first, last, name) in names.OrderBy(n => n.First).ThenByDescending(n => n.Last ?? 0))
        {
            stop.ThrowIfCancellationRequested();
            if (first < next) found.Add(Finding(name, FindingKind.Surplus, "is covered by a merged file; the next append removes it"));
            if (first < next) continue;
            if (first > next && chain is not null) found.Add(Finding(Path.GetFileName(EventFile.NameOf(next)), FindingKind.Missing, "is missing"));
            var (end, problem) = Read(files, name, first == next ? chain : null, promised);
            if (problem is not null) found.Add(Finding(name, problem.IsMissing ? FindingKind.Missing : FindingKind.Damaged, problem.Problem));
            (next, chain) = (end?.Number + 1 ?? last + 1 ?? first + 1, problem is null ? end?.Chain : null);
        }
        if (promised.Number >= next) found.Add(Finding(Path.GetFileName(EventFile.NameOf(next)), FindingKind.Missing, "is missing: the log was rolled back"));
    }

    private static void CheckIndex(EventFiles files, string name, List<VerifyFinding> found)
    {
        try
        {
            EventIndex.Decode(files.IndexContent($"{SealedFormat.EventFolder}/{name}"), null, name);
        }
        catch (DamagedStoreException e)
        {
            found.Add(Finding(name, FindingKind.Damaged, e.Problem + "; delete it, and it is made again"));
        }
    }

    /// <summary>A file that is whole and follows a chain, with its content; null for any other, and what is wrong with it.</summary>
    internal static EventRange? TryRead(EventFiles files, string name, Digest before, out byte[] content, out DamagedStoreException? problem)
    {
        EventRange? range;
        (range, content, problem) = ReadWhole(files, name, before, default);
        return problem is null ? range : null;
    }

    /// <summary>Reads a file and computes its chain anew.</summary>
    private static (EventEnd? End, DamagedStoreException? Problem) Read(EventFiles files, string name, Digest? before, EventHead promised)
    {
        var (range, _, problem) = ReadWhole(files, name, before, promised);
        return (range?.End, problem);
    }

    private static (EventRange? Range, byte[] Content, DamagedStoreException? Problem) ReadWhole(EventFiles files, string name, Digest? before, EventHead promised)
    {
        EventRange? range = null;
        byte[] bytes = [];
        try
        {
            using (var reader = files.Open(name))
            {
                bytes = new byte[Math.Min(reader.LengthBytes, EventFile.MaxBytes)];
                reader.Read(0, bytes);
                range = EventFile.Range(bytes, name);
                if (before is { } expected && range.Before != expected) throw EventFile.Damaged(name, "does not follow the events before it");
                var (chain, version, time) = (range.Before, 0L, 0L);
                foreach (var (one, encoded) in EventFile.Events(bytes, range))
                {
                    chain = EventFile.ChainAfter(chain, encoded.Span);
                    if (one.ManifestVersion < version || one.TimeUtc.UtcTicks < time) throw EventFile.Damaged(name, "its events are not in order");
                    (version, time) = (one.ManifestVersion, one.TimeUtc.UtcTicks);
                    if (one.Number == promised.Number && chain != promised.Chain) throw EventFile.Damaged(name, "is not what was acknowledged");
                }
                if (new EventEnd(range.Last, chain, version, time) != range.End) throw EventFile.Damaged(name, "its events are not those that its header speaks of");
            }
            return (range, bytes, null);
        }
        catch (DamagedStoreException e)
        {
            return (range, bytes, e);
        }
        catch (DurableException e) when (!e.IsOfProcess)
        {
            return (range, bytes, EventFile.Damaged(name, e.Message));
        }
    }

    private static VerifyFinding Finding(string name, FindingKind kind, string problem) => new(kind, $"{SealedFormat.EventFolder}/{name}", problem);
}
