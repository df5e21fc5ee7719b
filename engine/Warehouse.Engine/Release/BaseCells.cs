namespace Warehouse.Engine.Release;

/// <summary>
/// The figures of one variant over one set of people, before any rule: people by state, which add up over disjoint sets. Plain numbers.
/// </summary>
/// <param name="Ref">People without the allele whose alleles were all assessed.</param>
/// <param name="One">Carriers with one copy as far as is known: heterozygous, haploid, half-called.</param>
/// <param name="Hom">Carriers with nothing but this allele, diploid.</param>
/// <param name="Missing">People without a call or never assessed here.</param>
/// <param name="Ac">Called copies.</param>
/// <param name="An">Called alleles.</param>
public readonly record struct BaseCells(int Ref, int One, int Hom, int Missing, long Ac, long An)
{
    /// <summary>All people.</summary>
    public int People => Ref + One + Hom + Missing;

    /// <summary>People with at least one copy.</summary>
    public int Carriers => One + Hom;

    /// <summary>Copies beyond one of each carrier and a second of each homozygous one: of odd ploidies alone.</summary>
    public long Excess => Ac - One - (2L * Hom);

    /// <summary>Figures of a disjoint set added.</summary>
    public static BaseCells operator +(BaseCells a, BaseCells b) => new(a.Ref + b.Ref, a.One + b.One, a.Hom + b.Hom, a.Missing + b.Missing, a.Ac + b.Ac, a.An + b.An);

    /// <summary>Figures of a contained set taken away.</summary>
    public static BaseCells operator -(BaseCells a, BaseCells b) => new(a.Ref - b.Ref, a.One - b.One, a.Hom - b.Hom, a.Missing - b.Missing, a.Ac - b.Ac, a.An - b.An);

    /// <summary>From the figures as they are counted: everybody who neither carries nor is missing has none.</summary>
    /// <param name="people">All samples of the set.</param>
    /// <param name="one">Heterozygous, haploid and half-called carriers together.</param>
    /// <param name="hom">Homozygous carriers.</param>
    /// <param name="missing">No call and not assessed together.</param>
    /// <param name="alleles">AC and AN.</param>
    /// <exception cref="ArgumentException">They contradict each other.</exception>
    public static BaseCells Of(int people, int one, int hom, int missing, (long Ac, long An) alleles)
    {
        var cells = new BaseCells(people - one - hom - missing, one, hom, missing, alleles.Ac, alleles.An);
        if (cells is { Ref: < 0 } or { One: < 0 } or { Hom: < 0 } or { Missing: < 0 } or { Ac: < 0 } || alleles.An < alleles.Ac) throw new ArgumentException("the figures contradict each other");
        return cells;
    }
}
