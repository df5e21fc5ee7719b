using System.Buffers.Binary;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// Collects which rows have which terms. Form in the file, by hash, then row:
/// <code>
/// chunks of up to 4,096 entries, each a packed stream: per entry u64 hash, var row - row of the entry before in the chunk (first: row) as signed, var rows
/// table: per chunk u64 first hash, u32 length as stored
/// u32 number of chunks
/// </code>
/// </summary>
internal sealed class TermIndexBuilder
{
    public const int ChunkEntries = 4096;
    private readonly Dictionary<ulong, int> _open = [];
    private ulong[] _hashes = new ulong[1024];
    private (long Row, int Count)[] _rows = new (long, int)[1024];
    private int _count;

    /// <summary>Notes a row; rows ascend.</summary>
    public void Add(ulong hash, long row)
    {
        if (_open.TryGetValue(hash, out var at) && _rows[at] is var run && run.Row + run.Count == row)
        {
            _rows[at].Count++;
            return;
        }
        if (_count == _hashes.Length)
        {
            Array.Resize(ref _hashes, 2 * _count);
            Array.Resize(ref _rows, 2 * _count);
        }
        if (_open.Count >= ChunkEntries) _open.Clear(); // only neighbours can be of one run
        _open[hash] = _count;
        (_hashes[_count], _rows[_count]) = (hash, (row, 1));
        _count++;
    }

    /// <summary>Writes the index and returns its bytes.</summary>
    /// <param name="file">Where to.</param>
    /// <param name="places">First row of each block as noted, ascending, and its number in the file.</param>
    public long Write(SealedWriter file, (long Written, long Place)[] places)
    {
        var start = file.PositionBytes;
        Replace(places);
        Array.Sort(_hashes, _rows, 0, _count);
        var (stream, table, packed) = (new ByteWriter(1 << 16), new ByteWriter(1 << 10), Array.Empty<byte>());
        for (int from = 0, to; from < _count; from = to)
        {
            to = Math.Min(from + ChunkEntries, _count);
            stream.Clear();
            var before = 0L;
            for (var i = from; i < to; i++)
            {
                stream.Int64((long)_hashes[i]);
                stream.Signed(_rows[i].Row - before);
                stream.Var(_rows[i].Count);
                before = _rows[i].Row;
            }
            var bytes = PackedStream.Pack(stream.Written, ref packed);
            file.Write(bytes);
            table.Int64((long)_hashes[from]);
            table.Int32(bytes.Length);
        }
        table.Int32((_count + ChunkEntries - 1) / ChunkEntries);
        file.Write(table.Written);
        return file.PositionBytes - start;
    }

    /// <summary>A run that reaches over the end of a block is cut there: its parts may lie apart in the file.</summary>
    private void Replace((long Written, long Place)[] places)
    {
        for (var i = 0; i < _count; i++)
        {
            var (row, count) = _rows[i];
            var block = Array.BinarySearch(places, (row, long.MaxValue));
            block = block < 0 ? ~block - 1 : block;
            if (block + 1 < places.Length && row + count > places[block + 1].Written)
            {
                var first = (int)(places[block + 1].Written - row);
                (_rows[i].Count, var rest) = (first, (row + first, count - first));
                if (_count == _hashes.Length)
                {
                    Array.Resize(ref _hashes, 2 * _count);
                    Array.Resize(ref _rows, 2 * _count);
                }
                (_hashes[_count], _rows[_count]) = (_hashes[i], rest);
                _count++;
            }
            _rows[i].Row = places[block].Place + row - places[block].Written;
        }
    }
}

/// <summary>Reads the rows of a term. One thread.</summary>
internal sealed class TermIndex
{
    private const int TableEntryBytes = 12;
    private readonly AnnotationFile _file;
    private readonly ulong[] _firsts;
    private readonly int[] _lengths;

    /// <summary>Reads the table.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public TermIndex(AnnotationFile file)
    {
        _file = file;
        var (offset, bytes) = file.Terms;
        (_firsts, _lengths) = ([], []);
        if (bytes == 0) return;
        Span<byte> last = stackalloc byte[4];
        if (bytes < last.Length) throw Bad();
        file.Read(offset + bytes - last.Length, last);
        var count = BinaryPrimitives.ReadInt32LittleEndian(last);
        if (count < 0 || bytes - last.Length < (long)count * TableEntryBytes) throw Bad();
        var table = new byte[count * TableEntryBytes];
        file.Read(offset + bytes - last.Length - table.Length, table);
        (_firsts, _lengths) = (new ulong[count], new int[count]);
        var from = new ByteReader(table);
        var left = bytes - last.Length - table.Length;
        for (var i = 0; i < count; i++)
        {
            (_firsts[i], _lengths[i]) = ((ulong)from.Int64(), from.Int32());
            left -= _lengths[i];
            if (_lengths[i] <= 0 || left < 0 || (i > 0 && _firsts[i] < _firsts[i - 1])) throw Bad();
        }
        if (left != 0) throw Bad();
    }

    /// <summary>Rows that may have a term, ascending.</summary>
    public List<long> Find(ulong hash, int most)
    {
        var rows = new List<long>();
        var chunk = Array.BinarySearch(_firsts, hash);
        chunk = chunk < 0 ? Math.Max(0, ~chunk - 1) : chunk;
        while (chunk > 0 && _firsts[chunk] == hash) chunk--; // it may begin in the chunk before
        var offset = _file.Terms.Offset + _lengths.AsSpan(0, Math.Min(chunk, _lengths.Length)).ToArray().Sum(l => (long)l);
        for (; chunk < _firsts.Length && _firsts[chunk] <= hash; offset += _lengths[chunk++]) FindIn(chunk, offset, hash, most, rows);
        rows.Sort();
        return rows;
    }

    private void FindIn(int chunk, long offset, ulong hash, int most, List<long> rows)
    {
        var packed = new byte[_lengths[chunk]];
        _file.Read(offset, packed);
        var from = new ByteReader(PackedStream.Unpack(packed));
        for (var row = 0L; from.Remaining > 0;)
        {
            var found = (ulong)from.Int64();
            row += from.Signed();
            var count = from.Count();
            if (row < 0 || row + count > _file.Rows) throw Bad();
            if (found > hash) return;
            for (var i = 0; found == hash && i < count && rows.Count < most; i++) rows.Add(row + i);
        }
    }

    private static InvalidDataException Bad() => new("an index of terms is not what was written");
}
