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
/// A block with the counts of its rows over the counted samples of a source. It answers for rows and records that are simple: every sample
/// has the record, and every call of it is plainly diploid or missing; all else it leaves to <see cref="ContigScan"/>, whose figures its own
/// equal. When every sample of the segment is counted, no id of a set is unpacked. In one of two forms: blocks that questions pass by in
/// order are asked as they were read (<see cref="SiteColumns"/>, 40 bytes a row); blocks that stay are keyed, and all that one question
/// needs lies side by side, 16 bytes a row and 14 a record: in a large store each place touched is a miss of every cache. Filled anew by
/// each <see cref="Load"/>. One thread.
/// </summary>
internal sealed class LookupBlock(bool keyed)
{
    /// <summary>Instead of a count of at most 4,096 samples: not simple.</summary>
    private const ushort NotSimple = ushort.MaxValue;

    /// <summary>Instead of a reach: longer, or not known.</summary>
    private const ushort FarReach = ushort.MaxValue;

    /// <summary>Rows for each place of the directory, about.</summary>
    private const int RowsOfPlace = 8;

    /// <summary>Rows of a place of the directory that are looked at one by one.</summary>
    private const int MostSteps = 16;

    private readonly HashedAlleles _hashed = new();
    private readonly SiteColumns? _columns = keyed ? null : new();
    private Entry[] _entries = [];
    private ushort[] _directory = [];
    private ushort[] _het = [], _hom = [], _missing = [];
    private SiteRecord[] _records = [];
    private int _count, _recordCount, _samples, _shift, _places;
    private long _firstStart;

    /// <summary>
    /// A row, in key order: counts of it and of its record, and how far behind its start records reach that start before the next entry's
    /// start; of a hashed key the row in place of the reach.
    /// </summary>
    private readonly struct Entry(ulong key, (ushort Het, ushort Hom, ushort Missing) counts, ushort reach)
    {
        public readonly ulong Key = key;
        public readonly ushort Het = counts.Het, Hom = counts.Hom, Missing = counts.Missing, Reach = reach;
    }

    /// <summary>Bytes of memory held.</summary>
    public long MemoryBytes => (_entries.Length * 16L) + (_directory.Length * 2L) + (_records.Length * 12L) + (_missing.Length * 2L) + _hashed.MemoryBytes + (_het.Length * 4L) + (_columns?.MemoryBytes ?? 0);

    /// <summary>Whether blocks like this one can be loaded.</summary>
    public static bool CanHold(BlockInfo info) => info.RowCount <= SiteColumns.MaxRows && info.RecordCount <= SiteColumns.MaxRows;

    /// <summary>Reads a block of a source.</summary>
    /// <exception cref="InvalidDataException">A stream is damaged.</exception>
    public void Load(Source source, BlockInfo info, LookupScratch scratch)
    {
        (_samples, _count, _recordCount) = (source.SlotCount, 0, 0);
        var columns = _columns ?? scratch.Columns;
        if (info.RecordCount > 0) LoadColumns(source.Segment, info, columns, scratch);
        else columns.Clear();
        if (!keyed && _het.Length < info.RowCount) (_het, _hom) = (new ushort[SiteColumns.Rounded(info.RowCount)], new ushort[SiteColumns.Rounded(info.RowCount)]);
        if (_missing.Length < info.RecordCount) _missing = new ushort[keyed ? info.RecordCount : SiteColumns.Rounded(info.RecordCount)];
        if (keyed) scratch.MakeRoom(info);
        var (het, hom) = keyed ? (scratch.Het, scratch.Hom) : (_het, _hom);
        var whole = source.SlotCount == source.SlotOf.Length;
        ReadCounts(source, info, BlockStream.Het, whole, (scratch, het.AsMemory(0, info.RowCount)));
        ReadCounts(source, info, BlockStream.Hom, whole, (scratch, hom.AsMemory(0, info.RowCount)));
        ReadCounts(source, info, BlockStream.Missing, whole, (scratch, _missing.AsMemory(0, info.RecordCount)));
        MarkNotSimple(source.Segment, info, _missing);
        if (keyed) Combine(columns, scratch);
    }

    /// <summary>Adds the states of the counted samples at an allele.</summary>
    /// <param name="start">Its start.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT.</param>
    /// <param name="figures">To add to.</param>
    public LookupResult Ask(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref CountFigures figures)
    {
        if (_columns is null) return AskEntries(AlleleCode.KeyOf(start, reference, alternate), start, reference, alternate, ref figures);
        var matches = _columns.Find(start, reference, alternate, out var row, out var record);
        if (matches > 1) return LookupResult.General;
        if (matches == 0) return AskRecords(_columns.Records, record, (start, start + reference.Length), ref figures);
        return Count((_het[row], _hom[row], _missing[record]), ref figures);
    }

