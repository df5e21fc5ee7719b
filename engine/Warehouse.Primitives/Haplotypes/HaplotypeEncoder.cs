using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>Writes the disk form of <see cref="HaplotypeColumns"/>. One use, one thread. Inside, the second haplotype of sample s is stride + s.</summary>
internal sealed class HaplotypeEncoder
{
    /// <summary>
    /// Rows with fewer carrying haplotypes than one in this many do not reorder. From 0.25 to 1 % the size moves by 1 %, but each common
    /// row costs a pass over the order.
    /// </summary>
    private const int RareShare = 128;

    private readonly HaplotypeColumns _columns;
    private readonly SampleSets? _missing, _absent;
    private readonly int _samples, _words, _stride, _count;
    private readonly ushort[] _order, _inside, _places;
    private readonly byte[] _marks;
    private readonly int[] _edges;
    private readonly ulong[] _bits, _het, _hom, _anyHet, _later, _swapped, _masked, _scratch;
    private readonly ArrayBufferWriter<byte>[] _streams = [.. Enumerable.Range(0, HaplotypeColumns.StreamCount - 1).Select(_ => new ArrayBufferWriter<byte>())];
    private readonly BitWriter _extra = new();
    private bool _placesAreOld = true;
    private long _swappedAt;

    public HaplotypeEncoder(HaplotypeColumns columns, int samples, SampleSets? missing, SampleSets? absent)
    {
        (_columns, _samples, _missing, _absent) = (columns, samples, missing, absent);
        (_words, _count) = (SampleWords.Padded(samples), 2 * samples);
        _stride = _words * 64;
        (_order, _inside, _places) = (FirstOrder(samples), new ushort[_count + HaplotypeOrder.Slack], new ushort[2 * _stride]);
        (_marks, _edges, _bits) = (new byte[2 * _stride], new int[_count + 2], new ulong[(_count / 64) + 1]);
        ulong[] Plane() => new ulong[_words];
        (_het, _hom, _anyHet, _later, _swapped, _masked, _scratch) = (Plane(), Plane(), Plane(), Plane(), Plane(), Plane(), Plane());
    }

    /// <summary>The haplotypes in the order before the first row, and slack.</summary>
    public static ushort[] FirstOrder(int samples)
    {
        var order = new ushort[(2 * samples) + HaplotypeOrder.Slack];
        var stride = SampleWords.Padded(samples) * 64;
        for (var s = 0; s < samples; s++) (order[s], order[samples + s]) = ((ushort)s, (ushort)(stride + s));
        return order;
    }

