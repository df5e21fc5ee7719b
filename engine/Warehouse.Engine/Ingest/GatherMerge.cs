using System.Text;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// Writes gathered files as one segment, as if each had been written alone and <c>compact</c> had merged them: records become one when
/// place, REF, ALT and FILTER are equal, in the order of start, REF, number of ALTs, ALTs, FILTER. Memory: the order of the sites, and one
/// block. The result does not depend on which worker read a file. One thread.
/// </summary>
internal sealed class GatherMerge
{
    /// <summary>Evidence is counted in stretches of so many bases when blocks are cut.</summary>
    private const int BucketShift = 10;

    private readonly IReadOnlyList<GatheredFile> _files;
    private readonly GatherBlock _block;
    private readonly CancellationToken _stop;
    private readonly Dictionary<GatherSites, int[]> _rankOf = [];
    private (GatherSites Sites, int Site)[] _order = [];
    private int[] _uses = [];
    private GatherRun?[] _runs = [];
    private int[] _calls = [];
    private int[] _evidence = [];

    /// <param name="files">At most one of each sample, by ascending ordinal.</param>
    /// <param name="segment">Where to write; its samples are those of the files.</param>
    /// <param name="stop">Cancels.</param>
    public GatherMerge(IReadOnlyList<GatheredFile> files, SegmentWriter segment, CancellationToken stop)
    {
        (_files, _block, _stop) = (files, new GatherBlock(files, segment), stop);
    }

    /// <summary>Writes every block.</summary>
    /// <param name="contigOf">Ordinal of a canonical contig in the store.</param>
    public void Run(Func<string, int> contigOf)
    {
        var contigs = _files.SelectMany(f => f.Runs.Select(r => f.Sites.Contigs[r.Contig])).Distinct().Select(name => (Contig: contigOf(name), Name: name)).OrderBy(c => c.Contig);
        foreach (var (contig, name) in contigs)
        {
            _runs = [.. _files.Select(f => f.Runs.Find(r => f.Sites.Contigs[r.Contig] == name))];
            _calls = [.. _runs.Select(r => r?.FirstCall ?? 0)];
            _evidence = [.. _runs.Select(r => r?.FirstEvidence ?? 0)];
            Order(name);
            WriteBlocks(contig);
        }
    }

    /// <summary>Ranks the sites of a contig that are used; equal sites of two workers share a rank.</summary>
    private void Order(string name)
    {
        var used = new Dictionary<GatherSites, bool[]>();
        foreach (var sites in _files.Select(f => f.Sites).Distinct())
        {
            used.Add(sites, new bool[sites.Count]);
            if (!_rankOf.TryGetValue(sites, out var ranks) || ranks.Length < sites.Count) _rankOf[sites] = new int[sites.Count];
        }
        for (var f = 0; f < _files.Count; f++)
        {
            var marks = used[_files[f].Sites];
            if (_runs[f] is { } run)
                foreach (ref readonly var call in _files[f].Calls.AsSpan(run.FirstCall..run.CallEnd)) marks[call.Site] = true;
        }
        var all = new List<(GatherSites Sites, int Site)>();
        foreach (var (sites, marks) in used)
            for (var site = 0; site < marks.Length; site++)
                if (marks[site]) all.Add((sites, site));
        var order = all.ToArray();
        var starts = Array.ConvertAll(order, o => o.Sites[o.Site].Start);
        Array.Sort(starts, order);
        for (var (from, to) = (0, 1); from < order.Length; from = to++)
        {
            while (to < order.Length && starts[to] == starts[from]) to++;
            if (to - from > 1) order.AsSpan(from, to - from).Sort(Compare);
        }
        var count = 0;
        for (var i = 0; i < order.Length; i++)
        {
            if (i == 0 || Compare(order[i - 1], order[i]) != 0) order[count++] = order[i];
            _rankOf[order[i].Sites][order[i].Site] = count - 1;
        }
        _order = order[..count];
        CountUses();
    }

    private void CountUses()
    {
        _uses = new int[_order.Length];
        for (var f = 0; f < _files.Count; f++)
        {
            var ranks = _rankOf[_files[f].Sites];
            if (_runs[f] is { } run)
                foreach (ref readonly var call in _files[f].Calls.AsSpan(run.FirstCall..run.CallEnd)) _uses[ranks[call.Site]]++;
        }
    }

