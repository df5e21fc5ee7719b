namespace Warehouse.Engine.Samples;

/// <summary>
/// Lines of a small text file, with their place. I11: a line longer than the cap is refused before it is held. LF and CRLF end a
/// line, the last one may lack its end, and a UTF-8 byte order mark at the start is skipped. One thread; the stream stays the caller's.
/// </summary>
internal sealed class CappedLineReader(Stream stream, string fileName, int maxLineBytes)
{
    private byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _filled;
    private bool _atEnd;
    private long _nextOffset;

    /// <summary>1-based number of the line read last; 0 before the first.</summary>
    public long Line { get; private set; }

    /// <summary>0-based offset of that line in the file.</summary>
    public long OffsetBytes { get; private set; }

    /// <summary>The place of that line.</summary>
    public InputPlace Place(string field = "") => new(fileName, Line, OffsetBytes, field);

    /// <summary>Reads one line without its end; the span is valid until the next call. False at the end of the file.</summary>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        line = default;
        var length = NextEnd();
        if (length < 0) return false;
        Line++;
        OffsetBytes = _nextOffset;
        var hasEnd = _start + length < _filled;
        line = _buffer.AsSpan(_start, length);
        _start += length + (hasEnd ? 1 : 0);
        _nextOffset += length + (hasEnd ? 1 : 0);
        if (Line == 1 && line.StartsWith("\uFEFF"u8)) line = line[3..];
        if (line.Length > 0 && line[^1] == (byte)'\r') line = line[..^1];
        return true;
    }

    /// <summary>Length of the line that starts at _start, or -1 when nothing is left.</summary>
    private int NextEnd()
    {
        var searched = 0;
        while (true)
        {
            var found = _buffer.AsSpan(_start + searched, _filled - _start - searched).IndexOf((byte)'\n');
            var length = found >= 0 ? searched + found : _filled - _start;
            if (length > maxLineBytes) throw TooLong();
            if (found >= 0) return length;
            if (_atEnd) return length == 0 ? -1 : length;
            searched = length;
            Fill();
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _filled - _start).CopyTo(_buffer);
            _filled -= _start;
            _start = 0;
        }
        if (_filled == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = stream.Read(_buffer.AsSpan(_filled));
        if (read == 0) _atEnd = true;
        _filled += read;
    }

    private InputException TooLong() =>
        new("line-length", $"a line of more than {maxLineBytes} bytes", new InputPlace(fileName, Line + 1, _nextOffset, ""));
}
