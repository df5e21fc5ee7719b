using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// Figures of single alleles of one contig over a selection, in any order, from the counts of whole columns. Every question that these
/// cannot answer it declines: contigs that count by sex, samples with parts in several segments, places that several blocks concern,
/// evidence, calls that are not plainly diploid, segments that cannot be opened. What it answers equals <see cref="ContigScan"/>. One thread.
/// </summary>
internal sealed class ContigLookup
{
    private readonly Shelf[] _shelves = [];
    private readonly LookupMemory _memory;
    private readonly CountFigures _elsewhere;
    private readonly List<LostSegment> _lost = [];

    public ContigLookup(StoreView view, int contig, Selection selection, LookupMemory memory)
    {
        _memory = memory;
        if (contig < 0 || selection.Groups.Count != 1) return;
        var canonical = view.Catalog.Contigs[contig].Canonical;
        var anywhere = Place.At(view.Assembly, canonical, countBySex: true, new ScanRow { Ref = [0] });
        var families = Family.Group(ContigScan.OpenSources(view, contig, selection, (false, null, null, _lost)), selection);
        if (anywhere.BySex || Array.Exists(families, f => f.Sources.Length > 1)) return;
        var fallback = new Fallback(view.Catalog, contig, selection, new CountRules(), Assembly.ClassOf(canonical));
        var figures = new CountFigures[1];
        var shelves = new List<Shelf>();
        foreach (var family in families)
        {
            // Callable regions make the state of a sample without a record depend on the place.
            var steady = Array.TrueForAll(family.Classes, c => selection.Classes[c.Class].Callables.Length == 0);
            figures[0] = default;
            if (steady) fallback.AddClasses(family, anywhere, figures);
            if (family.Sources.Length == 1) shelves.Add(new Shelf(family.Sources[0], contig, steady ? figures[0] : null));
            else if (!steady) return;
            else _elsewhere.Add(figures[0]);
        }
        _elsewhere.NSamples = selection.GroupSizes[0];
        memory.Room(2 * shelves.Count);
        _shelves = [.. shelves];
        IsAsked = true;
    }

    /// <summary>False when every question is declined.</summary>
    public bool IsAsked { get; }

    /// <summary>Figures of an allele; false when the general way must be asked.</summary>
    /// <param name="start">0-based start.</param>
    /// <param name="reference">REF, normalised, upper case.</param>
    /// <param name="alternate">ALT likewise.</param>
    /// <param name="figures">The figures.</param>
    public bool TryCount(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, out CountFigures figures)
    {
        figures = _elsewhere;
        if (!IsAsked || start < 0) return false;
        var end = start + reference.Length;
        if (_lost.Count > 0 && LostSegment.Concern(_lost, start, end)) return false;
        foreach (var shelf in _shelves)
        {
            var index = shelf.Find(start, end);
            if (index == Shelf.Several) return false;
            var result = LookupResult.Untouched;
            if (index >= 0)
            {
                if (shelf.BlockAt(index, _memory) is not { } block) return false;
                result = block.Ask(start, reference, alternate, ref figures);
                if (result == LookupResult.Untouched && shelf.HasEvidence(index, start, end)) return false;
            }
            if (result == LookupResult.General) return false;
            if (result == LookupResult.Counted) continue;
            if (shelf.Untouched is not { } untouched) return false;
            figures.Add(untouched);
        }
        return true;
    }

    /// <summary>The blocks of one source on the contig, loaded or not.</summary>
    internal sealed class Shelf
    {
        public const int Several = -2;
        private const int None = -1;
        private readonly Source _source;
        private readonly BlockInfo[] _infos;
        private readonly Ranges[] _ranges;
        private readonly int[] _starts;
        private readonly int[] _largestEnds;
        private readonly LookupBlock?[] _blocks;
        private readonly int[] _directory;
        private readonly int _first, _shift;

        private readonly record struct Ranges((int Start, int End) Rows, (int Start, int End) Records, (int Start, int End) Evidence);

        public Shelf(Source source, int contig, CountFigures? untouched)
        {
            (_source, Untouched) = (source, untouched);
            _infos = [.. source.Segment.Blocks.Where(b => b.Contig == contig).OrderBy(b => OpenBlock.Span(b).Start)];
            _ranges = Array.ConvertAll(_infos, b => new Ranges(b.Rows, b.Records, b.Evidence));
            _starts = Array.ConvertAll(_infos, b => OpenBlock.Span(b).Start);
            _largestEnds = new int[_infos.Length];
            _blocks = new LookupBlock?[_infos.Length];
            (_first, _shift, _directory) = MakeDirectory(_starts);
            for (var (i, largest) = (0, int.MinValue); i < _infos.Length; i++) _largestEnds[i] = largest = Math.Max(largest, OpenBlock.Span(_infos[i]).End);
        }