    private LookupResult AskEntries(ulong key, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref CountFigures figures)
    {
        var entries = _entries.AsSpan(0, _count);
        var at = LowerBound(entries, key);
        var (found, matches) = (-1, 0);
        for (; at < entries.Length && entries[at].Key == key; at++)
        {
            if ((key & AlleleCode.Hashed) != 0 && !_hashed.IsAllele(entries[at].Reach, reference, alternate)) continue;
            (found, matches) = (at, matches + 1);
        }
        if (matches > 1) return LookupResult.General;
        if (matches == 1) return Count((entries[found].Het, entries[found].Hom, entries[found].Missing), ref figures);
        var end = start + reference.Length;
        for (; at < entries.Length && StartOf(entries[at]) < end; at++)
        {
        }
        // Mostly the entry before tells that no record reaches so far, and the records need not be touched.
        if (at > 0 && entries[at - 1] is { Reach: not FarReach } before && (before.Key & AlleleCode.Hashed) == 0 && (long)StartOf(before) + before.Reach <= start) return LookupResult.Untouched;
        return AskRecords(_records.AsSpan(0, _recordCount), (int)((long)at * _recordCount / Math.Max(1, _count)), (start, end), ref figures);
    }

    private LookupResult Count((ushort Het, ushort Hom, ushort Missing) row, ref CountFigures figures)
    {
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
    private LookupResult AskRecords(ReadOnlySpan<SiteRecord> records, int near, (int Start, int End) place, ref CountFigures figures)
    {
        if (records.IsEmpty) return LookupResult.Untouched;
        var last = RecordsBefore(records, place.End, Math.Min(near, records.Length)) - 1;
        if (last < 0 || records[last].LargestEnd <= place.Start) return LookupResult.Untouched;
        var (spanning, fewest, touched) = (0, int.MaxValue, false);
        for (var i = last; i >= 0 && records[i].LargestEnd > place.Start; i--)
        {
            ref readonly var record = ref records[i];
            if (record.End <= place.Start) continue;
            touched = true;
            if (record.Start > place.Start || record.End < place.End) continue;
            if (_missing[i] == NotSimple) return LookupResult.General;
            fewest = Math.Min(fewest, _missing[i]);
            spanning++;
        }
        if (!touched) return LookupResult.Untouched;
        if (spanning == 0 || (spanning > 1 && fewest > 0)) return LookupResult.General;
        figures.NNoCall += fewest;
        figures.An += 2 * (_samples - fewest);
        return LookupResult.Counted;
    }

    private static int StartOf(in Entry entry) => (int)(uint)(entry.Key >> 32) - 1;

    /// <summary>First position whose key is not below one: the directory leads to about <see cref="RowsOfPlace"/> entries.</summary>
    private int LowerBound(ReadOnlySpan<Entry> entries, ulong key)
    {
        var beyond = (long)(key >> 32) - _firstStart;
        if (beyond < 0) return 0;
        var place = beyond >> _shift;
        if (place >= _places) return entries.Length;
        int low = _directory[place], high = _directory[place + 1];
        while (high - low > MostSteps)
        {
            var middle = (low + high) >>> 1;
            if (entries[middle].Key < key) low = middle + 1;
            else high = middle;
        }
        while (low < high && entries[low].Key < key) low++;
        return low;
    }

    /// <summary>Records that start before a place; the record given is near it.</summary>
    private static int RecordsBefore(ReadOnlySpan<SiteRecord> records, int start, int near)
    {
        var at = near;
        for (var step = 0; step < 16; step++)
        {
            if (at > 0 && records[at - 1].Start >= start) at--;
            else if (at < records.Length && records[at].Start < start) at++;
            else return at;
        }
        var (low, high) = (0, records.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (records[middle].Start < start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private void Combine(SiteColumns columns, LookupScratch scratch)
    {
        var keys = scratch.Keys;
        keys.Hashed = _hashed;
        keys.Load(columns);
        if (_entries.Length < keys.Count) _entries = new Entry[keys.Count];
        if (_records.Length < columns.RecordCount) _records = new SiteRecord[columns.RecordCount];
        columns.Records.CopyTo(_records);
        var entries = _entries;
        var records = columns.Records;
        var sorted = keys.Keys;
        for (var (i, passed) = (0, 0); i < sorted.Length; i++)
        {
            var (row, record) = (keys.RowAt(i), keys.RecordAt(i));
            var next = i + 1 < sorted.Length ? (int)(sorted[i + 1] >> 32) - 1 : int.MaxValue;
            while (passed < records.Length && records[passed].Start < next) passed++;
            var reach = passed == 0 ? 0 : Math.Clamp(records[passed - 1].LargestEnd - ((long)(sorted[i] >> 32) - 1), 0, FarReach);
            entries[i] = new Entry(sorted[i], (scratch.Het[row], scratch.Hom[row], _missing[record]), (sorted[i] & AlleleCode.Hashed) != 0 ? (ushort)row : (ushort)reach);
        }
        (_count, _recordCount) = (sorted.Length, columns.RecordCount);
        MakeDirectory();
    }

    /// <summary>Cuts the stretch of the starts into places of equal length and notes the first entry of each.</summary>
    private void MakeDirectory()
    {
        var entries = _entries.AsSpan(0, _count);
        (_firstStart, _shift, _places) = (0, 0, 0);
        if (entries.IsEmpty) return;
        _firstStart = (long)(entries[0].Key >> 32);
        var length = (long)(entries[^1].Key >> 32) - _firstStart;
        while (length >> _shift >= Math.Max(1, _count / RowsOfPlace)) _shift++;
        _places = (int)(length >> _shift) + 1;
        if (_directory.Length < _places + 1) _directory = new ushort[Math.Max(_places + 1, (_entries.Length / RowsOfPlace) + 1)];
        var place = 0;
        for (var i = 0; i < entries.Length; i++)
            for (var last = ((long)(entries[i].Key >> 32) - _firstStart) >> _shift; place <= last; place++) _directory[place] = (ushort)i;
        _directory[place] = (ushort)entries.Length;
    }

    private static void LoadColumns(Segment segment, BlockInfo info, SiteColumns columns, LookupScratch scratch)
    {
        var packed = segment.Read(info, BlockStream.Sites, ref scratch.Packed);
        if (packed.IsEmpty) throw new InvalidDataException("a block and its sites disagree");
        var length = PackedStream.RawLength(packed);
        var raw = columns.Room(length);
        PackedStream.Unpack(packed, raw);
        columns.Load(raw, length, info.RecordCount, info.RowCount);
    }

    private static void ReadCounts(Source source, BlockInfo info, BlockStream stream, bool whole, (LookupScratch Scratch, Memory<ushort> Counts) to)
    {
        var counts = to.Counts.Span;
        if (whole && info.Streams.ContainsKey(stream))
        {
            SampleSets.DecodeCounts(source.Segment.Read(info, stream, ref to.Scratch.Packed), source.SlotOf.Length, counts);
            return;
        }
        var block = source.Segment.BlockOf(info);
        if ((stream switch { BlockStream.Het => block.Het, BlockStream.Hom => block.Hom, _ => block.Missing }) is not { } sets)
        {
            counts.Clear(); // nor is there another form of it
            return;
        }
        var masked = new int[counts.Length];
        sets.CountMasked(0, source.Counted, masked);
        for (var i = 0; i < masked.Length; i++) counts[i] = (ushort)masked[i];
    }

    /// <summary>Records with haploid calls, exceptions, or samples without the record.</summary>
    private static void MarkNotSimple(Segment segment, BlockInfo info, ushort[] missing)
    {
        if (!info.Streams.ContainsKey(BlockStream.Haploid) && !info.Streams.ContainsKey(BlockStream.Absent) && !info.Streams.ContainsKey(BlockStream.Exceptions)) return;
        var block = segment.BlockOf(info);
        for (var record = 0; record < info.RecordCount; record++)
            if (!block.IsWhole(record) || !block.IsPlain(record)) missing[record] = NotSimple;
    }
}

/// <summary>What loading a block needs and no answer does, used by one block after the other. One thread.</summary>
internal sealed class LookupScratch
{
    /// <summary>A stream as stored.</summary>
    public byte[] Packed = [];

    /// <summary>The sites of a block to be keyed.</summary>
    public SiteColumns Columns { get; } = new();

    /// <summary>Their keys.</summary>
    public SiteKeys Keys { get; } = new();

    /// <summary>Heterozygous samples per row.</summary>
    public ushort[] Het { get; private set; } = [];

    /// <summary>Homozygous samples per row.</summary>
    public ushort[] Hom { get; private set; } = [];

    /// <summary>Makes the counts large enough for a block.</summary>
    public void MakeRoom(BlockInfo info)
    {
        if (Het.Length < info.RowCount) (Het, Hom) = (new ushort[info.RowCount], new ushort[info.RowCount]);
    }
}
