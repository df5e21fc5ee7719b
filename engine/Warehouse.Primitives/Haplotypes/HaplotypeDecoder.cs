using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>
/// Reads the disk form of <see cref="HaplotypeColumns"/>. The bytes may be anybody's: every run is checked against the order, every
/// stream against its end. One use, one thread.
/// </summary>
internal sealed class HaplotypeDecoder
{
    /// <summary>Bytes that are read behind the last stream at most: a row of 32,768 runs with 32 extra bits each, and a word.</summary>
    public const int SlackBytes = (SampleWords.MaxSamples * 4) + 8;

    private readonly byte[] _streams;
    private readonly int[] _at, _ends;
    private readonly SampleSets? _missing, _absent;
    private readonly int _samples, _words, _stride, _count;
    private readonly ushort[] _order, _inside;
    private readonly byte[] _marks;
    private readonly int[] _edges;
    private readonly ulong[] _bits, _planes, _het, _valid, _masked, _anyHet, _swappedHere;
    private readonly SampleSetsBuilder _hets, _homs;
    private readonly BitWriter _swapped = new();
    private long _extraAt;
    private int _maskedRecord = -1;

    /// <param name="streams">The raw streams, and <see cref="SlackBytes"/> behind the last.</param>
    /// <param name="starts">Where each begins, and the end of the last.</param>
    /// <param name="samples">0 to 32,768.</param>
    /// <param name="missing">Masked samples; null = none.</param>
    /// <param name="absent">More of them.</param>
    public HaplotypeDecoder(byte[] streams, ReadOnlySpan<int> starts, int samples, SampleSets? missing, SampleSets? absent)
    {
        (_streams, _samples, _missing, _absent) = (streams, samples, missing, absent);
        (_at, _ends) = (starts[..^1].ToArray(), starts[1..].ToArray());
        _extraAt = _at[HaplotypeColumns.ExtraBits] * 8L;
        (_words, _count) = (SampleWords.Padded(samples), 2 * samples);
        _stride = _words * 64;
        (_order, _inside) = (HaplotypeEncoder.FirstOrder(samples), new ushort[_count + HaplotypeOrder.Slack]);
        (_marks, _edges, _bits) = (new byte[2 * _stride], new int[_count + 2], new ulong[(_count / 64) + 1]);
        ulong[] Plane() => new ulong[_words];
        (_planes, _het, _valid, _masked, _anyHet, _swappedHere) = (new ulong[2 * _words], Plane(), Plane(), Plane(), Plane(), Plane());
        SampleWords.SetAll(_valid, samples);
        (_hets, _homs) = (new(samples), new(samples));
    }

    /// <summary>All rows.</summary>
    public HaplotypeColumns Run(ReadOnlySpan<int> firstRow)
    {
        CheckRowStreams(firstRow[^1]);
        for (var record = 0; record < firstRow.Length - 1; record++)
        {
            var alone = firstRow[record + 1] - firstRow[record] == 1;
            for (var row = firstRow[record]; row < firstRow[record + 1]; row++) AddRow(record, alone);
            if (!alone) FinishRecord();
        }
        for (var stream = 0; stream < HaplotypeColumns.ExtraBits; stream++) Require(_at[stream] == _ends[stream], "a stream holds more than the rows");
        Require((_extraAt + 7) / 8 == _ends[HaplotypeColumns.ExtraBits] && ((_extraAt & 7) == 0 || _streams[_extraAt / 8] >> (int)(_extraAt & 7) == 0), "the extra bits do not fit the runs");
        var swapped = _swapped.Words;
        return new HaplotypeColumns(NullIfEmpty(_hets), NullIfEmpty(_homs), swapped.ContainsAnyExcept(0UL) ? swapped.ToArray() : null);
    }

    private static SampleSets? NullIfEmpty(SampleSetsBuilder rows) => rows.Build() is { AllEmpty: false } sets ? sets : null;

