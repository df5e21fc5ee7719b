using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Warehouse.Engine.Simulate;

namespace Warehouse.Simulation.Fuzz;

/// <summary>
/// Makes a damaged input of a sound one: flips, inserts, deletes, copies and swaps of chunks, lines twice or gone, cuts, numbers at their
/// limits in text and in binary, splices of two inputs, words of the format. Everything follows from the draws given. One thread.
/// </summary>
internal sealed class Mutator
{
    /// <summary>Longest input that is made.</summary>
    public const int MaxBytes = 32 << 10;

    private const int MostChanges = 6;

    private static readonly long[] Limits =
    [
        0, 1, -1, 2, 7, 8, 15, 16, 17, 127, 128, 129, 249, 250, 255, 256, 1_023, 1_024, 1_025, 4_096, 8_192, 32_767, 32_768, 65_535, 65_536, 65_537, 1 << 20, (1 << 24) + 1,
        int.MaxValue - 1, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, long.MaxValue, long.MinValue, 1_000_000_007, 99_999_999_999,
    ];

    private static readonly string[] NumberTexts = ["", "-", "+5", "1e9", "0x10", "1.5", "NaN", "-Inf", "1e400", "00000000000000000000001", "9223372036854775808", "18446744073709551616", "340282366920938463463374607431768211456", " 1", "1_000", "."];

    private static readonly byte[] Marks = [0, 9, 10, 13, 0x1A, 0x1B, 0x1F, 0x20, 0x22, 0x2C, 0x2E, 0x2F, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x5B, 0x5C, 0x5D, 0x7C, 0x7F, 0x80, 0x85, 0xC0, 0xEF, 0xFE, 0xFF];

    private readonly byte[] _bytes = new byte[MaxBytes];
    private readonly byte[] _spare = new byte[MaxBytes];
    private int _length;

    /// <summary>One input.</summary>
    /// <param name="random">The draws.</param>
    /// <param name="seeds">Sound inputs.</param>
    /// <param name="words">Words of the format.</param>
    public byte[] Make(Prng random, IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> words)
    {
        var from = seeds[random.Below(seeds.Count)];
        return Change(random, from, seeds, words);
    }

    /// <summary>The same of a given input.</summary>
    public byte[] Change(Prng random, ReadOnlySpan<byte> from, IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> words)
    {
        _length = Math.Min(from.Length, MaxBytes);
        from[.._length].CopyTo(_bytes);
        var changes = 1;
        while (changes < MostChanges && random.Below(2) == 0) changes++;
        for (; changes > 0; changes--) ChangeOnce(random, seeds, words);
        return _bytes.AsSpan(0, _length).ToArray();
    }

    private void ChangeOnce(Prng random, IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> words)
    {
        var at = random.Below(_length + 1);
        switch (random.Below(18))
        {
            case 0 or 1: Set(at, (byte)(_bytes[Math.Min(at, MaxBytes - 1)] ^ (1 << random.Below(8)))); break;
            case 2: Set(at, Marks[random.Below(Marks.Length)]); break;
            case 3: Set(at, (byte)random.Next()); break;
            case 4: Insert(at, [Marks[random.Below(Marks.Length)]]); break;
            case 5: Insert(at, Bytes(random, 1 + random.Below(4))); break;
            case 6: Delete(at, 1 + random.Below(4)); break;
            case 7: Delete(at, 1 + random.Below(64)); break;
            case 8: Insert(at, Chunk(random, 64)); break;
            case 9: Overwrite(at, Chunk(random, 64)); break;
            case 10: Repeat(at, random); break;
            case 11: _length = random.Below(4) == 0 ? at : _length; break;
            case 12 or 13: ChangeNumberText(at, random); break;
            case 14: Overwrite(at, Number(random)); break;
            case 15: Splice(random, seeds[random.Below(seeds.Count)]); break;
            case 16 when words.Count > 0: Insert(at, words[random.Below(words.Count)]); break;
            case 17 when words.Count > 0: Overwrite(at, words[random.Below(words.Count)]); break;
            default: ChangeLines(at, random); break;
        }
    }

