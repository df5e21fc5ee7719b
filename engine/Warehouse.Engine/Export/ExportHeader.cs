using System.Globalization;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Export;

/// <summary>The header of an exported file: contigs of the store in answer order, the filters that its lines name, samples in store order.</summary>
internal static class ExportHeader
{
    /// <summary>
    /// Reads the filters of every block that is exported; the rest comes from the catalog. With care it reads and authenticates before the
    /// first line all that the lines need: a header cannot come at the end.
    /// </summary>
    public static (IReadOnlyList<string> MetaLines, IReadOnlyList<string> Samples, int Unavailable) Build(StoreView view, Selection selection, List<(int Contig, List<(int Start, int End)> Regions)> regions, Care? care, CancellationToken stop)
    {
        // Whether a block has details or symbolic alleles may be due to samples that a caller does not see: for him both are declared.
        var (filters, detail, structural) = (new SortedSet<string>(StringComparer.Ordinal), !selection.HidesNothing, !selection.HidesNothing);
        foreach (var (contig, stretches) in regions)
        {
            var sources = ContigScan.OpenSources(view, contig, selection, care: care);
            var reach = (Start: int.MaxValue, End: int.MinValue);
            foreach (var source in sources)
            {
                if (source.SlotCount == 0) continue;
                foreach (var info in source.Segment.Blocks)
                {
                    if (info.Contig != contig || info.RowCount == 0 || !stretches.Exists(s => BlockInfo.Overlaps(info.Rows, s.Start, s.End))) continue;
                    stop.ThrowIfCancellationRequested();
                    if (SitesOf(source, info, care) is not { } sites) continue;
                    foreach (var text in FilterTexts(source, info, sites, stretches)) filters.UnionWith(Encode(text).Split(';'));
                    detail |= info.Streams.ContainsKey(BlockStream.Detail);
                    structural |= info.HasStructural;
                    if (care is not null) Widen(ref reach, sites, stretches);
                }
            }
            // What a line may touch is asked for: no later line names a range that the header does not.
            if (reach.End > reach.Start) care?.Around.Ask(contig, reach.Start, reach.End);
            foreach (var region in stretches) care?.Around.Ask(contig, region.Start, region.End);
            foreach (var source in sources)
            {
                stop.ThrowIfCancellationRequested();
                source.Survey(reach.Start, reach.End, structural: false);
            }
        }
        filters.ExceptWith([".", "PASS"]);
        var contigs = view.ContigsInOrder().Select(c => view.Catalog.Contigs[c]);
        var unavailable = care?.Around.InOrder() ?? [];
        return ([.. MetaLines(contigs, filters, detail, structural), .. unavailable.Select(MetaLine)], [.. selection.SampleOf.Select(s => view.Catalog.Samples[s].Name)], unavailable.Count);
    }

    /// <summary>The filters of a block: all for the owner, those of the lines that are shown for a caller.</summary>
    private static IEnumerable<string> FilterTexts(Source source, BlockInfo info, SiteTable sites, List<(int Start, int End)> regions)
    {
        if (source.HidesNothing) return sites.FilterTexts;
        var open = new OpenBlock(source.Segment.BlockOf(info));
        return Enumerable.Range(0, sites.RecordCount).Where(r => LineScan.Shown(source, open, r, regions) is not null).Select(r => sites.FilterTexts[sites.Filter[r]]).Distinct();
    }

    /// <summary>A range without lines, by its first and last POS: <c>##warehouse_unavailable</c>.</summary>
    private static string MetaLine(UnavailableRange range, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"##warehouse_unavailable=<ID=U{index + 1},contig={range.Contig},start={range.Start + 1L},end={range.End},file={range.File},Description=\"The store is damaged here: every line that touches this range is left out\">");

    private static SiteTable? SitesOf(Source source, BlockInfo info, Care? care)
    {
        try
        {
            return source.Segment.BlockOf(info).Sites;
        }
        catch (Exception met) when (care is not null && Damage.TextOf(met) is not null)
        {
            source.NoteDamaged(info, met);
            return null;
        }
    }

    /// <summary>Widens a stretch by the lines of a block that are in a region.</summary>
    private static void Widen(ref (int Start, int End) reach, SiteTable sites, List<(int Start, int End)> regions)
    {
        for (var record = 0; record < sites.RecordCount; record++)
        {
            var inside = false;
            for (var row = sites.FirstRow[record]; row < sites.FirstRow[record + 1]; row++)
                foreach (var region in regions) inside |= region.Start <= sites.RowStart[row] && sites.RowStart[row] < region.End;
            if (!inside) continue;
            var (start, end) = LineScan.SpanOf(sites, record);
            reach = (Math.Min(reach.Start, start), Math.Max(reach.End, end));
        }
    }

    /// <summary>FILTER as a header can declare it: what would end a name there is percent-encoded (VCF 4.3, 1.2).</summary>
    public static string Encode(string filter) => filter.AsSpan().IndexOfAny(",[]\"") < 0 ? filter
        : filter.Replace(",", "%2C", StringComparison.Ordinal).Replace("[", "%5B", StringComparison.Ordinal).Replace("]", "%5D", StringComparison.Ordinal).Replace("\"", "%22", StringComparison.Ordinal);

    private static IEnumerable<string> MetaLines(IEnumerable<ContigEntry> contigs, SortedSet<string> filters, bool detail, bool structural)
    {
        yield return "##fileformat=VCFv4.3";
        yield return "##source=warehouse export";
        yield return "##FILTER=<ID=PASS,Description=\"All filters passed\">";
        foreach (var filter in filters) yield return $"##FILTER=<ID={filter},Description=\"As the loaded files wrote it\">";
        foreach (var line in LineInfo.MetaLines(structural)) yield return line;
        yield return "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">";
        if (detail)
        {
            yield return "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype quality, of carriers of an ALT allele\">";
            yield return "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Read depth, of carriers of an ALT allele\">";
            yield return "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Read depth of each allele, of carriers of an ALT allele\">";
        }
        foreach (var contig in contigs)
            yield return contig.LengthBases > 0 ? string.Create(CultureInfo.InvariantCulture, $"##contig=<ID={contig.Spelling},length={contig.LengthBases}>") : $"##contig=<ID={contig.Spelling}>";
    }
}
