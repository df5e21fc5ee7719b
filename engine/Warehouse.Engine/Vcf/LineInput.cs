using System.Buffers;

namespace Warehouse.Engine.Vcf;

/// <summary>Cuts decompressed text into lines ending in LF or CR LF. A line stays valid until the next call. One thread.</summary>
/// <param name="input">The text.</param>
/// <param name="startOffset">Offset of its first byte in the decompressed bytes of the file.</param>
internal sealed class LineInput(DecodedInput input, long startOffset = 0) : IDisposable
{
    private const int FirstBufferBytes = 4 << 20, SmallFirstBufferBytes = 1 << 16;
    private byte[] _own = [];
    private byte[] _buffer = [];
    private int _at;
    private int _end;
    private long _bufferOffset = startOffset;
    private bool _ended;

    /// <summary>1-based number of the line that Next gave last.</summary>
    public long Line { get; private set; }

    /// <summary>Its offset in the decompressed bytes.</summary>
    public long LineOffset { get; private set; }

    /// <summary>False when the last line of the file ended without a line end.</summary>
    public bool EndedWithLineEnd { get; private set; } = true;

    /// <summary>The next line without its line end; false at the end of the input.</summary>
    /// <exception cref="InputException">The line is longer than the cap, or the file is damaged.</exception>
    public bool Next(int maxLineBytes, out ReadOnlyMemory<byte> line)
    {
        var scanned = 0;
        while (true)
        {
            var found = _buffer.AsSpan(_at + scanned, _end - _at - scanned).IndexOf((byte)'\n');
            if (found >= 0) return Give(scanned + found, 1, maxLineBytes, out line);
            scanned = _end - _at;
            if (_ended || scanned > maxLineBytes) break;
            Fill(maxLineBytes);
        }
        line = default;
        if (scanned == 0) return false;
        EndedWithLineEnd = false;
        return Give(scanned, 0, maxLineBytes, out line);
    }

    /// <summary>Gives the buffer back; lines become invalid.</summary>
    public void Dispose()
    {
        if (_own.Length > 0) ArrayPool<byte>.Shared.Return(_own);
        _own = _buffer = [];
        (_at, _end, _ended) = (0, 0, true);
    }

    private bool Give(int length, int endBytes, int maxLineBytes, out ReadOnlyMemory<byte> line)
    {
        Line++;
        LineOffset = _bufferOffset + _at;
        if (length > maxLineBytes)
            throw new InputException("line-cap", $"the line is longer than the limit of {maxLineBytes} bytes", new InputPlace(input.Raw.Name, Line, LineOffset, ""));
        var text = _buffer.AsMemory(_at, length);
        _at += length + endBytes;
        line = endBytes == 1 && length > 0 && text.Span[^1] == '\r' ? text[..^1] : text;
        return true;
    }

    /// <summary>More bytes behind those that are left: in a buffer of the input, where it lends one, else in the own one.</summary>
    private void Fill(int maxLineBytes)
    {
        var left = _buffer.AsSpan(_at, _end - _at);
        _bufferOffset += _at;
        if (input.TryLend(left, out var lent))
        {
            _bufferOffset -= lent.Offset;
            (_buffer, _at, _end) = (lent.Array!, lent.Offset, lent.Offset + lent.Count);
            return;
        }
        if (_own.Length <= left.Length) MoveToLarger(left, maxLineBytes);
        else left.CopyTo(_own);
        (_buffer, _at, _end) = (_own, 0, left.Length);
        var got = input.Read(_buffer.AsSpan(_end));
        _ended = got == 0;
        _end += got;
    }

    private void MoveToLarger(ReadOnlySpan<byte> left, int maxLineBytes)
    {
        var most = Math.Max(maxLineBytes, left.Length) + 64L;
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(input.Raw.IsSmall ? SmallFirstBufferBytes : FirstBufferBytes, left.Length * 2L), most));
        left.CopyTo(larger);
        if (_own.Length > 0) ArrayPool<byte>.Shared.Return(_own);
        _own = larger;
    }
}
