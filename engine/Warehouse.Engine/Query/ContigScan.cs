using System.Buffers;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>A place asked: a base allele and the rows of it that sources hold.</summary>
internal sealed class ScanRow
{
    public int Start;

    public byte[] Ref = [];

    public byte[] Alt = [];

    public int End => Start + Ref.Length;

    /// <summary>
    /// Rows of this allele: source index, block, row. A block of a merged segment can have several: files spell an allele differently.
    /// </summary>
    public List<(int Source, OpenBlock Block, int Row)> Rows { get; } = [];
}

/// <summary>A segment whose directory cannot be read. Outside of the stretch that the catalog says it has on a contig it would say nothing.</summary>
/// <param name="Stretch">That stretch.</param>
/// <param name="Met">Why it cannot be read.</param>
internal readonly record struct LostSegment((int Start, int End) Stretch, Exception Met)
{
    /// <summary>Whether one of some matters to [start, end).</summary>
    public static bool Concern(List<LostSegment> lost, int start, int end)
    {
        foreach (var one in lost)
            if (BlockInfo.Overlaps(one.Stretch, start, end)) return true;
        return false;
    }

    /// <summary>I3: what such a segment matters to is not answered without it.</summary>
    public static void ThrowIfConcerned(List<LostSegment> lost, int start, int end)
    {
        foreach (var one in lost)
            if (BlockInfo.Overlaps(one.Stretch, start, end)) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(one.Met);
    }
}

/// <summary>
/// Counts the variants of one contig in ascending order of start over every segment of a snapshot. Owns the merge of sorted rows,
/// the listing rule, and who decides a sample's state: its own record, else <see cref="Fallback"/>. One thread.
/// </summary>
internal sealed partial class ContigScan
{
    private readonly Selection _selection;
    private readonly CountRules _rules;
    private readonly Source[] _sources;
    private readonly List<LostSegment> _lost = [];
    private Family[]? _families;
    private readonly RowCounter _counter;
    private readonly Fallback _fallback;
    private readonly ContigClass _class;
    private readonly string _contig;
    private readonly Assembly _assembly;
    private readonly PriorityQueue<Cursor, Cursor> _queue = new(Comparer<Cursor>.Create(Cursor.Compare));
    private readonly ScanRow _row = new();
    private readonly List<(OpenBlock Block, int Row)> _own = [];
    private readonly List<int> _found = [];
    private PassedColumns[]? _passing;
    private readonly bool _carried;
    private readonly DamagedRanges? _around;
    private readonly int _contigIndex;
    private bool _listing;
    private int _from;

    /// <summary>Makes a scan.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Index of the contig; -1 = nobody has data there, and only ploidy and assumption speak.</param>
    /// <param name="selection">Whom to count.</param>
    /// <param name="rules">How.</param>
    /// <param name="canonical">Name of the contig where the store does not have it.</param>
    public ContigScan(StoreView view, int contig, Selection selection, CountRules rules, string? canonical = null)
        : this(view, contig, selection, rules, (canonical, false, null, null))
    {
    }

    private ContigScan(StoreView view, int contig, Selection selection, CountRules rules, (string? Canonical, bool Carried, Care? Care, KeptBlocks? Kept) of)
    {
        (_selection, _rules, _assembly, _carried, _around, _contigIndex) = (selection, rules, view.Assembly, of.Carried, of.Care?.Around, contig);
        _contig = contig < 0 ? of.Canonical! : view.Catalog.Contigs[contig].Canonical;
        _class = Assembly.ClassOf(_contig);
        _sources = OpenSources(view, contig, selection, (of.Carried, of.Care, of.Kept, _lost));
        _counter = new RowCounter(rules);
        _fallback = new Fallback(view.Catalog, contig, selection, rules, _class);
    }

