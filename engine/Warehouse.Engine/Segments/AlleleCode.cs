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

    /// <summary>The bases by their bits 1 and 2. A constant, not a field: code compiled ahead of time pays for each look at a field.</summary>
    private static ReadOnlySpan<byte> Bases => "ACTG"u8;

    /// <summary>The key of an allele; bases are upper case.</summary>
    /// <param name="start">0-based, -1 for the telomere.</param>
    /// <param name="reference">REF, at least one base.</param>
    /// <param name="alternate">ALT, at least one base.</param>
    public static ulong KeyOf(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var place = (ulong)(uint)(start + 1) << 32;
        if (reference.Length == 1 && alternate.Length == 1 && OfBases(reference[0], alternate[0]) is not 0 and var snv) return place | snv;
        if (reference.Length + alternate.Length > MostBases) return place | Hash(reference, alternate);
        var bases = 0u;
        if (!Append(reference, ref bases) || !Append(alternate, ref bases)) return place | Hash(reference, alternate);
        return place | ((uint)reference.Length << 26) | ((uint)alternate.Length << 22) | bases;
    }

    /// <summary>The lower half for one base in place of another, or 0 when one of them is not of ACGT.</summary>
    public static uint OfBases(byte reference, byte alternate)
    {
        uint from = (uint)(reference >> 1) & 3, to = (uint)(alternate >> 1) & 3;
        return Bases[(int)from] == reference && Bases[(int)to] == alternate ? (1u << 26) | (1u << 22) | (from << 2) | to : 0;
    }

    private static bool Append(ReadOnlySpan<byte> text, ref uint bases)
    {
        foreach (var b in text)
        {
            var bits = (uint)(b >> 1) & 3;
            if (Bases[(int)bits] != b) return false;
            bases = (bases << 2) | bits;
        }
        return true;
    }

    private static uint Hash(ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in reference) hash = (hash ^ b) * 1099511628211UL;
        hash *= 1099511628211UL;
        foreach (var b in alternate) hash = (hash ^ b) * 1099511628211UL;
        return (uint)(hash ^ (hash >> 32)) | (uint)Hashed;
    }
}
