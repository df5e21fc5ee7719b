using System.Numerics;
using Warehouse.Engine.Variants;
using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>
/// Decodes every stream of a segment and checks that the parts of a block fit each other: what counting relies on without looking.
/// Bytes that were changed on disk never come this far; this finds what was written wrong. One thread.
/// </summary>
internal sealed class SegmentCheck
{
    private readonly Block _block;
    private readonly ulong[] _missing, _haploid, _absent, _fails, _phased, _exceptions, _het, _hom, _anyHet, _anyHom, _twice;
    private long _hets;

    private SegmentCheck(Block block)
    {
        _block = block;
        ulong[] Words() => new ulong[(block.SampleCount + 511) / 512 * 8];
        (_missing, _haploid, _absent, _fails, _phased) = (Words(), Words(), Words(), Words(), Words());
        (_exceptions, _het, _hom, _anyHet, _anyHom, _twice) = (Words(), Words(), Words(), Words(), Words(), Words());
    }

    /// <summary>Checks every block.</summary>
    /// <exception cref="InvalidDataException">The first thing that does not fit.</exception>
    public static void Run(Segment segment, CancellationToken stop)
    {
        for (var i = 1; i < segment.Ordinals.Length; i++) Require(segment.Ordinals[i] > segment.Ordinals[i - 1], "the samples do not ascend");
        foreach (var info in segment.Blocks)
        {
            stop.ThrowIfCancellationRequested();
            Require(info.Streams.Keys.All(Enum.IsDefined), "a block has an unknown stream");
            Require(PackedGenotypes.AreSound(info.Streams.Keys, segment.IsPacked), "a block has its genotypes in two forms");
            new SegmentCheck(new Block(segment, info)).Check();
        }
    }

    private void Check()
    {
        CheckSites();
        CheckEvidence();
        var ids = _block.Ids();
        Require(ids is null || ids.Length == _block.Info.RecordCount, "the IDs do not fit the records");
        foreach (var (row, _) in _block.Lost) Require(row < _block.Info.RowCount, "a lost carrier is of no row");
        for (var record = 0; record < _block.Info.RecordCount; record++) CheckRecord(record);
        var swapped = _block.Swapped();
        Require(swapped is null || swapped.Length == (_hets + 63) / 64, "the swapped bits do not fit the heterozygous calls");
    }

    private void CheckSites()
    {
        var (sites, info) = (_block.Sites, _block.Info);
        var structural = false;
        for (var record = 0; record < sites.RecordCount; record++)
        {
            Require(sites.RecordStart[record] >= info.Records.Start && sites.RecordEnd[record] <= info.Records.End, "a record lies outside its block");
            Require(sites.RecordEnd[record] > sites.RecordStart[record], "a record has no REF");
        }
        for (var row = 0; row < sites.RowCount; row++)
        {
            Require(sites.RowStart[row] >= info.Rows.Start && sites.RowStart[row] < info.Rows.End, "a row lies outside its block");
            var hasExtent = sites.RowKind[row] is AlleleKind.Symbolic or AlleleKind.Breakend;
            structural |= hasExtent;
            Require(Enum.IsDefined(sites.RowKind[row]) && hasExtent == sites.Extents.ContainsKey(row), "a row's kind and extent do not fit");
        }
        Require(structural == info.HasStructural, "the directory and the rows of a block disagree");
    }

    private void CheckEvidence()
    {
        var (evidence, info) = (_block.Evidence, _block.Info);
        Require(evidence.Count == info.EvidenceCount, "the directory and the evidence of a block disagree");
        for (var sample = 0; sample < evidence.SampleCount; sample++)
        {
            var before = int.MinValue;
            foreach (var (start, end, _) in evidence.Raw(sample))
            {
                Require(start >= before && end > start && start >= info.Evidence.Start && end <= info.Evidence.End, "evidence is out of order or outside its block");
                before = start;
            }
        }
    }