        /// <summary>Figures of the samples where no record and no evidence of theirs touches the place; null when they depend on it.</summary>
        public CountFigures? Untouched { get; }

        /// <summary>The one block that a place concerns, or none of them, or <see cref="Several"/>.</summary>
        public int Find(int start, int end)
        {
            // Between two places of the directory there are few blocks, mostly none or one. Written without a branch that cannot be guessed.
            var starts = _starts;
            var place = Math.Clamp(((long)end - _first) >> _shift, 0, _directory.Length - 2);
            var low = _directory[place];
            for (var left = _directory[place + 1] - low; left > 0;)
            {
                var half = (left + 1) >>> 1;
                low += starts[low + half - 1] < end ? half : 0;
                left -= half;
            }
            var found = None;
            for (var i = low - 1; i >= 0 && _largestEnds[i] > start; i--)
            {
                ref readonly var ranges = ref _ranges[i];
                if (!BlockInfo.Overlaps(ranges.Rows, start, end) && !BlockInfo.Overlaps(ranges.Records, start, end) && !BlockInfo.Overlaps(ranges.Evidence, start, end)) continue;
                if (found >= 0) return Several;
                found = i;
            }
            return found;
        }

        /// <summary>
        /// Cuts the stretch of some starts into about two places for each, of equal length 1 &lt;&lt; shift from the first on, and counts for
        /// each the starts before it; all of them behind the last.
        /// </summary>
        private static (int First, int Shift, int[] Directory) MakeDirectory(int[] starts)
        {
            if (starts.Length == 0) return (0, 0, [0, 0]);
            var (first, length, shift) = (starts[0], (long)starts[^1] - starts[0], 0);
            while (length >> shift >= 2L * starts.Length) shift++;
            var directory = new int[(int)(length >> shift) + 2];
            for (var (place, at) = (0, 0); place < directory.Length - 1; directory[place++] = at)
                while (at < starts.Length && (long)starts[at] - first < (long)place << shift) at++;
            directory[^1] = starts.Length;
            return (first, shift, directory);
        }

        /// <summary>Whether evidence of a block may cover some of a place.</summary>
        public bool HasEvidence(int index, int start, int end) => BlockInfo.Overlaps(_ranges[index].Evidence, start, end);

        /// <summary>A block, loaded now or before; null when it is too large to be keyed.</summary>
        public LookupBlock? BlockAt(int index, LookupMemory memory) => _blocks[index] ?? Load(index, memory);

        private LookupBlock? Load(int index, LookupMemory memory)
        {
            if (!LookupBlock.CanHold(_infos[index])) return null;
            var block = memory.Take();
            block.Load(_source, _infos[index], memory.Scratch);
            memory.Keep(_blocks, index, block);
            return block;
        }
    }
}

/// <summary>The loaded blocks of look-ups and their bound: what was loaded first goes first, and its memory is used again. One thread.</summary>
/// <param name="maxBytes">The bound.</param>
/// <param name="inOrder">Blocks are asked in order and let go: they are not keyed.</param>
internal sealed class LookupMemory(long maxBytes, bool inOrder)
{
    private readonly Queue<(LookupBlock?[] Shelf, int Index)> _loaded = new();
    private long _bytes;
    private int _room;

    /// <summary>What blocks are loaded through.</summary>
    public LookupScratch Scratch { get; } = new();

    /// <summary>Keeps at least so many blocks, whatever they take: those that questions side by side need.</summary>
    public void Room(int blocks) => _room = Math.Max(_room, blocks);

    /// <summary>A block to load into: one that is let go for it, or a new one.</summary>
    public LookupBlock Take()
    {
        LookupBlock? block = null;
        while (_bytes > maxBytes && _loaded.Count > _room)
        {
            var (shelf, index) = _loaded.Dequeue();
            (block, shelf[index]) = (shelf[index]!, null);
            _bytes -= block.MemoryBytes;
        }
        return block ?? new LookupBlock(keyed: !inOrder);
    }

    /// <summary>Puts a loaded block into its place, until room is needed.</summary>
    public void Keep(LookupBlock?[] shelf, int index, LookupBlock block)
    {
        shelf[index] = block;
        _loaded.Enqueue((shelf, index));
        _bytes += block.MemoryBytes;
    }
}
