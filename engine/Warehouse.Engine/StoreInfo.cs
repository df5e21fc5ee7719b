using System.Globalization;
using Warehouse.Engine.Catalog;

namespace Warehouse.Engine;

/// <summary>What a store says of itself.</summary>
/// <param name="Facts">Name and value, in reading order. A value that damage keeps from being known is <c>unknown</c>; a sum that lacks damaged segments begins with <c>at least</c>.</param>
/// <param name="Damage">What was met, each naming its file; empty where nothing was.</param>
public sealed record StoreInfo(IReadOnlyList<(string Name, string Value)> Facts, IReadOnlyList<string> Damage);

public sealed partial class VariantStore
{
    /// <summary>Facts of the store as it is now. Damage of what they are read from is told beside them; only of a store without a readable catalog nothing is known.</summary>
    public StoreInfo Info()
    {
        // Held, so that no compaction takes its files away meanwhile and is told as damage.
        using var held = HoldNewest();
        var catalog = Catalog();
        var damage = new List<string>();
        T? Known<T>(Func<T> read)
        {
            try
            {
                return read();
            }
            catch (Exception met) when (Damage.TextOf(met) is not null)
            {
                if (!damage.Contains(Damage.TextOf(met)!)) damage.Add(Damage.TextOf(met)!);
                return default;
            }
        }
        string Count(Func<long> count) => Known(() => count().ToString(CultureInfo.InvariantCulture)) ?? "unknown";
        var bytes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var (records, rows, genotypes, whole) = (0L, 0L, 0L, 0);
        foreach (var entry in catalog.Segments)
        {
            using var segment = Known(() => OpenSegment(entry, held.Manifest, pool: null));
            if (segment is null) continue;
            whole++;
            foreach (var block in segment.Blocks)
            {
                (records, rows, genotypes) = (records + block.RecordCount, rows + block.RowCount, genotypes + ((long)block.RecordCount * segment.Ordinals.Length));
                foreach (var (stream, place) in block.Streams) bytes[stream.ToString().ToLowerInvariant()] = bytes.GetValueOrDefault(stream.ToString().ToLowerInvariant()) + place.Length;
            }
        }
        string Sum(long sum) => (whole == catalog.Segments.Count ? "" : "at least ") + sum.ToString(CultureInfo.InvariantCulture);
        return new StoreInfo(
        [
            ("assembly", Assembly.Name), ("reference", _folder.Identity.ReferenceDigests.IsEmpty ? "none: alleles are trimmed only" : "known"),
            ("snapshot", Count(() => Version)), ("oldest snapshot", Count(() => catalog.PurgedBefore)), ("samples", Count(() => SamplesInForce(catalog))),
            ("samples withdrawn", Count(() => catalog.Samples.Count(s => s.WithdrawnVersion != 0))), ("files loaded", Count(() => catalog.Batches.Count)),
            ("segments", Count(() => catalog.Segments.Count)), ("records", Sum(records)), ("allele rows", Sum(rows)), ("genotypes", Sum(genotypes)),
            ("cohorts", Count(() => catalog.Cohorts.Count(c => c.UntilVersion == 0))), ("annotation releases", Count(() => ReleasesNow().Count(r => r.UntilVersion == 0))), ("bytes on disk", Count(() => _folder.Current.Files.Sum(f => f.LengthBytes))),
            .. bytes.Select(b => ("bytes of column " + b.Key, Sum(b.Value))),
        ], damage);
    }

    private static int SamplesInForce(StoreCatalog catalog) =>
        catalog.Ordinals.Where(o => o.UntilVersion == 0 && catalog.Samples[o.Sample].WithdrawnVersion == 0).Select(o => o.Sample).Distinct().Count();
}