    /// <summary>A scan for a listing.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="selection">Whom to count.</param>
    /// <param name="rules">How.</param>
    /// <param name="how">Whether it lists only what a counted sample carries: segments and rows of other samples are passed over. With care it goes on around damage: each row is to be asked <see cref="CanAnswer(ScanRow)"/> before it is used.</param>
    public static ContigScan Listing(StoreView view, int contig, Selection selection, CountRules rules, (bool Carried, Care? Care) how) => new(view, contig, selection, rules, (null, how.Carried, how.Care, null));

    /// <summary>A scan for questions in any order, one at a time: blocks that were opened are kept for the next.</summary>
    public static ContigScan InAnyOrder(StoreView view, int contig, Selection selection, CountRules rules, KeptBlocks kept) => new(view, contig, selection, rules, (null, false, null, kept));

    /// <summary>
    /// Whether nothing damaged touches a row; opens the blocks that can matter to it, so earlier questions had no larger start. What does
    /// not touch a block's span asks nothing of it, so every other row is what it is in an undamaged store.
    /// </summary>
    public bool CanAnswer(int start, int end)
    {
        if (_around is null) return true;
        Advance(start, end);
        return _around.Count == 0 || !_around.Touch(_contigIndex, start, end);
    }

    /// <summary><see cref="CanAnswer(int, int)"/> of a row.</summary>
    public bool CanAnswer(ScanRow row) => CanAnswer(row.Start, row.End);

    /// <summary>The segments that have data on a contig and a sample of the snapshot, or one that is counted, in the order of the catalog.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="selection">Whom to count.</param>
    /// <param name="counted">Only those with a sample that is counted.</param>
    /// <param name="care">A segment that cannot be opened is noted there and left out; without it, that throws.</param>
    public static Source[] OpenSources(StoreView view, int contig, Selection selection, bool counted = false, Care? care = null) => OpenSources(view, contig, selection, (counted, care, null, null));

    /// <summary>The same, where blocks are kept, for questions in any order; without care a segment that cannot be opened goes to the list, and its stretch may not be asked about.</summary>
    public static Source[] OpenSources(StoreView view, int contig, Selection selection, (bool Counted, Care? Care, KeptBlocks? Kept, List<LostSegment>? Lost) how)
    {
        var (counted, care, kept, lost) = how;
        var sources = new List<Source>();
        foreach (var entry in view.Catalog.Segments)
        {
#if PLANTED_HIDDEN_SITE_LISTED
            if (!entry.Stretches.ContainsKey(contig) || (counted && !Array.Exists(entry.Ordinals, o => selection.SlotOfOrdinal[o] >= 0))) continue;
#else
            if (!entry.Stretches.ContainsKey(contig) || !Array.Exists(entry.Ordinals, o => counted ? selection.SlotOfOrdinal[o] >= 0 : selection.VisibleOrdinal[o])) continue;
#endif
            try
            {
                sources.Add(new Source(view.Open(entry), contig, selection, sources.Count, (care, kept)));
            }
            catch (Exception met) when ((care is not null || lost is not null) && Damage.TextOf(met) is not null)
            {
                if (care is not null) care.Around.AddSegment(contig, entry, met);
                else lost!.Add(new LostSegment(entry.Stretches[contig], met));
            }
        }
        return [.. sources];
    }

    /// <summary>
    /// The listed base alleles with start in [start, end), ascending by start, REF, ALT. The row is reused, its REF and ALT are not. Taken to
    /// its end; then a scan may list or find again, further on.
    /// </summary>
    public IEnumerable<ScanRow> List(int start, int end)
    {
        LostSegment.ThrowIfConcerned(_lost, start, end);
        (_listing, _from) = (true, start);
        foreach (var source in _sources)
            foreach (var block in source.Open) Enqueue(source, block);
        var at = start;
        while (true)
        {
            while (_queue.Count == 0 || NextStart() <= _queue.Peek().Start)
            {
                var next = NextStart();
                if (next == int.MaxValue || next >= end) break;
                Advance(Math.Max(next, at), Math.Max(next, at) + 1);
            }
            if (_queue.Count == 0 || _queue.Peek().Start >= end) break;
            Pop();
            at = _row.Start;
            if (IsListed()) yield return _row;
        }
        _queue.Clear();
        _listing = false;
    }

