using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>A symbolic allele of the listing, with its rows.</summary>
/// <param name="Ref">Smallest REF of its listed rows, bytewise.</param>
/// <param name="Rows">All its rows.</param>
internal readonly record struct SymbolicEntry(string Ref, IReadOnlyList<SymbolicRow> Rows)
{
    public SymbolicAllele Allele => Rows[0].Allele;
}

/// <summary>
/// Counts symbolic alleles and breakends of one contig in ascending order of start (ARCHITECTURE.md, "Symbolic alleles"): who has a record
/// of one of the rows asked for is called by it, everybody else is judged by <see cref="SpanStates"/>. One thread.
/// </summary>
internal sealed class SymbolicScan
{
    /// <summary>Blocks kept open beside those of the walk.</summary>
    private const int MaxKept = 64;

    private readonly SymbolicIndex _index;
    private readonly Selection _selection;
    private readonly CountRules _rules;
    private readonly Source[] _sources;
    private readonly SpanStates _states;
    private readonly Func<int, int, Place> _placeAt;
    private readonly Dictionary<BlockInfo, OpenBlock> _kept = [];
    private readonly DamagedRanges? _around;
    private readonly int _contig;
    private readonly bool[] _known;
    private readonly Candidate[] _best;

    /// <summary>A record that says of a sample whether it carries one of the alleles asked for.</summary>
    private readonly record struct Candidate(SymbolicRow Row, int Local, SampleState State);

    /// <summary>Makes a scan.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="selection">Whom to count.</param>
    /// <param name="rules">How.</param>
    /// <param name="of">The index and the sources that it was made of; with ranges, what touches them is not listed.</param>
    public SymbolicScan(StoreView view, int contig, Selection selection, CountRules rules, (SymbolicIndex Index, Source[] Sources, DamagedRanges? Around) of)
    {
        var (index, sources) = (of.Index, of.Sources);
        (_around, _contig) = (of.Around, contig);
        (_index, _selection, _rules, _sources) = (index, selection, rules, sources);
        _states = new SpanStates(view.Catalog, contig, selection, rules, sources);
        var (assembly, name) = (view.Assembly, view.Catalog.Contigs[contig].Canonical);
        _placeAt = (start, end) => Place.At(assembly, name, !rules.PloidyAsCalled, new ScanRow { Start = start }) with { End = Math.Max(end, start + 1) };
        (_known, _best) = (new bool[selection.SlotCount], new Candidate[selection.SlotCount]);
    }

    /// <summary>The listed alleles with start in [start, end), ascending by start, REF, ALT, end.</summary>
    public IEnumerable<SymbolicEntry> List(int start, int end)
    {
        if (_around is not null)
            foreach (var source in _sources) source.Survey(start, _index.FarthestEnd(start, end), structural: true);
        var rows = _index.Starting(start, end);
        var here = new List<SymbolicEntry>();
        for (var at = 0; at < rows.Length;)
        {
            var until = at + 1;
            while (until < rows.Length && rows.Span[until].CompareKey(rows.Span[at]) == 0) until++;
            var same = rows[at..until].ToArray();
            var listed = same.Where(r => CanAnswer(r.Allele) && IsListed(r)).Select(r => r.Ref).ToList();
            if (listed.Count > 0) here.Add(new SymbolicEntry(listed.Min(StringComparer.Ordinal)!, same));
            at = until;
            if (at < rows.Length && rows.Span[at].Allele.Start == same[0].Allele.Start) continue;
            foreach (var entry in here.OrderBy(e => e.Ref, StringComparer.Ordinal).ThenBy(e => e.Allele.Type, StringComparer.Ordinal).ThenBy(e => e.Allele.End)) yield return entry;
            here.Clear();
        }
    }

    private bool CanAnswer(SymbolicAllele allele) => _around is null || _around.Count == 0 || !_around.Touch(_contig, allele.Start, Math.Max(allele.End, allele.Start + 1));

    /// <summary>Rows of the stored alleles that match one by interval.</summary>
    public IReadOnlyList<SymbolicRow> Matching(SymbolicAllele asked) => _index.Matching(asked);

    /// <summary>The listing rule of base alleles, for one row.</summary>
    public bool IsListed(SymbolicRow row)
    {
        var source = _sources[row.Source];
        return (source.SeesAll && !row.Block.Streams.ContainsKey(BlockStream.Lost)) || Visibility.Lists(source, Open(row), row.Row);
    }

    /// <summary>Figures over every selected sample of an allele that spans [start, end). Earlier questions had no larger start.</summary>
    /// <param name="span">The span of the allele asked for.</param>
    /// <param name="rows">Its rows; for a question by interval those of every allele that matches it.</param>
    /// <param name="figures">One per group.</param>
    public void Count((int Start, int End) span, IReadOnlyList<SymbolicRow> rows, Span<CountFigures> figures)
    {
        for (var group = 0; group < figures.Length; group++) figures[group] = new CountFigures { NSamples = _selection.GroupSizes[group] };
        var place = _placeAt(span.Start, span.End);
        foreach (var source in _sources) source.Advance(place.Start, place.Start + 1);
        Judge(rows, place);
        _states.Find(place, _known, () => Others(place));
        for (var slot = 0; slot < _known.Length; slot++)
            (_known[slot] ? _best[slot].State : _states.StateOf(slot, place)).AddTo(ref figures[_selection.GroupOf[slot]]);
    }

