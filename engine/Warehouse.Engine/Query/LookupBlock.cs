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
/// figures its own equal. When every sample of the segment is counted, no id of a set is unpacked. All that one question needs lies side by
/// side, 16 bytes a row and 16 a record: in a large store each place touched is a miss of every cache. Filled anew by each
/// <see cref="Load"/>. One thread.
/// </summary>
internal sealed class LookupBlock
{
    /// <summary>Instead of a count of at most 4,096 samples: not simple.</summary>
    private const ushort NotSimple = ushort.MaxValue;

    /// <summary>Entries for each start that <see cref="LowerBound"/> looks at first.</summary>
    private const int Stretch = 16;

    private readonly HashedAlleles _hashed = new();
    private Entry[] _entries = [];
    private uint[] _starts = [];
    private Record[] _records = [];
    private int _count;
    private int _recordCount;
    private int _samples;

    /// <summary>A row, in key order: counts of it and of its record, and where the record is; of a hashed key the row, which is near it.</summary>
    private readonly struct Entry(ulong key, (ushort Het, ushort Hom, ushort Missing) counts, int near)
    {
        public readonly ulong Key = key;
        public readonly ushort Het = counts.Het, Hom = counts.Hom, Missing = counts.Missing, Near = (ushort)near;
    }

    /// <summary>A record: its span as <see cref="SiteKeys"/> has it, largest end so far, samples without a call.</summary>
    private readonly record struct Record(int Start, int End, int LargestEnd, ushort Missing);

    /// <summary>Bytes of memory held.</summary>
    public long MemoryBytes => (_entries.Length * 16L) + (_starts.Length * 4L) + (_records.Length * 16L) + _hashed.MemoryBytes;

    /// <summary>Whether blocks like this one can be loaded.</summary>
    public static bool CanHold(BlockInfo info) => info.RowCount <= SiteKeys.MaxRows && info.RecordCount <= SiteKeys.MaxRows;

    /// <summary>Reads a block of a source.</summary>
    /// <exception cref="InvalidDataException">A stream is damaged.</exception>
    public void Load(Source source, BlockInfo info, LookupScratch scratch)
    {
        (_samples, _count, _recordCount) = (source.SlotCount, 0, 0);
        var keys = scratch.Keys;
        keys.Hashed = _hashed;
        if (info.RecordCount > 0) LoadKeys(source.Segment, info, scratch);
        else keys.Clear();
        scratch.MakeRoom(info);
        var whole = source.SlotCount == source.SlotOf.Length;
        ReadCounts(source, info, BlockStream.Het, whole, (scratch, scratch.Het.AsMemory(0, info.RowCount)));
        ReadCounts(source, info, BlockStream.Hom, whole, (scratch, scratch.Hom.AsMemory(0, info.RowCount)));
        ReadCounts(source, info, BlockStream.Missing, whole, (scratch, scratch.Missing.AsMemory(0, info.RecordCount)));
        MarkNotSimple(source.Segment, info, scratch.Missing);
        Combine(scratch);
    }

    /// <summary>Adds the states of the counted samples at an allele.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="start">Its start.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT.</param>
    /// <param name="figures">To add to.</param>
    public LookupResult Ask(ulong key, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref CountFigures figures)
    {
        var entries = _entries.AsSpan(0, _count);
        var at = LowerBound(key);
        var (found, matches) = (-1, 0);
        for (var i = at; i < entries.Length && entries[i].Key == key; i++)
        {
            if ((key & AlleleCode.Hashed) != 0 && !_hashed.IsAllele(entries[i].Near, reference, alternate)) continue;
            (found, matches) = (i, matches + 1);
        }
        if (matches > 1) return LookupResult.General;
        if (matches == 0) return AskRecords(at, start, start + reference.Length, ref figures);
        ref readonly var row = ref entries[found];
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
        var records = _records.AsSpan(0, _recordCount);
        if (records.IsEmpty) return LookupResult.Untouched;
        var last = RecordsBefore(end, _count == 0 ? 0 : Math.Min(_entries[Math.Min(near, _count - 1)].Near, records.Length)) - 1;
        if (last < 0 || records[last].LargestEnd <= start) return LookupResult.Untouched;
        var (spanning, fewest, touched) = (0, int.MaxValue, false);
        for (var i = last; i >= 0 && records[i].LargestEnd > start; i--)
        {
            ref readonly var record = ref records[i];
            if (record.End <= start) continue;
            touched = true;
            if (record.Start > start || record.End < end) continue;
            if (record.Missing == NotSimple) return LookupResult.General;
            fewest = Math.Min(fewest, record.Missing);
            spanning++;
        }
        if (!touched) return LookupResult.Untouched;
        if (spanning == 0 || (spanning > 1 && fewest > 0)) return LookupResult.General;
        figures.NNoCall += fewest;
        figures.An += 2 * (_samples - fewest);
        return LookupResult.Counted;
    }

