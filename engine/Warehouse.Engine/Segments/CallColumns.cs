using System.Numerics;
using System.Runtime.Intrinsics.X86;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>
/// Turns the genotypes of one panel of samples (at most <see cref="MaxSamples"/>) into the set columns of a block, record by record.
/// Every call ends in exactly one place: a set column (haploid or diploid, all called or nothing called) or the exceptions.
/// A failure leaves the builder unusable; the caller drops it with its segment. One thread.
/// </summary>
internal sealed class CallColumns
{
    /// <summary>Samples per panel.</summary>
    public const int MaxSamples = 4096;

    /// <summary>First ordinal of the panel that an ordinal was loaded in: panels stay together through every compaction.</summary>
    public static int PanelOf(int ordinal, int firstOrdinalOfBatch) => ordinal - ((ordinal - firstOrdinalOfBatch) % MaxSamples);

    private readonly int _first;
    private readonly int _count;
    private readonly int _words;
    private readonly ulong[] _missing;
    private readonly ulong[] _haploid;
    private readonly ulong[] _exceptions;
    private readonly ulong[] _anyHet;
    private readonly ulong[] _anyAlt;
    private readonly ulong[] _scratch;
    private readonly ulong[] _row;
    private readonly ulong[] _valid;
    private readonly SampleSetsBuilder _hetRows, _homRows, _missingRows, _haploidRows, _adjRows, _phasedRows;
    private readonly BitAppender _swapped = new();
    private readonly List<(int Record, int Sample, string Text)> _exceptionCalls = [];
    private readonly DetailBuilder _detail = new();
    private SampleSets[]? _sealed;
    private bool _anySwapped;