    /// <summary>Samples that carry one of the rows, once per row, with whether it is of the record that decides; states as the last <see cref="Count"/> of the same rows found them.</summary>
    public IEnumerable<(CarrierCall Call, bool Decides)> Carriers((int Start, int End) span, IReadOnlyList<SymbolicRow> rows)
    {
        var place = _placeAt(span.Start, span.End);
        var told = new bool[_known.Length];
        foreach (var row in rows)
        {
            var source = _sources[row.Source];
            foreach (var call in CarrierCall.Of(source, Open(row), row.Row, slot => place.Ploidy[(int)_selection.SexOf[slot]]))
            {
                var slot = source.SlotOf[Array.BinarySearch(source.Segment.Ordinals, call.Ordinal)];
                var decides = !told[slot] && _known[slot] && RecordOf(_best[slot].Row) == RecordOf(row);
                told[slot] |= decides;
                yield return (decides ? call with { Zygosity = _best[slot].State.Zygosity } : call, decides);
            }
        }
    }

    /// <summary>Finds for every sample the record among the rows that decides.</summary>
    private void Judge(IReadOnlyList<SymbolicRow> rows, Place place)
    {
        Array.Clear(_known);
        foreach (var record in rows.GroupBy(RecordOf))
        {
            var row = record.First();
            var asked = record.Select(r => Open(r).Sites.AltIndex(r.Row)).ToArray();
            var (source, open, calls) = (_sources[row.Source], Open(row), Open(row).Decode(record.Key.Record));
            for (var local = 0; local < source.SlotOf.Length; local++)
            {
                if (source.SlotOf[local] is not (>= 0 and var slot) || calls.IsAbsent(local)) continue;
                var fails = open.Fails(record.Key.Record, local, _rules);
                var found = new Candidate(row, local, StateOf(calls, local, asked, fails, place.Ploidy[(int)_selection.SexOf[slot]].Call));
                if (!_known[slot] || Compare(found, _best[slot], place) < 0) _best[slot] = found;
                _known[slot] = true;
            }
        }
    }

    /// <summary>The state that a record gives a sample. A record may hold several alleles that were asked for: they count as one.</summary>
    private static SampleState StateOf(RecordCalls calls, int local, int[] asked, bool fails, CallRule rule)
    {
        Span<int> alleles = stackalloc int[16];
        alleles = alleles[..calls.Alleles(local, alleles)];
        for (var i = 0; i < alleles.Length; i++)
            if (Array.IndexOf(asked, alleles[i]) > 0) alleles[i] = asked[0];
        return SampleState.OfCall(alleles, asked[0], fails, rule);
    }

    /// <summary>Of two records of a sample the one that carries decides; then one with a call; then the nearest to the span; then by REF, ALT, GT as text.</summary>
    private int Compare(Candidate a, Candidate b, Place place)
    {
        var order = (b.State.Ac > 0).CompareTo(a.State.Ac > 0);
        if (order == 0) order = IsCalled(b).CompareTo(IsCalled(a));
        if (order == 0) order = Distance(a.Row.Allele, place).CompareTo(Distance(b.Row.Allele, place));
        if (order == 0) order = string.CompareOrdinal(a.Row.Ref, b.Row.Ref);
        if (order == 0) order = JoinedAlts(a).AsSpan().SequenceCompareTo(JoinedAlts(b));
        if (order == 0) order = string.CompareOrdinal(Genotype(a), Genotype(b));
        return order != 0 ? order : a.State.Kind.CompareTo(b.State.Kind);
    }

    private bool IsCalled(Candidate candidate) => Open(candidate.Row).Decode(RecordOf(candidate.Row).Record).IsCalled(candidate.Local);

    private static long Distance(SymbolicAllele allele, Place place) => Math.Abs((long)allele.Start - place.Start) + Math.Abs((long)allele.End - place.End);

    private byte[] JoinedAlts(Candidate candidate) => Open(candidate.Row).Sites.JoinedAlts(RecordOf(candidate.Row).Record);

    private string Genotype(Candidate candidate)
    {
        var alleles = new int[16];
        return string.Join('/', alleles[..Open(candidate.Row).Decode(RecordOf(candidate.Row).Record).Alleles(candidate.Local, alleles)]);
    }

    /// <summary>Records of symbolic alleles that touch a place.</summary>
    private IEnumerable<(Source Source, OpenBlock Block, int Record)> Others(Place place)
    {
        var rows = new List<SymbolicRow>();
        _index.Overlapping(place.Start, place.End, rows);
        foreach (var (source, _, record, row) in rows.Select(r => (RecordOf(r).Source, RecordOf(r).Block, RecordOf(r).Record, Row: r)).DistinctBy(r => (r.Source, r.Block, r.Record)))
            yield return (_sources[source], Open(row), record);
    }

    private (int Source, BlockInfo Block, int Record) RecordOf(SymbolicRow row) => (row.Source, row.Block, Open(row).Sites.RowRecord[row.Row]);

    /// <summary>The block of a row: the one that the walk has open, else a kept one.</summary>
    private OpenBlock Open(SymbolicRow row)
    {
        var source = _sources[row.Source];
        foreach (var open in source.Open)
            if (ReferenceEquals(open.Block.Info, row.Block)) return open;
        if (_kept.TryGetValue(row.Block, out var kept)) return kept;
        if (_kept.Count >= MaxKept) _kept.Clear();
        return _kept[row.Block] = new OpenBlock(source.Segment.BlockOf(row.Block));
    }
}
