using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Primitives;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// The last line of defence: knows the names of a store's samples, and blanks them out of any text that leaves. It takes capitals and small
/// letters (ASCII) for the same. It holds hashes, not names, 16 to 32 bytes each, so a text that merely hashes alike is blanked
/// too (one in 2^40 or so). A name of fewer than five characters is found between characters that are neither letters nor digits only: else every number
/// would be one. Reading never waits: <see cref="Learn"/> puts a new table in the place of the old one. Any thread.
/// </summary>
public sealed class Scrubber
{
    /// <summary>Names that it takes, so its memory has a bound (I11): at most 64 MiB.</summary>
    public const int MostNames = 1 << 22;

    /// <summary>Names longer than this are found by their first so many characters.</summary>
    public const int MostCharacters = 64;

    private const int ShortName = 5, LeastTable = 16;

    // Of this process alone, odd: what hashes alike cannot be prepared.
    private static readonly ulong Base = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    private readonly Lock _gate = new();
    private volatile Table _table = new([], 0, 0);

    /// <summary>Names that it knows.</summary>
    public int Count => _table.Count;

    /// <summary>Bytes that it holds.</summary>
    public long HeldBytes => (long)_table.Slots.Length * sizeof(ulong);

    /// <summary>Learns names; those of withdrawn samples stay known, they are protected still.</summary>
    /// <exception cref="InvalidOperationException">More than <see cref="MostNames"/> names: the server must not go on with a scrubber that knows some of them.</exception>
    public void Learn(IEnumerable<Phi<string>> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        lock (_gate)
        {
            var (slots, lengths, count) = (_table.Slots, _table.Lengths, _table.Count);
            var isOwn = false; // until then it is what others read
            foreach (var name in names)
            {
                var text = name.Reveal(); // hashed, and kept nowhere
                if (text.Length == 0) continue;
                var length = Math.Min(text.Length, MostCharacters);
                var hash = Hash(text.AsSpan(0, length));
                if (Contains(slots, hash)) continue;
                if (count == MostNames) throw new InvalidOperationException("more names than the scrubber takes");
                if (!isOwn || 2 * (count + 1) > slots.Length)
                {
                    slots = Resized(slots, Math.Max(LeastTable, (int)BitOperations.RoundUpToPowerOf2((uint)(2 * (count + 1)))));
                    isOwn = true;
                }
                Add(slots, hash);
                lengths |= 1UL << (length - 1);
                count++;
            }
            if (isOwn) _table = new(slots, lengths, count);
        }
    }

    /// <summary>The text with every name that it knows replaced by <c>***</c>; the same string when there is none.</summary>
    public string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var table = _table;
        if (table.Count == 0 || text.Length == 0) return text;
        bool[]? hidden = null;
        for (var lengths = table.Lengths; lengths != 0; lengths &= lengths - 1)
        {
            var length = BitOperations.TrailingZeroCount(lengths) + 1;
            if (length > text.Length) break;
            foreach (var start in Occurrences(table, text, length)) (hidden ??= new bool[text.Length]).AsSpan(start, length).Fill(true);
        }
        return hidden is null ? text : Blank(text, hidden);
    }

    private static IEnumerable<int> Occurrences(Table table, string text, int length)
    {
        ulong hash = 0, highest = 1;
        for (var i = 1; i < length; i++) highest *= Base;
        for (var i = 0; i < text.Length; i++)
        {
            if (i >= length) hash -= Code(text[i - length]) * highest;
            hash = hash * Base + Code(text[i]);
            var start = i - length + 1;
            if (start >= 0 && Contains(table.Slots, Finish(hash, length)) && (length >= ShortName || IsWord(text, start, length))) yield return start;
        }
    }

    private static bool IsWord(string text, int start, int length) =>
        (start == 0 || !char.IsLetterOrDigit(text[start - 1])) && (start + length == text.Length || !char.IsLetterOrDigit(text[start + length]));

    private static string Blank(string text, bool[] hidden)
    {
        var clean = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (!hidden[i]) clean.Append(text[i]);
            else if (i == 0 || !hidden[i - 1]) clean.Append(Phi.Redacted);
        }
        return clean.ToString();
    }

    private static ulong Hash(ReadOnlySpan<char> text)
    {
        ulong hash = 0;
        foreach (var c in text) hash = hash * Base + Code(c);
        return Finish(hash, text.Length);
    }

    private static ulong Code(char c) => (ulong)(c is >= 'A' and <= 'Z' ? c + 32 : c) + 1;

    // The rolling value's low bits are weak: mixed, and never the mark of an empty slot.
    private static ulong Finish(ulong hash, int length)
    {
        hash = (hash ^ (ulong)length) * 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
        return (hash ^ (hash >> 32)) is 0 ? 1 : hash ^ (hash >> 32);
    }

    private static bool Contains(ulong[] slots, ulong hash)
    {
        if (slots.Length == 0) return false;
        for (var i = hash; ; i++)
        {
            var found = slots[i & (ulong)(slots.Length - 1)];
            if (found == hash) return true;
            if (found == 0) return false;
        }
    }

    private static void Add(ulong[] slots, ulong hash)
    {
        var i = hash;
        while (slots[i & (ulong)(slots.Length - 1)] != 0) i++;
        slots[i & (ulong)(slots.Length - 1)] = hash;
    }

    private static ulong[] Resized(ulong[] slots, int length)
    {
        var grown = new ulong[Math.Max(length, slots.Length)];
        foreach (var hash in slots)
            if (hash != 0) Add(grown, hash);
        return grown;
    }

    /// <summary>Hashes, open addressing, at most half full; lengths that occur, one bit each; names.</summary>
    private sealed record Table(ulong[] Slots, ulong Lengths, int Count);
}
