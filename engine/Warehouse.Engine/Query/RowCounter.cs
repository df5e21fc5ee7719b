using System.Numerics;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>
/// Counts the samples of one source that have a record of the variant (rule 1 of COUNTS.md), by whole sets. The plain path serves
/// records of plain diploid calls where no filter is in force and sex does not matter; the set path serves the rest; both equal
/// <see cref="SampleState.OfCall"/> sample by sample. One thread.
/// </summary>
internal sealed class RowCounter(CountRules rules)
{
    /// <summary>Groups up to which the counts of whole columns are kept per group: 12 bytes a row and group of each open block.</summary>
    private const int MostSharedGroups = 256;

    private ulong[] _missing = [], _haploid = [], _absent = [], _fails = [], _het = [], _hom = [], _anyHet = [], _exceptions = [];

    /// <summary>Adds the states of the counted samples that have the record of a row to the figures per group.</summary>
    /// <param name="source">The source of the block.</param>
    /// <param name="open">The block.</param>
    /// <param name="row">The row.</param>
    /// <param name="ploidy">Rule per sex; null where sex does not matter.</param>
    /// <param name="figures">One per group.</param>
    public void Count(Source source, OpenBlock open, int row, PloidyRule[]? ploidy, Span<CountFigures> figures)
    {
        var record = open.Sites.RowRecord[row];
        var passes = !rules.PassOnly || (open.Sites.Flags[record] & RecordFlags.Passes) != 0;
        if (!rules.Adj && ploidy is null && passes && source.Groups <= MostSharedGroups && open.Block.IsPlain(record))
        {
            CountPlain(source, open, row, record, figures);
            return;
        }
        Load(open, row, record, needAnyHet: ploidy is not null);
        for (var group = 0; group < source.Groups; group++)
        {
            if (ploidy is null) CountSet(source.GroupMask[group], CallRule.AsWritten, passes, ref figures[group]);
            else
                for (var sex = 0; sex < 3; sex++) CountSet(source.SexMask[(group * 3) + sex], ploidy[sex].Call, passes, ref figures[group]);
        }
        CountExceptions(source, open, (row, record), passes, ploidy, figures);
    }

    private static void CountPlain(Source source, OpenBlock open, int row, int record, Span<CountFigures> figures)
    {
        for (var group = 0; group < source.Groups; group++)
        {
            var mask = source.GroupMask[group];
            if (mask.Count == 0) continue;
            var (het, hom, missing) = (open.Het(row, group, mask), open.Hom(row, group, mask), open.Missing(record, group, mask));
            ref var f = ref figures[group];
            f.NHet += het;
            f.NHomAlt += hom;
            f.NNoCall += missing;
            f.Ac += het + (2 * hom);
            f.An += 2 * (mask.Count - missing - open.Absent(record, group, mask));
        }
    }

    private void Load(OpenBlock open, int row, int record, bool needAnyHet)
    {
        var block = open.Block;
        var words = (((block.SampleCount + 511) / 512) * 8);
        if (_missing.Length != words)
        {
            (_missing, _haploid, _absent, _fails) = (new ulong[words], new ulong[words], new ulong[words], new ulong[words]);
            (_het, _hom, _anyHet, _exceptions) = (new ulong[words], new ulong[words], new ulong[words], new ulong[words]);
        }
        Copy(block.Missing, record, _missing);
        Copy(block.Haploid, record, _haploid);
        Copy(block.Absent, record, _absent);
        Copy(rules.Adj ? block.AdjFail : null, record, _fails);
        Copy(block.Het, row, _het);
        Copy(block.Hom, row, _hom);
        Array.Clear(_anyHet);
        if (needAnyHet && block.Het is { } het)
        {
            var one = new ulong[words];
            for (var other = open.Sites.FirstRow[record]; other < open.Sites.FirstRow[record + 1]; other++)
            {
                if (het.IsEmpty(other)) continue;
                het.CopyBits(other, one);
                for (var w = 0; w < words; w++) _anyHet[w] |= one[w];
            }
        }
        Array.Clear(_exceptions);
        foreach (var call in block.Exceptions(record)) _exceptions[call.Sample >> 6] |= 1UL << (call.Sample & 63);
    }

    private static void Copy(SampleSets? sets, int row, ulong[] bits)
    {
        if (sets is null) Array.Clear(bits);
        else sets.CopyBits(row, bits);
    }

    private void CountSet(SampleMask mask, CallRule rule, bool passes, ref CountFigures f)
    {
        if (mask.Count == 0) return;
        var samples = mask.Words;
        var (present, called, calledHaploid, het, hom, hemi) = (0, 0, 0, 0, 0, 0);
#if PLANTED_DROPPED_MASK_WORD
        for (var w = 0; w < mask.SampleCount / 64; w++)
        {
            var here = samples[w] & ~_absent[w] & ~_exceptions[w];
#else
        for (var w = 0; w < samples.Length; w++)
        {
            var here = samples[w] & ~_absent[w] & ~_exceptions[w];
#endif
            if (here == 0) continue;
            present += BitOperations.PopCount(here);
            var calls = here & ~_missing[w] & ~_fails[w];
            if (rule == CallRule.OneCopy) calls &= ~_anyHet[w];
            called += BitOperations.PopCount(calls);
            calledHaploid += BitOperations.PopCount(calls & _haploid[w]);
            het += BitOperations.PopCount(calls & _het[w]);
            var single = rule == CallRule.OneCopy ? calls : calls & _haploid[w];
            hemi += BitOperations.PopCount(_hom[w] & single);
            hom += BitOperations.PopCount(_hom[w] & calls & ~single);
        }
        if (rule == CallRule.NotAssessed)
        {
            f.NNotAssessed += present;
            return;
        }
        if (!passes)
        {
            f.NNoCall += present;
            return;
        }
        f.NNoCall += present - called;
        f.NHet += het;
        f.NHomAlt += hom;
        f.NHemi += hemi;
        f.Ac += het + (2 * hom) + hemi;
        f.An += rule == CallRule.OneCopy ? called : (2 * called) - calledHaploid;
    }

    private void CountExceptions(Source source, OpenBlock open, (int Row, int Record) at, bool passes, PloidyRule[]? ploidy, Span<CountFigures> figures)
    {
        foreach (var call in open.Block.Exceptions(at.Record))
        {
            if (source.SlotOf[call.Sample] < 0) continue;
            var (group, sex) = source.GroupAndSex(call.Sample);
            var fails = !passes || (_fails[call.Sample >> 6] >> (call.Sample & 63) & 1) != 0;
            var rule = ploidy is null ? CallRule.AsWritten : ploidy[sex].Call;
            SampleState.OfCall(call.Alleles, open.Sites.AltIndex(at.Row), fails, rule).AddTo(ref figures[group]);
        }
    }
}
