using System.Numerics;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// States of samples that have no record of the variant itself: records that span it, evidence, assumption (rules 2 to 6 of COUNTS.md);
/// and, for samples with data in several sources, rule 1 too, sample by sample. One thread.
/// </summary>
internal sealed class Fallback(StoreCatalog catalog, int contig, Selection selection, CountRules rules, ContigClass contigClass)
{
    private readonly List<Touching> _touching = [];
    private readonly List<EvidencePiece> _pieces = [];
    private readonly List<int> _records = [];
    private readonly (Source, int)[] _single = new (Source, int)[1];
    private ulong[] _rest = [], _touched = [], _absent = [];

    /// <summary>A speaking record over the place.</summary>
    internal readonly record struct Touching(Source Source, OpenBlock Block, int Record, int Alt, int Start, int End);

    /// <summary>Adds a whole family that has no data of its own here.</summary>
    public void AddClasses(Family family, Place place, Span<CountFigures> figures)
    {
        foreach (var (index, count) in family.Classes) AddClass(index, count, place, figures);
    }

    private void AddClass(int index, int count, Place place, Span<CountFigures> figures)
    {
        var (group, sex, assumed, callables) = selection.Classes[index];
        if (count > 0) WithoutRecord(place, sex, assumed, callables).AddTo(ref figures[group], count);
    }

    /// <summary>
    /// Whether no sample of a source has two of its rows of the variant: then each row counts its own samples. Remembers which samples
    /// have none, for <see cref="AddRest"/>.
    /// </summary>
    public bool Separate(Source source, IReadOnlyList<(OpenBlock Block, int Row)> own)
    {
        if (_rest.Length != source.Counted.Words.Length) (_rest, _touched, _absent) = (new ulong[source.Counted.Words.Length], new ulong[source.Counted.Words.Length], new ulong[source.Counted.Words.Length]);
        source.Counted.Words.CopyTo(_rest);
        foreach (var (block, row) in own)
        {
            CopyAbsent(block, block.Sites.RowRecord[row]);
            for (var w = 0; w < _rest.Length; w++)
            {
                if ((source.Counted.Words[w] & ~_rest[w] & ~_absent[w]) != 0) return false;
                _rest[w] &= _absent[w];
            }
        }
        return true;
    }

    /// <summary>Adds the samples of a source that have no row of the variant, as the last <see cref="Separate"/> found them.</summary>
    public void AddRest(Source source, ScanRow row, Place place, Span<CountFigures> figures)
    {
        if (!_rest.AsSpan().ContainsAnyExcept(0UL)) return;
        _touching.Clear();
        Array.Clear(_touched);
        if (source.Touches(place.Start, place.End)) Gather(source, row, place, clear: true);
        foreach (var touching in _touching)
        {
            CopyAbsent(touching.Block, touching.Record);
            for (var w = 0; w < _rest.Length; w++) _touched[w] |= _rest[w] & ~_absent[w];
        }
        for (var w = 0; w < _rest.Length; w++)
        {
            for (var bits = _touched[w]; bits != 0; bits &= bits - 1) Add(Evaluate(source, (w * 64) + BitOperations.TrailingZeroCount(bits), place), source, (w * 64) + BitOperations.TrailingZeroCount(bits), figures);
            _rest[w] &= ~_touched[w];
        }
        if (source.HasEvidence(place.Start, place.End)) AddUntouched(source, place, figures);
        else
            foreach (var (index, samples) in source.Classes)
            {
                var count = 0;
                for (var w = 0; w < _rest.Length; w++) count += BitOperations.PopCount(_rest[w] & samples.Words[w]);
                AddClass(index, count, place, figures);
            }
    }

    private void AddUntouched(Source source, Place place, Span<CountFigures> figures)
    {
        _touching.Clear();
        for (var w = 0; w < _rest.Length; w++)
            for (var bits = _rest[w]; bits != 0; bits &= bits - 1)
            {
                var local = (w * 64) + BitOperations.TrailingZeroCount(bits);
                Add(Untouched(source, local, source.SlotOf[local], place), source, local, figures);
            }
    }

    private void Add(SampleState state, Source source, int local, Span<CountFigures> figures) => state.AddTo(ref figures[selection.GroupOf[source.SlotOf[local]]]);

    private void CopyAbsent(OpenBlock block, int record)
    {
        if (block.Block.Absent is { } absent) absent.CopyBits(record, _absent);
        else Array.Clear(_absent);
    }

    /// <summary>State of a sample of a single source that has no record over the place; no record is gathered.</summary>
    private SampleState Untouched(Source source, int local, int slot, Place place)
    {
        var ploidy = place.Ploidy[(int)selection.SexOf[slot]];
        if (ploidy.Call == CallRule.NotAssessed) return SampleState.NotAssessed;
        var written = -1;
        if (source.Extend(local, place.Start, place.End, rules.Adj, ref written) >= place.End)
        {
            var copies = ploidy.Copies >= 0 ? ploidy.Copies : written;
            if (copies > 0) return new SampleState(StateKind.Reference, 0, copies, Zygosity.None);
        }
        if (selection.CallableOf[slot].Length == 0) return Assumed(selection.Assumed[slot], ploidy);
        return Evaluate(source, local, place);
    }

