using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>
/// SPDI (Holmes 2020): <c>sequence:position:deletion:insertion</c>, position 0-based between bases, the deletion as bases or as their
/// number, both may be empty. The sequence is a versioned accession, which is also what tells it from 1-based spellings. Any thread.
/// </summary>
public static class Spdi
{
    /// <summary>
    /// The SPDI of a variant: contextual (spelled over all bases where it may stand) with a reference, else as REF and ALT are.
    /// </summary>
    /// <returns>Null when the assembly knows no accession for the contig.</returns>
    public static string? Format(Variant variant, Assembly assembly, ReferenceGenome? reference)
    {
        if (assembly.Accession(variant.Contig) is not { } accession) return null;
        if (reference is null || !reference.Has(variant.Contig)) return FormattableString.Invariant($"{accession}:{variant.Start}:{variant.Ref}:{variant.Alt}");
        var allele = JustifiedAllele.Of(variant, reference);
        var (deleted, inserted) = allele.Wide();
        return FormattableString.Invariant($"{accession}:{allele.WideStart}:{deleted}:{inserted}");
    }

    /// <summary>Four fields of which the first looks like a versioned accession.</summary>
    internal static bool IsSpdi(string text)
    {
        var fields = text.Split(':');
        return fields.Length == 4 && fields[0] is [>= 'A' and <= 'Z' or >= 'a' and <= 'z', >= 'A' and <= 'Z' or >= 'a' and <= 'z', '_', >= '0' and <= '9', ..];
    }

    internal static Variant Parse(string text, VariantContext context)
    {
        var fields = text.Split(':');
        var contig = context.Contig(fields[0]);
        if (!int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var start))
            throw VariantContext.Bad("variant-spdi", $"the position of an SPDI is a number from 0, found {VariantContext.Quote(fields[1])}");
        var deleted = Bases(fields[2]);
        if (int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            context.RequireInside(contig, start, (long)start + count);
            deleted = count == 0 ? "" : context.ReferenceBases(contig, start, start + count);
        }
        if (deleted is null) throw VariantContext.Bad("variant-spdi", $"the deletion of an SPDI is bases or their number, found {VariantContext.Quote(fields[2])}");
        if (Bases(fields[3]) is not { } inserted) throw VariantContext.Bad("variant-spdi", $"the insertion of an SPDI is bases, found {VariantContext.Quote(fields[3])}");
        return context.FromEdit(contig, start, deleted, inserted);
    }

    private static string? Bases(string text) =>
        text.Length == 0 || AlleleKinds.Classify(Encoding.UTF8.GetBytes(text)) == AlleleKind.Bases ? text.ToUpperInvariant() : null;
}