    private void Set(int at, byte value)
    {
        if (at < _length) _bytes[at] = value;
    }

    private void Insert(int at, ReadOnlySpan<byte> piece)
    {
        if (_length + piece.Length > MaxBytes) return;
        // The piece may be a part of the input itself, which moves.
        piece.CopyTo(_spare);
        _bytes.AsSpan(at, _length - at).CopyTo(_bytes.AsSpan(at + piece.Length));
        _spare.AsSpan(0, piece.Length).CopyTo(_bytes.AsSpan(at));
        _length += piece.Length;
    }

    private void Overwrite(int at, ReadOnlySpan<byte> piece) => piece[..Math.Min(piece.Length, _length - at)].CopyTo(_bytes.AsSpan(at));

    private void Delete(int at, int count)
    {
        count = Math.Min(count, _length - at);
        _bytes.AsSpan(at + count, _length - at - count).CopyTo(_bytes.AsSpan(at));
        _length -= count;
    }

    private ReadOnlySpan<byte> Chunk(Prng random, int most)
    {
        if (_length == 0) return [];
        var start = random.Below(_length);
        return _bytes.AsSpan(start, Math.Min(1 + random.Below(most), _length - start));
    }

    /// <summary>A short piece many times over: long fields, deep nesting, many items.</summary>
    private void Repeat(int at, Prng random)
    {
        var piece = Chunk(random, 8).ToArray();
        for (var times = 1 << random.Below(9); times > 0; times--) Insert(at, piece);
    }

    private static byte[] Bytes(Prng random, int count)
    {
        var bytes = new byte[count];
        for (var i = 0; i < count; i++) bytes[i] = (byte)random.Next();
        return bytes;
    }

    /// <summary>A limit, or a neighbour of one, in one to eight bytes of either order.</summary>
    private static byte[] Number(Prng random)
    {
        var value = Limits[random.Below(Limits.Length)];
        var bytes = new byte[8];
        var width = 1 << random.Below(4);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (random.Below(4) == 0) Array.Reverse(bytes, 0, width);
        return bytes[..width];
    }

    /// <summary>Puts another number in place of the digits that follow.</summary>
    private void ChangeNumberText(int at, Prng random)
    {
        var digit = _bytes.AsSpan(at, _length - at).IndexOfAnyInRange((byte)'0', (byte)'9');
        if (digit < 0) return;
        at += digit;
        var end = at;
        while (end < _length && _bytes[end] is >= (byte)'0' and <= (byte)'9') end++;
        var text = random.Below(3) switch
        {
            0 => NumberTexts[random.Below(NumberTexts.Length)],
            1 when end - at < 18 => (long.Parse(_bytes.AsSpan(at, end - at), CultureInfo.InvariantCulture) + random.Below(5) - 2).ToString(CultureInfo.InvariantCulture),
            _ => Limits[random.Below(Limits.Length)].ToString(CultureInfo.InvariantCulture),
        };
        Delete(at, end - at);
        Insert(at, Encoding.ASCII.GetBytes(text));
    }

    private void Splice(Prng random, byte[] other)
    {
        var (keep, from) = (random.Below(_length + 1), random.Below(other.Length + 1));
        var count = Math.Min(other.Length - from, MaxBytes - keep);
        other.AsSpan(from, count).CopyTo(_bytes.AsSpan(keep));
        _length = keep + count;
    }

    /// <summary>Twice, gone, or before the line before it.</summary>
    private void ChangeLines(int at, Prng random)
    {
        var start = _bytes.AsSpan(0, at).LastIndexOf((byte)'\n') + 1;
        var end = _bytes.AsSpan(at, _length - at).IndexOf((byte)'\n');
        end = end < 0 ? _length : at + end + 1;
        switch (random.Below(3))
        {
            case 0: Insert(start, _bytes.AsSpan(start, end - start)); break;
            case 1: Delete(start, end - start); break;
            default:
                var line = _bytes.AsSpan(start, end - start).ToArray();
                Delete(start, line.Length);
                Insert(start == 0 ? 0 : _bytes.AsSpan(0, start - 1).LastIndexOf((byte)'\n') + 1, line);
                break;
        }
    }
}
