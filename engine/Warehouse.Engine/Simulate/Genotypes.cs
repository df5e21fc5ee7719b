namespace Warehouse.Engine.Simulate;

/// <summary>Genotypes of one site, reused from site to site. Two bytes per sample; a haploid sample uses the first.</summary>
internal sealed class Genotypes(int samples)
{
    private readonly bool[] _touched = new bool[samples];

    /// <summary>A missing allele.</summary>
    public const byte Missing = 255;

    /// <summary>Allele index per haplotype; 0 where nothing was drawn, also where the sample has no such chromosome.</summary>
    public byte[] Alleles { get; } = new byte[2 * samples];

    /// <summary>Haplotypes with an allele other than REF, before any went missing; some may be missing in <see cref="Alleles"/>.</summary>
    public List<int> Carriers { get; } = [];

    /// <summary>Samples with a missing allele, ascending.</summary>
    public List<int> Holes { get; } = [];

    /// <summary>Samples that are not all REF, each once; filled by <see cref="FindTouched"/>.</summary>
    public List<int> Touched { get; } = [];

    /// <summary>Fills <see cref="Touched"/>.</summary>
    public void FindTouched()
    {
        foreach (var h in Carriers) Touch(h >> 1);
        foreach (var s in Holes) Touch(s);
    }

    /// <summary>Back to all REF.</summary>
    public void Clear()
    {
        foreach (var h in Carriers) Alleles[h] = 0;
        foreach (var s in Holes) Alleles[2 * s] = Alleles[(2 * s) + 1] = 0;
        foreach (var s in Touched) _touched[s] = false;
        Carriers.Clear();
        Holes.Clear();
        Touched.Clear();
    }

    private void Touch(int sample)
    {
        if (_touched[sample]) return;
        _touched[sample] = true;
        Touched.Add(sample);
    }
}
