using System.Globalization;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Segments;

/// <summary>GT as text, for the calls that the set columns do not hold.</summary>
internal static class CallText
{
    /// <summary>Writes the call of the byte columns as GT text.</summary>
    public static string Of(VcfRecord record, int sample)
    {
        var (first, second) = (record.First[sample], record.Second[sample]);
        if (second == VcfRecord.NoAllele) return Allele(first);
        return Allele(first) + (record.Phased[sample] == 1 ? "|" : "/") + Allele(second);
    }

    /// <summary>Allele indices of a GT text, -1 for <c>.</c>; a leading phase character is skipped.</summary>
    /// <exception cref="InvalidDataException">Not a GT.</exception>
    public static int[] Parse(string text)
    {
        var alleles = new List<int>();
        foreach (var part in text.TrimStart('/', '|').Split('/', '|'))
        {
            if (part == ".") alleles.Add(-1);
            else if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var allele)) alleles.Add(allele);
            else throw new InvalidDataException("a stored call is not a genotype");
        }
        return [.. alleles];
    }

    public static bool CarriesAlt(string text) => text.AsSpan().IndexOfAnyInRange('1', '9') >= 0;

    private static string Allele(byte code) => code == 0 ? "." : (code - 1).ToString(CultureInfo.InvariantCulture);
}
