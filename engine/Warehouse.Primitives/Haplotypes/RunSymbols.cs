using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>What one byte says of a run: how many extra bits follow for its gap and its length, and what they are added to.</summary>
/// <param name="GapBase">Smallest gap of the class.</param>
/// <param name="LengthBase">Smallest length of the class, less one.</param>
/// <param name="GapBits">Extra bits of the gap.</param>
/// <param name="LengthBits">Extra bits of the length.</param>
internal readonly record struct RunSymbol(ushort GapBase, ushort LengthBase, byte GapBits, byte LengthBits);

/// <summary>
/// A run of carriers is one byte and up to 32 extra bits. The byte holds the class of the gap in front of the run (low four bits) and
/// the class of its length less one (high four bits). The class of a number is its length in bits: 0, 1, 2..3, 4..7 and so on; the
/// extra bits are what lies below its leading bit. Class 15 is everything from 16,384 on, whole, in 16 bits. Both classes together make
/// an alphabet whose Huffman code is close to the entropy; a byte for each was measured 8 % larger on real data.
/// </summary>
internal static class RunSymbols
{
    /// <summary>Numbers from 16,384 on.</summary>
    public const int LastClass = 15;

    /// <summary>Meaning of each byte.</summary>
    public static readonly RunSymbol[] All = [.. Enumerable.Range(0, 256).Select(b => new RunSymbol(Base(b & 15), Base(b >> 4), Bits(b & 15), Bits(b >> 4)))];

    /// <summary>Class of a number 0..65,535.</summary>
    public static int ClassOf(int number) => Math.Min(LastClass, 32 - BitOperations.LeadingZeroCount((uint)number));

    /// <summary>Extra bits of a class.</summary>
    public static byte Bits(int numberClass) => (byte)(numberClass == LastClass ? 16 : Math.Max(0, numberClass - 1));

    private static ushort Base(int numberClass) => (ushort)(numberClass is 0 or LastClass ? 0 : 1 << (numberClass - 1));
}

/// <summary>Bits in order, the first least significant, in a growing array. One thread.</summary>
internal sealed class BitWriter
{
    private ulong[] _words = new ulong[64];

    /// <summary>Bits so far.</summary>
    public long Count { get; private set; }

    /// <summary>The words so far; what lies behind the last bit is zero.</summary>
    public ReadOnlySpan<ulong> Words => _words.AsSpan(0, (int)((Count + 63) / 64));

    /// <summary>Appends the low bits of a word.</summary>
    /// <param name="bits">Zero above <paramref name="count"/>.</param>
    /// <param name="count">0 to 64.</param>
    public void Append(ulong bits, int count)
    {
        var (word, used) = ((int)(Count >> 6), (int)(Count & 63));
        if (word + 2 > _words.Length) Array.Resize(ref _words, _words.Length * 2);
        _words[word] |= bits << used;
        if (used + count > 64) _words[word + 1] = bits >> (64 - used);
        Count += count;
    }

    /// <summary>Appends of each word the bits at the places of its mask, moved together.</summary>
    public void AppendChosen(ReadOnlySpan<ulong> bits, ReadOnlySpan<ulong> masks)
    {
        var (word, used) = ((int)(Count >> 6), (int)(Count & 63));
        if (word + masks.Length + 2 > _words.Length) Array.Resize(ref _words, Math.Max(_words.Length * 2, word + masks.Length + 2));
        var (words, open) = (_words, _words[word]);
        for (var i = 0; i < masks.Length; i++)
        {
            var (chosen, count) = (Extract(bits[i], masks[i]), BitOperations.PopCount(masks[i]));
            open |= chosen << used;
            used += count;
            if (used < 64) continue;
            words[word++] = open;
            used -= 64;
            // What did not fit; none when the word was empty before.
            open = used == 0 ? 0 : chosen >> (count - used);
        }
        words[word] = open;
        Count = (word * 64L) + used;
    }

    private static ulong Extract(ulong bits, ulong mask)
    {
        if (Bmi2.X64.IsSupported) return Bmi2.X64.ParallelBitExtract(bits, mask);
        var (packed, at) = (0UL, 0);
        for (; mask != 0; mask &= mask - 1) packed |= ((bits >> BitOperations.TrailingZeroCount(mask)) & 1) << at++;
        return packed;
    }
}