    /// <summary>Builds columns for samples [first, first + count) of the records.</summary>
    public CallColumns(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxSamples);
        (_first, _count, _words) = (first, count, (count + 63) / 64);
        (_missing, _haploid, _exceptions, _anyHet) = (new ulong[_words], new ulong[_words], new ulong[_words], new ulong[_words]);
        (_anyAlt, _scratch, _row, _valid) = (new ulong[_words], new ulong[_words], new ulong[_words], new ulong[_words]);
        _valid.AsSpan().Fill(ulong.MaxValue);
        if (count % 64 != 0) _valid[^1] = (1UL << (count % 64)) - 1;
        (_hetRows, _homRows, _missingRows) = (new(count), new(count), new(count));
        (_haploidRows, _adjRows, _phasedRows) = (new(count), new(count), new(count));
    }

    public int RecordCount => _missingRows.RowCount;

    /// <summary>Appends one record. Returns the phase flags of the record for this panel.</summary>
    public RecordFlags Add(VcfRecord record)
    {
        if (!record.HasGt || record.SampleCount == 0) return AddWithoutGenotypes(record.Alts.Count);
        var first = record.First.AsSpan(_first, _words * 64);
        var second = record.Second.AsSpan(_first, _words * 64);
        Classify(first, second);
        Array.Clear(_anyHet);
        Array.Clear(_anyAlt);
        for (var alt = 1; alt <= record.Alts.Count; alt++) AddRow(first, second, alt);
        _missingRows.AddBits(_missing);
        _haploidRows.AddBits(_haploid);
        AddAdj(record);
        AddExceptions(record);
        AddSwapped(first, second);
        _detail.Add(record, _first, _anyAlt);
        return AddPhase(record);
    }

    private RecordFlags AddWithoutGenotypes(int alts)
    {
        for (var alt = 0; alt < alts; alt++)
        {
            _hetRows.AddEmpty();
            _homRows.AddEmpty();
        }
        _missingRows.AddFull();
        _haploidRows.AddEmpty();
        _adjRows.AddEmpty();
        _phasedRows.AddEmpty();
        _detail.AddNone();
        return RecordFlags.NoGenotypes;
    }

    private void Classify(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        ByteMatch.ToBits(second, VcfRecord.NoAllele, _haploid);
        ByteMatch.ToBits(first, 0, _missing);
        ByteMatch.ToBits(second, 0, _scratch);
        ByteMatch.ToBits(first, VcfRecord.IrregularMark, _exceptions);
        for (var w = 0; w < _words; w++)
        {
            var (firstOpen, secondOpen, haploid) = (_missing[w], _scratch[w], _haploid[w]);
            var half = (firstOpen ^ secondOpen) & ~haploid;
            var exceptions = (_exceptions[w] | half) & _valid[w];
            _exceptions[w] = exceptions;
            _missing[w] = firstOpen & (secondOpen | haploid) & ~exceptions & _valid[w];
            _haploid[w] = haploid & ~exceptions & _valid[w];
        }
    }

    private void AddRow(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, int alt)
    {
        if (alt > VcfRecord.MaxRegularAllele)
        {
            _hetRows.AddEmpty();
            _homRows.AddEmpty();
            return;
        }
        var code = (byte)(alt + 1);
        ByteMatch.ToBits(first, code, _row);
#if PLANTED_HALF_MULTIALLELIC
        ByteMatch.ToBits(second, alt > 1 ? (byte)0xFF : code, _scratch);
#else
        ByteMatch.ToBits(second, code, _scratch);
#endif
        for (var w = 0; w < _words; w++)
        {
            var keep = ~_exceptions[w] & _valid[w];
            var (a, b, haploid) = (_row[w] & keep, _scratch[w] & keep, _haploid[w]);
            var het = (a ^ b) & ~haploid;
            var hom = (a & b) | (a & haploid);
            _anyHet[w] |= het;
            _anyAlt[w] |= het | hom;
            (_row[w], _scratch[w]) = (het, hom);
        }
        _hetRows.AddBits(_row);
        _homRows.AddBits(_scratch);
    }

    private void AddAdj(VcfRecord record)
    {
        if ((record.Fields & (FormatFields.Gq | FormatFields.Dp)) != (FormatFields.Gq | FormatFields.Dp))
        {
            _adjRows.AddFull();
            return;
        }
        Array.Clear(_row);
        for (var s = 0; s < _count; s++)
            if (AdjRule.Fails(record, _first + s)) _row[s >> 6] |= 1UL << (s & 63);
        _adjRows.AddBits(_row);
    }

    private void AddExceptions(VcfRecord record)
    {
        var irregular = 0;
        for (var w = 0; w < _words; w++)
        {
            for (var bits = _exceptions[w]; bits != 0; bits &= bits - 1)
            {
                var sample = (w * 64) + BitOperations.TrailingZeroCount(bits);
                while (irregular < record.Irregular.Count && record.Irregular[irregular].Sample < _first + sample) irregular++;
                var listed = irregular < record.Irregular.Count && record.Irregular[irregular].Sample == _first + sample;
                var text = listed ? record.Irregular[irregular].Text : CallText.Of(record, _first + sample);
                _exceptionCalls.Add((RecordCount - 1, sample, text));
                if (CallText.CarriesAlt(text)) _anyAlt[w] |= 1UL << (sample & 63);
            }
        }
    }

    private void AddSwapped(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        for (var w = 0; w < _words; w++)
        {
            var hets = _anyHet[w];
            if (hets == 0) continue;
            var swapped = ByteMatch.Greater64(first.Slice(w * 64, 64), second.Slice(w * 64, 64)) & hets;
            _anySwapped |= swapped != 0;
            _swapped.Append(Extract(swapped, hets), BitOperations.PopCount(hets));
        }
    }

    /// <summary>The bits at the places of the mask, moved together.</summary>
    internal static ulong Extract(ulong bits, ulong mask)
    {
        if (Bmi2.X64.IsSupported) return Bmi2.X64.ParallelBitExtract(bits, mask);
        var (packed, at) = (0UL, 0);
        for (; mask != 0; mask &= mask - 1) packed |= ((bits >> BitOperations.TrailingZeroCount(mask)) & 1) << at++;
        return packed;
    }

    private RecordFlags AddPhase(VcfRecord record)
    {
        ByteMatch.ToBits(record.Phased.AsSpan(_first, _words * 64), 1, _row);
        var (some, all) = (false, true);
        for (var w = 0; w < _words; w++)
        {
            var diploid = _valid[w] & ~_haploid[w] & ~_exceptions[w];
            _row[w] &= diploid;
            some |= _row[w] != 0;
            all &= _row[w] == diploid;
        }
        if (some && !all) _phasedRows.AddBits(_row);
        else _phasedRows.AddEmpty();
        return !some ? RecordFlags.None : all ? RecordFlags.AllPhased : RecordFlags.MixedPhase;
    }

    /// <summary>Whether two rows of the block give every sample the same call of their allele. Ends the block: only <see cref="Finish"/> may follow.</summary>
    public bool SameCalls((int Row, int Record, int Alt) a, (int Row, int Record, int Alt) b)
    {
        _sealed ??= [.. new[] { _hetRows, _homRows, _missingRows, _haploidRows }.Select(r => r.Build())];
        return SameSet(_sealed[0], a.Row, b.Row) && SameSet(_sealed[1], a.Row, b.Row) && SameSet(_sealed[2], a.Record, b.Record)
            && SameSet(_sealed[3], a.Record, b.Record) && ExceptionsOf(a).SequenceEqual(ExceptionsOf(b));
    }

    private bool SameSet(SampleSets sets, int a, int b)
    {
        Span<ulong> bitsA = new ulong[sets.WordCount], bitsB = new ulong[sets.WordCount];
        sets.CopyBits(a, bitsA);
        sets.CopyBits(b, bitsB);
        return bitsA.SequenceEqual(bitsB);
    }

    private IEnumerable<(int Sample, int Alleles, int Called, int OfAlt)> ExceptionsOf((int Row, int Record, int Alt) row) =>
        from call in _exceptionCalls
        where call.Record == row.Record
        let alleles = CallText.Parse(call.Text)
        select (call.Sample, alleles.Length, alleles.Count(x => x >= 0), alleles.Count(x => x == row.Alt));

    /// <summary>Writes the streams and starts over with an empty block.</summary>
    public Dictionary<BlockStream, byte[]> Finish()
    {
        var streams = new Dictionary<BlockStream, byte[]>();
        Put(streams, BlockStream.Het, _hetRows, _sealed?[0]);
        Put(streams, BlockStream.Hom, _homRows, _sealed?[1]);
        Put(streams, BlockStream.Missing, _missingRows, _sealed?[2]);
        Put(streams, BlockStream.Haploid, _haploidRows, _sealed?[3]);
        Put(streams, BlockStream.AdjFail, _adjRows, null);
        Put(streams, BlockStream.Phased, _phasedRows, null);
        if (_anySwapped) streams[BlockStream.Swapped] = PackedStream.Pack(_swapped.Finish());
        if (_exceptionCalls.Count > 0) streams[BlockStream.Exceptions] = PackedStream.Pack(EncodeExceptions(_exceptionCalls));
        if (_detail.Any) streams[BlockStream.Detail] = PackedStream.Pack(_detail.Finish());
        _detail.Clear();
        _swapped.Clear();
        _exceptionCalls.Clear();
        (_anySwapped, _sealed) = (false, null);
        return streams;
    }

    /// <summary>The exceptions stream: count; per call record - record before, sample, GT text.</summary>
    internal static byte[] EncodeExceptions(IReadOnlyList<(int Record, int Sample, string Text)> calls)
    {
        var to = new ByteWriter((calls.Count * 8) + 8);
        to.Var(calls.Count);
        var before = 0;
        foreach (var (record, sample, text) in calls)
        {
            to.Var(record - before);
            to.Var(sample);
            to.Text(text);
            before = record;
        }
        return to.ToArray();
    }

    internal static void Put(Dictionary<BlockStream, byte[]> streams, BlockStream stream, SampleSetsBuilder rows, SampleSets? built)
    {
        var sets = built ?? rows.Build();
        rows.Reset();
        if (sets.AllEmpty) return;
        var to = new System.Buffers.ArrayBufferWriter<byte>();
        sets.Encode(to);
        streams[stream] = to.WrittenSpan.ToArray();
    }
}
