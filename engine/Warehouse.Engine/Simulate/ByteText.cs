using System.Buffers.Text;

namespace Warehouse.Engine.Simulate;

/// <summary>A growing buffer of ASCII text, reused from line to line.</summary>
internal sealed class ByteText
{
    private byte[] _bytes = new byte[4096];
    private int _count;

    /// <summary>What was added since <see cref="Clear"/>.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, _count);

    /// <summary>Bytes so far.</summary>
    public int Count => _count;

    /// <summary>Starts over.</summary>
    public void Clear() => _count = 0;

    /// <summary>Adds one character.</summary>
    public ByteText Add(char c)
    {
        Reserve(1);
        _bytes[_count++] = (byte)c;
        return this;
    }

    /// <summary>Adds text.</summary>
    public ByteText Add(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length);
        text.CopyTo(_bytes.AsSpan(_count));
        _count += text.Length;
        return this;
    }

    /// <summary>Adds ASCII text.</summary>
    public ByteText Add(string text)
    {
        Reserve(text.Length);
        foreach (var c in text) _bytes[_count++] = (byte)c;
        return this;
    }

    /// <summary>Adds a number in decimal.</summary>
    public ByteText Add(long number)
    {
        Reserve(20);
        if (number is >= 0 and < 10) _bytes[_count++] = (byte)('0' + number);
        else
        {
            Utf8Formatter.TryFormat(number, _bytes.AsSpan(_count), out var written);
            _count += written;
        }
        return this;
    }

    private void Reserve(int more)
    {
        if (_count + more > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _count + more));
    }
}
