using System.Globalization;

namespace Warehouse.Engine.Vcf;

/// <summary>Checks a value against the Number and Type of its key. Pure.</summary>
internal static class VcfValueLint
{
    private const int LeastUnreserved = int.MinValue + 8;

    /// <summary>What is wrong with a value, or null.</summary>
    /// <param name="value">The value as written, commas and all; null for a key without one.</param>
    /// <param name="definition">Number and Type.</param>
    /// <param name="altCount">ALT alleles.</param>
    /// <param name="ploidy">Alleles of the genotype, for Number=G; 0 when G is not counted.</param>
    public static string? Problem(string? value, VcfDefinition definition, int altCount, int ploidy)
    {
        if (definition.Type == "Flag") return value is null or "0" or "1" ? null : "a flag with a value";
        if (value is null) return definition.Number is "0" or "" ? null : "a key without its value";
        if (value == ".") return null;
        var items = value.Split(',');
        if (Expected(definition.Number, altCount, ploidy) is { } expected && expected != items.Length) return $"{items.Length} values, expected {expected}";
        return items.Any(i => i != "." && !IsOfType(i, definition.Type)) ? $"a value that is no {definition.Type}" : null;
    }

    private static bool IsOfType(string item, string type) => type switch
    {
        "Integer" => int.TryParse(item, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) && whole >= LeastUnreserved,
        "Float" => VcfText.TryFloat(System.Text.Encoding.UTF8.GetBytes(item), out _) || IsTinyFloat(item),
        "Character" => item.Length == 1 || (item.Length == 3 && item[0] == '%'),
        _ => true,
    };

    private static bool IsTinyFloat(string item) =>
        double.TryParse(item, NumberStyles.Float, CultureInfo.InvariantCulture, out var wide) && Math.Abs(wide) < 1;

    private static long? Expected(string number, int altCount, int ploidy)
    {
        if (altCount == 0 && number is ("A" or "R" or "G")) return null;
        if (number == "A") return altCount;
        if (number == "R") return altCount + 1;
        if (number == "G") return ploidy == 0 ? null : Genotypes(altCount + 1, ploidy);
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var fixedCount) ? fixedCount : null;
    }

    /// <summary>Multisets of so many alleles: (alleles + ploidy - 1) over ploidy, or null above any count of values.</summary>
    private static long? Genotypes(int alleles, int ploidy)
    {
        long count = 1;
        for (var k = 1; k <= ploidy; k++)
        {
            count = count * (alleles + k - 1) / k;
            if (count > int.MaxValue) return null;
        }
        return count;
    }
}
