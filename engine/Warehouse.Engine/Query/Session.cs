using Warehouse.Engine.Access;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// One principal asking one snapshot for one purpose. Every answer is computed inside its scope and reported to its sink. One thread;
/// dispose to close the segments.
/// </summary>
public sealed partial class Session : IDisposable
{
    private readonly StoreView _view;
    private readonly Scope _scope;
    private readonly SessionOptions _options;
    private readonly Func<ReferenceGenome?> _openReference;
    private ReferenceGenome? _reference;
    private bool _referenceOpened;

    internal Session(StoreView view, Scope scope, SessionOptions options, long snapshot, Func<ReferenceGenome?> openReference)
    {
        (_view, _scope, _options, Snapshot, _openReference) = (view, scope, options, snapshot, openReference);
    }

    /// <summary>The manifest version whose data is answered.</summary>
    public long Snapshot { get; }

    /// <summary>Figures per variant and group, in the order of COUNTS.md. The row is reused: copy what you keep.</summary>
    /// <exception cref="InputException">An unknown contig, cohort, sample or column.</exception>
    public IEnumerable<FrequencyRow> Frequencies(FrequencyRequest request, CancellationToken stop = default)
    {
        var selection = Selection.Build(_view.Catalog, _scope, Snapshot, request.Samples, request.Rules, request.By);
        var rows = 0L;
        foreach (var row in request.Variants is { } asked ? Asked(asked, selection, request, stop) : Listed(selection, request, stop))
        {
            rows++;
            yield return row;
        }
        Report("frequencies", rows);
    }

    internal StoreView View => _view;

    /// <summary>The samples of a choice that the scope sees at the snapshot.</summary>
    internal Selection Select(SampleChoice choice, CountRules rules) => Selection.Build(_view.Catalog, _scope, Snapshot, choice, rules, null);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _reference?.Dispose();
    }

    internal void Report(string operation, long rows) => _options.Sink?.Invoke(new AccessEvent(_options.Principal, _options.Purpose, Snapshot, operation, rows));

    private IEnumerable<FrequencyRow> Listed(Selection selection, FrequencyRequest request, CancellationToken stop)
    {
        var output = new FrequencyRow();
        var figures = new CountFigures[selection.GroupSizes.Length];
        foreach (var (contig, regions) in RegionsByContig(request.Regions))
        {
            var entry = _view.Catalog.Contigs[contig];
            foreach (var (start, end) in regions)
            {
                var scan = new ContigScan(_view, contig, selection, request.Rules);
                foreach (var row in scan.List(start, end))
                {
                    stop.ThrowIfCancellationRequested();
                    scan.Count(row, figures);
                    if (request.MinAc > 0 && Total(figures) < request.MinAc) continue;
                    Fill(output, entry.Spelling, row);
                    foreach (var one in Groups(output, selection, figures)) yield return one;
                }
            }
        }
    }

    private IEnumerable<FrequencyRow> Asked(IReadOnlyList<string> queries, Selection selection, FrequencyRequest request, CancellationToken stop)
    {
        var variants = queries.Select((text, i) => (Index: i, Variant: Resolve(text))).ToList();
        var answers = new (ScanRowCopy Row, CountFigures[] Figures)[variants.Count];
        foreach (var contig in variants.GroupBy(v => v.Variant.Contig))
        {
            var index = _view.Catalog.ContigIndex(contig.Key);
            var scan = index < 0 ? null : new ContigScan(_view, index, selection, request.Rules);
            foreach (var (at, variant) in contig.OrderBy(v => v.Variant.Start))
            {
                stop.ThrowIfCancellationRequested();
                var figures = new CountFigures[selection.GroupSizes.Length];
                if (scan is null) for (var g = 0; g < figures.Length; g++) figures[g] = new CountFigures { NSamples = selection.GroupSizes[g], NNotAssessed = selection.GroupSizes[g] };
                else scan.Count(scan.Find(variant.Start, System.Text.Encoding.ASCII.GetBytes(variant.Ref), System.Text.Encoding.ASCII.GetBytes(variant.Alt)), figures);
                answers[at] = (new ScanRowCopy(index < 0 ? variant.Contig : _view.Catalog.Contigs[index].Spelling, variant), figures);
            }
        }
        var output = new FrequencyRow();
        foreach (var (row, figures) in answers)
        {
            (output.Contig, output.Start, output.Ref, output.Alt) = (row.Spelling, row.Variant.Start, row.Variant.Ref, row.Variant.Alt);
            foreach (var one in Groups(output, selection, figures)) yield return one;
        }
    }

    private readonly record struct ScanRowCopy(string Spelling, Variant Variant);

    private static IEnumerable<FrequencyRow> Groups(FrequencyRow output, Selection selection, CountFigures[] figures)
    {
        for (var group = 0; group < figures.Length; group++)
        {
            output.Group = selection.Groups[group];
            output.Figures = figures[group];
            yield return output;
        }
    }

    private static long Total(CountFigures[] figures)
    {
        var total = 0L;
        foreach (var f in figures) total += f.Ac;
        return total;
    }

    private static void Fill(FrequencyRow output, string contig, ScanRow row)
    {
        (output.Contig, output.Start) = (contig, row.Start);
        output.Ref = System.Text.Encoding.ASCII.GetString(row.Ref);
        output.Alt = System.Text.Encoding.ASCII.GetString(row.Alt);
    }

    /// <summary>Regions by contig in answer order, merged where they overlap; everything when none is named.</summary>
    internal List<(int Contig, List<(int Start, int End)> Regions)> RegionsByContig(IReadOnlyList<Region> regions)
    {
        if (regions.Count == 0) return [.. _view.ContigsInOrder().Select(c => (c, new List<(int, int)> { (-1, int.MaxValue) }))];
        var byContig = new Dictionary<int, List<(int Start, int End)>>();
        foreach (var region in regions)
        {
            var canonical = _view.Assembly.CanonicalContig(region.Contig);
            var contig = _view.Catalog.ContigIndex(canonical);
            if (contig < 0)
            {
                if (_view.Assembly.Length(canonical) is not null) continue;
                throw new InputException("unknown-contig", $"the store has no contig {region.Contig}; it has: {string.Join(", ", _view.ContigsInOrder().Take(40).Select(c => _view.Catalog.Contigs[c].Spelling))}", InputPlace.None);
            }
            if (!byContig.TryGetValue(contig, out var list)) byContig.Add(contig, list = []);
            list.Add((region.Start, region.End));
        }
        return [.. _view.ContigsInOrder().Where(byContig.ContainsKey).Select(c => (c, Merge(byContig[c])))];
    }

    private static List<(int Start, int End)> Merge(List<(int Start, int End)> regions)
    {
        var merged = new List<(int Start, int End)>();
        foreach (var (start, end) in regions.Order())
        {
            if (merged.Count > 0 && start <= merged[^1].End) merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, end));
            else merged.Add((start, end));
        }
        return merged;
    }

    /// <summary>The reference sequence; null when the store has none.</summary>
    internal ReferenceGenome? Reference()
    {
        if (!_referenceOpened) (_reference, _referenceOpened) = (_openReference(), true);
        return _reference;
    }
}
