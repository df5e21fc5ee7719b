using System.Buffers;

namespace Warehouse.Primitives;

/// <summary>
/// Collects rows and makes a <see cref="SampleSets"/> of them. One thread. A refused row leaves the builder as it was; after
/// <see cref="Build"/> the builder keeps its rows and its memory until <see cref="Reset"/>.
/// </summary>
public sealed class SampleSetsBuilder
{
    private readonly int _sampleCount;
    private readonly int _wordCount;
    private readonly ArrayBufferWriter<SampleRow> _rows = new();
    private readonly ArrayBufferWriter<ushort> _ids = new();
    private readonly ArrayBufferWriter<ulong> _planes = new();
    private readonly ulong[] _scratch;
    private int _planeCount;

    /// <summary>An empty column.</summary>
    /// <param name="sampleCount">0 to 32,768.</param>
    /// <exception cref="ArgumentOutOfRangeException">The sample count is outside.</exception>
    public SampleSetsBuilder(int sampleCount)
    {
        _sampleCount = SampleWords.Checked(sampleCount);
        _wordCount = SampleWords.Padded(sampleCount);
        _scratch = new ulong[_wordCount];
    }

    /// <summary>Rows added since the last reset.</summary>
    public int RowCount => _rows.WrittenCount;

    /// <summary>Adds a row without members.</summary>
    public void AddEmpty() => AddRow(0, 0, RowKind.List);

    /// <summary>Adds a row of every sample.</summary>
    public void AddFull()
    {
        SampleWords.SetAll(_scratch, _sampleCount);
        AddCounted(_scratch, _sampleCount);
    }

    /// <summary>Adds a row by its members.</summary>
    /// <param name="ascendingIds">Strictly ascending, below the sample count.</param>
    /// <exception cref="ArgumentException">They are not.</exception>
    public void AddIds(ReadOnlySpan<ushort> ascendingIds)
    {
        var previous = -1;
        foreach (var id in ascendingIds)
        {
            if (id <= previous) throw new ArgumentException("ids do not ascend", nameof(ascendingIds));
            previous = id;
        }
        if (previous >= _sampleCount) throw new ArgumentException("an id is outside the panel", nameof(ascendingIds));
        if (SampleRow.KindOf(ascendingIds.Length, _sampleCount) == RowKind.List)
        {
            AddRow(_ids.WrittenCount, ascendingIds.Length, RowKind.List);
            _ids.Write(ascendingIds);
            return;
        }
        _scratch.AsSpan().Clear();
        foreach (var id in ascendingIds) _scratch[id >> 6] |= 1UL << (id & 63);
        AddCounted(_scratch, ascendingIds.Length);
    }

    /// <summary>Adds a row by its plane: bit s of word s / 64 is sample s.</summary>
    /// <param name="bits">At least ceil(sampleCount / 64) words, zero behind the last sample.</param>
    /// <exception cref="ArgumentException">Too few words, or bits behind the last sample.</exception>
    public void AddBits(ReadOnlySpan<ulong> bits)
    {
        if (!SampleWords.AreValid(bits, _sampleCount)) throw new ArgumentException("too few words, or bits behind the last sample", nameof(bits));
        bits = bits[..SampleWords.Needed(_sampleCount)];
        if (!bits.ContainsAnyExcept(0UL))
        {
            AddEmpty();
            return;
        }
        AddCounted(bits, SampleWords.PopCount(bits));
    }

    /// <summary>The rows so far as a column of its own.</summary>
    public SampleSets Build()
    {
        var ids = GC.AllocateUninitializedArray<ushort>(_ids.WrittenCount + ListCount.SlackIds);
        _ids.WrittenSpan.CopyTo(ids);
        ids.AsSpan(_ids.WrittenCount).Clear();
        var planes = new WordBlock(_planes.WrittenCount);
        _planes.WrittenSpan.CopyTo(planes.Words);
        return new SampleSets(_sampleCount, (_rows.WrittenSpan.ToArray(), RowCount), (ids, _ids.WrittenCount), planes);
    }

    /// <summary>Forgets the rows, keeps the memory.</summary>
    public void Reset()
    {
        _rows.ResetWrittenCount();
        _ids.ResetWrittenCount();
        _planes.ResetWrittenCount();
        _planeCount = 0;
    }

    /// <summary>Adds a row by its plane, which the caller has checked and counted.</summary>
    internal void AddCounted(ReadOnlySpan<ulong> bits, int count)
    {
        var kind = SampleRow.KindOf(count, _sampleCount);
        if (kind == RowKind.Plane)
        {
            var plane = _planes.GetSpan(_wordCount)[.._wordCount];
            bits.CopyTo(plane);
            plane[bits.Length..].Clear();
            AddRow(_planeCount++, count, kind);
            _planes.Advance(_wordCount);
            return;
        }
        if (kind == RowKind.Complement)
        {
            for (var i = 0; i < bits.Length; i++) _scratch[i] = ~bits[i];
            var needed = SampleWords.Needed(_sampleCount);
            _scratch.AsSpan(needed).Clear();
            _scratch[needed - 1] &= SampleWords.TailMask(_sampleCount);
            bits = _scratch;
            count = _sampleCount - count;
        }
        AddRow(_ids.WrittenCount, count, kind);
        _ids.Advance(BitsToIds.Write(bits, count, _ids.GetSpan(count)));
    }

    private void AddRow(int start, int length, RowKind kind)
    {
        _rows.GetSpan(1)[0] = new SampleRow(start, (ushort)length, kind);
        _rows.Advance(1);
    }
}
