using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// States of samples that have no record of a symbolic allele (rules 3 to 6 of COUNTS.md over a span that may be long): one pass over the
/// records of the span in order of start, for all samples at once, in growing stretches until every state is known. One thread.
/// </summary>
internal sealed class SpanStates
{
    private const int FirstStretchBases = 1 << 16;

    private readonly Selection _selection;
    private readonly CountRules _rules;
    private readonly Fallback _fallback;
    private readonly ContigClass _class;
    private readonly Source[] _sources;
    private readonly List<(Source Source, int Local)>[] _parts;
    private readonly Sample[] _samples;
    private readonly List<int> _records = [];

    private struct Sample
    {
        /// <summary>First base not covered yet.</summary>
        public int At;

        /// <summary>Ploidy of what covers the first base; -1 = nothing yet.</summary>
        public int Written;

        /// <summary>No state is asked for.</summary>
        public bool Skipped;

        /// <summary>The base at <see cref="At"/> is covered by nothing.</summary>
        public bool Stuck;

        public bool Touched;

        public bool Passing;
    }

    public SpanStates(StoreCatalog catalog, int contig, Selection selection, CountRules rules, Source[] sources)
    {
        (_selection, _rules, _sources) = (selection, rules, sources);
        _class = Assembly.ClassOf(catalog.Contigs[contig].Canonical);
        _fallback = new Fallback(catalog, contig, selection, rules, _class);
        _samples = new Sample[selection.SlotCount];
        _parts = [.. Enumerable.Range(0, selection.SlotCount).Select(_ => new List<(Source, int)>())];
        foreach (var source in sources)
            for (var local = 0; local < source.SlotOf.Length; local++)
                if (source.SlotOf[local] is >= 0 and var slot) _parts[slot].Add((source, local));
    }

    /// <summary>Finds the states of every sample but some. Earlier questions had no larger start.</summary>
    /// <param name="place">The span.</param>
    /// <param name="known">Per slot: whether its state is known already.</param>
    /// <param name="described">Adds the other symbolic records that touch a place; asked only when a state depends on them.</param>
    public void Find(Place place, ReadOnlySpan<bool> known, Func<IEnumerable<(Source Source, OpenBlock Block, int Record)>> described)
    {
        for (var slot = 0; slot < _samples.Length; slot++)
        {
            var skipped = known[slot] || place.Ploidy[(int)_selection.SexOf[slot]].Call == CallRule.NotAssessed;
            _samples[slot] = new Sample { At = place.Start, Written = -1, Skipped = skipped };
        }
        long width = FirstStretchBases;
        for (var from = place.Start; from < place.End && AnyOpen(place);)
        {
            var to = (int)Math.Min(place.End, from + width);
            FindStretch(place, from, to);
            (from, width) = (to, width * 2);
        }
        if (AnyOpen(place))
            foreach (var (source, block, record) in described()) Touch(source, block, record);
    }

    /// <summary>The state of a slot that the last <see cref="Find"/> looked at.</summary>
    public SampleState StateOf(int slot, Place place)
    {
        var (sample, ploidy) = (_samples[slot], place.Ploidy[(int)_selection.SexOf[slot]]);
        if (ploidy.Call == CallRule.NotAssessed) return SampleState.NotAssessed;
        if (sample.At >= place.End && Copies(slot, place) is > 0 and var copies) return new SampleState(StateKind.Reference, 0, copies, Zygosity.None);
        if (sample.Touched && !sample.Passing) return SampleState.NoCall;
        return _fallback.Assumed(_selection.Assumed[slot], ploidy);
    }

    private bool AnyOpen(Place place)
    {
        for (var slot = 0; slot < _samples.Length; slot++)
            if (IsOpen(slot, place)) return true;
        return false;
    }

    /// <summary>Whether the rest of the span could still change a state: by coverage that is not broken yet, or by a touching record that passes.</summary>
    private bool IsOpen(int slot, Place place)
    {
        ref var sample = ref _samples[slot];
        if (sample.Skipped || (sample.At >= place.End && Copies(slot, place) > 0)) return false;
        return sample.Stuck || sample.At >= place.End ? !sample.Passing && _parts[slot].Count > 0 : true;
    }

