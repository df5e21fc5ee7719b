using System.Numerics;

namespace Warehouse.Engine.Variants;

/// <summary>
/// The 64-bit VariantKey of a variant, for output only: nothing is stored or looked up by it, because long alleles are hashed into 30 bits
/// and collide, and it has no room for assembly or other contigs. Layout re-implemented from its publication (Asuni and Wilder 2019):
/// <code>
/// bits 63-59  contig: 1 to 22, X 23, Y 24, MT 25, other 0
/// bits 58-31  start, 0-based, 28 bits
/// bits 30-0   REF and ALT, in one of two forms:
///   bit 0 = 0   30-27 length of REF, 26-23 length of ALT, then two bits per base (A 0, C 1, G 2, T 3) of REF and ALT from bit 22 down;
///               at most 11 bases together, only ACGT
///   bit 0 = 1   a hash of both
/// </code>
/// Any thread.
/// </summary>
public readonly record struct VariantKey
{
    /// <summary>Bases of REF and ALT together that fit without hashing.</summary>
    public const int MaxPlainBases = 11;

    private const int MaxAlleleBases = 10;
    private const int MaxStart = (1 << 28) - 1;
    private const string Letters = "ACGT";

    private VariantKey(ulong value) => Value = value;

    /// <summary>The key as a number: sorts by contig and position.</summary>
    public ulong Value { get; }

    /// <summary>True when REF and ALT are hashed and cannot be read back.</summary>
    public bool IsHashed => (Value & 1) == 1;

    /// <summary>The key of a variant; null when its start needs more than 28 bits.</summary>
    public static VariantKey? Of(Variant variant) => variant.Start > MaxStart ? null : Encode(variant.Contig, variant.Start, variant.Ref, variant.Alt);

    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The key of parts as they are: normalise and split before.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The start does not fit 28 bits.</exception>
    internal static VariantKey Encode(string contig, int start, string reference, string alternate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, MaxStart);
        var alleles = TryPlain(reference, alternate, out var plain) ? plain : Hashed(reference, alternate);
        return new VariantKey((ulong)ContigCode(contig) << 59 | (ulong)start << 31 | alleles);
    }

    /// <summary>The parts of a key; REF and ALT are null when they are hashed. The contig is canonical, empty for code 0.</summary>
    internal (string Contig, int Start, string? Ref, string? Alt) Decode()
    {
        var code = (int)(Value >> 59);
        var contig = code is >= 1 and <= 25 ? HumanGenome.Contigs[code - 1] : "";
        var start = (int)(Value >> 31) & MaxStart;
        if (IsHashed) return (contig, start, null, null);
        var (refBases, altBases) = ((int)(Value >> 27) & 15, (int)(Value >> 23) & 15);
        if (refBases + altBases > MaxPlainBases) return (contig, start, null, null);
        Span<char> bases = stackalloc char[refBases + altBases];
        for (var i = 0; i < bases.Length; i++) bases[i] = Letters[(int)(Value >> (21 - 2 * i)) & 3];
        return (contig, start, new string(bases[..refBases]), new string(bases[refBases..]));
    }

    private static int ContigCode(string contig)
    {
        var rank = ContigOrder.Rank(contig);
        return rank <= 25 ? rank : 0;
    }

    private static bool TryPlain(string reference, string alternate, out uint code)
    {
        code = 0;
        if (reference.Length + alternate.Length > MaxPlainBases || reference.Length is 0 or > MaxAlleleBases || alternate.Length is 0 or > MaxAlleleBases) return false;
        code = (uint)reference.Length << 27 | (uint)alternate.Length << 23;
        var shift = 21;
        foreach (var text in (ReadOnlySpan<string>)[reference, alternate])
            foreach (var c in text)
            {
                var letter = Letters.IndexOf(char.ToUpperInvariant(c), StringComparison.Ordinal);
                if (letter < 0) return false;
                code |= (uint)letter << shift;
                shift -= 2;
            }
        return true;
    }

    private static uint Hashed(string reference, string alternate)
    {
        var h = Mix(HashText(alternate), Mix(3, HashText(reference)));
        h ^= h >> 16;
        h *= 0x85ebca6b;
        h ^= h >> 13;
        h *= 0xc2b2ae35;
        h ^= h >> 16;
        return (h >> 1 | 1) & 0x7fffffff;
    }

    private static uint Mix(uint k, uint h)
    {
        k *= 0xcc9e2d51;
        k = BitOperations.RotateRight(k, 17);
        k *= 0x1b873593;
        return BitOperations.RotateRight(h ^ k, 19) * 5 + 0xe6546b64;
    }

    private static uint HashText(string text)
    {
        ReadOnlySpan<int> shifts = [26, 21, 16, 11, 6, 1];
        uint h = 0;
        for (var at = 0; at < text.Length; at += shifts.Length)
        {
            uint pack = 0;
            for (var i = 0; i < shifts.Length && at + i < text.Length; i++)
            {
                var c = text[at + i];
                pack |= (c < 'A' ? 27u : (c | 0x20u) - 96) << shifts[i];
            }
            h = Mix(pack, h);
        }
        return h;
    }
}
