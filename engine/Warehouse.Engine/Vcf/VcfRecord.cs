namespace Warehouse.Engine.Vcf;

/// <summary>
/// One record of a VCF or BCF file, as written, reused from record to record: every slice and array is valid until the
/// reader's next Read. Coordinates are 0-based half-open. One thread.
/// <para>
/// Genotypes are two byte columns. <see cref="First"/>[s] and <see cref="Second"/>[s]: 0 = <c>.</c>; 1..250 = allele index + 1
/// (1 = REF, 2 = first ALT); <see cref="NoAllele"/> in Second = written haploid; <see cref="IrregularMark"/> in First = look in
/// <see cref="Irregular"/> (ploidy above 2, allele index above 249, a leading phase character, mixed separators).
/// Columns are padded with zeros to a multiple of 64 bytes.
/// </para>
/// </summary>
public sealed class VcfRecord
{
    /// <summary>In <see cref="Second"/>: the call is written haploid.</summary>
    public const byte NoAllele = 255;

    /// <summary>In <see cref="First"/>: the call is in <see cref="Irregular"/>.</summary>
    public const byte IrregularMark = 254;

    /// <summary>Largest allele index that the byte columns hold.</summary>
    public const int MaxRegularAllele = 249;

    /// <summary>Absent value in the integer columns.</summary>
    public const int MissingInt = -1;

    /// <summary>1-based line in text, 1-based record number in BCF.</summary>
    public long Line;

    /// <summary>Offset of the record in the decompressed bytes.</summary>
    public long OffsetBytes;

    /// <summary>Index into <see cref="VcfHeader.Contigs"/>; the reader appends contigs that the header does not declare.</summary>
    public int ContigIndex;

    /// <summary>0-based start; -1 for POS 0 (telomere).</summary>
    public int Start;

    /// <summary>ID column as text; <c>.</c> when missing.</summary>
    public ReadOnlyMemory<byte> Id;

    /// <summary>REF as written (any case).</summary>
    public ReadOnlyMemory<byte> Ref;

    /// <summary>ALT items as written; empty when ALT is <c>.</c>.</summary>
    public readonly List<ReadOnlyMemory<byte>> Alts = [];

    /// <summary>QUAL; NaN when missing.</summary>
    public float Qual;

    /// <summary>FILTER as text: <c>.</c>, <c>PASS</c> or names joined by <c>;</c>.</summary>
    public ReadOnlyMemory<byte> Filter;

    /// <summary>True when FILTER is PASS or <c>.</c>.</summary>
    public bool Passes;

    /// <summary>INFO END as written (1-based inclusive = 0-based exclusive); <see cref="MissingInt"/> when absent.</summary>
    public int InfoEnd;

    /// <summary>INFO SVLEN per ALT, absolute values; empty when absent.</summary>
    public readonly List<int> SvLen = [];

    /// <summary>INFO SVTYPE as text; empty when absent.</summary>
    public ReadOnlyMemory<byte> SvType;

    /// <summary>INFO CIPOS; (0, 0) when absent.</summary>
    public (int Low, int High) CiPos;

    /// <summary>INFO CIEND; (0, 0) when absent.</summary>
    public (int Low, int High) CiEnd;

    /// <summary>The whole text line without its line end; empty for BCF. For annotation pass-through.</summary>
    public ReadOnlyMemory<byte> LineText;

    /// <summary>Number of samples; 0 for a sites-only file.</summary>
    public int SampleCount;

    /// <summary>True when FORMAT has GT; when false every sample counts as having no GT.</summary>
    public bool HasGt;

    /// <summary>First allele code per sample, padded to 64.</summary>
    public byte[] First = [];

    /// <summary>Second allele code per sample, padded to 64.</summary>
    public byte[] Second = [];

    /// <summary>1 when the two alleles are separated by <c>|</c>, else 0; per sample, padded to 64.</summary>
    public byte[] Phased = [];

    /// <summary>Calls that the byte columns cannot hold, in sample order.</summary>
    public readonly List<IrregularCall> Irregular = [];

    /// <summary>Which integer columns this record filled.</summary>
    public FormatFields Fields;

    /// <summary>FORMAT GQ per sample; valid when <see cref="Fields"/> has it. <see cref="MissingInt"/> = absent. Fractions are floored.</summary>
    public int[] Gq = [];

    /// <summary>FORMAT DP per sample.</summary>
    public int[] Dp = [];

    /// <summary>FORMAT MIN_DP per sample.</summary>
    public int[] MinDp = [];

    /// <summary>FORMAT RGQ per sample.</summary>
    public int[] Rgq = [];

    /// <summary>FORMAT LEN per sample (block length in bases, counting POS).</summary>
    public int[] Len = [];

    /// <summary>FORMAT AD, sample-major: value of allele a of sample s at [s * (1 + Alts.Count) + a]. <see cref="MissingInt"/> = absent.</summary>
    public int[] Ad = [];
}

/// <summary>Integer FORMAT columns of a record.</summary>
[Flags]
public enum FormatFields
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>GQ.</summary>
    Gq = 1,

    /// <summary>DP.</summary>
    Dp = 2,

    /// <summary>MIN_DP.</summary>
    MinDp = 4,

    /// <summary>RGQ.</summary>
    Rgq = 8,

    /// <summary>LEN.</summary>
    Len = 16,

    /// <summary>AD.</summary>
    Ad = 32,
}

/// <summary>A call outside the byte columns.</summary>
/// <param name="Sample">Sample index.</param>
/// <param name="Alleles">Allele index per copy, -1 for <c>.</c>; 1 to 16 of them.</param>
/// <param name="Text">The GT exactly as written.</param>
public readonly record struct IrregularCall(int Sample, int[] Alleles, string Text);