    private int NextStart()
    {
        var next = int.MaxValue;
        foreach (var source in _sources) next = Math.Min(next, source.NextStart);
        return next;
    }

    /// <summary>Opens the blocks that can matter to [start, end); while listing, their rows join the merge.</summary>
    private void Advance(int start, int end)
    {
        LostSegment.ThrowIfConcerned(_lost, start, end);
        foreach (var source in _sources)
        {
            var opened = source.Advance(start, end);
            for (var i = source.Open.Count - opened; _listing && i < source.Open.Count; i++) Enqueue(source, source.Open[i]);
        }
    }

    private void Enqueue(Source source, OpenBlock block)
    {
        if (block.Block.Info.RowCount == 0) return;
        var rows = _carried ? block.CarriedRows(source.Counted) : block.Sites.SortedRows;
        var cursor = new Cursor(source.Index, block, rows, block.Sites.LowerBound(rows, _from));
        if (cursor.IsValid) _queue.Enqueue(cursor, cursor);
    }

    private void Pop()
    {
        var first = _queue.Peek();
        (_row.Start, _row.Ref, _row.Alt) = (first.Start, first.Block.Sites.RowRefText(first.Row).ToArray(), first.Block.Sites.RowAltText(first.Row).ToArray());
        _row.Rows.Clear();
        while (_queue.Count > 0 && _queue.Peek().Is(_row))
        {
            var cursor = _queue.Dequeue();
            _row.Rows.Add((cursor.Source, cursor.Block, cursor.Row));
            cursor = cursor.Next();
            if (cursor.IsValid) _queue.Enqueue(cursor, cursor);
        }
    }

    /// <summary>Finds an allele; earlier questions had no larger start. The row is reused and may be empty.</summary>
    public ScanRow Find(int start, byte[] reference, byte[] alternate)
    {
        (_row.Start, _row.Ref, _row.Alt) = (start, reference, alternate);
        _row.Rows.Clear();
        Advance(start, _row.End);
        foreach (var source in _sources)
        {
            foreach (var block in source.Open)
            {
                if (!BlockInfo.Overlaps(block.Block.Info.Rows, start, start + 1)) continue;
                _found.Clear();
                block.Sites.FindRows(start, reference, alternate, _found);
                foreach (var found in _found) _row.Rows.Add((source.Index, block, found));
            }
        }
        return _row;
    }

    /// <summary>
    /// COUNTS.md, "Which variants are listed": an allele of a call set, unless every carrier it had was withdrawn or replaced; for a caller
    /// one that a sample he sees carries.
    /// </summary>
    public bool IsListed() => IsListed(_row);

    private bool IsListed(ScanRow asked)
    {
        foreach (var (index, block, row) in asked.Rows)
        {
            var source = _sources[index];
#if PLANTED_HIDDEN_SITE_LISTED
            if (source.Visible.Count == 0) return true;
#endif
            if (source.SeesAll && !block.Block.Info.Streams.ContainsKey(BlockStream.Lost)) return true;
            if (Visibility.Lists(source, block, row)) return true;
        }
        return false;
    }

    /// <summary>Figures of a row per group, over every selected sample.</summary>
    public void Count(ScanRow row, Span<CountFigures> figures)
    {
        for (var group = 0; group < figures.Length; group++) figures[group] = new CountFigures { NSamples = _selection.GroupSizes[group] };
        Advance(row.Start, row.End);
        var place = PlaceOf(row);
        foreach (var family in _families ??= Family.Group(_sources, _selection)) CountFamily(family, row, place, figures);
    }

