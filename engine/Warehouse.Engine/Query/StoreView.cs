using Warehouse.Engine.Catalog;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// A store as one manifest version shows it, with its segments taken from the pool of the store on first use. Its lease keeps them on disk,
/// whatever is published meanwhile. One thread; dispose to give segments and lease back.
/// </summary>
internal sealed class StoreView(StoreCatalog catalog, Assembly assembly, Func<SegmentEntry, Segment> open, (ReaderLease Lease, SegmentPool Pool) held) : IDisposable
{
    private List<int>? _contigs;
    private readonly Dictionary<string, Segment> _segments = new(StringComparer.Ordinal);

    public StoreCatalog Catalog => catalog;

    public Assembly Assembly => assembly;

    /// <summary>The newest manifest version that this view knows.</summary>
    public long Version => held.Lease.Manifest.Version;

    public Segment Open(SegmentEntry entry)
    {
        if (!_segments.TryGetValue(entry.File, out var segment)) _segments.Add(entry.File, segment = held.Pool.Acquire(entry.File, () => open(entry)));
        return segment;
    }

    /// <summary>Contig indices in the order of answers.</summary>
    public List<int> ContigsInOrder()
    {
        if (_contigs is { } known) return known;
        var contigs = new List<int>();
        for (var i = 0; i < catalog.Contigs.Count; i++)
            if (catalog.Contigs[i].Canonical.Length > 0) contigs.Add(i); // others are hidden from a caller
        contigs.Sort((a, b) => ContigOrder.Instance.Compare(catalog.Contigs[a].Canonical, catalog.Contigs[b].Canonical) is not 0 and var order ? order : a.CompareTo(b));
        return _contigs = contigs;
    }

    public void Dispose()
    {
        foreach (var file in _segments.Keys) held.Pool.Release(file);
        _segments.Clear();
        held.Lease.Dispose();
    }
}
