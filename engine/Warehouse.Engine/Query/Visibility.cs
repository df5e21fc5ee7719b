using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Query;

/// <summary>
/// Whether a row of a segment with hidden or dropped samples is still listed. The rule holds per panel, the samples of a file that were
/// loaded together: panels stay whole through every merge, so compaction changes no answer.
/// </summary>
internal static class Visibility
{
    /// <summary>True when a visible sample carries the allele, or when a panel of which a visible sample has the record never had a carrier.</summary>
    public static bool Lists(Source source, OpenBlock open, int row)
    {
        if (open.Block.Het?.CountMasked(row, source.Visible) > 0 || open.Block.Hom?.CountMasked(row, source.Visible) > 0) return true;
        var calls = open.Decode(open.Sites.RowRecord[row]);
        foreach (var panel in source.Panels)
            if (Lists(source, calls, open.Sites.AltIndex(row), panel) && !open.Block.Lost.Contains((row, panel.Panel))) return true;
        foreach (var call in open.Block.Exceptions(open.Sites.RowRecord[row]))
            if (source.Visible[call.Sample] && call.Alleles.AsSpan().Contains(open.Sites.AltIndex(row))) return true;
        return false;
    }

    /// <summary>Whether a panel has a visible sample with the record and no carrier.</summary>
    private static bool Lists(Source source, RecordCalls calls, int alt, (int First, int End, int Panel) panel)
    {
        var visiblePresent = false;
        Span<int> alleles = stackalloc int[16];
        for (var local = panel.First; local < panel.End; local++)
        {
            if (calls.IsAbsent(local)) continue;
            if (alleles[..calls.Alleles(local, alleles)].Contains(alt)) return false;
            visiblePresent |= source.Visible[local];
        }
        return visiblePresent;
    }
}
