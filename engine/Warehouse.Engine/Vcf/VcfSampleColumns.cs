using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>What holds for the sample columns of every record, in text and in BCF alike: their size, which calls are regular, which integers and depths are taken. One thread.</summary>
internal sealed class VcfSampleColumns
{
    private const int PaddedTo = VcfGenotypeKernel.StepSamples;
    private const int FirstVersionWithLeadingPhase = 404;
    private readonly VcfFaults _faults;
    private readonly VcfLimits _limits;
    private readonly bool _depthsPerAllele;

    /// <summary>Makes the rules for the samples of a header.</summary>
    public VcfSampleColumns(VcfParsedHeader parsed, VcfFaults faults, VcfLimits limits)
    {
        (_faults, _limits) = (faults, limits);
        Count = parsed.Header.Samples.Count;
        HasLeadingPhase = parsed.Header.Version >= FirstVersionWithLeadingPhase;
        _depthsPerAllele = parsed.Format.TryGetValue("AD", out var depths) && depths.Number == "R";
    }

    /// <summary>Number of samples.</summary>
    public int Count { get; }

    /// <summary>True when a genotype may begin with a phase character: from VCF 4.4 on.</summary>
    public bool HasLeadingPhase { get; }

    /// <summary>Empties the genotype part of a record.</summary>
    public static void Clear(VcfRecord record)
    {
        record.SampleCount = 0;
        record.HasGt = false;
        record.Fields = FormatFields.None;
        record.Irregular.Clear();
    }

    /// <summary>Makes the columns of a cleared record large enough and empties the integer ones; those of genotypes are left as they are when there is GT. ALT must have been read.</summary>
    public void Begin(VcfRecord record, bool hasGt, FormatFields fields)
    {
        (record.SampleCount, record.HasGt, record.Fields) = (Count, hasGt, fields);
        var padded = (Count + PaddedTo - 1) / PaddedTo * PaddedTo;
        if (record.First.Length != padded) (record.First, record.Second, record.Phased) = (new byte[padded], new byte[padded], new byte[padded]);
        if (!hasGt) ClearCalls(record);
        if (fields == FormatFields.None) return;
        var depthCells = Count * (1L + record.Alts.Count);
        if (fields.HasFlag(FormatFields.Ad) && depthCells > _limits.MaxDepthCells)
            _faults.Refuse("vcf-format-cap", "FORMAT/AD", $"samples times alleles are above the limit of {_limits.MaxDepthCells}");
        record.Gq = Column(record, FormatFields.Gq, record.Gq, Count);
        record.Dp = Column(record, FormatFields.Dp, record.Dp, Count);
        record.MinDp = Column(record, FormatFields.MinDp, record.MinDp, Count);
        record.Rgq = Column(record, FormatFields.Rgq, record.Rgq, Count);
        record.Len = Column(record, FormatFields.Len, record.Len, Count);
        record.Ad = Column(record, FormatFields.Ad, record.Ad, depthCells);
    }

    /// <summary>Sets every call to <c>./.</c>, padding included.</summary>
    public static void ClearCalls(VcfRecord record)
    {
        record.First.AsSpan().Clear();
        record.Second.AsSpan().Clear();
        record.Phased.AsSpan().Clear();
    }

    /// <summary>Stores a call in the byte columns when they can hold it.</summary>
    /// <param name="record">To fill.</param>
    /// <param name="sample">Sample index.</param>
    /// <param name="alleles">At least one, -1 for <c>.</c>, none above the number of ALT alleles.</param>
    /// <param name="isPhased">There is a <c>|</c>.</param>
    public static bool TryStore(VcfRecord record, int sample, ReadOnlySpan<int> alleles, bool isPhased)
    {
        if (alleles.Length > 2 || alleles[0] > VcfRecord.MaxRegularAllele || alleles[^1] > VcfRecord.MaxRegularAllele) return false;
        record.First[sample] = (byte)(alleles[0] + 1);
        record.Second[sample] = alleles.Length == 1 ? VcfRecord.NoAllele : (byte)(alleles[1] + 1);
        record.Phased[sample] = alleles.Length == 2 && isPhased ? (byte)1 : (byte)0;
        return true;
    }

    /// <summary>Stores a call that the byte columns cannot hold; samples in order.</summary>
    public static void StoreIrregular(VcfRecord record, int sample, ReadOnlySpan<int> alleles, ReadOnlySpan<byte> text)
    {
        record.First[sample] = VcfRecord.IrregularMark;
        record.Irregular.Add(new IrregularCall(sample, alleles.ToArray(), Encoding.ASCII.GetString(text)));
    }