    private bool IsSettled(Source source, Place place)
    {
        foreach (var slot in source.SlotOf)
            if (slot >= 0 && IsOpen(slot, place)) return false;
        return true;
    }

    private int Copies(int slot, Place place) => place.Ploidy[(int)_selection.SexOf[slot]].Copies is >= 0 and var copies ? copies : _samples[slot].Written;

    /// <summary>Goes over the records that start in [from, to), and those before that reach into the span when it begins at <paramref name="from"/>.</summary>
    private void FindStretch(Place place, int from, int to)
    {
        var settled = new bool[_sources.Length];
        var touching = new List<(int Start, int End, Source Source, OpenBlock Block, int Record)>();
        foreach (var source in _sources)
        {
            if (settled[source.Index] = IsSettled(source, place)) continue;
            source.Advance(place.Start, to);
            foreach (var open in source.Open)
            {
                if (!BlockInfo.Overlaps(open.Block.Info.Records, from, to)) continue;
                _records.Clear();
                open.Sites.Touching(from, to, _records);
                foreach (var record in _records)
                    if (from == place.Start || open.Sites.RecordStart[record] >= from) touching.Add((open.Sites.RecordStart[record], open.Sites.RecordEnd[record], source, open, record));
            }
        }
        for (var slot = 0; slot < _samples.Length; slot++) ExtendByEvidence(slot, place.End);
        foreach (var (start, end, source, block, record) in touching.OrderBy(t => (t.Start, t.End)))
            if (!settled[source.Index] && !(settled[source.Index] = IsSettled(source, place))) Visit((start, Math.Min(end, place.End)), source, block, record, place);
        for (var slot = 0; slot < _samples.Length; slot++) ReachOver(slot, to, place);
    }

    private void Visit((int Start, int End) span, Source source, OpenBlock block, int record, Place place)
    {
        var calls = block.Decode(record);
        Span<int> alleles = stackalloc int[16];
        for (var local = 0; local < source.SlotOf.Length; local++)
        {
            if (source.SlotOf[local] is not (>= 0 and var slot) || _samples[slot].Skipped || calls.IsAbsent(local)) continue;
            ref var sample = ref _samples[slot];
            sample.Touched = true;
            if (!calls.IsCalled(local) || block.Fails(record, local, _rules)) continue;
            sample.Passing = true;
            ReachOver(slot, span.Start, place);
            if (sample.At < span.Start || sample.At >= span.End) continue;
            if (sample.Written < 0) sample.Written = calls.Alleles(local, alleles);
            sample.At = span.End;
            ExtendByEvidence(slot, place.End);
        }
    }

    private void Touch(Source source, OpenBlock block, int record)
    {
        var calls = block.Decode(record);
        for (var local = 0; local < source.SlotOf.Length; local++)
        {
            if (source.SlotOf[local] is not (>= 0 and var slot) || calls.IsAbsent(local)) continue;
            _samples[slot].Touched = true;
            _samples[slot].Passing |= calls.IsCalled(local) && !block.Fails(record, local, _rules);
        }
    }

    private void ExtendByEvidence(int slot, int end)
    {
        ref var sample = ref _samples[slot];
        if (sample.Skipped || sample.Stuck) return;
        for (var before = int.MinValue; sample.At != before && sample.At < end;)
        {
            before = sample.At;
            foreach (var (source, local) in _parts[slot]) sample.At = source.Extend(local, sample.At, end, _rules.Adj, ref sample.Written);
        }
    }

    /// <summary>Lets callable intervals cover the bases before <paramref name="to"/> that nothing else does; where they do not, the coverage is broken.</summary>
    private void ReachOver(int slot, int to, Place place)
    {
        ref var sample = ref _samples[slot];
        if (sample.Skipped || sample.Stuck) return;
        var copies = place.Ploidy[(int)_selection.SexOf[slot]].CopiesWithoutGenotype(_class);
        while (sample.At < Math.Min(to, place.End))
        {
            var before = sample.At;
            if (copies > 0) sample.At = _fallback.ExtendCallable(_selection.CallableOf[slot], sample.At, place.End, copies, ref sample.Written);
            ExtendByEvidence(slot, place.End);
            if (sample.At != before) continue;
            sample.Stuck = true;
            return;
        }
    }
}