    /// <summary>Adds every sample of a family whose samples have data in several sources here.</summary>
    public void AddEach(Family family, ScanRow row, Place place, Span<CountFigures> figures)
    {
        Gather(family, row, place);
        for (var i = 0; i < family.Slots.Length; i++) Evaluate(family.Slots[i], family.Parts[i], place).AddTo(ref figures[selection.GroupOf[family.Slots[i]]]);
    }

    /// <summary>Collects the records that can decide about a place for the samples of a family; <see cref="Best"/> and <see cref="Evaluate(int, IReadOnlyList{ValueTuple{Source, int}}, Place)"/> then ask them.</summary>
    public void Gather(Family family, ScanRow row, Place place)
    {
        _touching.Clear();
        foreach (var source in family.Sources) Gather(source, row, place, clear: false);
    }

    /// <summary>State of one local sample of a single source.</summary>
    private SampleState Evaluate(Source source, int local, Place place)
    {
        _single[0] = (source, local);
        return Evaluate(source.SlotOf[local], _single, place);
    }

    /// <summary>State of a sample with all its sources: the definition.</summary>
    public SampleState Evaluate(int slot, IReadOnlyList<(Source Source, int Local)> parts, Place place)
    {
        var sex = selection.SexOf[slot];
        var ploidy = place.Ploidy[(int)sex];
        if (ploidy.Call == CallRule.NotAssessed) return SampleState.NotAssessed;
        var best = Best(parts, place);
        Span<int> alleles = stackalloc int[16];
        if (best is { } chosen)
        {
            var local = LocalOf(parts, chosen.Source);
            var count = chosen.Block.Decode(chosen.Record).Alleles(local, alleles);
            return SampleState.OfCall(alleles[..count], chosen.Alt, Fails(chosen, local), ploidy.Call);
        }
        return Reference(slot, parts, place, ploidy);
    }

    private SampleState Reference(int slot, IReadOnlyList<(Source Source, int Local)> parts, Place place, PloidyRule ploidy)
    {
        var (touched, passing) = CollectPieces(parts);
        var written = -1;
        if (Covered(slot, parts, place, ploidy, ref written))
        {
            var copies = ploidy.Copies >= 0 ? ploidy.Copies : written;
            if (copies > 0) return new SampleState(StateKind.Reference, 0, copies, Zygosity.None);
        }
        if (touched && !passing) return SampleState.NoCall;
        return Assumed(selection.Assumed[slot], ploidy);
    }

    /// <summary>Puts the spans of touching records that pass into the pieces; tells whether any touches, and whether any of them passes.</summary>
    private (bool Touched, bool Passing) CollectPieces(IReadOnlyList<(Source Source, int Local)> parts)
    {
        _pieces.Clear();
        var (touched, passing) = (false, false);
        Span<int> alleles = stackalloc int[16];
        foreach (var touching in _touching)
        {
            var local = LocalOf(parts, touching.Source);
            if (local < 0) continue;
            var calls = touching.Block.Decode(touching.Record);
            if (calls.IsAbsent(local)) continue;
            touched = true;
            if (!calls.IsCalled(local) || Fails(touching, local)) continue;
            passing = true;
            _pieces.Add(new EvidencePiece(touching.Start, touching.End, calls.Alleles(local, alleles)));
        }
        _pieces.Sort((a, b) => (a.Start, a.End, a.Ploidy).CompareTo((b.Start, b.End, b.Ploidy)));
        return (touched, passing);
    }

    private bool Covered(int slot, IReadOnlyList<(Source Source, int Local)> parts, Place place, PloidyRule ploidy, ref int written)
    {
        var at = place.Start;
        while (at < place.End)
        {
            var before = at;
            foreach (var (source, local) in parts) at = source.Extend(local, at, place.End, rules.Adj, ref written);
            foreach (var piece in _pieces)
            {
                if (piece.Start > at || piece.End <= at) continue;
                if (written < 0) written = piece.Ploidy;
                at = Math.Min(piece.End, place.End);
            }
            if (ploidy.CopiesWithoutGenotype(contigClass) is > 0 and var copies) at = ExtendCallable(selection.CallableOf[slot], at, place.End, copies, ref written);
            if (at == before) return false;
        }
        return true;
    }