    /// <summary>The integer column of a field, except AD.</summary>
    public static (int[] Column, string Name) Integers(VcfRecord record, FormatFields field) => field switch
    {
        FormatFields.Gq => (record.Gq, "FORMAT/GQ"),
        FormatFields.Dp => (record.Dp, "FORMAT/DP"),
        FormatFields.MinDp => (record.MinDp, "FORMAT/MIN_DP"),
        FormatFields.Rgq => (record.Rgq, "FORMAT/RGQ"),
        _ => (record.Len, "FORMAT/LEN"),
    };

    /// <summary>A value that is not negative, rounded down; missing values, NaN among them, as <see cref="VcfRecord.MissingInt"/>.</summary>
    public int Integer(ReadOnlySpan<byte> value, string field, int sample)
    {
        if (value is [(byte)'.']) return VcfRecord.MissingInt;
        if (VcfText.TryDigits(value, out var whole) && whole < int.MaxValue) return whole; // segments store each plus one
        if (VcfText.TryFloat(value, out var number))
        {
            if (float.IsNaN(number)) return VcfRecord.MissingInt;
            if (number >= 0 && number < int.MaxValue && Utf8Parser.TryParse(value, out double wide, out _)) return (int)Math.Floor(wide);
        }
        BadInteger(field, sample);
        return VcfRecord.MissingInt;
    }

    /// <summary>Refuses a value of an integer column.</summary>
    [DoesNotReturn]
    public void BadInteger(string field, int sample) =>
        _faults.Refuse("vcf-format-value", field, $"the value of sample {sample + 1} is no number from 0 to 2147483646");

    /// <summary>AD as text; <c>.</c> is none.</summary>
    public void Depths(VcfRecord record, int sample, ReadOnlySpan<byte> value)
    {
        if (value is [(byte)'.']) return;
        var alleles = record.Alts.Count + 1;
        if (TryShortDepths(value, record.Ad.AsSpan(sample * alleles, alleles))) return;
        var into = DepthCells(record, sample, value.Count((byte)',') + 1, value.IndexOfAnyExcept((byte)'.', (byte)',') >= 0);
        for (var i = 0; i < into.Length; i++)
        {
            var comma = value.IndexOf((byte)',');
            into[i] = Integer(comma < 0 ? value : value[..comma], "FORMAT/AD", sample);
            value = comma < 0 ? default : value[(comma + 1)..];
        }
    }

    /// <summary>Where the depths of a sample go. Where the header does not promise one value per allele, another number of values is as if there were none: empty.</summary>
    /// <param name="record">To fill.</param>
    /// <param name="sample">Sample index.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="anyPresent">One of them is not missing.</param>
    public Span<int> DepthCells(VcfRecord record, int sample, int count, bool anyPresent)
    {
        var alleles = record.Alts.Count + 1;
        if (count == alleles) return record.Ad.AsSpan(sample * alleles, alleles);
        if (_depthsPerAllele && anyPresent)
            _faults.Refuse("vcf-format-count", "FORMAT/AD", $"sample {sample + 1} has {count} values, expected one for each of {alleles} alleles");
        _faults.Warn("vcf-format-count", "FORMAT/AD", $"sample {sample + 1} has {count} values for {alleles} alleles; they are not used");
        return default;
    }

    /// <summary>Refuses a genotype.</summary>
    [DoesNotReturn]
    public void BadGenotype(int sample, string text) => _faults.Refuse("vcf-genotype", "FORMAT/GT", $"sample {sample + 1}: {text}");

    /// <summary>The common case, one number of at most nine digits per allele; false, with nothing written, for all else.</summary>
    private static bool TryShortDepths(ReadOnlySpan<byte> value, Span<int> into)
    {
        const int leastTenDigits = 1_000_000_000;
        var (allele, number, digits) = (0, 0, 0);
        foreach (var b in value)
        {
            if (b is >= (byte)'0' and <= (byte)'9' && number < leastTenDigits / 10) (number, digits) = (number * 10 + b - '0', digits + 1);
            else if (b == ',' && digits > 0 && allele < into.Length - 1) (into[allele++], number, digits) = (number, 0, 0);
            else
            {
                into.Fill(VcfRecord.MissingInt);
                return false;
            }
        }
        if (digits > 0 && allele == into.Length - 1)
        {
            into[allele] = number;
            return true;
        }
        into.Fill(VcfRecord.MissingInt);
        return false;
    }

    private static int[] Column(VcfRecord record, FormatFields field, int[] before, long length)
    {
        if (!record.Fields.HasFlag(field)) return before;
        var column = before.Length >= length ? before : new int[length];
        column.AsSpan(0, (int)length).Fill(VcfRecord.MissingInt);
        return column;
    }
}
