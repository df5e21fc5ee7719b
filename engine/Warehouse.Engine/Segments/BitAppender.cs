using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Segments;

/// <summary>Bits appended one group after the other, least significant first: LEB128 bit count, then bytes. One thread.</summary>
internal sealed class BitAppender
{
    private readonly List<ulong> _words = [];
    private long _count;

    public void Append(ulong bits, int count)
    {
        var used = (int)(_count & 63);
        if (used == 0) _words.Add(bits);
        else
        {
            _words[^1] |= bits << used;
            if (used + count > 64) _words.Add(bits >> (64 - used));
        }
        _count += count;
    }

    public byte[] Finish()
    {
        var to = new ByteWriter((_words.Count * 8) + 10);
        to.Var((ulong)_count);
        foreach (var word in _words) to.Int64((long)word);
        return to.ToArray();
    }

    public void Clear()
    {
        _words.Clear();
        _count = 0;
    }

    /// <exception cref="InvalidDataException">Count and bytes disagree.</exception>
    public static ulong[] Decode(ReadOnlySpan<byte> bytes)
    {
        var from = new ByteReader(bytes);
        var count = from.Var();
        if (count > (ulong)bytes.Length * 8) throw new InvalidDataException("a bit stream claims more bits than it has");
        var words = new ulong[(count + 63) / 64];
        for (var i = 0; i < words.Length; i++) words[i] = (ulong)from.Int64();
        from.End();
        return words;
    }
}
