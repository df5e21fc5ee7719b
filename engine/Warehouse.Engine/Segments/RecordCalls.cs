using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>
/// The genotypes of one record decoded for every sample of its segment, in the byte codes of <see cref="VcfRecord"/> (without phase).
/// The dull twin of the set kernels, and what exports and per-sample answers read. Immutable, any thread.
/// </summary>
internal sealed class RecordCalls
{
    /// <summary>In <see cref="First"/>: the sample's files do not have this record.</summary>
    public const byte AbsentMark = 253;

    private readonly Dictionary<int, ExceptionCall> _exceptions = [];

    private RecordCalls(int samples)
    {
        First = new byte[samples];
        Second = new byte[samples];
        First.AsSpan().Fill(1);
        Second.AsSpan().Fill(1);
    }

    /// <summary>First code per sample; REF is 1; <see cref="VcfRecord.IrregularMark"/> for an exception.</summary>
    public byte[] First { get; }

    /// <summary>Second code per sample.</summary>
    public byte[] Second { get; }

    public static RecordCalls Decode(Block block, int record)
    {
        var calls = new RecordCalls(block.SampleCount);
        var ids = new ushort[block.SampleCount];
        foreach (var s in Ids(block.Haploid, record, ids)) calls.Second[s] = VcfRecord.NoAllele;
        foreach (var s in Ids(block.Missing, record, ids))
        {
            calls.First[s] = 0;
            if (calls.Second[s] != VcfRecord.NoAllele) calls.Second[s] = 0;
        }
        var first = block.Sites.FirstRow[record];
        for (var row = first; row < block.Sites.FirstRow[record + 1]; row++)
        {
            var code = (byte)Math.Min(row - first + 2, VcfRecord.MaxRegularAllele + 1);
            foreach (var s in Ids(block.Hom, row, ids))
            {
                calls.First[s] = code;
                if (calls.Second[s] != VcfRecord.NoAllele) calls.Second[s] = code;
            }
            foreach (var s in Ids(block.Het, row, ids)) (calls.First[s], calls.Second[s]) = (calls.Second[s], code);
        }
        foreach (var call in block.Exceptions(record))
        {
            calls.First[call.Sample] = VcfRecord.IrregularMark;
            calls._exceptions[call.Sample] = call;
        }
        foreach (var s in Ids(block.Absent, record, ids)) calls.First[s] = AbsentMark;
        return calls;
    }

    /// <summary>
    /// The allele indices of one sample in a record without exceptions, as <see cref="Alleles"/> of the decoded record gives them; -1 when
    /// it is absent. The span needs 16 places.
    /// </summary>
    public static int AllelesOf(Block block, int record, int sample, Span<int> alleles)
    {
        if (block.Absent?.Contains(record, sample) == true) return -1;
        var (first, second) = block.Missing?.Contains(record, sample) == true ? (-1, -1) : (0, 0);
        for (var row = block.Sites.FirstRow[record]; row < block.Sites.FirstRow[record + 1]; row++)
        {
            var allele = Math.Min(block.Sites.AltIndex(row), VcfRecord.MaxRegularAllele);
            if (block.Hom?.Contains(row, sample) == true) (first, second) = (allele, allele);
            if (block.Het?.Contains(row, sample) == true) (first, second) = (second, allele);
        }
        (alleles[0], alleles[1]) = (first, second);
        return block.Haploid?.Contains(record, sample) == true ? 1 : 2;
    }

    /// <summary>Samples of a row; a null column is empty.</summary>
    public static ReadOnlySpan<ushort> Ids(SampleSets? sets, int row, ushort[] buffer) => sets is null ? [] : buffer.AsSpan(0, sets.CopyIds(row, buffer));

    public bool IsAbsent(int sample) => First[sample] == AbsentMark;

    /// <summary>The exception of a sample whose first code says so.</summary>
    public ExceptionCall Exception(int sample) => _exceptions[sample];

    /// <summary>Copies the allele indices of a present sample, -1 for <c>.</c>; returns their number. The span needs 16 places.</summary>
    public int Alleles(int sample, Span<int> alleles)
    {
        if (First[sample] == VcfRecord.IrregularMark)
        {
            var call = _exceptions[sample].Alleles;
            call.CopyTo(alleles);
            return call.Length;
        }
        alleles[0] = First[sample] - 1;
        if (Second[sample] == VcfRecord.NoAllele) return 1;
        alleles[1] = Second[sample] - 1;
        return 2;
    }

    /// <summary>Whether any allele of a present sample is called.</summary>
    public bool IsCalled(int sample) => First[sample] == VcfRecord.IrregularMark ? Array.Exists(_exceptions[sample].Alleles, a => a >= 0) : First[sample] != 0;
}
