using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Query;

internal sealed partial class ContigScan
{
    private readonly List<(int Source, OpenBlock Block, int Row)> _near = [];
    private readonly List<int> _nearRows = [];

    /// <summary>Other listed base alleles whose REF span overlaps that of a row just found. Returns their number; the first go to <paramref name="tell"/> in order, the object reused.</summary>
    public int Overlapping(ScanRow row, int most, Action<ScanRow> tell)
    {
        _near.Clear();
        foreach (var source in _sources)
        {
            foreach (var block in source.Open)
            {
                if (!BlockInfo.Overlaps(block.Block.Info.Rows, int.MinValue, row.End) || block.Block.Info.Records.End <= row.Start) continue;
                _nearRows.Clear();
                block.Sites.OverlappingRows(row.Start, row.End, _nearRows);
                foreach (var near in _nearRows)
                    if (!IsAllele(block.Sites, near, row)) _near.Add((source.Index, block, near));
            }
        }
        if (_near.Count == 0) return 0;
        _near.Sort((a, b) => Cursor.Compare(a.Block, a.Row, b.Block, b.Row));
        var (count, other) = (0, new ScanRow());
        for (var at = 0; at < _near.Count;)
        {
            var (_, block, first) = _near[at];
            (other.Start, other.Ref, other.Alt) = (block.Sites.RowStart[first], block.Sites.RowRefText(first).ToArray(), block.Sites.RowAltText(first).ToArray());
            other.Rows.Clear();
            for (; at < _near.Count && IsAllele(_near[at].Block.Sites, _near[at].Row, other); at++) other.Rows.Add(_near[at]);
            if (!IsListed(other)) continue;
            if (count++ < most) tell(other);
        }
        return count;
    }

    private static bool IsAllele(SiteTable sites, int row, ScanRow allele) =>
        sites.RowStart[row] == allele.Start && sites.RowRefText(row).SequenceEqual(allele.Ref) && sites.RowAltText(row).SequenceEqual(allele.Alt);
}
