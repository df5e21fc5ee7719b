using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>
/// The calls of samples whose files do not have the record of a line, by their states at its base alleles (COUNTS.md):
/// reference by evidence or assumption at every one is REF in as many copies as its ploidy; called in a record written otherwise is
/// that record's alleles where the line has them, REF where the record says REF, and <c>.</c> for every other allele, which is not
/// REF; everything else is missing. Nothing is said about lines of symbolic alleles and breakends alone. One thread.
/// </summary>
internal sealed class OtherCalls
{
    private static readonly int[] References = new int[16];
    private readonly StoreView _view;
    private readonly int _contig;
    private readonly string _canonical;
    private readonly ContigClass _class;
    private readonly Selection _selection;
    private readonly LineScan _scan;
    private readonly Family[] _families;
    private readonly int[] _quietCopies;
    private readonly List<Asked> _asked = [];
    private readonly List<int> _written = [];
    private readonly List<int> _found = [];
    private int _askedCount;
    private Place _place;

    public OtherCalls(StoreView view, int contig, Selection selection, LineScan scan)
    {
        (_view, _contig, _selection, _scan) = (view, contig, selection, scan);
        _canonical = view.Catalog.Contigs[contig].Canonical;
        _class = Assembly.ClassOf(_canonical);
        _families = Family.Group(scan.Sources, selection);
        _quietCopies = new int[selection.Classes.Count];
    }

    /// <summary>Fills every column that is not filled.</summary>
    public void Fill(Line line, bool[] filled, VcfRecord record)
    {
        Ask(line);
        _quietCopies.AsSpan().Fill(-1);
        foreach (var family in _families)
        {
            if (Array.TrueForAll(family.Slots, s => filled[s])) continue;
            var quiet = IsQuiet(family);
            if (!quiet)
                for (var i = 0; i < _askedCount; i++) _asked[i].Fallback.Gather(family, _asked[i].Row, _asked[i].Place);
            for (var member = 0; member < family.Slots.Length; member++)
            {
                var slot = family.Slots[member];
                if (filled[slot]) continue;
                filled[slot] = true;
                if (_askedCount == 0) SetCopies(record, slot, 0);
                else if (quiet) SetCopies(record, slot, QuietCopies(slot));
                else FillOne(slot, family.Parts[member], record);
            }
        }
    }

    /// <summary>Looks every base allele of the line up in every segment.</summary>
    private void Ask(Line line)
    {
        var sites = line.First.Block.Sites;
        var end = line.Start + 1;
        _askedCount = 0;
        for (var alt = 1; alt <= line.First.Rows.Length; alt++)
        {
            var row = line.First.Rows[alt - 1];
            if (sites.RowKind[row] != AlleleKind.Bases) continue;
            if (_askedCount == _asked.Count) _asked.Add(new Asked(new Fallback(_view.Catalog, _contig, _selection, new CountRules { PerSample = true }, _class)));
            var asked = _asked[_askedCount++];
            asked.Alt = alt;
            (asked.Row.Start, asked.Row.Ref, asked.Row.Alt) = (sites.RowStart[row], sites.RowRefText(row).ToArray(), sites.RowAltText(row).ToArray());
            asked.Row.Rows.Clear();
            asked.Place = Place.At(_view.Assembly, _canonical, countBySex: true, asked.Row);
            end = Math.Max(end, asked.Row.End);
        }
        _place = _askedCount > 0 ? _asked[0].Place : Place.At(_view.Assembly, _canonical, countBySex: true, new ScanRow { Start = line.Start });
        _scan.OpenUntil(end);
        foreach (var source in _scan.Sources)
            foreach (var open in source.Open)
                for (var i = 0; i < _askedCount; i++)
                {
                    var row = _asked[i].Row;
                    if (!BlockInfo.Overlaps(open.Block.Info.Rows, row.Start, row.Start + 1)) continue;
                    _found.Clear();
                    open.Sites.FindRows(row.Start, row.Ref, row.Alt, _found);
                    foreach (var found in _found) row.Rows.Add((source.Index, open, found));
                }
    }

    /// <summary>Whether no sample of a family has a record or evidence of its own at any allele asked.</summary>
    private bool IsQuiet(Family family)
    {
        foreach (var source in family.Sources)
            for (var i = 0; i < _askedCount; i++)
            {
                var (row, place) = (_asked[i].Row, _asked[i].Place);
                if (row.Rows.Exists(r => r.Source == source.Index) || source.HasEvidence(place.Start, place.End) || source.Touches(place.Start, place.End)) return false;
            }
        return true;
    }

    private int QuietCopies(int slot)
    {
        ref var copies = ref _quietCopies[_selection.ClassOf[slot]];
        if (copies >= 0) return copies;
        copies = int.MaxValue;
        for (var i = 0; i < _askedCount; i++)
            copies = Math.Min(copies, ReferenceCopies(_asked[i].Fallback.WithoutRecord(_asked[i].Place, _selection.SexOf[slot], _selection.Assumed[slot], _selection.CallableOf[slot])));
        return copies;
    }

