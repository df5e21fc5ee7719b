using System.Runtime.InteropServices;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Segments;

/// <summary>
/// Stretches over which a sample is reference by evidence of its own file: passing reference blocks, neighbours of the same kind joined.
/// Shape: sample-major; the intervals of a sample ascend by start. 0-based half-open. Immutable, any thread.
/// <code>
/// stream: LEB128 samples; per sample its interval count; then per interval
///         start - previous start of the sample (first: start), length, u8 kind = ploidy * 2 + (passes --adj ? 1 : 0)
/// </code>
/// </summary>
internal sealed class EvidenceTable
{
    private readonly int[] _first;
    private readonly int[] _start;
    private readonly int[] _end;
    private readonly byte[] _kind;
    private readonly int[] _largestEnd;

    private EvidenceTable(int[] first, int[] start, int[] end, byte[] kind)
    {
        (_first, _start, _end, _kind) = (first, start, end, kind);
        _largestEnd = new int[start.Length];
        for (var sample = 0; sample + 1 < first.Length; sample++)
        {
            var largest = int.MinValue;
            for (var i = first[sample]; i < first[sample + 1]; i++) _largestEnd[i] = largest = Math.Max(largest, end[i]);
        }
    }

    public int SampleCount => _first.Length - 1;

    public int Count => _start.Length;

    public static EvidenceTable Empty(int samples) => new(new int[samples + 1], [], [], []);

    /// <summary>Intervals of one sample that overlap [start, end), in order.</summary>
    public void Overlapping(int sample, int start, int end, bool adj, List<EvidencePiece> pieces)
    {
        var (low, high) = (_first[sample], _first[sample + 1]);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_largestEnd[middle] <= start) low = middle + 1;
            else high = middle;
        }
        for (var i = low; i < _first[sample + 1] && _start[i] < end; i++)
            if (_end[i] > start && (!adj || (_kind[i] & 1) != 0)) pieces.Add(new EvidencePiece(_start[i], _end[i], _kind[i] >> 1));
    }

    /// <summary>
    /// How far the intervals of one sample cover without a gap from <paramref name="at"/>: the first base not covered, at most <paramref name="end"/>.
    /// Sets <paramref name="ploidy"/> to that of the interval over <paramref name="at"/> when it is still negative.
    /// </summary>
    public int Extend(int sample, int at, int end, bool adj, ref int ploidy)
    {
        var (low, high) = (_first[sample], _first[sample + 1]);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_largestEnd[middle] <= at) low = middle + 1;
            else high = middle;
        }
        for (var i = low; i < _first[sample + 1] && _start[i] <= at && at < end; i++)
        {
            if (_end[i] <= at || (adj && (_kind[i] & 1) == 0)) continue;
            if (ploidy < 0) ploidy = _kind[i] >> 1;
            at = _end[i];
        }
        return Math.Min(at, end);
    }

    public IEnumerable<EvidencePiece> Of(int sample, bool adj)
    {
        for (var i = _first[sample]; i < _first[sample + 1]; i++)
            if (!adj || (_kind[i] & 1) != 0) yield return new EvidencePiece(_start[i], _end[i], _kind[i] >> 1);
    }

    /// <summary>Every interval as stored, for merging segments.</summary>
    internal IEnumerable<(int Start, int End, byte Kind)> Raw(int sample)
    {
        for (var i = _first[sample]; i < _first[sample + 1]; i++) yield return (_start[i], _end[i], _kind[i]);
    }

    /// <exception cref="InvalidDataException">The bytes are not an evidence stream of this many samples.</exception>
    public static EvidenceTable Decode(ReadOnlySpan<byte> bytes, int samples)
    {
        var from = new ByteReader(bytes);
        if (from.Count(bytes.Length) != samples) throw new InvalidDataException("the evidence stream is of another number of samples");
        var first = new int[samples + 1];
        for (var i = 0; i < samples; i++) first[i + 1] = ByteReader.Sum(first[i], from.Count(bytes.Length));
        var count = first[samples];
        if (count > bytes.Length) throw new InvalidDataException("the evidence stream claims more intervals than it has bytes");
        var (start, end, kind) = (new int[count], new int[count], new byte[count]);
        for (var sample = 0; sample < samples; sample++)
        {
            var before = 0;
            for (var i = first[sample]; i < first[sample + 1]; i++)
            {
                start[i] = before = ByteReader.Sum(before, from.Count());
                end[i] = ByteReader.Sum(before, from.Count());
                kind[i] = from.Byte();
            }
        }
        from.End();
        return new EvidenceTable(first, start, end, kind);
    }
}

/// <summary>A stretch of evidence of one sample.</summary>
internal readonly record struct EvidencePiece(int Start, int End, int Ploidy);

/// <summary>Collects evidence in file order and writes the stream. One thread.</summary>
internal sealed class EvidenceBuilder(int samples)
{
    private readonly List<(int Start, int End, byte Kind)>[] _intervals = [.. Enumerable.Range(0, samples).Select(_ => new List<(int, int, byte)>())];

    public int Count { get; private set; }

    public int SmallestStart { get; private set; } = int.MaxValue;

    public int LargestEnd { get; private set; } = int.MinValue;

    /// <summary>The kind byte of an interval.</summary>
    public static byte KindOf(int ploidy, bool adj) => (byte)((ploidy << 1) | (adj ? 1 : 0));

    public void Add(int sample, int start, int end, int ploidy, bool adj) => Add(sample, start, end, KindOf(ploidy, adj));

    public void Add(int sample, int start, int end, byte kind)
    {
        SmallestStart = Math.Min(SmallestStart, start);
        LargestEnd = Math.Max(LargestEnd, end);
        var list = _intervals[sample];
#if PLANTED_EVIDENCE_ACROSS_A_GAP
        if (list.Count > 0 && list[^1].Kind == kind && start >= list[^1].Start && start <= list[^1].End + 1)
#else
        if (list.Count > 0 && list[^1].Kind == kind && start >= list[^1].Start && start <= list[^1].End)
#endif
        {
            list[^1] = (list[^1].Start, Math.Max(list[^1].End, end), kind);
            return;
        }
        list.Add((start, end, kind));
        Count++;
    }

    public byte[] Encode()
    {
        const int MostBytes = 11; // of an interval: two numbers of 32 bits and a byte
        var (to, at) = (new byte[checked((Count * MostBytes) + ((samples + 1) * 5))], 0);
        Put(to, ref at, samples);
        foreach (var list in _intervals) Put(to, ref at, list.Count);
        foreach (var list in _intervals)
        {
            var before = 0;
            foreach (ref readonly var piece in CollectionsMarshal.AsSpan(list))
            {
                Put(to, ref at, piece.Start - before);
                Put(to, ref at, piece.End - piece.Start);
                to[at++] = piece.Kind;
                before = piece.Start;
            }
        }
        return to[..at];
    }

    private static void Put(byte[] to, ref int at, int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        var left = (uint)value;
        for (; left >= 0x80; left >>= 7) to[at++] = (byte)(left | 0x80);
        to[at++] = (byte)left;
    }

    public void Clear()
    {
        foreach (var list in _intervals) list.Clear();
        (Count, SmallestStart, LargestEnd) = (0, int.MaxValue, int.MinValue);
    }
}
