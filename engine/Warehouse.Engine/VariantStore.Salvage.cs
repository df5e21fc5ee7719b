using System.Globalization;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Events;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Variants;
using Warehouse.Primitives;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    /// <summary>
    /// Writes a new store of all that can be proved of a damaged one, which is only read, and says what is not whole. The new store answers what the
    /// old one would have answered; where that needs data that are lost, the answer is not assessable. Nothing is written where the newest version
    /// cannot be taken and the caller did not accept an older one. Stopped at any point it leaves no store, or a whole one.
    /// </summary>
    /// <param name="options">Where from, where to.</param>
    /// <param name="progress">Gets versions, then bytes.</param>
    /// <param name="stop">Cancels; then nothing is left of the new store.</param>
    /// <exception cref="StoreRefusedException">The new store or its key folder exists, or one lies in another.</exception>
    /// <exception cref="StoreBusyException">Somebody writes to the damaged store.</exception>
    /// <exception cref="DamagedStoreException">The master key is not whole: nothing can be proved.</exception>
    public static SalvageReport Salvage(SalvageOptions options, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        var (keysPath, toKeysPath) = (KeysPathOf(options.Path, options.KeysPath), KeysPathOf(options.ToPath, options.ToKeysPath));
        string[] made = [FullPath(options.ToPath), FullPath(toKeysPath)], all = [.. made, FullPath(options.Path), FullPath(keysPath)];
        for (var i = 0; i < all.Length; i++)
            for (var j = 0; j < all.Length; j++)
                if (i != j && (all[i] + "/").StartsWith(all[j] + "/", StringComparison.Ordinal)) throw new StoreRefusedException("the new store, its key folder, the damaged store and its key folder must lie apart");
        if (made.Any(p => Durable.Facts(p) is not null)) throw new StoreRefusedException("the new store or its key folder exists: salvage writes into no folder that is there");
        var claimed = new List<string>();
        (IStorage, IStorage) Make()
        {
            foreach (var path in made)
            {
                Durable.CreateFolder(path); // of two only one makes it
                claimed.Add(path);
                Durable.SyncFolder(Path.GetDirectoryName(path) ?? "/");
            }
            return (DiskStorage.Open(made[0]), DiskStorage.Open(made[1]));
        }
        try
        {
            return Salvage((DiskStorage.Open(options.Path, "store folder"), DiskStorage.Open(keysPath, "key folder")), Make, options, progress, stop);
        }
        catch
        {
            foreach (var path in claimed) Directory.Delete(path, recursive: true);
            throw;
        }
    }

    /// <summary>The same over folders that are open already; the new ones are made only when there is something to put into them.</summary>
    internal static SalvageReport Salvage((IStorage Store, IStorage Keys) from, Func<(IStorage Store, IStorage Keys)> make, SalvageOptions options, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        StoreFolder.RequirePrivate(from.Keys);
        var findings = new List<SalvageFinding>();
        using var source = new SalvageSource(from.Store, from.Keys, (file, problem) => findings.Add(new SalvageFinding(SalvageKind.File, file, null, null, problem)), progress, stop);
        var salvage = new StoreSalvage(source, findings, progress, stop);
        var isFound = salvage.Choose();
        NameLostSnapshots(source, salvage.Version, findings);
        var identity = source.Identity ?? IdentityOf(options, source);
        if (Refusal(isFound, identity is not null, isFound && source.IsProved(salvage.Version) && salvage.Version == source.Newest, options) is { } why)
        {
            findings.Add(new SalvageFinding(SalvageKind.Refused, "new store", null, null, why));
            return new SalvageReport(0, 0, findings);
        }
        if (source.Identity is null) findings.Add(new SalvageFinding(SalvageKind.Note, "assembly and reference", null, null, "as given now; nothing proves them"));
        var (to, toKeys) = make();
        using (var target = new SalvageTarget(to, toKeys, identity!, salvage.FirstKeyId))
        {
            if (EventCarrier.Carry(from, (to, toKeys), stop) is { } lost) findings.Add(new SalvageFinding(SalvageKind.Lost, "event log", null, null, lost));
            salvage.Write(target);
        }
        using var store = Over(StoreFolder.Open(to, toKeys, TimeProvider.System));
        store.NameLost(salvage.LostOf, findings);
        return new SalvageReport(salvage.Version, store.Catalog().Ordinals.Where(o => o.UntilVersion == 0 && store.Catalog().Samples[o.Sample].WithdrawnVersion == 0).Select(o => o.Sample).Distinct().Count(), findings);
    }

    private static void NameLostSnapshots(SalvageSource source, long taken, List<SalvageFinding> findings)
    {
        if (!source.IsPromised) findings.Add(new SalvageFinding(SalvageKind.Snapshot, "the newest", null, null, "the acknowledgement is lost: nothing tells whether there were snapshots after those that are there"));
        if (taken == source.Newest) return;
        findings.Add(new SalvageFinding(SalvageKind.Snapshot, taken + 1 == source.Newest ? Text(source.Newest) : $"{Text(taken + 1)} to {Text(source.Newest)}", null, null,
            source.IsPromised && source.Newest > source.Keys.Promised.ManifestVersion ? $"lost; those up to {Text(source.Keys.Promised.ManifestVersion)} were acknowledged" : "lost"));
    }

    private static string? Refusal(bool isFound, bool hasIdentity, bool isNewest, SalvageOptions options)
    {
        if (!isFound) return "nothing was written: the catalog of no snapshot is whole";
        if (!isNewest && !options.AcceptOlder) return "nothing was written: the snapshot that is whole is not proved to be the newest. Samples that were withdrawn later would be visible in it again, and what was loaded later is not in it. --accept-older takes it all the same";
        return hasIdentity ? null : "nothing was written: what the store is, its assembly and reference, is lost. Any copy of its file \"store\" mends it (verify --repair-from); or say them with --assembly and --reference";
    }

    private static StoreIdentity? IdentityOf(SalvageOptions options, SalvageSource source)
    {
        if (options.Assembly is null) return null;
        var assembly = Assembly.Parse(options.Assembly);
        byte[] reference = [];
        if (options.ReferencePath is { } path)
        {
            using var genome = ReferenceGenome.Open(path, assembly);
            reference = ReferenceRecord.Write(genome);
        }
        return StoreIdentity.New(assembly.Name, reference, TimeProvider.System);
    }

    /// <summary>Names the stretches and samples whose answers need what is lost of segments; of one whose directory can be read, block by block.</summary>
    private void NameLost(Dictionary<string, IReadOnlyList<(long Start, long End)>?> lostOf, List<SalvageFinding> findings)
    {
        var (catalog, concerned) = (Catalog(), new SortedSet<int>());
        foreach (var entry in catalog.Segments.Where(s => lostOf.ContainsKey(s.File)))
        {
            int[] samples = [.. entry.Ordinals.Select(o => catalog.Ordinals[o].Sample).Where(s => catalog.Samples[s].WithdrawnVersion == 0).Distinct()];
            var (ranges, isOpen) = LostRanges(entry, lostOf[entry.File]);
            foreach (var (contig, (start, end)) in ranges)
                findings.Add(new SalvageFinding(SalvageKind.Range, SealedName(entry), $"{catalog.Contigs[contig].Spelling}:{Text(start + 1)}-{Text(end)}", samples.Length,
                    isOpen ? "answers that need it are not assessable" : "answers that need it are not assessable, and no symbolic allele on this contig is: the directory of the segment is lost"));
            concerned.UnionWith(samples);
        }
        foreach (var sample in concerned) findings.Add(new SalvageFinding(SalvageKind.Sample, catalog.Samples[sample].Name, null, null, "has data among them"));
    }

    /// <summary>By contig the stretches of blocks that lost bytes; all of the segment when its directory is among them.</summary>
    private (IEnumerable<KeyValuePair<int, (int Start, int End)>> Ranges, bool IsOpen) LostRanges(SegmentEntry entry, IReadOnlyList<(long Start, long End)>? lost)
    {
        IEnumerable<KeyValuePair<int, (int Start, int End)>> ranges = [];
        var why = lost is null ? "gone" : Try(() =>
        {
            using var segment = OpenSegment(entry);
            ranges = [.. segment.Blocks.Where(b => b.Streams.Values.Any(s => lost.Any(l => l.Start < s.Offset + s.Length && s.Offset < l.End))).SelectMany(b => BlockInfo.StretchesOf([b]))];
        });
        return why is null ? (ranges, true) : (entry.Stretches, false);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
