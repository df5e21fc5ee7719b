using System.Buffers;
using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>One sequence of a FASTA file: where it lies and how its lines are cut.</summary>
/// <param name="Name">As written after <c>&gt;</c>, up to the first blank.</param>
/// <param name="LengthBases">Bases.</param>
/// <param name="OffsetBytes">Offset of the first base in the decompressed file.</param>
/// <param name="LineBases">Bases of a full line.</param>
/// <param name="LineBytes">Bytes of a full line with its line end.</param>
internal readonly record struct FastaEntry(string Name, int LengthBases, long OffsetBytes, int LineBases, int LineBytes)
{
    /// <summary>Offset of a 0-based base.</summary>
    public long OffsetOf(int start) => LineBases == 0 ? OffsetBytes : OffsetBytes + (long)(start / LineBases) * LineBytes + start % LineBases;
}

/// <summary>
/// The index of a FASTA file (samtools faidx): five tab-separated columns per sequence, name, length, offset, line bases, line bytes.
/// Read from the .fai or made by a scan; never written, the folder may be read-only.
/// </summary>
internal static class FastaIndex
{
    private const int MaxIndexBytes = 1 << 28;
    private const int MaxNameBytes = 4096;
    private const int ChunkBytes = 1 << 20;

    /// <summary>Reads decompressed bytes at an offset; fewer than asked only at the end.</summary>
    public delegate int ReadAt(long offsetBytes, Span<byte> into);

    /// <summary>Reads a .fai.</summary>
    /// <exception cref="InputException">A line that no faidx wrote.</exception>
    public static List<FastaEntry> Read(string path)
    {
        if (new FileInfo(path).Length > MaxIndexBytes)
            throw new InputException("fasta-fai", "too large for a .fai index", new InputPlace(path, 0, 0, ""));
        var entries = new List<FastaEntry>();
        var line = 0;
        foreach (var text in File.ReadLines(path))
        {
            line++;
            if (text.Length == 0) continue;
            var cells = text.Split('\t');
            if (cells.Length < 5 || cells[0].Length == 0 || !Number(cells[1], int.MaxValue, out var length) || !Number(cells[2], long.MaxValue / 4, out var offset)
                || !Number(cells[3], int.MaxValue, out var lineBases) || !Number(cells[4], int.MaxValue, out var lineBytes)
                || length > 0 && (lineBases < 1 || lineBytes < lineBases || lineBytes > lineBases + 2))
                throw new InputException("fasta-fai", "a .fai line has name, length, offset, bases per line and bytes per line", new InputPlace(path, line, 0, ""));
            entries.Add(new FastaEntry(cells[0], (int)length, offset, (int)lineBases, (int)lineBytes));
        }
        return entries;
    }

    /// <summary>Makes the index by reading the whole file once.</summary>
    /// <exception cref="InputException">Not FASTA, or lines of unequal length inside a sequence.</exception>
    public static List<FastaEntry> Scan(string path, ReadAt read)
    {
        var scan = new Scanner(path);
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (long at = 0; read(at, chunk) is > 0 and var count; at += count) scan.Take(chunk.AsSpan(0, count), at);
            return scan.Finish();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static bool Number(string text, long max, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= max;

    /// <summary>Lines are never kept: a sequence may be one line.</summary>
    private sealed class Scanner(string path)
    {
        private readonly List<FastaEntry> _entries = [];
        private readonly List<byte> _header = [];
        private bool _inHeader, _inSequence, _lastLine, _endsInReturn;
        private long _lineBytes, _line = 1, _bases, _offset;
        private int _fullBases, _fullBytes;

        public void Take(ReadOnlySpan<byte> bytes, long offset)
        {
            while (!bytes.IsEmpty)
            {
                if (_lineBytes == 0 && !_inHeader && bytes[0] == '>') BeginHeader();
                var end = bytes.IndexOf((byte)'\n');
                var run = end < 0 ? bytes : bytes[..end];
                if (_inHeader && _header.Count < MaxNameBytes) _header.AddRange(run[..Math.Min(run.Length, MaxNameBytes)]);
                if (run.Length > 0) _endsInReturn = run[^1] == '\r';
                _lineBytes += run.Length;
                var taken = end < 0 ? run.Length : end + 1;
                offset += taken;
                bytes = bytes[taken..];
                if (end >= 0) EndLine(1, offset);
            }
        }

        public List<FastaEntry> Finish()
        {
            if (_lineBytes > 0 || _inHeader) EndLine(0, _offset);
            EndSequence();
            if (_entries.Count == 0) throw Bad("no sequence: a FASTA file has lines that start with '>'");
            return _entries;
        }

        private void BeginHeader()
        {
            EndSequence();
            _inHeader = true;
            _header.Clear();
        }

        private void EndLine(int endBytes, long nextOffset)
        {
            if (_inHeader)
            {
                (_inHeader, _inSequence, _lastLine) = (false, true, false);
                (_bases, _fullBases, _fullBytes, _offset) = (0, 0, 0, nextOffset);
            }
            else
            {
                var bases = _lineBytes - (_endsInReturn ? 1 : 0);
                if (!_inSequence && bases > 0) throw Bad("a FASTA file starts with '>'");
                if (_lineBytes + endBytes > int.MaxValue) throw Bad("a line is too long");
                if (bases > 0 && _lastLine || _fullBases > 0 && bases > _fullBases) throw Bad("lines of one sequence differ in length");
                if (_fullBases == 0) (_fullBases, _fullBytes) = ((int)bases, (int)_lineBytes + endBytes);
                _lastLine = bases < _fullBases || bases == 0 || _lineBytes + endBytes != _fullBytes;
                _bases += bases;
                if (_bases > int.MaxValue) throw Bad("a sequence is longer than 2147483647 bases");
            }
            _line++;
            _lineBytes = 0;
            _endsInReturn = false;
        }

        private void EndSequence()
        {
            if (!_inSequence) return;
            _inSequence = false;
            var text = Encoding.UTF8.GetString([.. _header])[1..].TrimEnd('\r');
            var blank = text.AsSpan().IndexOfAny(' ', '\t');
            var name = blank < 0 ? text : text[..blank];
            if (name.Length == 0) throw Bad("a sequence without a name");
            _entries.Add(new FastaEntry(name, (int)_bases, _offset, _fullBases, _fullBytes));
        }

        private InputException Bad(string text) => new("fasta-lines", text, new InputPlace(path, _line, 0, ""));
    }
}