    private void CheckRecord(int record)
    {
        Copy(_block.Missing, record, _missing);
        Copy(_block.Haploid, record, _haploid);
        Copy(_block.Absent, record, _absent);
        Copy(_block.AdjFail, record, _fails);
        Copy(_block.Phased, record, _phased);
        CheckExceptions(record);
        Array.Clear(_anyHet);
        Array.Clear(_anyHom);
        Array.Clear(_twice);
        for (var row = _block.Sites.FirstRow[record]; row < _block.Sites.FirstRow[record + 1]; row++) CheckRow(row);
        for (var w = 0; w < _missing.Length; w++)
        {
            _hets += BitOperations.PopCount(_anyHet[w]);
            Require((_missing[w] & _absent[w]) == 0 && (_missing[w] & _exceptions[w]) == 0 && (_absent[w] & _exceptions[w]) == 0, "a sample is missing, absent or an exception twice");
            Require((_haploid[w] & (_absent[w] | _exceptions[w])) == 0, "a haploid call is absent or an exception");
            Require((_anyHet[w] & _anyHom[w]) == 0 && ((_anyHet[w] | _anyHom[w]) & (_missing[w] | _absent[w] | _exceptions[w])) == 0, "a carrier is missing, absent, an exception, or carries in two ways");
            Require((_anyHet[w] & _haploid[w]) == 0, "a haploid call is heterozygous");
            Require((_fails[w] & _absent[w]) == 0, "an absent sample fails the quality rule");
            Require((_phased[w] & (_haploid[w] | _absent[w] | _exceptions[w])) == 0, "a call that is not diploid has a phase");
        }
        CheckFlags(record);
        CheckDetail(record);
    }

    private void CheckExceptions(int record)
    {
        Array.Clear(_exceptions);
        var before = -1;
        var alleles = _block.Sites.FirstRow[record + 1] - _block.Sites.FirstRow[record];
        foreach (var call in _block.Exceptions(record))
        {
            Require(call.Sample > before, "the exceptions of a record do not ascend");
            Require(call.Alleles.Length is >= 1 and <= 16 && Array.TrueForAll(call.Alleles, a => a <= alleles), "an exception names an allele that the record lacks");
            before = call.Sample;
            _exceptions[call.Sample >> 6] |= 1UL << (call.Sample & 63);
        }
    }

    private void CheckRow(int row)
    {
        Copy(_block.Het, row, _het);
        Copy(_block.Hom, row, _hom);
        for (var w = 0; w < _het.Length; w++)
        {
            Require((_hom[w] & _anyHom[w]) == 0 && (_het[w] & _twice[w]) == 0, "a call has more alleles than it can");
            _twice[w] |= _het[w] & _anyHet[w];
            _anyHet[w] |= _het[w];
            _anyHom[w] |= _hom[w];
        }
    }

    private void CheckFlags(int record)
    {
        var flags = _block.Sites.Flags[record];
        Require((flags & ~(RecordFlags.Passes | RecordFlags.Speaks | RecordFlags.AllPhased | RecordFlags.MixedPhase | RecordFlags.NoGenotypes)) == 0, "a record has an unknown flag");
        Require((flags & RecordFlags.AllPhased) == 0 || (flags & RecordFlags.MixedPhase) == 0, "a record is phased in two ways");
        Require(((flags & RecordFlags.MixedPhase) != 0) == _phased.AsSpan().ContainsAnyExcept(0UL), "the phase column and the flag of a record disagree");
        if ((flags & RecordFlags.NoGenotypes) == 0) return;
        for (var w = 0; w < _missing.Length; w++) Require(_exceptions[w] == 0 && _anyHet[w] == 0 && _anyHom[w] == 0, "a record without genotypes has carriers");
    }

    private void CheckDetail(int record)
    {
        if (_block.Detail?.Of(record) is not { } details) return;
        foreach (var call in _block.Exceptions(record))
            if (CallText.CarriesAlt(call.Text)) _anyHet[call.Sample >> 6] |= 1UL << (call.Sample & 63);
        var carriers = 0;
        for (var w = 0; w < _anyHet.Length; w++) carriers += BitOperations.PopCount(_anyHet[w] | _anyHom[w]);
        Require(details.Length == carriers, "the details of a record do not fit its carriers");
    }

    private static void Copy(SampleSets? sets, int row, ulong[] bits)
    {
        if (sets is null) Array.Clear(bits);
        else sets.CopyBits(row, bits);
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidDataException(otherwise);
    }
}