    /// <summary>First position whose key is not below one.</summary>
    private int LowerBound(ulong key)
    {
        // The starts are a small array that stays in a near cache; they bound a stretch of entries without touching it. Then a guess, and steps.
        var entries = _entries.AsSpan(0, _count);
        var starts = _starts.AsSpan(0, (_count + Stretch - 1) / Stretch);
        var start = (uint)(key >> 32);
        int low = 0, left = starts.Length;
        while (left > 0)
        {
            var half = (left + 1) >>> 1;
            low += starts[low + half - 1] < start ? half : 0;
            left -= half;
        }
        var at = 0;
        if (low > 0)
        {
            var (first, from) = ((low - 1) * Stretch, starts[low - 1]);
            at = low == starts.Length ? first : first + (int)((start - from) * (ulong)Stretch / (starts[low] - from));
        }
        while (at > 0 && entries[at - 1].Key >= key) at--;
        while (at < entries.Length && entries[at].Key < key) at++;
        return at;
    }

    /// <summary>Records that start before a place; the record given is near it.</summary>
    private int RecordsBefore(int start, int near)
    {
        var records = _records.AsSpan(0, _recordCount);
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

    private void Combine(LookupScratch scratch)
    {
        var (keys, het, hom, missing) = (scratch.Keys, scratch.Het, scratch.Hom, scratch.Missing);
        if (_entries.Length < keys.Count) (_entries, _starts) = (new Entry[keys.Count], new uint[(keys.Count + Stretch - 1) / Stretch]);
        if (_records.Length < keys.RecordCount) _records = new Record[keys.RecordCount];
        var (entries, starts, records) = (_entries, _starts, _records);
        var sorted = keys.Keys;
        for (var i = 0; i < sorted.Length; i++)
        {
            var (row, record) = (keys.RowAt(i), keys.RecordAt(i));
            entries[i] = new Entry(sorted[i], (het[row], hom[row], missing[record]), (sorted[i] & AlleleCode.Hashed) != 0 ? row : record);
        }
        for (var i = 0; i < sorted.Length; i += Stretch) starts[i / Stretch] = (uint)(sorted[i] >> 32);
        for (var i = 0; i < keys.RecordCount; i++) records[i] = new Record(keys.RecordStart(i), keys.RecordEnd(i), keys.LargestEnd(i), missing[i]);
        (_count, _recordCount) = (sorted.Length, keys.RecordCount);
    }

    private static void LoadKeys(Segment segment, BlockInfo info, LookupScratch scratch)
    {
        var packed = segment.Read(info, BlockStream.Sites, ref scratch.Packed);
        if (packed.IsEmpty) throw new InvalidDataException("a block and its sites disagree");
        var length = PackedStream.RawLength(packed);
        if (scratch.Raw.Length < length) scratch.Raw = new byte[length];
        scratch.Keys.Load(PackedStream.Unpack(packed, scratch.Raw), info.RecordCount, info.RowCount);
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

    /// <summary>A stream unpacked.</summary>
    public byte[] Raw = [];

    public SiteKeys Keys { get; } = new();

    /// <summary>Heterozygous samples per row.</summary>
    public ushort[] Het { get; private set; } = [];

    /// <summary>Homozygous samples per row.</summary>
    public ushort[] Hom { get; private set; } = [];

    /// <summary>Samples without a call per record.</summary>
    public ushort[] Missing { get; private set; } = [];

    /// <summary>Makes the counts large enough for a block.</summary>
    public void MakeRoom(BlockInfo info)
    {
        if (Het.Length < info.RowCount) (Het, Hom) = (new ushort[info.RowCount], new ushort[info.RowCount]);
        if (Missing.Length < info.RecordCount) Missing = new ushort[info.RecordCount];
    }
}
