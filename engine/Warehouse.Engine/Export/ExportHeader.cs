using System.Globalization;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Export;

/// <summary>The header of an exported file: contigs of the store in answer order, the filters that its lines name, samples in store order.</summary>
internal static class ExportHeader
{
    /// <summary>Reads the filters of every block that is exported; the rest comes from the catalog.</summary>
    public static (IReadOnlyList<string> MetaLines, IReadOnlyList<string> Samples) Build(StoreView view, Selection selection, List<(int Contig, List<(int Start, int End)> Regions)> regions, CancellationToken stop)
    {
        var (filters, detail, structural) = (new SortedSet<string>(StringComparer.Ordinal), false, false);
        foreach (var (contig, stretches) in regions)
            foreach (var source in ContigScan.OpenSources(view, contig, selection))
            {
                if (source.SlotCount == 0) continue;
                foreach (var info in source.Segment.Blocks)
                {
                    if (info.Contig != contig || info.RowCount == 0 || !stretches.Exists(s => BlockInfo.Overlaps(info.Rows, s.Start, s.End))) continue;
                    stop.ThrowIfCancellationRequested();
                    foreach (var text in source.Segment.BlockOf(info).Sites.FilterTexts) filters.UnionWith(Encode(text).Split(';'));
                    detail |= info.Streams.ContainsKey(BlockStream.Detail);
                    structural |= info.HasStructural;
                }
            }
        filters.ExceptWith([".", "PASS"]);
        var contigs = view.ContigsInOrder().Select(c => view.Catalog.Contigs[c]);
        return ([.. MetaLines(contigs, filters, detail, structural)], [.. selection.SampleOf.Select(s => view.Catalog.Samples[s].Name)]);
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
