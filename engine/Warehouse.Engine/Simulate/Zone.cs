namespace Warehouse.Engine.Simulate;

/// <summary>A stretch of a contig where every sample has one ploidy: a whole contig, or X on one side of the PAR's end.</summary>
internal sealed class Zone
{
    /// <summary>Looks up the ploidy of every sample.</summary>
    public Zone(Population population, Contig contig, bool par)
    {
        (Population, Kind, Par) = (population, contig.Kind, par);
        Ploidy = new byte[population.Count];
        for (var s = 0; s < Ploidy.Length; s++) Ploidy[s] = (byte)population.Ploidy(s, Kind, par);
        TotalPloidy = Ploidy.Sum(static p => (long)p);
    }

    /// <summary>The people.</summary>
    public Population Population { get; }

    /// <summary>Kind of contig.</summary>
    public ContigKind Kind { get; }

    /// <summary>In PAR1.</summary>
    public bool Par { get; }

    /// <summary>Copies per sample: 0, 1 or 2.</summary>
    public byte[] Ploidy { get; }

    /// <summary>Alleles of all samples.</summary>
    public long TotalPloidy { get; }

    /// <summary>The call as written: allele indices, Missing for <c>.</c>, second -1 when written haploid.</summary>
    public (int First, int Second) Call(Genotypes genotypes, int sample) => Ploidy[sample] switch
    {
        0 => (Genotypes.Missing, -1),
        1 => (genotypes.Alleles[2 * sample], -1),
        _ => (genotypes.Alleles[2 * sample], genotypes.Alleles[(2 * sample) + 1]),
    };

    /// <summary>True when the sample has the chromosome of this haplotype here.</summary>
    public bool Has(int haplotype) => Ploidy[haplotype >> 1] > (haplotype & 1);
}
