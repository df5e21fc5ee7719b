using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// A release opened for reading: in order, block by block, or allele by allele. It holds its file, whatever is retired or compacted
/// meanwhile; dispose to let go. One thread. What is damaged throws <see cref="InvalidDataException"/> or a store exception, and is never read as missing (I3).
/// </summary>
public sealed class AnnotationReader : IDisposable
{
    /// <summary>Decoded blocks that look-ups keep.</summary>
    private const int KeptBlocks = 8;

    private readonly AnnotationFile _file;
    private readonly IDisposable? _held;
    private readonly Dictionary<string, (int First, int End)> _blocksOf = new(StringComparer.Ordinal);
    private readonly List<AnnotationBlock> _kept = [];
    private TermIndex? _terms;
    private string? _askedContig;
    private (int First, int End) _asked;

    internal AnnotationReader(AnnotationRelease release, AnnotationFile file, IDisposable? held)
    {
        (Release, _file, _held) = (release, file, held);
        for (var i = 0; i < file.Blocks.Length; i++)
        {
            var contig = file.Contigs[file.Blocks[i].Contig];
            _blocksOf[contig] = (_blocksOf.TryGetValue(contig, out var known) ? known.First : i, i + 1);
        }
    }

    /// <summary>What is read.</summary>
    public AnnotationRelease Release { get; }

    /// <summary>Its fields; a column is asked for by the place of its field here.</summary>
    public IReadOnlyList<AnnotationField> Fields => _file.Fields;

    /// <summary>Contigs that have rows, canonical, in order.</summary>
    public IReadOnlyList<string> Contigs => _file.Contigs;

    /// <summary>Number of rows.</summary>
    public long Rows => _file.Rows;

    /// <summary>Number of blocks.</summary>
    public int BlockCount => _file.Blocks.Length;

    /// <summary>Place of a field by name; -1 when there is none.</summary>
    public int FieldOf(string name)
    {
        for (var i = 0; i < Fields.Count; i++)
            if (Fields[i].Name == name) return i;
        return -1;
    }

    /// <summary>All blocks, by contig (<see cref="ContigOrder"/>), then start: each block stays valid.</summary>
    public IEnumerable<AnnotationBlock> Blocks(CancellationToken stop = default)
    {
        foreach (var info in _file.Blocks)
        {
            stop.ThrowIfCancellationRequested();
            yield return _file.Read(info);
        }
    }

    /// <summary>One field of all blocks in their order, without their rows' places.</summary>
    public IEnumerable<AnnotationColumn> Columns(int field)
    {
        foreach (var info in _file.Blocks) yield return _file.ReadColumn(info, field);
    }

    /// <summary>Blocks of one canonical contig, ascending.</summary>
    public IEnumerable<AnnotationBlock> Blocks(string contig, CancellationToken stop = default)
    {
        if (!_blocksOf.TryGetValue(contig, out var place)) yield break;
        for (var i = place.First; i < place.End; i++)
        {
            stop.ThrowIfCancellationRequested();
            yield return _file.Read(_file.Blocks[i]);
        }
    }

    /// <summary>
    /// Rows of an allele as the normaliser makes it, in any order of asking; quick when the places asked for are near each other.
    /// </summary>
    /// <param name="contig">Canonical contig.</param>
    /// <param name="start">0-based.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT.</param>
    /// <returns>Block, first row and number of rows; null when the release has none.</returns>
    public AnnotationHit? Find(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        if (_file.IsIntervals || BlockAt(contig, start) is not { } block) return null;
        var (first, count) = block.Find(start, reference, alternate);
        return count == 0 ? null : new AnnotationHit(block, first, count);
    }

    /// <summary>Rows of intervals that touch [start, end), block by block, ascending.</summary>
    /// <param name="contig">Canonical contig.</param>
    /// <param name="start">0-based.</param>
    /// <param name="end">Exclusive.</param>
    public IEnumerable<AnnotationHit> Overlapping(string contig, int start, int end)
    {
        if (!_file.IsIntervals || !_blocksOf.TryGetValue(contig, out var place)) yield break;
        for (var i = place.First; i < place.End && _file.Blocks[i].FirstStart < end; i++)
        {
            if (_file.Blocks[i].MaxEnd <= start) continue;
            var block = Kept(i);
            for (var row = block.FirstThatMayTouch(start); row < block.Count && block.Starts[row] < end; row++)
                if (block.EndOf(row) > start) yield return new AnnotationHit(block, row, 1);
        }
    }

