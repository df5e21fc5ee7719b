using System.Globalization;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>The header of an exported file: contigs of the store in answer order, the filters that its lines name, samples in store order.</summary>
internal static class ExportHeader
{
    /// <summary>Version of the format written: VCF 4.3.</summary>
    private const int Version = 403;

    /// <summary>Reads the filters of every block that is exported; the rest comes from the catalog.</summary>
    public static VcfHeader Build(StoreView view, Selection selection, List<(int Contig, List<(int Start, int End)> Regions)> regions, CancellationToken stop)
    {
        var (filters, detail) = (new SortedSet<string>(StringComparer.Ordinal), false);
        foreach (var (contig, stretches) in regions)
            foreach (var source in ContigScan.OpenSources(view, contig, selection))
            {
                if (source.SlotCount == 0) continue;
                foreach (var info in source.Segment.Blocks)
                {
                    if (info.Contig != contig || info.RowCount == 0 || !stretches.Exists(s => BlockInfo.Overlaps(info.Rows, s.Start, s.End))) continue;
                    stop.ThrowIfCancellationRequested();
                    foreach (var text in new Block(source.Segment, info).Sites.FilterTexts) filters.UnionWith(text.Split(';'));
                    detail |= info.Streams.ContainsKey(BlockStream.Detail);
                }
            }
        filters.ExceptWith([".", "PASS"]);
        var contigs = view.ContigsInOrder().Select(c => view.Catalog.Contigs[c]).Select(c => new VcfContig(c.Spelling, c.LengthBases, "", Declared: true)).ToList();
        var samples = selection.SampleOf.Select(s => view.Catalog.Samples[s].Name).ToList();
        return new VcfHeader { Version = Version, Contigs = contigs, Samples = samples, MetaLines = [.. MetaLines(contigs, filters, detail)], References = [], Warnings = [] };
    }

    private static IEnumerable<string> MetaLines(List<VcfContig> contigs, SortedSet<string> filters, bool detail)
    {
        yield return "##fileformat=VCFv4.3";
        yield return "##source=warehouse export";
        yield return "##FILTER=<ID=PASS,Description=\"All filters passed\">";
        foreach (var filter in filters) yield return $"##FILTER=<ID={filter},Description=\"As the loaded files wrote it\">";
        yield return "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Copies of each ALT allele in the genotypes of this file\">";
        yield return "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles in the genotypes of this file\">";
        yield return "##INFO=<ID=AF,Number=A,Type=Float,Description=\"AC / AN\">";
        yield return "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">";
        if (detail)
        {
            yield return "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype quality, of carriers of an ALT allele\">";
            yield return "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Read depth, of carriers of an ALT allele\">";
            yield return "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Read depth of each allele, of carriers of an ALT allele\">";
        }
        foreach (var contig in contigs)
            yield return contig.LengthBases > 0 ? string.Create(CultureInfo.InvariantCulture, $"##contig=<ID={contig.Name},length={contig.LengthBases}>") : $"##contig=<ID={contig.Name}>";
    }
}