    private void CheckRowStreams(int rows)
    {
        var kinds = _streams.AsSpan(_at[0].._ends[0]);
        Require(kinds.Length == rows && !kinds.ContainsAnyExceptInRange((byte)RowOfRuns.Empty, (byte)RowOfRuns.Common), "the kinds do not fit the rows");
        var filled = rows - kinds.Count((byte)RowOfRuns.Empty);
        Require(_ends[1] - _at[1] == filled && _ends[2] - _at[2] == filled, "the run counts do not fit the rows");
    }

    private void AddRow(int record, bool alone)
    {
        var kind = (RowOfRuns)_streams[_at[0]++];
        if (kind == RowOfRuns.Empty)
        {
            _hets.AddEmpty();
            _homs.AddEmpty();
            return;
        }
        var runs = 1 + (_streams[_at[1]++] | _streams[_at[2]++] << 8);
        Require(runs <= _samples, "a row has more runs than the order can");
        ReadRuns(runs, kind == RowOfRuns.Common);
        if (kind == RowOfRuns.Rare) AddRare(runs, alone);
        else AddCommon(record, runs, alone);
    }

    /// <summary>
    /// The inner loop of decoding. It checks nothing: <see cref="SlackBytes"/> let it run past the ends of its streams by a whole row, and
    /// positions only grow, so that the last one vouches for all. Optimised at once: a command decodes each block once, before any tiering.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadRuns(int runs, bool common)
    {
        ref var bytes = ref MemoryMarshal.GetArrayDataReference(_streams);
        ref var symbols = ref MemoryMarshal.GetArrayDataReference(RunSymbols.All);
        ref var at = ref _at[common ? HaplotypeColumns.CommonSymbols : HaplotypeColumns.RareSymbols];
        ref var edge = ref MemoryMarshal.GetArrayDataReference(_edges);
        var (extra, end, most) = (_extraAt, -1L, common ? 3 : 0);
        nint context = 0;
        for (var i = 0; i < runs; i++)
        {
            ref var place = ref Unsafe.Add(ref at, context);
            nint code = Unsafe.Add(ref bytes, (nint)place);
            place++;
            context = Math.Min((int)code & 15, most);
            ref var symbol = ref Unsafe.Add(ref symbols, code);
            // 7 + 32 bits fit a word.
            var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, (nint)(extra >> 3))) >> (int)(extra & 7);
            var start = end + 1 + symbol.GapBase + (long)Low(word, symbol.GapBits);
            end = start + 1 + symbol.LengthBase + (long)Low(word >> symbol.GapBits, symbol.LengthBits);
            extra += symbol.GapBits + symbol.LengthBits;
            edge = (int)start;
            Unsafe.Add(ref edge, 1) = (int)end;
            edge = ref Unsafe.Add(ref edge, 2);
        }
        Require(end <= _count, "a run leaves the order");
        Require(extra <= _ends[HaplotypeColumns.ExtraBits] * 8L, "the extra bits end before the rows");
        for (var stream = HaplotypeColumns.RareSymbols; stream < HaplotypeColumns.ExtraBits; stream++) Require(_at[stream] <= _ends[stream], "a stream ends before the rows");
        _extraAt = extra;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Low(ulong word, byte count) => Bmi2.X64.IsSupported ? Bmi2.X64.ZeroHighBits(word, count) : word & ((1UL << count) - 1);

    private void AddRare(int runs, bool alone)
    {
        var found = 0;
        for (var i = 0; i < 2 * runs; i += 2)
            for (var place = _edges[i]; place < _edges[i + 1]; place++)
            {
                int haplotype = _order[place];
                _inside[found++] = (ushort)(haplotype < _stride ? 2 * haplotype : (2 * (haplotype - _stride)) + 1);
            }
        var carriers = _inside.AsSpan(0, found);
        SortFew(carriers);
        // Het ids move to the front, never ahead of the reading; hom ids go where the edges were, which are read by now.
        Span<ushort> homs = MemoryMarshal.Cast<int, ushort>(_edges.AsSpan());
        int het = 0, hom = 0, told = 0;
        var swapped = 0UL;
        for (var i = 0; i < found; i++)
        {
            var carrier = carriers[i];
            var sample = (ushort)(carrier >> 1);
            if (i + 1 < found && carriers[i + 1] >> 1 == sample)
            {
                homs[hom++] = sample;
                i++;
                continue;
            }
            carriers[het++] = sample;
            if (!alone)
            {
                TellSwapped(sample >> 6, 1UL << (sample & 63), (carrier & 1) == 0 ? ulong.MaxValue : 0);
                continue;
            }
            swapped |= (~(ulong)carrier & 1) << told;
            if (++told < 64) continue;
            _swapped.Append(swapped, told);
            (swapped, told) = (0, 0);
        }
        if (told > 0) _swapped.Append(swapped, told);
        _hets.AddIds(carriers[..het]);
        _homs.AddIds(homs[..hom]);
    }

    /// <summary>Sorts ascending. Most rows have a handful of carriers, for which a general sort is mostly calls.</summary>
    private static void SortFew(Span<ushort> carriers)
    {
        const int Few = 16;
        if (carriers.Length > Few)
        {
            carriers.Sort();
            return;
        }
        for (var i = 1; i < carriers.Length; i++)
        {
            var carrier = carriers[i];
            var at = i;
            for (; at > 0 && carriers[at - 1] > carrier; at--) carriers[at] = carriers[at - 1];
            carriers[at] = carrier;
        }
    }

    private void AddCommon(int record, int runs, bool alone)
    {
        var inside = HaplotypeOrder.Split(_order, _edges.AsSpan(0, 2 * runs), _bits, _inside);
        LoadMasked(record);
        var inverted = inside > _samples;
        Marks.Set(inverted ? _order.AsSpan(0, _count - inside) : _inside.AsSpan(0, inside), _marks);
        Marks.Take(_marks, _planes);
        Span<ulong> first = _planes.AsSpan(0, _words), second = _planes.AsSpan(_words);
        var (hets, homs) = Combine(first, second, _het, _masked, inverted ? ulong.MaxValue : 0);
        if (alone) _swapped.AppendChosen(first, _het);
        for (var w = 0; !alone && w < _words; w++) TellSwapped(w, _het[w], first[w]);
        _hets.AddCounted(_het, hets);
        _homs.AddCounted(second, homs);
    }

    /// <summary>From the haplotypes that are marked (or, flipped, not marked) to those that carry, and who has one and who has two of them: the latter in place of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (int Hets, int Homs) Combine(Span<ulong> first, Span<ulong> second, Span<ulong> het, ReadOnlySpan<ulong> masked, ulong flip)
    {
        second = second[..first.Length];
        het = het[..first.Length];
        masked = masked[..first.Length];
        int hets = 0, homs = 0;
        for (var w = 0; w < first.Length; w++)
        {
            var (a, b) = ((first[w] ^ flip) & ~masked[w], (second[w] ^ flip) & ~masked[w]);
            (first[w], second[w], het[w]) = (a, a & b, a ^ b);
            hets += BitOperations.PopCount(a ^ b);
            homs += BitOperations.PopCount(a & b);
        }
        return (hets, homs);
    }

    /// <summary>Notes that some samples of a word are heterozygous in a row; the last row of the record that says it counts.</summary>
    private void TellSwapped(int word, ulong hets, ulong first)
    {
        _anyHet[word] |= hets;
        _swappedHere[word] = (_swappedHere[word] & ~hets) | (first & hets);
    }

    private void FinishRecord()
    {
        _swapped.AppendChosen(_swappedHere, _anyHet);
        _anyHet.AsSpan().Clear();
        _swappedHere.AsSpan().Clear();
    }

    /// <summary>Who is masked in a record, and every bit that is no sample.</summary>
    private void LoadMasked(int record)
    {
        if (_maskedRecord == record) return;
        _maskedRecord = record;
        for (var w = 0; w < _words; w++) _masked[w] = ~_valid[w];
        foreach (var sets in (ReadOnlySpan<SampleSets?>)[_missing, _absent])
        {
            if (sets is null || sets.IsEmpty(record)) continue;
            sets.CopyBits(record, _het);
            for (var w = 0; w < _words; w++) _masked[w] |= _het[w];
        }
    }

    private static void Require(bool holds, string otherwise) => HaplotypeColumns.Require(holds, otherwise);
}
