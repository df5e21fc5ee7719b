namespace Warehouse.Engine.Simulate;

/// <summary>A stretch of equal evidence of one sample. End is 0-based exclusive.</summary>
/// <param name="Start">0-based.</param>
/// <param name="End">Exclusive.</param>
/// <param name="Gq">Genotype quality; -1 where there is no block at all.</param>
/// <param name="MinDepth">Least depth.</param>
/// <param name="Passes">FILTER is <c>.</c>, not LowQual.</param>
internal readonly record struct Stretch(int Start, int End, int Gq, int MinDepth, bool Passes)
{
    /// <summary>True when this is evidence for the reference.</summary>
    public bool IsEvidence => Gq >= BlockTrack.EvidenceGq && Passes;
}

/// <summary>
/// The reference evidence of one sample along a contig, drawn as it is asked for: bands of GQ above and below 20, some with a
/// filter, some gaps. Records cut blocks out of it; it does not depend on them. Who
/// asks also says what may be forgotten.
/// </summary>
internal sealed class BlockTrack(int start, int end, Prng random)
{
    /// <summary>Least GQ that counts.</summary>
    public const int EvidenceGq = 20;

    private readonly List<Stretch> _stretches = [];

    /// <summary>0-based start of the assessed region.</summary>
    public int Start => start;

    /// <summary>0-based exclusive end of the assessed region.</summary>
    public int End => end;

    /// <summary>The stretch that holds a base of the region that was not forgotten.</summary>
    public Stretch At(int position)
    {
        while (_stretches.Count == 0 || _stretches[^1].End <= position) Draw();
        var (low, high) = (0, _stretches.Count - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_stretches[middle].End <= position) low = middle + 1;
            else high = middle;
        }
        return _stretches[low];
    }

    /// <summary>Nothing before a base will be asked for again.</summary>
    public void Forget(int before)
    {
        if (_stretches.Count > 64) _stretches.RemoveRange(0, Math.Max(0, _stretches.FindIndex(x => x.End > before)));
    }

    private void Draw()
    {
        var from = _stretches.Count == 0 ? start : _stretches[^1].End;
        var to = Math.Min(end, from + 1 + random.Failures(1.0 / 200));
        var kind = random.Unit();
        var gq = kind < 0.05 ? -1 : kind < 0.07 ? EvidenceGq - 1 : kind < 0.15 ? random.Below(EvidenceGq) : kind < 0.18 ? EvidenceGq : 10 * (2 + random.Below(8));
        _stretches.Add(new Stretch(from, to, gq, gq < EvidenceGq ? random.Below(8) : 8 + random.Below(30), !random.Chance(0.02)));
    }
}
