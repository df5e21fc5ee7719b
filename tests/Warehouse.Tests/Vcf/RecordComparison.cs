using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;

namespace Warehouse.Tests.Vcf;

/// <summary>Compares what two readers make of the same data.</summary>
internal static class RecordComparison
{
    /// <summary>Reads both to their ends or first refusals, which must come at the same record; gives the first difference, or null.</summary>
    public static string? FirstDifference(VariantReader left, VariantReader right)
    {
        var (a, b) = (new VcfRecord(), new VcfRecord());
        while (true)
        {
            var (more, fault) = Try(left, a);
            var (otherMore, otherFault) = Try(right, b);
            if (fault is null != otherFault is null || more != otherMore) return $"record {left.RecordCount}: {more} {fault} but {otherMore} {otherFault}";
            if (!more) return null;
            if (Difference(a, left.Header, b, right.Header) is { } difference) return $"record {left.RecordCount}: {difference}";
        }
    }

    /// <summary>The first difference of two records, or null. QUAL to the six digits that bcftools prints.</summary>
    public static string? Difference(VcfRecord a, VcfHeader ofA, VcfRecord b, VcfHeader ofB)
    {
        if (ofA.Contigs[a.ContigIndex].Name != ofB.Contigs[b.ContigIndex].Name) return "CHROM";
        if (a.Start != b.Start) return $"POS {a.Start} {b.Start}";
        if (!Same(a.Id, b.Id)) return "ID";
        if (!Same(a.Ref, b.Ref)) return "REF";
        if (a.Alts.Count != b.Alts.Count || a.Alts.Zip(b.Alts).Any(p => !Same(p.First, p.Second))) return "ALT";
        if (!(float.IsNaN(a.Qual) && float.IsNaN(b.Qual)) && !a.Qual.Equals(b.Qual) && !(Math.Abs(a.Qual - b.Qual) <= 1e-5 * Math.Abs(a.Qual))) return $"QUAL {a.Qual} {b.Qual}";
        if (!Same(a.Filter, b.Filter) || a.Passes != b.Passes) return $"FILTER {Text(a.Filter)} {Text(b.Filter)}";
        if (a.InfoEnd != b.InfoEnd) return $"END {a.InfoEnd} {b.InfoEnd}";
        if (!a.SvLen.SequenceEqual(b.SvLen) || !Same(a.SvType, b.SvType) || a.CiPos != b.CiPos || a.CiEnd != b.CiEnd) return "SVLEN, SVTYPE, CIPOS or CIEND";
        return Samples(a, b);
    }

    private static string? Samples(VcfRecord a, VcfRecord b)
    {
        if (a.SampleCount != b.SampleCount || a.HasGt != b.HasGt) return $"samples {a.SampleCount} {a.HasGt} {b.SampleCount} {b.HasGt}";
        if (a.Fields != b.Fields) return $"fields {a.Fields} {b.Fields}";
        if (a.SampleCount == 0) return null;
        var irregular = a.Irregular.Select(c => $"{c.Sample} {string.Join(' ', c.Alleles)} {c.Text}");
        var other = b.Irregular.Select(c => $"{c.Sample} {string.Join(' ', c.Alleles)} {c.Text}");
        if (!irregular.SequenceEqual(other)) return $"irregular {string.Join(", ", irregular.Except(other).Take(3))} but {string.Join(", ", other.Except(irregular).Take(3))}";
        if (!a.First.AsSpan().SequenceEqual(b.First) || !a.Second.AsSpan().SequenceEqual(b.Second) || !a.Phased.AsSpan().SequenceEqual(b.Phased)) return "genotypes";
        return Integers(a, b);
    }

    private static string? Integers(VcfRecord a, VcfRecord b)
    {
        foreach (var (field, left, right) in new[]
        {
            (FormatFields.Gq, a.Gq, b.Gq), (FormatFields.Dp, a.Dp, b.Dp), (FormatFields.MinDp, a.MinDp, b.MinDp),
            (FormatFields.Rgq, a.Rgq, b.Rgq), (FormatFields.Len, a.Len, b.Len), (FormatFields.Ad, a.Ad, b.Ad),
        })
        {
            var count = a.SampleCount * (field == FormatFields.Ad ? 1 + a.Alts.Count : 1);
            if (a.Fields.HasFlag(field) && !left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count))) return field.ToString();
        }
        return null;
    }

    private static (bool More, string? Fault) Try(VariantReader reader, VcfRecord record)
    {
        try
        {
            return (reader.Read(record), null);
        }
        catch (InputException e)
        {
            return (false, e.Message);
        }
    }

    private static bool Same(ReadOnlyMemory<byte> a, ReadOnlyMemory<byte> b) => a.Span.SequenceEqual(b.Span);

    private static string Text(ReadOnlyMemory<byte> text) => Encoding.UTF8.GetString(text.Span);
}
