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
    /// <summary>Carriers of one row among the counted samples of its source.</summary>
    public static IEnumerable<CarrierCall> Of(Source source, OpenBlock open, int row, Func<int, PloidyRule> ruleOfSlot)
    {
        var record = open.Sites.RowRecord[row];
        var alt = open.Sites.AltIndex(row);
        var calls = open.Decode(record);
        var details = open.Block.Detail?.Of(record);
        open.Phase.Enter(record);
        var entry = -1;
        for (var local = 0; local < source.SlotOf.Length; local++)
        {
            if (calls.IsAbsent(local)) continue;
            var alleles = new int[16];
            var count = calls.Alleles(local, alleles);
            if (Array.Exists(alleles[..count], a => a > 0)) entry++;
            if (source.SlotOf[local] is not (>= 0 and var slot)) continue;
            var state = SampleState.OfCall(alleles.AsSpan(0, count), alt, false, ruleOfSlot(slot).Call);
            if (state.Ac == 0) continue;
            yield return new CarrierCall(source.Segment.Ordinals[local], alt, state.Zygosity, Text(open.Phase, calls, local, alleles.AsSpan(0, count)), details is not null && entry < details.Length ? details[entry] : null);
        }
    }

    private static string Text(CallPhase phase, RecordCalls calls, int local, ReadOnlySpan<int> alleles)
    {
        if (calls.First[local] == VcfRecord.IrregularMark) return calls.Exception(local).Text;
        if (alleles.Length == 1) return alleles[0].ToString(CultureInfo.InvariantCulture);
        var (first, second) = phase.IsSwapped(local) ? (alleles[1], alleles[0]) : (alleles[0], alleles[1]);
        return string.Create(CultureInfo.InvariantCulture, $"{first}{(phase.IsPhased(local) ? '|' : '/')}{second}");
    }
}
