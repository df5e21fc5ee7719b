namespace Warehouse.Engine.Query;

/// <summary>Whether a row of a segment with hidden samples is still listed.</summary>
internal static class Visibility
{
    /// <summary>True when a visible sample carries the allele, or when it never had a carrier here and a visible sample has the record.</summary>
    public static bool Lists(Source source, OpenBlock open, int row)
    {
        var calls = open.Decode(open.Sites.RowRecord[row]);
        var alt = open.Sites.AltIndex(row);
        Span<int> alleles = stackalloc int[16];
        var (carriers, visibleCarriers, visiblePresent) = (0, 0, 0);
        for (var local = 0; local < source.SlotOf.Length; local++)
        {
            if (calls.IsAbsent(local)) continue;
            var visible = source.Visible[local];
            if (visible) visiblePresent++;
            if (alleles[..calls.Alleles(local, alleles)].IndexOf(alt) < 0) continue;
            carriers++;
            if (visible) visibleCarriers++;
        }
        if (visibleCarriers > 0) return true;
        return carriers == 0 && visiblePresent > 0 && !open.Block.Lost().Any(l => l.Row == row);
    }
}
