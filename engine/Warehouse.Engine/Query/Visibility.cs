using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Query;

/// <summary>
/// Whether a row of a segment is still listed. Where nothing is hidden, for the owner foremost, of samples dropped or withdrawn, the rule holds per panel, the samples of a file
/// that were loaded together: panels stay whole through every merge, so compaction changes no answer. For every other caller (I4) a row is listed when a
/// sample that he sees carries it: whether nobody else does, or somebody did, would tell him of samples that he does not see.
/// </summary>
internal static class Visibility
{
    /// <summary>True when a visible sample carries the allele; where nothing is hidden also when a panel of which a visible sample has the record never had a carrier.</summary>
    public static bool Lists(Source source, OpenBlock open, int row)
    {
        if (open.Block.Het?.CountMasked(row, source.Visible) > 0 || open.Block.Hom?.CountMasked(row, source.Visible) > 0) return true;
        foreach (var call in open.Block.Exceptions(open.Sites.RowRecord[row]))
            if (source.Visible[call.Sample] && call.Alleles.AsSpan().Contains(open.Sites.AltIndex(row))) return true;
#if !PLANTED_HIDDEN_CARRIER_DELISTS
        if (!source.HidesNothing) return false;
#endif
        var calls = open.Decode(open.Sites.RowRecord[row]);
        foreach (var panel in source.Panels)
            if (Lists(source, calls, open.Sites.AltIndex(row), panel) && !open.Block.Lost.Contains((row, panel.Panel))) return true;
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