    public int ExtendCallable(int[] callables, int at, int end, int copies, ref int written)
    {
        foreach (var index in callables)
        {
            if (!catalog.Callables[index].Intervals.TryGetValue(contig, out var intervals)) continue;
            var (low, high) = (0, intervals.Length);
            while (low < high)
            {
                var middle = (low + high) >>> 1;
                if (intervals[middle].End <= at) low = middle + 1;
                else high = middle;
            }
            if (low == intervals.Length || intervals[low].Start > at) continue;
            if (written < 0) written = copies;
            at = Math.Min(intervals[low].End, end);
        }
        return at;
    }

    /// <summary>State of a sample that has neither records nor evidence of its own over the place.</summary>
    internal SampleState WithoutRecord(Place place, Sex sex, bool assumed, int[] callables)
    {
        var ploidy = place.Ploidy[(int)sex];
        if (ploidy.Call == CallRule.NotAssessed) return SampleState.NotAssessed;
        var copies = ploidy.CopiesWithoutGenotype(contigClass);
        if (copies > 0 && callables.Length > 0)
        {
            var (at, written) = (place.Start, 0);
            for (var before = -1; at < place.End && at != before;)
            {
                before = at;
                at = ExtendCallable(callables, at, place.End, copies, ref written);
            }
            if (at >= place.End) return new SampleState(StateKind.Reference, 0, copies, Zygosity.None);
        }
        return Assumed(assumed, ploidy);
    }

    public SampleState Assumed(bool assumed, PloidyRule ploidy)
    {
        var copies = ploidy.CopiesWithoutGenotype(contigClass);
        return assumed && copies > 0 ? new SampleState(StateKind.Assumed, 0, copies, Zygosity.None) : SampleState.NotAssessed;
    }

    /// <summary>Collects the speaking records of a source over the place, with the index of the row's allele in each.</summary>
    private void Gather(Source source, ScanRow row, Place place, bool clear)
    {
        if (clear) _touching.Clear();
        foreach (var open in source.Open)
        {
            if (!BlockInfo.Overlaps(open.Block.Info.Records, place.Start, place.End) && !BlockInfo.Overlaps(open.Block.Info.Rows, place.Start, place.End)) continue;
            _records.Clear();
            open.Sites.Touching(place.Start, place.End, _records);
            foreach (var (index, block, at) in row.Rows)
                if (index == source.Index && block == open && !_records.Contains(open.Sites.RowRecord[at])) _records.Add(open.Sites.RowRecord[at]);
            foreach (var record in _records)
                _touching.Add(new Touching(source, open, record, AltOf(row, source, open, record), open.Sites.RecordStart[record], open.Sites.RecordEnd[record]));
        }
    }

    private static int AltOf(ScanRow row, Source source, OpenBlock open, int record)
    {
        foreach (var (index, block, at) in row.Rows)
            if (index == source.Index && block == open && open.Sites.RowRecord[at] == record) return open.Sites.AltIndex(at);
        return 0;
    }

    /// <summary>The record that decides: one of the very allele, else one that spans it; called first, then starting here, then the shortest, then as text.</summary>
    internal Touching? Best(IReadOnlyList<(Source Source, int Local)> parts, Place place)
    {
        Touching? best = null;
        foreach (var touching in _touching)
        {
            if (touching.Alt == 0 && (touching.Start > place.Start || touching.End < place.End)) continue;
            var local = LocalOf(parts, touching.Source);
            if (local < 0 || touching.Block.Decode(touching.Record).IsAbsent(local)) continue;
            if (best is null || Compare(touching, best.Value, parts, place) < 0) best = touching;
        }
        return best;
    }

    private static int Compare(Touching a, Touching b, IReadOnlyList<(Source Source, int Local)> parts, Place place)
    {
        var byRule = (a.Alt == 0).CompareTo(b.Alt == 0);
        if (byRule != 0) return byRule;
        var byCall = (!IsCalled(a, parts)).CompareTo(!IsCalled(b, parts));
        if (byCall != 0) return byCall;
        var byStart = (a.Start != place.Start).CompareTo(b.Start != place.Start);
        if (byStart != 0) return byStart;
        var byLength = (a.End - a.Start).CompareTo(b.End - b.Start);
        if (byLength != 0) return byLength;
        var byRef = a.Block.Sites.RecordRefText(a.Record).SequenceCompareTo(b.Block.Sites.RecordRefText(b.Record));
        return byRef != 0 ? byRef : a.Block.Sites.JoinedAlts(a.Record).AsSpan().SequenceCompareTo(b.Block.Sites.JoinedAlts(b.Record));
    }

    private static bool IsCalled(Touching touching, IReadOnlyList<(Source Source, int Local)> parts) =>
        touching.Block.Decode(touching.Record).IsCalled(LocalOf(parts, touching.Source));

    private bool Fails(Touching touching, int local) => touching.Block.Fails(touching.Record, local, rules);

    private static int LocalOf(IReadOnlyList<(Source Source, int Local)> parts, Source source)
    {
        foreach (var part in parts)
            if (part.Source == source) return part.Local;
        return -1;
    }
}