    /// <summary>The disk form, or null when it cannot hold the columns.</summary>
    public byte[]? Run(ReadOnlySpan<int> firstRow)
    {
        for (var record = 0; record < firstRow.Length - 1; record++)
            if (!AddRecord(record, firstRow[record], firstRow[record + 1])) return null;
        if (_columns.Swapped is { } swapped && (swapped.Length != (_swappedAt + 63) / 64 || !HasCleanEnd(swapped) || !swapped.AsSpan().ContainsAnyExcept(0UL))) return null;
        Span<byte> header = stackalloc byte[HaplotypeColumns.HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, HaplotypeColumns.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], HaplotypeColumns.Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], _samples);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], firstRow[^1]);
        var bits = MemoryMarshal.AsBytes(_extra.Words)[..(int)((_extra.Count + 7) / 8)].ToArray();
        return StreamTable.Pack(header, [.. _streams.Select(s => s.WrittenMemory), bits]);
    }

    private bool HasCleanEnd(ulong[] swapped) => (_swappedAt & 63) == 0 || swapped[^1] >> (int)(_swappedAt & 63) == 0;

    private bool AddRecord(int record, int firstRow, int endRow)
    {
        Load(_missing, record, _masked);
        Load(_absent, record, _scratch);
        for (var w = 0; w < _words; w++) _masked[w] |= _scratch[w];
        _anyHet.AsSpan().Clear();
        for (var row = firstRow; row < endRow; row++)
        {
            Load(_columns.Het, row, _het);
            for (var w = 0; w < _words; w++) _anyHet[w] |= _het[w];
        }
        if (!TakeSwapped()) return false;
        for (var row = firstRow; row < endRow; row++)
        {
            Load(_columns.Het, row, _het);
            Load(_columns.Hom, row, _hom);
            for (var w = 0; w < _words; w++)
                if ((_het[w] & _hom[w]) != 0 || ((_het[w] | _hom[w]) & _masked[w]) != 0) return false;
            LoadLater(row + 1, endRow);
            AddRow();
        }
        return true;
    }

    /// <summary>Gives each heterozygous sample of the record its swapped bit.</summary>
    private bool TakeSwapped()
    {
        for (var w = 0; w < _words; w++)
        {
            var hets = _anyHet[w];
            _swapped[w] = 0;
            if (hets == 0) continue;
            var count = BitOperations.PopCount(hets);
            if (_columns.Swapped is { } swapped)
            {
                if (_swappedAt + count > swapped.Length * 64L) return false;
                _swapped[w] = Deposit(BitsAt(swapped, _swappedAt), hets);
            }
            _swappedAt += count;
        }
        return true;
    }

    private static ulong BitsAt(ulong[] words, long at)
    {
        var (word, used) = ((int)(at >> 6), (int)(at & 63));
        var low = words[word] >> used;
#if PLANTED_PHASE_LOST_AT_A_WORD
        return used >= 0 || word + 1 == words.Length ? low : low | words[word + 1] << (64 - used);
#else
        return used == 0 || word + 1 == words.Length ? low : low | words[word + 1] << (64 - used);
#endif
    }

    /// <summary>The low bits, spread to the places of the mask.</summary>
    private static ulong Deposit(ulong bits, ulong mask)
    {
        if (Bmi2.X64.IsSupported) return Bmi2.X64.ParallelBitDeposit(bits, mask);
        var spread = 0UL;
        for (; mask != 0; mask &= mask - 1, bits >>= 1)
            if ((bits & 1) != 0) spread |= mask & (~mask + 1);
        return spread;
    }

    /// <summary>The samples that are heterozygous in a later row of the record: their swapped bit is told there.</summary>
    private void LoadLater(int fromRow, int endRow)
    {
        _later.AsSpan().Clear();
        for (var row = fromRow; row < endRow; row++)
        {
            Load(_columns.Het, row, _scratch);
            for (var w = 0; w < _words; w++) _later[w] |= _scratch[w];
        }
    }

    private void AddRow()
    {
        // From here on _het holds the first haplotypes that carry, _hom the second ones.
        var carriers = 0;
        for (var w = 0; w < _words; w++)
        {
            var (het, hom) = (_het[w], _hom[w]);
            var first = het & (_swapped[w] ^ _later[w]);
            (_het[w], _hom[w]) = (hom | first, hom | (het & ~first));
            carriers += BitOperations.PopCount(_het[w]) + BitOperations.PopCount(_hom[w]);
        }
        var kind = carriers == 0 ? RowOfRuns.Empty : carriers < Math.Max(2, _count / RareShare) ? RowOfRuns.Rare : RowOfRuns.Common;
        Put(0, (int)kind);
        if (kind == RowOfRuns.Empty) return;
        var edges = kind == RowOfRuns.Rare ? FindRare() : FindCommon();
        Put(1, (edges / 2) - 1);
        Put(2, ((edges / 2) - 1) >> 8);
        AddRuns(_edges.AsSpan(0, edges), kind == RowOfRuns.Common);
        if (kind == RowOfRuns.Rare) return;
        HaplotypeOrder.Split(_order, _edges.AsSpan(0, edges), _bits, _inside);
        _placesAreOld = true;
    }

    private void AddRuns(ReadOnlySpan<int> edges, bool common)
    {
        var (before, stream) = (-1, HaplotypeColumns.CommonSymbols);
        for (var i = 0; i < edges.Length; i += 2)
        {
            var (gap, length) = (edges[i] - before - 1, edges[i + 1] - edges[i] - 1);
            var (gapClass, lengthClass) = (RunSymbols.ClassOf(gap), RunSymbols.ClassOf(length));
            Put(common ? stream : HaplotypeColumns.RareSymbols, gapClass | lengthClass << 4);
            Extra(gap, RunSymbols.Bits(gapClass));
            Extra(length, RunSymbols.Bits(lengthClass));
            (before, stream) = (edges[i + 1], HaplotypeColumns.CommonSymbols + Math.Min(gapClass, 3));
        }
    }

    private void Extra(int number, int bits) => _extra.Append((ulong)number & ((1UL << bits) - 1), bits);

    private void Put(int stream, int value)
    {
        _streams[stream].GetSpan(1)[0] = (byte)value;
        _streams[stream].Advance(1);
    }

    /// <summary>Edges of a rare row, by the places of its carriers.</summary>
    private int FindRare()
    {
        if (_placesAreOld)
            for (var i = 0; i < _count; i++) _places[_order[i]] = (ushort)i;
        _placesAreOld = false;
        var found = 0;
        for (var half = 0; half < 2; half++)
            for (var w = 0; w < _words; w++)
                for (var bits = half == 0 ? _het[w] : _hom[w]; bits != 0; bits &= bits - 1)
                    _inside[found++] = _places[(half * _stride) + (w * 64) + BitOperations.TrailingZeroCount(bits)];
        var places = _inside.AsSpan(0, found);
        places.Sort();
        var edges = 0;
        foreach (var place in places)
        {
            if (edges > 0 && _edges[edges - 1] == place)
            {
                _edges[edges - 1]++;
                continue;
            }
            _edges[edges++] = place;
            _edges[edges++] = place + 1;
        }
        return edges;
    }

    /// <summary>Edges of a common row, by a pass over the order. A masked haplotype goes with its neighbour.</summary>
    private int FindCommon()
    {
        const byte Masked = 2;
        Mark(0, _masked, Masked);
        Mark(_stride, _masked, Masked);
        Mark(0, _het, 1);
        Mark(_stride, _hom, 1);
        var (edges, last) = (0, 0);
        for (var i = 0; i < _count; i++)
        {
            var mark = _marks[_order[i]];
            if (mark == last || mark == Masked) continue;
            _edges[edges++] = i;
            last = mark;
        }
        if (last != 0) _edges[edges++] = _count;
        _marks.AsSpan().Clear();
        return edges;
    }

    private void Mark(int from, ulong[] plane, byte mark)
    {
        for (var w = 0; w < _words; w++)
            for (var bits = plane[w]; bits != 0; bits &= bits - 1) _marks[from + (w * 64) + BitOperations.TrailingZeroCount(bits)] = mark;
    }

    private static void Load(SampleSets? sets, int row, ulong[] bits)
    {
        if (sets is null) bits.AsSpan().Clear();
        else sets.CopyBits(row, bits);
    }
}

/// <summary>Kinds of rows in the disk form of <see cref="HaplotypeColumns"/>.</summary>
internal enum RowOfRuns : byte
{
    /// <summary>Nobody carries.</summary>
    Empty = 0,

    /// <summary>Few carry; the order stays.</summary>
    Rare = 1,

    /// <summary>The order follows.</summary>
    Common = 2,
}
