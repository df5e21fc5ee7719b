using System.Globalization;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Query;

/// <summary>A carrier of an allele as its file wrote it.</summary>
/// <param name="Ordinal">Ordinal of the sample's part.</param>
/// <param name="Alt">1-based index of the allele in its record.</param>
/// <param name="Zygosity">As counted.</param>
/// <param name="Genotype">GT text.</param>
/// <param name="Detail">GQ, DP and AD when the file has any.</param>
internal readonly record struct CarrierCall(int Ordinal, int Alt, Zygosity Zygosity, string Genotype, CarrierDetail? Detail)
{
    /// <summary>Counted samples of a source up to which each is asked, in place of decoding the record for all.</summary>
    private const int MostAskedAlone = 16;

    /// <summary>Carriers of one row among the counted samples of its source.</summary>
    public static IEnumerable<CarrierCall> Of(Source source, OpenBlock open, int row, Func<int, PloidyRule> ruleOfSlot) =>
        source.SlotCount <= MostAskedAlone && open.Block.Detail is null && open.Block.Exceptions(open.Sites.RowRecord[row]).IsEmpty
            ? OfFew(source, open, row, ruleOfSlot) : OfMany(source, open, row, ruleOfSlot);

    private static IEnumerable<CarrierCall> OfFew(Source source, OpenBlock open, int row, Func<int, PloidyRule> ruleOfSlot)
    {
        var (record, alt, alleles) = (open.Sites.RowRecord[row], open.Sites.AltIndex(row), new int[16]);
        foreach (var local in source.CountedLocals)
        {
            var count = RecordCalls.AllelesOf(open.Block, record, local, alleles);
            if (count < 0) continue;
            var state = SampleState.OfCall(alleles.AsSpan(0, count), alt, false, ruleOfSlot(source.SlotOf[local]).Call);
            if (state.Ac > 0) yield return new CarrierCall(source.Segment.Ordinals[local], alt, state.Zygosity, Text(alleles.AsSpan(0, count), count > 1 ? open.Phase.Of(record, local) : default), null);
        }
    }

    private static IEnumerable<CarrierCall> OfMany(Source source, OpenBlock open, int row, Func<int, PloidyRule> ruleOfSlot)
    {
        var record = open.Sites.RowRecord[row];
        var alt = open.Sites.AltIndex(row);
        var calls = open.Decode(record);
        var details = open.Block.Detail?.Of(record);
        open.Phase.Enter(record);
        var (entry, alleles) = (-1, new int[16]);
        for (var local = 0; local < source.SlotOf.Length; local++)
        {
            var slot = source.SlotOf[local];
            if ((slot < 0 && details is null) || calls.IsAbsent(local)) continue;
            var count = calls.Alleles(local, alleles);
            if (alleles.AsSpan(0, count).ContainsAnyInRange(1, int.MaxValue)) entry++;
            if (slot < 0) continue;
            var state = SampleState.OfCall(alleles.AsSpan(0, count), alt, false, ruleOfSlot(slot).Call);
            if (state.Ac == 0) continue;
            yield return new CarrierCall(source.Segment.Ordinals[local], alt, state.Zygosity, Text(open.Phase, calls, local, alleles.AsSpan(0, count)), details is not null && entry < details.Length ? details[entry] : null);
        }
    }

    private static string Text(CallPhase phase, RecordCalls calls, int local, ReadOnlySpan<int> alleles) =>
        calls.First[local] == VcfRecord.IrregularMark ? calls.Exception(local).Text : Text(alleles, (phase.IsPhased(local), phase.IsSwapped(local)));

    private static string Text(ReadOnlySpan<int> alleles, (bool IsPhased, bool IsSwapped) written)
    {
        if (alleles.Length == 1) return alleles[0].ToString(CultureInfo.InvariantCulture);
        var (first, second) = written.IsSwapped ? (alleles[1], alleles[0]) : (alleles[0], alleles[1]);
        return string.Create(CultureInfo.InvariantCulture, $"{first}{(written.IsPhased ? '|' : '/')}{second}");
    }
}
