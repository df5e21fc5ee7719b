using System.Numerics;

namespace Warehouse.Engine.Segments;

/// <summary>Phase and written order of the calls of a block: what <see cref="RecordCalls"/> leaves out. One thread.</summary>
internal sealed class CallPhase
{
    private readonly Block _block;
    private readonly ulong[]? _swapped;
    private readonly long[] _firstHet = [];
    private readonly ulong[] _hets;
    private readonly ulong[] _one;
    private readonly ulong[] _swappedHere;
    private readonly ulong[] _phasedHere;
    private bool _all;
    private int _entered = -1;

    /// <exception cref="InvalidDataException">The block has fewer swapped bits than heterozygous calls.</exception>
    public CallPhase(Block block)
    {
        (_block, _swapped) = (block, block.Swapped());
        var words = (block.SampleCount + 511) / 512 * 8;
        (_hets, _one, _swappedHere, _phasedHere) = (new ulong[words], new ulong[words], new ulong[words], new ulong[words]);
        if (_swapped is null) return;
        _firstHet = new long[block.Info.RecordCount + 1];
        for (var record = 0; record < block.Info.RecordCount; record++) _firstHet[record + 1] = _firstHet[record] + CountHets(record);
        if (_firstHet[^1] > _swapped.Length * 64L) throw new InvalidDataException("a block has fewer swapped bits than heterozygous calls");
    }

    /// <summary>Turns to a record; the other members are about it.</summary>
    public void Enter(int record)
    {
        if (record == _entered) return;
        _entered = record;
        var flags = _block.Sites.Flags[record];
        _all = (flags & RecordFlags.AllPhased) != 0;
        if ((flags & RecordFlags.MixedPhase) != 0 && _block.Phased is { } phased) phased.CopyBits(record, _phasedHere);
        else Array.Clear(_phasedHere);
        Array.Clear(_swappedHere);
        if (_swapped is null) return;
        LoadHets(record);
        var at = _firstHet[record];
        for (var w = 0; w < _hets.Length; w++)
            for (var bits = _hets[w]; bits != 0; bits &= bits - 1, at++)
                if ((_swapped[at >> 6] >> (int)(at & 63) & 1) != 0) _swappedHere[w] |= bits & (~bits + 1);
    }

    /// <summary>Whether the diploid call of a sample is written with <c>|</c>.</summary>
    public bool IsPhased(int sample) => _all || (_phasedHere[sample >> 6] >> (sample & 63) & 1) != 0;

    /// <summary>Whether the larger allele index of a heterozygous call is written first.</summary>
    public bool IsSwapped(int sample) => (_swappedHere[sample >> 6] >> (sample & 63) & 1) != 0;

    /// <summary>Phase and order of one diploid call, without turning to its record; as <see cref="IsPhased"/> and <see cref="IsSwapped"/> say.</summary>
    public (bool IsPhased, bool IsSwapped) Of(int record, int sample)
    {
        var flags = _block.Sites.Flags[record];
        var phased = (flags & RecordFlags.AllPhased) != 0 || ((flags & RecordFlags.MixedPhase) != 0 && _block.Phased?.Contains(record, sample) == true);
        if (_swapped is null) return (phased, false);
        _entered = -1;
        LoadHets(record);
        var (word, bit) = (sample >> 6, 1UL << (sample & 63));
        if ((_hets[word] & bit) == 0) return (phased, false);
        var at = _firstHet[record] + BitOperations.PopCount(_hets[word] & (bit - 1));
        for (var w = 0; w < word; w++) at += BitOperations.PopCount(_hets[w]);
        return (phased, (_swapped[at >> 6] >> (int)(at & 63) & 1) != 0);
    }

    private int CountHets(int record)
    {
        var (first, end) = (_block.Sites.FirstRow[record], _block.Sites.FirstRow[record + 1]);
        return end - first == 1 ? _block.Het?.Count(first) ?? 0 : LoadHets(record);
    }

    /// <summary>Loads the samples that are heterozygous in any row of a record; returns how many.</summary>
    private int LoadHets(int record)
    {
        Array.Clear(_hets);
        if (_block.Het is not { } het) return 0;
        var count = 0;
        for (var row = _block.Sites.FirstRow[record]; row < _block.Sites.FirstRow[record + 1]; row++)
        {
            if (het.IsEmpty(row)) continue;
            het.CopyBits(row, _one);
            for (var w = 0; w < _hets.Length; w++) _hets[w] |= _one[w];
        }
        foreach (var word in _hets) count += BitOperations.PopCount(word);
        return count;
    }
}