    private static int Compare((GatherSites Sites, int Site) a, (GatherSites Sites, int Site) b)
    {
        if (a == b) return 0;
        ref var x = ref a.Sites[a.Site];
        ref var y = ref b.Sites[b.Site];
        var order = x.Start.CompareTo(y.Start);
        if (order == 0) order = a.Sites.Text(x.KeyAt, x.RefLength).SequenceCompareTo(b.Sites.Text(y.KeyAt, y.RefLength));
        if (order == 0) order = x.RowCount.CompareTo(y.RowCount);
        var rowsA = a.Sites.Rows(x);
        var rowsB = b.Sites.Rows(y);
        for (var i = 0; order == 0 && i < rowsA.Length; i++)
            order = a.Sites.Text(rowsA[i].AltAt, rowsA[i].AltLength).SequenceCompareTo(b.Sites.Text(rowsB[i].AltAt, rowsB[i].AltLength));
        return order != 0 ? order : string.CompareOrdinal(FilterOf(a.Sites, x), FilterOf(b.Sites, y));
    }

    private static string FilterOf(GatherSites sites, in GatherSite site) => Encoding.UTF8.GetString(sites.Filter(site.Filter));

    private void WriteBlocks(int contig)
    {
        var buckets = CountEvidence();
        for (var (rank, from) = (0, 0); rank < _order.Length || from < buckets.Length - 1;)
        {
            _stop.ThrowIfCancellationRequested();
            var most = EvidenceEnd(buckets, from);
            var (endRank, end) = Cut(rank, most);
            AddCalls(rank, endRank);
            AddEvidence(end);
            _block.Write(contig);
            (rank, from) = (endRank, end == int.MaxValue ? buckets.Length - 1 : Math.Min(buckets.Length - 1, end >> BucketShift));
            if (end == int.MaxValue) break;
        }
    }

    /// <summary>Number of intervals of evidence that start before each bucket; empty when there are none.</summary>
    private int[] CountEvidence()
    {
        var last = -1;
        for (var f = 0; f < _files.Count; f++)
            if (_runs[f] is { } run && run.EvidenceEnd > run.FirstEvidence) last = Math.Max(last, _files[f].Evidence[run.EvidenceEnd - 1].Start);
        if (last < 0) return [0];
        var before = new int[(last >> BucketShift) + 2];
        for (var f = 0; f < _files.Count; f++)
        {
            if (_runs[f] is { } run)
                foreach (ref readonly var piece in _files[f].Evidence.AsSpan(run.FirstEvidence..run.EvidenceEnd)) before[(piece.Start >> BucketShift) + 1]++;
        }
        for (var b = 1; b < before.Length; b++) before[b] += before[b - 1];
        return before;
    }

    /// <summary>Where a block that begins in a bucket has to end for its evidence: at least one bucket later.</summary>
    private static int EvidenceEnd(int[] before, int from)
    {
        var to = from + 1;
        while (to < before.Length && before[to] - before[from] <= CallSetWriter.BlockIntervals) to++;
        return to >= before.Length ? int.MaxValue : Math.Max(from + 1, to - 1) << BucketShift;
    }

    /// <summary>The limits of a block are those of ingest. Gives the first rank behind it and the first start that is not in it.</summary>
    private (int Rank, int End) Cut(int rank, int most)
    {
        var (records, largestEnd) = (0, int.MinValue);
        while (rank < _order.Length)
        {
            ref var site = ref _order[rank].Sites[_order[rank].Site];
            if (site.Start >= most) break;
            if (records >= 2 * CallSetWriter.BlockRecords || (records >= CallSetWriter.BlockRecords && site.Start >= largestEnd)) return (rank, site.Start);
            for (var start = site.Start; rank < _order.Length && _order[rank].Sites[_order[rank].Site].Start == start; rank++, records++)
                largestEnd = Math.Max(largestEnd, start + _order[rank].Sites[_order[rank].Site].RefLength);
        }
        return (rank, most);
    }

    private void AddCalls(int from, int to)
    {
        if (from == to) return;
        _block.Begin(_uses.AsSpan(from, to - from));
        for (var f = 0; f < _files.Count; f++)
        {
            if (_runs[f] is not { } run) continue;
            var ranks = _rankOf[_files[f].Sites];
            var calls = _files[f].Calls.AsSpan();
            var at = _calls[f];
            for (; at < run.CallEnd && ranks[calls[at].Site] is var rank && rank < to; at++) _block.Put(rank - from, f, at, calls[at]);
            _calls[f] = at;
        }
        for (var rank = from; rank < to; rank++) _block.AddRecord(_order[rank].Sites, _order[rank].Sites[_order[rank].Site], rank - from);
    }

    private void AddEvidence(int end)
    {
        for (var f = 0; f < _files.Count; f++)
        {
            if (_runs[f] is not { } run) continue;
            var all = _files[f].Evidence;
            var at = _evidence[f];
            for (; at < run.EvidenceEnd && all[at].Start < end; at++) _block.AddEvidence(f, all[at]);
            _evidence[f] = at;
        }
    }
}