    /// <summary>Carriers of a row among the selected samples, as their files wrote them.</summary>
    public IEnumerable<CarrierCall> Carriers(ScanRow row)
    {
        var place = PlaceOf(row);
        foreach (var (index, block, at) in row.Rows)
            foreach (var call in CarrierCall.Of(_sources[index], block, at, slot => place.Ploidy[(int)_selection.SexOf[slot]])) yield return call;
    }

    /// <summary>Marks the slots of the carriers of a row. Where calls are plainly diploid the columns tell who they are, else each call is read.</summary>
    public void MarkCarriers(ScanRow row, Span<ulong> slots)
    {
        var place = PlaceOf(row);
        foreach (var (index, block, at) in row.Rows)
        {
            var source = _sources[index];
            if (!place.BySex && block.Block.IsPlain(block.Sites.RowRecord[at]))
            {
                var (het, hom) = (_passing ??= Array.ConvertAll(_sources, _ => new PassedColumns()))[index].Of(block.Block);
                Mark(het, at, source, slots);
                Mark(hom, at, source, slots);
                continue;
            }
            foreach (var call in CarrierCall.Of(source, block, at, slot => place.Ploidy[(int)_selection.SexOf[slot]])) Set(slots, _selection.SlotOfOrdinal[call.Ordinal]);
        }
    }

    private static void Mark(SampleSets? sets, int row, Source source, Span<ulong> slots)
    {
        if (sets is null || sets.IsEmpty(row)) return;
        var ids = ArrayPool<ushort>.Shared.Rent(sets.Count(row));
        foreach (var local in ids.AsSpan(0, sets.CopyIds(row, ids)))
            if (source.SlotOf[local] >= 0) Set(slots, source.SlotOf[local]);
        ArrayPool<ushort>.Shared.Return(ids);
    }

    private static void Set(Span<ulong> bits, int at) => bits[at >> 6] |= 1UL << (at & 63);

    /// <summary>Notes when the selected carriers of a row were loaded; the selection has one group. Where the samples of a source were loaded at once, its columns tell, and no carrier is looked at.</summary>
    public void NoteLoaded(ScanRow row, CarrierList seen)
    {
        var place = PlaceOf(row);
        foreach (var (index, block, at) in row.Rows)
        {
            var source = _sources[index];
            if (!place.BySex && source.OneLoad is { } load && block.Block.IsPlain(block.Sites.RowRecord[at]))
            {
                if (source.Counted.Count > 0 && block.Het(at, 0, source.Counted) + block.Hom(at, 0, source.Counted) > 0) seen.Note(load);
                continue;
            }
            foreach (var call in CarrierCall.Of(source, block, at, slot => place.Ploidy[(int)_selection.SexOf[slot]])) seen.Add(call, null);
        }
    }

    private Place PlaceOf(ScanRow row) => Place.At(_assembly, _contig, !_rules.PloidyAsCalled, row);

    private void CountFamily(Family family, ScanRow row, Place place, Span<CountFigures> figures)
    {
        if (!Array.Exists(family.Sources, s => s.Concerns(place.Start, place.End)))
        {
            _fallback.AddClasses(family, place, figures);
            return;
        }
        if (ActiveSource(family, place) is not { } only)
        {
            _fallback.AddEach(family, row, place, figures);
            return;
        }
        _own.Clear();
        foreach (var (index, block, at) in row.Rows)
            if (index == only.Index) _own.Add((block, at));
        if (_own is [var (whole, single)] && whole.Block.IsWhole(whole.Sites.RowRecord[single]))
        {
            _counter.Count(only, whole, single, place.BySex ? place.Ploidy : null, figures);
            return;
        }
        if (!_fallback.Separate(only, _own))
        {
            _fallback.AddEach(family, row, place, figures);
            return;
        }
        foreach (var (block, at) in _own) _counter.Count(only, block, at, place.BySex ? place.Ploidy : null, figures);
        _fallback.AddRest(only, row, place, figures);
    }

