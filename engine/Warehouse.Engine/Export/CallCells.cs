using System.Globalization;
using System.Text;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>Puts calls into the genotype columns of a record.</summary>
internal static class CallCells
{
    /// <summary>A call of these alleles, -1 = <c>.</c>.</summary>
    public static void Set(VcfRecord record, int slot, ReadOnlySpan<int> alleles, bool phased)
    {
        if (alleles.Length is 1 or 2 && alleles[0] <= VcfRecord.MaxRegularAllele && alleles[^1] <= VcfRecord.MaxRegularAllele)
        {
            record.First[slot] = (byte)(alleles[0] + 1);
            record.Second[slot] = alleles.Length == 1 ? VcfRecord.NoAllele : (byte)(alleles[1] + 1);
            record.Phased[slot] = phased && alleles.Length == 2 ? (byte)1 : (byte)0;
            return;
        }
        var text = new StringBuilder();
        foreach (var allele in alleles)
        {
            if (text.Length > 0) text.Append(phased ? '|' : '/');
            text.Append(allele < 0 ? "." : allele.ToString(CultureInfo.InvariantCulture));
        }
        SetIrregular(record, slot, alleles.ToArray(), text.ToString());
    }

    /// <summary>A call as a file wrote it, but for a phase character before the first allele, which the version written does not have.</summary>
    public static void SetText(VcfRecord record, int slot, string written)
    {
        var text = written.TrimStart('/', '|');
        var alleles = CallText.Parse(text);
        if (alleles.Length <= 2) Set(record, slot, alleles, text.Contains('|', StringComparison.Ordinal));
        else SetIrregular(record, slot, alleles, text);
    }

    /// <summary>A GT text with other allele numbers and the same separators.</summary>
    public static string Renumber(string text, Func<int, int> number)
    {
        var renumbered = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var digits = text.AsSpan(at).IndexOfAnyExceptInRange('0', '9') is >= 0 and var end ? end : text.Length - at;
            if (digits == 0) renumbered.Append(text[at++]);
            else
            {
                var allele = number(int.Parse(text.AsSpan(at, digits), NumberStyles.None, CultureInfo.InvariantCulture));
                renumbered.Append(allele < 0 ? "." : allele.ToString(CultureInfo.InvariantCulture));
                at += digits;
            }
        }
        return renumbered.ToString();
    }

    private static void SetIrregular(VcfRecord record, int slot, int[] alleles, string text)
    {
        (record.First[slot], record.Second[slot], record.Phased[slot]) = (VcfRecord.IrregularMark, 0, 0);
        record.Irregular.Add(new IrregularCall(slot, alleles, text));
    }
}
