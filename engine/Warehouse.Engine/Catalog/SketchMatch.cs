namespace Warehouse.Engine.Catalog;

/// <summary>
/// How much two sketches have in common, over the hashes that both would have kept. The bounds lie between what was measured: 600,000 bases of
/// chromosome 22 of any two of the 2,504 people of 1000 Genomes agree in at most 0.845 of what either carries; simulated parents and children
/// in at most 0.53 where they carry 150 alleles or more; simulated second looks at a person, with missing calls, in at least 0.94. Brothers and
/// sisters, and one person under two callers, were not measured: a stretch that siblings share on both chromosomes looks like one person.
/// </summary>
/// <param name="Agreeing">Alleles that both carry alike.</param>
/// <param name="Shared">Alleles that both carry.</param>
/// <param name="Carried">Alleles that either carries.</param>
/// <param name="IsWide">Both stand for so many alleles that they cannot come from a short stretch.</param>
internal readonly record struct SketchMatch(int Agreeing, int Shared, int Carried, bool IsWide)
{
    /// <summary>Agreeing alleles needed before two samples are called one person.</summary>
    public const int LeastAgreeing = 100;

    /// <summary>Shared alleles needed before two samples are called two persons.</summary>
    public const int LeastShared = 50;

    /// <summary>Share of the carried alleles that agree, from which on it is one person. A short stretch may be alike in relatives.</summary>
    public const double OnePerson = 0.9;

    /// <summary>The same where both are wide: then other callers and depths are more likely than relatives.</summary>
    public const double OnePersonWide = 0.8;

    /// <summary>Share of the shared alleles that agree, below which it is two persons.</summary>
    public const double TwoPersons = 0.85;

    /// <summary>Halvings from which on a sketch is wide: it stands for 6,000 alleles or more.</summary>
    private const int WideLevel = 5;

    public bool LooksSame => Agreeing >= LeastAgreeing && Agreeing >= (IsWide ? OnePersonWide : OnePerson) * Carried;

    public bool LooksDifferent => Shared >= LeastShared && Agreeing < TwoPersons * Shared;

    public static SketchMatch Of(IdentitySketch a, IdentitySketch b)
    {
        var limit = IdentitySketch.LimitOf(Math.Max(a.Level, b.Level)) << 1;
        var (i, j, agreeing, shared, carried) = (0, 0, 0, 0, 0);
        while (true)
        {
            var left = i < a.Entries.Length && a.Entries[i] < limit ? a.Entries[i] : ulong.MaxValue;
            var right = j < b.Entries.Length && b.Entries[j] < limit ? b.Entries[j] : ulong.MaxValue;
            if (left == ulong.MaxValue && right == ulong.MaxValue) break;
            carried++;
            if (left >> 1 == right >> 1)
            {
                shared++;
                if (left == right) agreeing++;
                (i, j) = (i + 1, j + 1);
            }
            else if (left < right) i++;
            else j++;
        }
        return new SketchMatch(agreeing, shared, carried, a.Level >= WideLevel && b.Level >= WideLevel);
    }
}
