namespace Warehouse.Engine.Segments;

/// <summary>
/// Sortable 64-bit keys of base alleles: start + 1 in the upper half, below it 32 bits of REF and ALT. With at most 11 bases of ACGT
/// together those are lossless: 4 bits length of REF, 4 bits length of ALT, 22 bits bases. Else the top bit is set and the rest is a hash:
/// equal keys may be different alleles, whose texts must be compared.
/// </summary>
internal static class AlleleCode
{
    /// <summary>In a key whose lower half is a hash.</summary>
    public const ulong Hashed = 0x80000000;

    private const int MostBases = 11;

    /// <summary>Two bits per base of ACGT; 0xFF for every other byte.</summary>
    private static ReadOnlySpan<byte> Bits => BitsOfBases;

    private static readonly byte[] BitsOfBases = MakeBits();

    /// <summary>The key of an allele; bases are upper case.</summary>
    /// <param name="start">0-based, -1 for the telomere.</param>
    /// <param name="reference">REF, at least one base.</param>
    /// <param name="alternate">ALT, at least one base.</param>
    public static ulong KeyOf(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var place = (ulong)(uint)(start + 1) << 32;
        if (reference.Length == 1 && alternate.Length == 1 && (Bits[reference[0]] | Bits[alternate[0]]) < 4) return place | OfSnv(Bits[reference[0]], Bits[alternate[0]]);
        if (reference.Length + alternate.Length > MostBases) return place | Hash(reference, alternate);
        var bases = 0u;
        foreach (var b in reference)
        {
            if (Bits[b] > 3) return place | Hash(reference, alternate);
            bases = (bases << 2) | Bits[b];
        }
        foreach (var b in alternate)
        {
            if (Bits[b] > 3) return place | Hash(reference, alternate);
            bases = (bases << 2) | Bits[b];
        }
        return place | ((uint)reference.Length << 26) | ((uint)alternate.Length << 22) | bases;
    }

    /// <summary>The lower half for one base in place of another, or 0 when one of them is not of ACGT.</summary>
    public static uint OfBases(byte reference, byte alternate)
    {
        var (from, to) = (Bits[reference], Bits[alternate]);
        return (from | to) < 4 ? OfSnv(from, to) : 0;
    }

    private static uint OfSnv(byte reference, byte alternate) => (1u << 26) | (1u << 22) | ((uint)reference << 2) | alternate;

    private static uint Hash(ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in reference) hash = (hash ^ b) * 1099511628211UL;
        hash *= 1099511628211UL;
        foreach (var b in alternate) hash = (hash ^ b) * 1099511628211UL;
        return (uint)(hash ^ (hash >> 32)) | (uint)Hashed;
    }

    private static byte[] MakeBits()
    {
        var bits = new byte[256];
        bits.AsSpan().Fill(0xFF);
        for (var i = 0; i < 4; i++) bits["ACGT"[i]] = (byte)i;
        return bits;
    }
}
