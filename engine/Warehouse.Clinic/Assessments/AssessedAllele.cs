using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.Assessments;

/// <summary>
/// A base allele as the store's normaliser spells it, on the store's assembly; the contig by its canonical name, since how a store spells it depends on who asks. Taken from an answer of a session (<see cref="Of(SeenAnswer, Assembly)"/>), so that an assessment
/// is found by whatever spelling it is asked for; <see cref="Parse"/> reads what was written before.
/// </summary>
/// <param name="Contig">Contig.</param>
/// <param name="Start">0-based.</param>
/// <param name="Ref">REF.</param>
/// <param name="Alt">ALT.</param>
public sealed record AssessedAllele(string Contig, int Start, string Ref, string Alt) : IComparable<AssessedAllele>
{
    /// <summary>Longest REF or ALT.</summary>
    public const int MaxBases = 10_000;

    /// <summary>The allele that a session has understood.</summary>
    /// <param name="resolved">Its answer.</param>
    /// <param name="assembly">The store's.</param>
    /// <exception cref="InputException">It could not be interpreted, or is symbolic: rule <c>assess-variant</c>.</exception>
    /// <exception cref="InvalidDataException">What it means could be in a part of the store that is damaged.</exception>
    public static AssessedAllele Of(SeenAnswer resolved, Assembly assembly) =>
        TryOf(resolved, assembly) ?? throw (resolved is { Contig: null, Damage: { } damage } ? new InvalidDataException(damage) : Bad(resolved.Contig is null ? resolved.Reason ?? "the variant cannot be interpreted" : "an assessment is of a base allele, not of a symbolic one"));

    /// <summary>The same; null for what could not be interpreted and for symbolic alleles, which no assessment is of.</summary>
    public static AssessedAllele? TryOf(SeenAnswer resolved, Assembly assembly) =>
        resolved is { Contig: { } contig, End: < 0 } ? Check(new AssessedAllele(assembly.CanonicalContig(contig), resolved.Start, resolved.Ref, resolved.Alt)) : null;

    /// <summary>Reads <see cref="ToString"/>.</summary>
    /// <exception cref="InputException">It is not written so: rule <c>assess-variant</c>.</exception>
    public static AssessedAllele Parse(string text)
    {
        var parts = text.Split('-');
        if (parts.Length < 4 || !int.TryParse(parts[^3], NumberStyles.None, CultureInfo.InvariantCulture, out var position) || position < 1) throw Bad("a variant is written CONTIG-POS-REF-ALT here");
        return Check(new AssessedAllele(string.Join('-', parts[..^3]), position - 1, parts[^2], parts[^1]));
    }

    /// <inheritdoc/>
    public int CompareTo(AssessedAllele? other)
    {
        if (other is null) return 1;
        var order = ContigRank(Contig).CompareTo(ContigRank(other.Contig));
        if (order == 0) order = string.CompareOrdinal(Contig, other.Contig);
        if (order == 0) order = Start.CompareTo(other.Start);
        if (order == 0) order = string.CompareOrdinal(Ref, other.Ref);
        return order == 0 ? string.CompareOrdinal(Alt, other.Alt) : order;
    }

    /// <summary>Contig, 1-based position, REF and ALT with dashes between.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Contig}-{Start + 1L}-{Ref}-{Alt}");

    private static int ContigRank(string contig)
    {
        var name = contig.StartsWith("chr", StringComparison.Ordinal) ? contig[3..] : contig;
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        return name switch { "X" => 1000, "Y" => 1001, "MT" or "M" => 1002, _ => 1003 };
    }

    private static AssessedAllele Check(AssessedAllele allele)
    {
        if (allele.Contig.Length is 0 or > 200 || allele.Contig.Any(c => c is <= ' ' or > '~')) throw Bad("its contig has no name that can be stored");
        foreach (var bases in (string[])[allele.Ref, allele.Alt])
            if (bases.Length is 0 or > MaxBases || bases.Any(b => b is not ('A' or 'C' or 'G' or 'T' or 'N'))) throw Bad("REF and ALT are 1 to 10,000 of A, C, G, T and N");
        return allele;
    }

    private static InputException Bad(string text) => new("assess-variant", text, InputPlace.None);
}
