using System.Buffers.Binary;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// Texts with a number each, from 0, in the order in which they came. Equal ones have one number, unless nearly all of the first ones differ, as
/// identifiers do: then none is looked up any more, since that costs more than it saves. One thread.
/// </summary>
internal sealed class TextPool
{
    private const int Tried = 2048;
    private int _asked;
    private bool _looksUp = true;
    private byte[] _bytes = new byte[1 << 12];
    private int[] _ends = new int[256];
    private int[] _slots = NewSlots(1024);
    private int _count;

    /// <summary>Number of texts.</summary>
    public int Count => _count;

    /// <summary>Bytes of all of them.</summary>
    public int Bytes => _count == 0 ? 0 : _ends[_count - 1];

    /// <summary>The text of a number.</summary>
    public ReadOnlySpan<byte> this[int number]
    {
        get
        {
            var from = number == 0 ? 0 : _ends[number - 1];
            return _bytes.AsSpan(from, _ends[number] - from);
        }
    }

    /// <summary>The number of a text, which is taken in if it is new.</summary>
    public int Of(ReadOnlySpan<byte> text)
    {
        if (!_looksUp)
        {
            Append(text);
            return _count - 1;
        }
        if (++_asked == Tried && _count > Tried * 3 / 4) _looksUp = false;
        var mask = _slots.Length - 1;
        var at = (int)Hash(text) & mask;
        for (; _slots[at] >= 0; at = (at + 1) & mask)
            if (this[_slots[at]].SequenceEqual(text)) return _slots[at];
        _slots[at] = _count;
        Append(text);
        if (_count * 2 > _slots.Length) Rehash();
        return _count - 1;
    }

    /// <summary>Forgets all, keeps the memory.</summary>
    public void Clear()
    {
        Array.Fill(_slots, -1);
        (_count, _asked, _looksUp) = (0, 0, true);
    }

    private static int[] NewSlots(int count)
    {
        var slots = new int[count];
        Array.Fill(slots, -1);
        return slots;
    }

    private void Append(ReadOnlySpan<byte> text)
    {
        var used = Bytes;
        if (_bytes.Length - used < text.Length) Array.Resize(ref _bytes, Math.Max(checked(used + text.Length), (int)Math.Min(2L * _bytes.Length, Array.MaxLength)));
        text.CopyTo(_bytes.AsSpan(used));
        if (_count == _ends.Length) Array.Resize(ref _ends, 2 * _count);
        _ends[_count++] = used + text.Length;
    }

    private void Rehash()
    {
        _slots = NewSlots(_slots.Length * 2);
        var mask = _slots.Length - 1;
        for (var i = 0; i < _count; i++)
        {
            var at = (int)Hash(this[i]) & mask;
            while (_slots[at] >= 0) at = (at + 1) & mask;
            _slots[at] = i;
        }
    }

    /// <summary>Eight bytes at a time; input that collides on purpose costs time of its own load alone.</summary>
    private static uint Hash(ReadOnlySpan<byte> text)
    {
        var hash = 0x9E3779B97F4A7C15UL ^ (ulong)text.Length;
        if (text.Length >= 8)
        {
            var last = BinaryPrimitives.ReadUInt64LittleEndian(text[^8..]);
            for (; text.Length > 8; text = text[8..]) hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(text));
            return (uint)(Mix(hash ^ last) >> 32);
        }
        var rest = 0UL;
        foreach (var b in text) rest = (rest << 8) | b;
        return (uint)(Mix(hash ^ rest) >> 32);
    }

    private static ulong Mix(ulong value) => ulong.RotateLeft(value * 0xD6E8FEB86659FD93UL, 29) * 0x9E3779B97F4A7C15UL;
}
