using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Export;

/// <summary>A stored record that gives its calls to a line.</summary>
/// <param name="Source">Its segment.</param>
/// <param name="Block">Its block.</param>
/// <param name="Record">Its index in the block.</param>
/// <param name="Rows">Its rows that are shown, in ALT order: all but those that only hidden samples carry.</param>
internal sealed record LineRecord(Source Source, OpenBlock Block, int Record, int[] Rows)
{
    /// <summary>True when an allele is not shown, so that alleles are numbered anew.</summary>
    public bool IsRenumbered => Rows.Length != Block.Sites.FirstRow[Record + 1] - Block.Sites.FirstRow[Record];

    /// <summary>Whether a sample that is seen has both records.</summary>
    public bool SharesSampleWith(LineRecord other)
    {
        if (other.Source != Source) return false;
        for (var local = 0; local < Source.SlotOf.Length; local++)
            if (Source.Visible[local] && IsPresent(local) && other.IsPresent(local)) return true;
        return false;
    }

    private bool IsPresent(int local) => Block.Block.Absent is not { } absent || !absent.Contains(Record, local);

    /// <summary>Index of an allele on the line; 0 and -1 stay, an allele that is not shown is -1.</summary>
    public int OnLine(int allele) => allele <= 0 || !IsRenumbered ? allele : Array.IndexOf(Rows, Block.Sites.FirstRow[Record] + allele - 1) + 1 is > 0 and var shown ? shown : -1;
}

/// <summary>
/// A line of an export: records of several segments that are written alike (start, REF, ALTs, FILTER, and the extents of symbolic
/// alleles). Ordered by REF, ALTs, FILTER bytewise among the lines of one start.
/// </summary>
internal sealed class Line
{
    public Line(int start, byte[] key, LineRecord first)
    {
        (Start, Key) = (start, key);
        Records.Add(first);
    }

    public int Start { get; }

    /// <summary>What makes records one line; see <see cref="KeyOf"/>.</summary>
    public byte[] Key { get; }

    public List<LineRecord> Records { get; } = [];

    /// <summary>The record that texts are taken from.</summary>
    public LineRecord First => Records[0];

    /// <summary>REF, ALTs, FILTER and extents as text with tabs between.</summary>
    public static byte[] KeyOf(LineRecord record)
    {
        var sites = record.Block.Sites;
        var key = new List<byte>(64);
        key.AddRange(sites.RecordRefText(record.Record));
        key.Add((byte)'\t');
        foreach (var row in record.Rows)
        {
            key.AddRange(sites.WrittenAltText(row));
            key.Add((byte)',');
        }
        key.Add((byte)'\t');
        key.AddRange(System.Text.Encoding.UTF8.GetBytes(sites.FilterTexts[sites.Filter[record.Record]]));
        foreach (var row in record.Rows)
            if (sites.RowKind[row] is AlleleKind.Symbolic or AlleleKind.Breakend) key.AddRange(System.Text.Encoding.ASCII.GetBytes("\t" + sites.Extents[row]));
        return [.. key];
    }
}
