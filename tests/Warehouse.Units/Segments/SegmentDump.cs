using Warehouse.Engine;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Vcf;

namespace Warehouse.Units.Segments;

/// <summary>
/// What the segments of a store say of each loaded part of a sample, one line per fact, whatever segments it lies in: two stores with
/// equal lines hold the same calls, phase, quality and evidence.
/// </summary>
internal static class SegmentDump
{
    /// <summary>All facts, in ordinal order of text.</summary>
    public static List<string> Of(VariantStore store, Func<int, bool> isKept)
    {
        var lines = new List<string>();
        foreach (var entry in store.CatalogNow.Segments)
        {
            using var segment = store.OpenSegmentNow(entry);
            var evidence = new Dictionary<(int Contig, int Ordinal), List<(int Start, int End, byte Kind)>>();
            foreach (var info in segment.Blocks)
            {
                var block = new Block(segment, info);
                AddRecords(store, block, isKept, lines);
                for (var local = 0; local < segment.Ordinals.Length; local++)
                {
                    if (!isKept(segment.Ordinals[local])) continue;
                    if (!evidence.TryGetValue((info.Contig, segment.Ordinals[local]), out var list)) evidence.Add((info.Contig, segment.Ordinals[local]), list = []);
                    list.AddRange(block.Evidence.Raw(local));
                }
            }
            foreach (var ((contig, ordinal), list) in evidence)
                foreach (var (start, end, kind) in Joined(list)) lines.Add($"{ordinal} evidence {contig}:{start}-{end} {kind}");
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static void AddRecords(VariantStore store, Block block, Func<int, bool> isKept, List<string> lines)
    {
        var (sites, swapped, het) = (block.Sites, block.Swapped(), 0);
        for (var record = 0; record < sites.RecordCount; record++)
        {
            var calls = RecordCalls.Decode(block, record);
            var details = block.Detail?.Of(record);
            var entry = 0;
            var rows = Enumerable.Range(sites.FirstRow[record], sites.FirstRow[record + 1] - sites.FirstRow[record])
                .Select(r => $"{sites.RowKind[r]} {sites.RowCollapsed[r]} {sites.RowStart[r]} {Text(sites.RowRefText(r))} {Text(sites.RowAltText(r))} {(sites.Extents.TryGetValue(r, out var e) ? e : null)}");
            var flags = sites.Flags[record] & ~(RecordFlags.AllPhased | RecordFlags.MixedPhase);
            var site = $"{store.CatalogNow.Contigs[block.Info.Contig].Canonical} {sites.RecordStart[record]} {Text(sites.RecordRefText(record))} {Text(sites.JoinedAlts(record))} {sites.FilterTexts[sites.Filter[record]]} {flags} {string.Join(' ', rows)}";
            for (var local = 0; local < block.SampleCount; local++)
            {
                if (calls.IsAbsent(local)) continue;
                var (text, carries, isHet) = Call(block, record, calls, local, () => swapped is not null && (swapped[het >> 6] >> (het & 63) & 1) != 0);
                if (isHet) het++;
                var detail = carries && details is not null ? details[entry] : default(CarrierDetail?);
                if (carries) entry++;
                if (!isKept(block.Segment.Ordinals[local])) continue;
                var fails = block.AdjFail?.Contains(record, local) == true;
                lines.Add($"{block.Segment.Ordinals[local]} {site} {text} {(fails ? "fails" : "passes")} {(detail is { } d ? $"{d.Gq} {d.Dp} {string.Join(',', d.Ad.All(a => a < 0) ? [] : d.Ad)}" : "-1 -1 ")}");
            }
        }
    }

    /// <summary>GT as it was written, as far as a segment keeps it.</summary>
    private static (string Text, bool Carries, bool IsHet) Call(Block block, int record, RecordCalls calls, int local, Func<bool> isSwapped)
    {
        Span<int> alleles = stackalloc int[16];
        var count = calls.Alleles(local, alleles);
        var carries = alleles[..count].ContainsAnyInRange(1, int.MaxValue);
        if (calls.First[local] == VcfRecord.IrregularMark) return (calls.Exception(local).Text, carries, false);
        if (count == 1) return (Allele(alleles[0]), carries, false);
        var flags = block.Sites.Flags[record];
        var phased = (flags & RecordFlags.AllPhased) != 0 || ((flags & RecordFlags.MixedPhase) != 0 && block.Phased!.Contains(record, local));
        var isHet = alleles[0] != alleles[1];
        var (first, second) = isHet && isSwapped() ? (alleles[1], alleles[0]) : (alleles[0], alleles[1]);
        return (Allele(first) + (phased ? "|" : "/") + Allele(second), carries, isHet);
    }

    private static string Allele(int allele) => allele < 0 ? "." : allele.ToString();

    private static string Text(ReadOnlySpan<byte> text) => System.Text.Encoding.ASCII.GetString(text);

    private static List<(int Start, int End, byte Kind)> Joined(List<(int Start, int End, byte Kind)> pieces)
    {
        var joined = new List<(int Start, int End, byte Kind)>();
        foreach (var (start, end, kind) in pieces)
        {
            if (joined.Count > 0 && joined[^1].Kind == kind && start <= joined[^1].End) joined[^1] = (joined[^1].Start, Math.Max(joined[^1].End, end), kind);
            else joined.Add((start, end, kind));
        }
        return joined;
    }
}
