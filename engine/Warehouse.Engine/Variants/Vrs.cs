using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>
/// Computed identifiers of GA4GH VRS 2.0: fully justified alleles, serialised as sorted JSON of the digest keys only, SHA-512 cut to
/// 24 bytes. VRS 1.3 identifiers of the same allele differ. Any thread.
/// </summary>
public static class Vrs
{
    /// <summary>What stands before the digest of an allele identifier.</summary>
    public const string AllelePrefix = "ga4gh:VA.";

    /// <summary>Characters of a digest.</summary>
    public const int DigestCharacters = 32;

    private const int DigestBytes = 24;

    /// <summary>The identifier of a variant, such as <c>ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt</c>. The first call for a contig reads it whole for its digest.</summary>
    /// <returns>Null when the reference lacks the contig.</returns>
    public static string? AlleleId(Variant variant, ReferenceGenome reference) => !reference.Has(variant.Contig) ? null
        : AllelePrefix + AlleleDigest(reference.RefgetAccession(variant.Contig), JustifiedAllele.Of(variant, reference));

    /// <summary>sha512t24u: the first 24 bytes of the SHA-512, base64url without padding, 32 characters.</summary>
    public static string Digest(ReadOnlySpan<byte> bytes) => Truncate(SHA512.HashData(bytes));

    /// <summary>The text of a SHA-512 that is computed already.</summary>
    internal static string Truncate(ReadOnlySpan<byte> sha512) => Base64Url.EncodeToString(sha512[..DigestBytes]);

    internal static string AlleleDigest(string refgetAccession, JustifiedAllele allele)
    {
        var location = LocationDigest(refgetAccession, allele.WideStart, allele.WideEnd);
        return Digest(Encoding.UTF8.GetBytes($$"""{"location":"{{location}}","state":{{State(allele)}},"type":"Allele"}"""));
    }

    internal static string LocationDigest(string refgetAccession, int start, int end) => Digest(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $$"""{"end":{{end}},"sequenceReference":{"refgetAccession":"{{refgetAccession}}","type":"SequenceReference"},"start":{{start}},"type":"SequenceLocation"}""")));

    /// <summary>A deletion, and an insertion that repeats what stands there, say only lengths; everything else spells its bases.</summary>
    private static string State(JustifiedAllele allele)
    {
        var wideBases = allele.Alt.Length + allele.Left + allele.Right;
        if (allele.Alt.Length == 0) return Lengths(wideBases, allele.Ref.Length);
        var (reference, alternate) = allele.Wide();
        if (allele.Ref.Length == 0)
            for (var unit = Math.Min(allele.Alt.Length, reference.Length); unit > 0; unit--)
                if (allele.Alt.Length % unit == 0 && Repeats(reference, alternate, unit)) return Lengths(wideBases, unit);
        return $$"""{"sequence":"{{alternate}}","type":"LiteralSequenceExpression"}""";
    }

    /// <summary>True when going on with the last <paramref name="unit"/> bases of the reference stretch gives the alternate one.</summary>
    private static bool Repeats(string reference, string alternate, int unit)
    {
        for (var i = reference.Length; i < alternate.Length; i++)
            if (alternate[i] != reference[reference.Length - unit + (i - reference.Length) % unit]) return false;
        return true;
    }

    private static string Lengths(int lengthBases, int unitBases) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"length":{{lengthBases}},"repeatSubunitLength":{{unitBases}},"type":"ReferenceLengthExpression"}""");
}
