using System.Buffers;

namespace Warehouse.Rpc.Wire;

/// <summary>Bytes that grow in rented memory, up to a limit; given back on Dispose. One thread at a time.</summary>
internal sealed class PooledBuffer(int limitBytes = int.MaxValue) : IBufferWriter<byte>, IDisposable
{
    private const int FirstBytes = 256;
    private byte[] _rented = [];
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _rented.AsMemory(0, _length);

    /// <summary>The same, to be changed in place.</summary>
    public Span<byte> WrittenSpan => _rented.AsSpan(0, _length);

    /// <summary>True when more than the limit was written.</summary>
    public bool IsOverLimit => _length > limitBytes;

    public void Advance(int count) => _length = count >= 0 && _length + count <= _rented.Length ? _length + count : throw new ArgumentOutOfRangeException(nameof(count));

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _rented.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _rented.AsSpan(_length);
    }

    /// <summary>Reads a stream to its end, or until more than the limit is there.</summary>
    public void Fill(Stream stream)
    {
        while (!IsOverLimit)
        {
            var read = stream.Read(GetSpan());
            if (read == 0) return;
            Advance(read);
        }
    }

    /// <summary>Empty again; the memory is kept.</summary>
    public void Clear() => _length = 0;

    public void Dispose()
    {
        if (_rented.Length > 0) ArrayPool<byte>.Shared.Return(_rented);
        (_rented, _length) = ([], 0);
    }

    private void Grow(int sizeHint)
    {
        var needed = (long)_length + Math.Max(1, sizeHint);
        if (needed <= _rented.Length) return;
        var grown = ArrayPool<byte>.Shared.Rent(checked((int)Math.Max(needed, Math.Min(2L * Math.Max(FirstBytes / 2, _rented.Length), Array.MaxLength))));
        WrittenSpan.CopyTo(grown);
        if (_rented.Length > 0) ArrayPool<byte>.Shared.Return(_rented);
        _rented = grown;
    }
}