    /// <summary>The one source that alone can decide the family's samples here; null when several must be asked.</summary>
    private static Source? ActiveSource(Family family, Place place)
    {
        if (family.Sources.Length == 1) return family.Sources[0];
        Source? active = null;
        foreach (var source in family.Sources)
        {
            if (!source.Concerns(place.Start, place.End)) continue;
            if (active is not null) return null;
            active = source;
        }
        return active!.SlotCount == family.Slots.Length ? active : null;
    }

    /// <summary>The carriers' columns of the block of a source that was asked last, read into the memory of those before. A block that is asked again later keeps its columns.</summary>
    private sealed class PassedColumns
    {
        private readonly HashSet<BlockInfo> _passed = [];
        private Block? _block;
        private SampleSets? _het, _hom, _ownHet, _ownHom;

        public (SampleSets? Het, SampleSets? Hom) Of(Block block)
        {
            if (_block == block) return (_het, _hom);
            if (!_passed.Add(block.Info)) return (block.Het, block.Hom);
            _block = null; // until both are read
            (_het, _hom) = (block.Pass(BlockStream.Het, ref _ownHet), block.Pass(BlockStream.Hom, ref _ownHom));
            _block = block;
            return (_het, _hom);
        }
    }

    private readonly record struct Cursor(int Source, OpenBlock Block, int[] Rows, int Position)
    {
        public bool IsValid => Position < Rows.Length;

        public int Row => Rows[Position];

        public int Start => Block.Sites.RowStart[Row];

        public Cursor Next() => this with { Position = Position + 1 };

        public bool Is(ScanRow row) => Start == row.Start && Block.Sites.RowRefText(Row).SequenceEqual(row.Ref) && Block.Sites.RowAltText(Row).SequenceEqual(row.Alt);

        public static int Compare(Cursor a, Cursor b) => Compare(a.Block, a.Row, b.Block, b.Row) is not 0 and var order ? order : a.Source.CompareTo(b.Source);

        /// <summary>Orders rows of two blocks by start, REF, ALT.</summary>
        public static int Compare(OpenBlock blockA, int a, OpenBlock blockB, int b)
        {
            var byStart = blockA.Sites.RowStart[a].CompareTo(blockB.Sites.RowStart[b]);
            if (byStart != 0) return byStart;
            var byRef = blockA.Sites.RowRefText(a).SequenceCompareTo(blockB.Sites.RowRefText(b));
#if PLANTED_UNSTABLE_ORDER
            return byRef;
#else
            return byRef != 0 ? byRef : blockA.Sites.RowAltText(a).SequenceCompareTo(blockB.Sites.RowAltText(b));
#endif
        }
    }
}

/// <summary>Where a count is made and how ploidy goes there.</summary>
/// <param name="Start">First base of the variant.</param>
/// <param name="End">End of its REF span.</param>
/// <param name="Ploidy">Rule per <see cref="Sex"/>.</param>
/// <param name="BySex">Whether the rules differ by sex.</param>
internal readonly record struct Place(int Start, int End, PloidyRule[] Ploidy, bool BySex)
{
    /// <summary>The place of a row.</summary>
    /// <param name="assembly">The store's assembly.</param>
    /// <param name="contig">Canonical contig.</param>
    /// <param name="countBySex">Whether recorded sex matters.</param>
    /// <param name="row">The row.</param>
    public static Place At(Assembly assembly, string contig, bool countBySex, ScanRow row)
    {
        var kind = Assembly.ClassOf(contig);
        var known = countBySex && assembly.IsHuman;
        var par = assembly.IsPar(contig, row.Start);
        return new Place(row.Start, row.End, [PloidyRule.Of(kind, par, known, Sex.Unknown), PloidyRule.Of(kind, par, known, Sex.XX), PloidyRule.Of(kind, par, known, Sex.XY)], kind is ContigClass.X or ContigClass.Y && known);
    }
}
