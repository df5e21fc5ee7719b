using System.Buffers;
using System.Runtime.CompilerServices;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>What a block says of an allele asked.</summary>
internal enum LookupResult
{
    /// <summary>Nothing: none of its records touches the place.</summary>
    Untouched,

    /// <summary>The states of all samples were added.</summary>
    Counted,

    /// <summary>More than whole columns can tell: the general way must answer.</summary>
    General,
}

/// <summary>
/// The keys of a block with the counts of its rows over the counted samples of a source. It answers for rows and records that are simple:
/// every sample has the record, and every call of it is plainly diploid or missing; all else it leaves to <see cref="ContigScan"/>, whose
/// figures its own equal. When every sample of the segment is counted, no id of a set is unpacked. Filled anew by each
/// <see cref="Load"/>. One thread.
/// </summary>
internal sealed class LookupBlock
{
    /// <summary>Instead of a count of at most 4,096 samples: not simple.</summary>
    private const ushort NotSimple = ushort.MaxValue;

    private readonly SiteKeys _keys = new();
    private RowFigures[] _rows = [];
    private ushort[] _missing = [];
    private ushort[] _het = [], _hom = [];
    private int _samples;

    /// <summary>Counts of a row and of its record, in key order.</summary>
    private readonly record struct RowFigures(ushort Het, ushort Hom, ushort Missing);

    /// <summary>Bytes of memory held.</summary>
    public long MemoryBytes => _keys.MemoryBytes + (_rows.Length * 10L) + (_missing.Length * 2L);

    /// <summary>Whether blocks like this one can be loaded.</summary>
    public static bool CanHold(BlockInfo info) => info.RowCount <= SiteKeys.MaxRows && info.RecordCount <= SiteKeys.MaxRows;

    /// <summary>Reads a block of a source.</summary>
    /// <exception cref="InvalidDataException">A stream is damaged.</exception>
    public void Load(Source source, BlockInfo info)
    {
        _samples = source.SlotCount;
        if (info.RecordCount > 0) LoadKeys(source.Segment, info);
        else _keys.Clear();
        if (_rows.Length < info.RowCount) (_rows, _het, _hom) = (new RowFigures[info.RowCount], new ushort[info.RowCount], new ushort[info.RowCount]);
        if (_missing.Length < info.RecordCount) _missing = new ushort[info.RecordCount];
        var whole = source.SlotCount == source.SlotOf.Length;
        ReadCounts(source, info, BlockStream.Het, whole, _het.AsSpan(0, info.RowCount));
        ReadCounts(source, info, BlockStream.Hom, whole, _hom.AsSpan(0, info.RowCount));
        ReadCounts(source, info, BlockStream.Missing, whole, _missing.AsSpan(0, info.RecordCount));
        MarkNotSimple(source.Segment, info);
        Combine();
    }

    /// <summary>Adds the states of the counted samples at an allele.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="start">Its start.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT.</param>
    /// <param name="figures">To add to.</param>
    public LookupResult Ask(ulong key, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref CountFigures figures)
    {
        var keys = _keys.Keys;
        var at = _keys.LowerBound(key);
        var (found, matches) = (-1, 0);
        for (var i = at; i < keys.Length && keys[i] == key; i++)
        {
            if ((key & AlleleCode.Hashed) != 0 && !_keys.IsAllele(_keys.RowAt(i), reference, alternate)) continue;
            (found, matches) = (i, matches + 1);
        }
        if (matches > 1) return LookupResult.General;
        if (matches == 0) return AskRecords(at, start, start + reference.Length, ref figures);
        var row = _rows[found];
        if (row.Missing == NotSimple) return LookupResult.General;
        figures.NHet += row.Het;
        figures.NHomAlt += row.Hom;
        figures.NNoCall += row.Missing;
        figures.Ac += row.Het + (2 * row.Hom);
        figures.An += 2 * (_samples - row.Missing);
        return LookupResult.Counted;
    }

    /// <summary>
    /// States at a place where no row is the allele asked (rule 2 of COUNTS.md): a record over the whole of it decides for every sample
    /// that it calls; of several, one in which nothing is missing decides for all.
    /// </summary>
    private LookupResult AskRecords(int near, int start, int end, ref CountFigures figures)
    {
        if (_keys.RecordCount == 0) return LookupResult.Untouched;
        var last = _keys.RecordsBefore(end, _keys.Count == 0 ? 0 : _keys.RecordAt(Math.Min(near, _keys.Count - 1))) - 1;
        if (last < 0 || _keys.LargestEnd(last) <= start) return LookupResult.Untouched;
        var (spanning, fewest, touched) = (0, int.MaxValue, false);
        for (var record = last; record >= 0 && _keys.LargestEnd(record) > start; record--)
        {
            if (_keys.RecordEnd(record) <= start) continue;
            touched = true;
            if (_keys.RecordStart(record) > start || _keys.RecordEnd(record) < end) continue;
            if (_missing[record] == NotSimple) return LookupResult.General;
            fewest = Math.Min(fewest, _missing[record]);
            spanning++;
        }
        if (!touched) return LookupResult.Untouched;
        if (spanning == 0 || (spanning > 1 && fewest > 0)) return LookupResult.General;
        figures.NNoCall += fewest;
        figures.An += 2 * (_samples - fewest);
        return LookupResult.Counted;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // as SiteKeys.Place
    private void Combine()
    {
        var (rows, het, hom, missing) = (_rows, _het, _hom, _missing);
        for (var i = 0; i < _keys.Count; i++)
        {
            var row = _keys.RowAt(i);
            rows[i] = new RowFigures(het[row], hom[row], missing[_keys.RecordAt(i)]);
        }
    }

    private void LoadKeys(Segment segment, BlockInfo info)
    {
        var packed = segment.Read(info, BlockStream.Sites) ?? throw new InvalidDataException("a block and its sites disagree");
        var buffer = ArrayPool<byte>.Shared.Rent(PackedStream.RawLength(packed));
        try
        {
            _keys.Load(PackedStream.Unpack(packed, buffer), info.RecordCount, info.RowCount);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void ReadCounts(Source source, BlockInfo info, BlockStream stream, bool whole, Span<ushort> counts)
    {
        if (!info.Streams.ContainsKey(stream)) counts.Clear();
        else if (whole)
        {
            if (SampleSets.DecodeCounts(source.Segment.Read(info, stream)!, counts) != source.SlotOf.Length) throw new InvalidDataException("a set column has the wrong shape");
        }
        else
        {
            var block = source.Segment.BlockOf(info);
            var masked = new int[counts.Length];
            (stream switch { BlockStream.Het => block.Het, BlockStream.Hom => block.Hom, _ => block.Missing })?.CountMasked(0, source.Counted, masked);
            for (var i = 0; i < masked.Length; i++) counts[i] = (ushort)masked[i];
        }
    }

    /// <summary>Records with haploid calls, exceptions, or samples without the record.</summary>
    private void MarkNotSimple(Segment segment, BlockInfo info)
    {
        if (!info.Streams.ContainsKey(BlockStream.Haploid) && !info.Streams.ContainsKey(BlockStream.Absent) && !info.Streams.ContainsKey(BlockStream.Exceptions)) return;
        var block = segment.BlockOf(info);
        for (var record = 0; record < info.RecordCount; record++)
            if (!block.IsWhole(record) || !block.IsPlain(record)) _missing[record] = NotSimple;
    }
}