    private void FillOne(int slot, (Source Source, int Local)[] parts, VcfRecord record)
    {
        Asked? decided = null;
        var (several, copies) = (false, int.MaxValue);
        for (var i = 0; i < _askedCount; i++)
        {
            var asked = _asked[i];
            var assessed = asked.Place.Ploidy[(int)_selection.SexOf[slot]].Call != CallRule.NotAssessed;
            asked.Decider = assessed ? asked.Fallback.Best(parts, asked.Place) : null;
            if (asked.Decider is not { } decider)
            {
                if (decided is null) copies = Math.Min(copies, assessed ? ReferenceCopies(asked.Fallback.Evaluate(slot, parts, asked.Place)) : 0);
                continue;
            }
            several |= decided?.Decider is { } first && (first.Block != decider.Block || first.Record != decider.Record);
            // A record of an allele itself speaks before one that only spans it.
            if (decided is null || (decided.Decider!.Value.Alt == 0 && decider.Alt > 0)) decided = asked;
        }
        if (decided is null) SetCopies(record, slot, copies);
        else if (!several || !TryJoin(slot, parts, record)) Translate(slot, decided.Decider!.Value, parts, record);
    }

    /// <summary>One record decides: its call in the allele numbers of the line.</summary>
    private void Translate(int slot, Fallback.Touching decider, (Source Source, int Local)[] parts, VcfRecord record)
    {
        var local = LocalOf(parts, decider.Source);
        Span<int> alleles = stackalloc int[16];
        var calls = decider.Block.Decode(decider.Record);
        alleles = alleles[..calls.Alleles(local, alleles)];
        foreach (ref var allele in alleles) allele = OnLine(decider, allele);
        var phase = decider.Block.Phase;
        phase.Enter(decider.Record);
        var irregular = calls.First[local] == VcfRecord.IrregularMark;
        if (!irregular && alleles.Length == 2 && phase.IsSwapped(local)) alleles.Reverse();
        CallCells.Set(record, slot, alleles, irregular ? calls.Exception(local).Text.Contains('|', StringComparison.Ordinal) : phase.IsPhased(local));
    }

    /// <summary>
    /// Several records decide, each about some alleles of the line (a site that was split): the copies that each gives, then REF, and
    /// <c>.</c> for what any of them calls otherwise. Says no when they give more copies than a call has.
    /// </summary>
    private bool TryJoin(int slot, (Source Source, int Local)[] parts, VcfRecord record)
    {
        Span<int> alleles = stackalloc int[16];
        var (ploidy, otherwise) = (0, 0);
        _written.Clear();
        for (var i = 0; i < _askedCount; i++)
        {
            if (_asked[i].Decider is not { } decider) continue;
            var count = decider.Block.Decode(decider.Record).Alleles(LocalOf(parts, decider.Source), alleles);
            var unexplained = 0;
            foreach (var allele in alleles[..count])
            {
                if (OnLine(decider, allele) < 0) unexplained++;
                if (decider.Alt > 0 && allele == decider.Alt) _written.Add(_asked[i].Alt);
            }
            (ploidy, otherwise) = (Math.Max(ploidy, count), Math.Max(otherwise, unexplained));
        }
        if (_written.Count > ploidy) return false;
        var rest = ploidy - _written.Count;
        for (; rest > 0; rest--) _written.Add(rest <= otherwise ? -1 : 0);
        _written.Sort();
        CallCells.Set(record, slot, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_written), phased: false);
        return true;
    }

    /// <summary>Index on the line of an allele of another record: 0 for REF, -1 for what is missing there or not on the line.</summary>
    private int OnLine(Fallback.Touching decider, int allele)
    {
        if (allele <= 0) return allele;
        var sites = decider.Block.Sites;
        var row = sites.FirstRow[decider.Record] + allele - 1;
        if (sites.RowKind[row] != AlleleKind.Bases) return -1;
        for (var i = 0; i < _askedCount; i++)
        {
            var asked = _asked[i].Row;
            if (asked.Start == sites.RowStart[row] && sites.RowRefText(row).SequenceEqual(asked.Ref) && sites.RowAltText(row).SequenceEqual(asked.Alt)) return _asked[i].Alt;
        }
        return -1;
    }

    /// <summary>REF in some copies; 0 copies is a missing call of the ploidy expected.</summary>
    private void SetCopies(VcfRecord record, int slot, int copies)
    {
        if (copies > 0)
        {
            CallCells.Set(record, slot, References.AsSpan(0, copies), phased: false);
            return;
        }
        var expected = _place.Ploidy[(int)_selection.SexOf[slot]].Copies;
        var diploid = expected == 2 || (expected < 0 && _class != ContigClass.Y);
        CallCells.Set(record, slot, diploid ? [-1, -1] : [-1], phased: false);
    }

    private static int ReferenceCopies(SampleState state) => state.Kind is StateKind.Reference or StateKind.Assumed ? state.An : 0;

    private static int LocalOf((Source Source, int Local)[] parts, Source source)
    {
        foreach (var part in parts)
            if (part.Source == source) return part.Local;
        throw new InvalidOperationException("a source decided about a sample that it does not have");
    }

    /// <summary>A base allele of the line, and for one sample at a time the record that decides about it.</summary>
    private sealed class Asked(Fallback fallback)
    {
        public Fallback Fallback => fallback;

        public int Alt { get; set; }

        public ScanRow Row { get; } = new();

        public Place Place { get; set; }

        public Fallback.Touching? Decider { get; set; }
    }
}
