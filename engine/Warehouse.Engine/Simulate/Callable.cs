using System.Text;

namespace Warehouse.Engine.Simulate;

/// <summary>The intervals of <c>callable.bed</c>: about 95 % of the windows, one set for all samples.</summary>
internal sealed class Callable
{
    private readonly Dictionary<Contig, List<(int Start, int End)>> _intervals = [];

    /// <summary>Draws the intervals.</summary>
    public Callable(ulong seed, List<Contig> contigs)
    {
        var random = new Prng(seed, 6);
        foreach (var contig in contigs)
        {
            var intervals = _intervals[contig] = [];
            var end = Math.Min(contig.End + 200, contig.Sequence.Length);
            for (var at = Math.Max(0, contig.Start - 100); at < end;)
            {
                var to = Math.Min(end, at + 1 + random.Failures(1.0 / 1500));
                intervals.Add((at, to));
                at = to + 1 + random.Failures(1.0 / 75);
            }
        }
    }

    /// <summary>True when a base lies in an interval.</summary>
    public bool Covers(Contig contig, int position)
    {
        var intervals = _intervals[contig];
        var found = intervals.BinarySearch((position, int.MaxValue));
        var before = (found < 0 ? ~found : found) - 1;
        return before >= 0 && position < intervals[before].End;
    }

    /// <summary>Writes BED: 0-based half-open, in contig order.</summary>
    public void Write(string path)
    {
        using var bed = new StreamWriter(path, false, new UTF8Encoding(false)) { NewLine = "\n" };
        foreach (var (contig, intervals) in _intervals)
            foreach (var (start, end) in intervals) bed.WriteLine($"{contig.Name}\t{start}\t{end}");
    }
}