    /// <summary>Alleles that a gene (<c>BRCA2</c>) or an HGVS text of a transcript or protein (<c>NM_000059.4:c.316+5G&gt;A</c>, with or without version or sequence) names.</summary>
    /// <param name="text">The text.</param>
    /// <param name="most">Most alleles given.</param>
    public IReadOnlyList<Variant> Search(string text, int most)
    {
        var (sequence, change) = SearchTerm.Split(text);
        var terms = change.Length > 0 ? AnnotationTerms.Hgvs : AnnotationTerms.Gene;
        var term = change.Length > 0 ? change : text.Trim().ToUpperInvariant();
        var found = new SortedSet<Variant>();
        if (_file.IsIntervals) return [];
        foreach (var row in (_terms ??= new TermIndex(_file)).Find(SearchTerm.HashOf(terms, term), int.MaxValue))
        {
            var block = Kept(BlockOfRow(row));
            var at = (int)(row - block.FirstRow);
            if (found.Count < most && Says(block, at, terms, sequence, term)) found.Add(block.VariantOf(at));
        }
        return [.. found];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _held?.Dispose();
    }

    /// <summary>Decodes everything.</summary>
    internal void Check(CancellationToken stop)
    {
        if (Release.Rows != Rows || Release.IsIntervals != _file.IsIntervals || !Release.Fields.SequenceEqual(Fields)) throw new InvalidDataException("a file of annotations is not what the catalog says");
        foreach (var block in Blocks(stop)) CheckBlock(block);
        _ = new TermIndex(_file);
    }

    private static void CheckBlock(AnnotationBlock block)
    {
        _ = block.Lines;
        var end = 0;
        for (var row = 0; row < block.Count; row++)
        {
            end = Math.Max(end, block.EndOf(row));
            if (row == 0) continue;
            var order = block.Starts[row].CompareTo(block.Starts[row - 1]);
            if (order == 0) order = block.IsIntervals ? block.EndOf(row).CompareTo(block.EndOf(row - 1)) : block.RefOf(row).SequenceCompareTo(block.RefOf(row - 1));
            if (order == 0) order = block.AltOf(row).SequenceCompareTo(block.AltOf(row - 1));
            if (order < 0) throw new InvalidDataException("rows of annotations are out of order");
        }
        if (end != block.Info.MaxEnd) throw new InvalidDataException("a block of annotations does not end where its directory says");
        for (var field = 0; field < block.FieldCount; field++) block.Column(field);
    }

    private bool Says(AnnotationBlock block, int row, AnnotationTerms terms, string sequence, string term)
    {
        for (var i = 0; i < Fields.Count; i++)
            if (Fields[i].Terms == terms && block.Column(i).Codes[row] is > 0 and var code && SearchTerm.Matches(terms, block.Column(i).TextOf(code), sequence, term)) return true;
        return false;
    }

    private AnnotationBlock? BlockAt(string contig, int start)
    {
        if (!ReferenceEquals(contig, _askedContig)) (_askedContig, _asked) = (contig, _blocksOf.GetValueOrDefault(contig));
        var (low, high) = _asked;
        if (low == high) return null;
        if (_kept.Count > 0 && _kept[^1].Info is var last && last.Contig == _file.Blocks[low].Contig && last.FirstStart <= start && start <= last.LastStart) return _kept[^1];
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_file.Blocks[middle].LastStart < start) low = middle + 1;
            else high = middle;
        }
        return low < _asked.End && _file.Blocks[low].FirstStart <= start ? Kept(low) : null;
    }

    private int BlockOfRow(long row)
    {
        var (low, high) = (0, _file.Blocks.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_file.Blocks[middle].FirstRow <= row) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    /// <summary>A block, from those kept or decoded; the last of the list is the one used last.</summary>
    private AnnotationBlock Kept(int index)
    {
        var info = _file.Blocks[index];
        for (var i = _kept.Count - 1; i >= 0; i--)
        {
            if (!ReferenceEquals(_kept[i].Info, info)) continue;
            var block = _kept[i];
            if (i == _kept.Count - 1) return block;
            _kept.RemoveAt(i);
            _kept.Add(block);
            return block;
        }
        if (_kept.Count == KeptBlocks) _kept.RemoveAt(0);
        _kept.Add(_file.Read(info));
        return _kept[^1];
    }
}

/// <summary>Rows of a release that speak of what was asked: the first and how many follow each other.</summary>
/// <param name="Block">Their block.</param>
/// <param name="First">The first row.</param>
/// <param name="Count">How many.</param>
public readonly record struct AnnotationHit(AnnotationBlock Block, int First, int Count);
