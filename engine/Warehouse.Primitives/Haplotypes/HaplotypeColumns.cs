using System.Buffers;
using System.Buffers.Binary;

namespace Warehouse.Primitives;

/// <summary>The genotype columns of a block that the haplotype form stands for. A row is one ALT of a record.</summary>
/// <param name="Het">Per row the samples that carry it on one haplotype; null = nobody in any row.</param>
/// <param name="Hom">Per row the samples that carry it on both; null = nobody in any row.</param>
/// <param name="Swapped">
/// One bit per sample that is heterozygous in any row of a record, records in order, samples ascending, the first bit least significant;
/// set when the allele with the larger number is written first. Null = none is set.
/// </param>
/// <remarks>
/// Disk form, little endian. It follows the positional order of haplotypes: those that carried the same alleles lately stand together, so
/// that the carriers of the next allele are few runs.
/// <code>
/// offset size
///  0     4    "WHAP"
///  4     4    version, 1
///  8     4    N, samples, 0..32768
/// 12     4    R, rows, 0..2^24
/// 16    72    nine streams: u32 packed bytes, u32 raw bytes (StreamTable)
/// 88          the packed streams:
///   0    R    kind of each row: 0 no carriers, 1 rare, 2 common
///   1,2       low and high byte of runs less one, for each row that is not of kind 0
///   3         one byte per run of the rare rows (RunSymbols)
///   4..7      one byte per run of the common rows: the stream is 4 + the class of the gap of the row's run before, at most 3; 4 for the
///             first run of a row
///   8         extra bits of all runs, row after row, the first bit least significant: of each run those of the gap, then those of the length
/// </code>
/// Sample s has haplotypes s (first) and N + s (second); the order is 0..2N-1 at the start. A het call that is not swapped carries the
/// record's last ALT that it has on the second haplotype, a swapped one on the first; other ALTs on the other. A hom call has both.
/// A row is its runs of positions in the order. Gap: of the first run of a row its start, of others its distance from the end of the run
/// before, less one. After a common row those outside its runs come first and those inside last, both in their order before. In common
/// rows a masked sample (missing or absent in the record) is inside where its neighbour to the left is, outside at position 0; the masked
/// are no carriers of any row.
/// </remarks>
public sealed record HaplotypeColumns(SampleSets? Het, SampleSets? Hom, ulong[]? Swapped)
{
    internal const uint Magic = 0x50414857;
    internal const uint Version = 1;
    internal const int HeaderBytes = 16;
    internal const int StreamCount = 9;
    internal const int RareSymbols = 3;
    internal const int CommonSymbols = 4;
    internal const int ExtraBits = 8;

    /// <summary>Rows of one encoded block, and bytes of one column if every row were a plane: above what blocks have, below what hurts.</summary>
    internal const int MaxRows = 1 << 24;

    /// <summary>Bytes of one column whose rows are all planes.</summary>
    internal const long MaxPlaneBytes = 1L << 30;

    /// <summary>The disk form, or null when this form cannot hold the columns: a sample carries a row in two ways, a masked one carries, or the swapped bits do not fit.</summary>
    /// <param name="firstRow">First row of each record, and last the number of rows.</param>
    /// <param name="missing">Samples without a call, per record; null = none.</param>
    /// <param name="absent">Samples that lack the record, per record; null = none.</param>
    /// <param name="sampleCount">0 to 32,768.</param>
    /// <exception cref="ArgumentException">A column has another shape.</exception>
    public byte[]? Encode(int sampleCount, ReadOnlySpan<int> firstRow, SampleSets? missing, SampleSets? absent)
    {
        SampleWords.Checked(sampleCount);
        CheckShape(sampleCount, firstRow, missing, absent);
        foreach (var sets in (ReadOnlySpan<SampleSets?>)[Het, Hom])
            if (sets is not null && (sets.SampleCount != sampleCount || sets.RowCount != firstRow[^1])) throw new ArgumentException("a column has another shape");
        if (!IsWithinLimits(sampleCount, firstRow[^1])) return null;
        return new HaplotypeEncoder(this, sampleCount, missing, absent).Run(firstRow);
    }

    /// <summary>Reads the disk form; columns come back as they were, empty ones as null.</summary>
    /// <param name="encoded">The bytes.</param>
    /// <param name="sampleCount">What the caller expects.</param>
    /// <param name="firstRow">First row of each record, and last the number of rows.</param>
    /// <param name="missing">As it was when the columns were encoded.</param>
    /// <param name="absent">As it was when the columns were encoded.</param>
    /// <exception cref="InvalidDataException">Any inconsistency; nothing is kept.</exception>
    /// <exception cref="ArgumentException">A given column has another shape.</exception>
    public static HaplotypeColumns Decode(ReadOnlySpan<byte> encoded, int sampleCount, ReadOnlySpan<int> firstRow, SampleSets? missing, SampleSets? absent)
    {
        CheckShape(sampleCount, firstRow, missing, absent);
        Require(sampleCount is >= 0 and <= SampleWords.MaxSamples, "too many samples");
        Require(encoded.Length >= HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(encoded) == Magic, "not a haplotype column");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(encoded[4..]) == Version, "unknown version");
        Require(BinaryPrimitives.ReadInt32LittleEndian(encoded[8..]) == sampleCount, "another number of samples");
        Require(BinaryPrimitives.ReadInt32LittleEndian(encoded[12..]) == firstRow[^1], "another number of rows");
        Require(IsWithinLimits(sampleCount, firstRow[^1]), "too large");
        Span<int> starts = stackalloc int[StreamCount + 1];
        var streams = StreamTable.Unpack(encoded, HeaderBytes, HaplotypeDecoder.SlackBytes, starts);
        try
        {
            return new HaplotypeDecoder(streams, starts, sampleCount, missing, absent).Run(firstRow);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(streams);
        }
    }

    internal static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidDataException($"haplotype column: {otherwise}");
    }

    private static bool IsWithinLimits(int sampleCount, int rows) => rows <= MaxRows && SampleWords.Padded(sampleCount) * 8L * rows <= MaxPlaneBytes;

    private static void CheckShape(int sampleCount, ReadOnlySpan<int> firstRow, SampleSets? missing, SampleSets? absent)
    {
        if (firstRow.IsEmpty || firstRow[0] != 0) throw new ArgumentException("the rows do not begin at 0", nameof(firstRow));
        for (var i = 1; i < firstRow.Length; i++)
            if (firstRow[i] < firstRow[i - 1]) throw new ArgumentException("the rows do not ascend", nameof(firstRow));
        foreach (var sets in (ReadOnlySpan<SampleSets?>)[missing, absent])
            if (sets is not null && (sets.SampleCount != sampleCount || sets.RowCount != firstRow.Length - 1)) throw new ArgumentException("a column has another shape");
    }
}
