using System.Buffers;
using System.Security.Cryptography;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// The bytes of a file as they lie on disk: buffered, counted and hashed as they are read; on request hashed on another thread
/// while the reading one works on them. One thread at a time.
/// </summary>
internal sealed class RawInput(Stream stream, string name, bool hashBeside = false) : IDisposable
{
    private const int BufferBytes = 1 << 20, LeastBufferBytes = 1 << 16;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(stream.CanSeek ? (int)Math.Clamp(stream.Length, LeastBufferBytes, BufferBytes) : BufferBytes);
    private int _start;
    private int _end;
    private bool _ended;
    private Errand _hashing = Errand.None;

    /// <summary>Path as the user gave it.</summary>
    public string Name { get; } = name;

    /// <summary>Bytes taken from the stream.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Whether all of it has its place in the smallest buffer.</summary>
    public bool IsSmall => _buffer.Length <= LeastBufferBytes;

    /// <summary>Offset of the next byte that Peek shows.</summary>
    public long Offset => BytesRead - (_end - _start);

    /// <summary>The next bytes without taking them: fewer than asked only at the end, or where more is asked than the buffer holds (64 KiB at least).</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        if (_end - _start < count) Fill(count);
        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>What is at hand, at least one byte; empty at the end.</summary>
    public ReadOnlySpan<byte> PeekSome()
    {
        if (_end == _start) Fill(1);
        return _buffer.AsSpan(_start, _end - _start);
    }

    /// <summary>Takes bytes that Peek showed.</summary>
    public void Skip(int count) => _start += count;

    /// <summary>Takes some bytes; 0 at the end.</summary>
    public int Read(Span<byte> into)
    {
        var some = PeekSome();
        var count = Math.Min(some.Length, into.Length);
        some[..count].CopyTo(into);
        _start += count;
        return count;
    }

    /// <summary>SHA-256 of all bytes read so far.</summary>
    public byte[] Sha256()
    {
        _hashing.Finish();
        return _hash.GetCurrentHash();
    }

    /// <summary>An error at a byte of the file as stored.</summary>
    public InputException Damaged(string code, string expected, long offset) =>
        new(code, $"{expected} (at byte {offset} of the file as stored)", new InputPlace(Name, 0, offset, ""));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer.Length == 0) return;
        _hashing.Finish();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _hash.Dispose();
        stream.Dispose();
    }

    private void Fill(int count)
    {
        _hashing.Finish();
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (_end < count && _end < _buffer.Length && !_ended)
        {
            var got = stream.Read(_buffer, _end, _buffer.Length - _end);
            _ended = got == 0;
            Hash(_end, got);
            _end += got;
            BytesRead += got;
        }
    }

    /// <summary>The bytes stay where they are until the next Fill, which waits for this.</summary>
    private void Hash(int start, int count)
    {
        _hashing.Finish();
        if (hashBeside) _hashing = Errand.Start(() => _hash.AppendData(_buffer, start, count));
        else _hash.AppendData(_buffer, start, count);
    }
}
