using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>How a written call is read at a place, by sex.</summary>
internal enum CallRule : byte
{
    /// <summary>As written.</summary>
    AsWritten,

    /// <summary>One copy is expected: a call written diploid is one allele when homozygous, else no call.</summary>
    OneCopy,

    /// <summary>Not assessed, whatever is called.</summary>
    NotAssessed,
}

/// <summary>Copies that a sample is expected to have at a place and how its calls are read there (COUNTS.md, "Ploidy in 3 and 5").</summary>
/// <param name="Call">How calls are read.</param>
/// <param name="Copies">Ploidy of reference by evidence or assumption; 0 = none there; -1 = as written (sex or assembly unknown).</param>
internal readonly record struct PloidyRule(CallRule Call, int Copies)
{
    /// <summary>The rule for a sex.</summary>
    /// <param name="contig">Class of the contig.</param>
    /// <param name="isPar">Whether the first base of the variant lies in a pseudo-autosomal region.</param>
    /// <param name="known">Whether the assembly has such regions and the query counts by sex.</param>
    /// <param name="sex">Recorded sex.</param>
    public static PloidyRule Of(ContigClass contig, bool isPar, bool known, Sex sex) => contig switch
    {
        ContigClass.Autosome => new(CallRule.AsWritten, 2),
        ContigClass.MT => new(CallRule.AsWritten, 1),
        _ when !known || sex == Sex.Unknown => new(CallRule.AsWritten, -1),
        ContigClass.X when sex == Sex.XX || isPar => new(CallRule.AsWritten, 2),
#if PLANTED_WRONG_PLOIDY
        ContigClass.X => new(CallRule.AsWritten, 2),
#else
        ContigClass.X => new(CallRule.OneCopy, 1),
#endif
        _ when sex == Sex.XX => new(CallRule.NotAssessed, 0),
        _ when isPar => new(CallRule.AsWritten, 0),
        _ => new(CallRule.OneCopy, 1),
    };

    /// <summary>Ploidy given by callable intervals and by assumption; 0 = they say nothing here.</summary>
    public int CopiesWithoutGenotype(ContigClass contig) => Copies >= 0 ? Copies : contig == ContigClass.X ? 2 : 0;
}
