using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Segments;

/// <summary>
/// The quality rule of --adj (COUNTS.md): GQ at least 20; DP at least 10, or 5 when written haploid; with two different called
/// alleles, AD / DP at least 0.2 for each ALT of them. An absent field fails; a half-call has no balance test.
/// </summary>
internal static class AdjRule
{
    public const int LeastGq = 20;
    public const int LeastDp = 10;
    public const int LeastDpHaploid = 5;

    /// <summary>AD times this must reach DP.</summary>
    public const int BalanceFactor = 5;

    /// <summary>Whether the call of a sample, if it has one, fails.</summary>
    public static bool Fails(VcfRecord record, int sample)
    {
        if ((record.Fields & FormatFields.Gq) == 0 || record.Gq[sample] < LeastGq || (record.Fields & FormatFields.Dp) == 0) return true;
        var depth = record.Dp[sample];
        if (record.First[sample] == VcfRecord.IrregularMark) return FailsIrregular(record, sample, depth);
        var alleles = record.Alts.Count + 1;
        return Fails(record.Gq[sample], depth, (record.First[sample], record.Second[sample]), (record.Fields & FormatFields.Ad) == 0 ? default : record.Ad.AsSpan(sample * alleles, alleles));
    }

    /// <summary>The same of a call in the byte codes of <see cref="VcfRecord"/>; -1 where GQ or DP is absent, no depths where AD is.</summary>
    public static bool Fails(int gq, int depth, (byte First, byte Second) call, ReadOnlySpan<int> depths)
    {
        var (first, second) = call;
#if PLANTED_ADJ_BOUND
        if (gq <= LeastGq || depth < (second == VcfRecord.NoAllele ? LeastDpHaploid : LeastDp)) return true;
#else
        if (gq < LeastGq || depth < (second == VcfRecord.NoAllele ? LeastDpHaploid : LeastDp)) return true;
#endif
        if (first == second || first == 0 || second is 0 or VcfRecord.NoAllele) return false;
        return Unbalanced(depths, first - 1, depth) || Unbalanced(depths, second - 1, depth);
    }

    /// <summary>Whether a reference block is good enough.</summary>
    public static bool BlockPasses(int gq, int depth, int ploidy) => gq >= LeastGq && depth >= (ploidy == 1 ? LeastDpHaploid : LeastDp);

    private static bool FailsIrregular(VcfRecord record, int sample, int depth)
    {
        var alleles = record.Irregular.Find(c => c.Sample == sample).Alleles;
        if (depth < (alleles.Length == 1 ? LeastDpHaploid : LeastDp)) return true;
        if (alleles.Contains(-1) || alleles.Distinct().Count() < 2) return false;
        var count = record.Alts.Count + 1;
        foreach (var allele in alleles)
            if (Unbalanced((record.Fields & FormatFields.Ad) == 0 ? default : record.Ad.AsSpan(sample * count, count), allele, depth)) return true;
        return false;
    }

    /// <summary>Whether an ALT has too few reads, or an unknown number of them; REF is not judged.</summary>
    private static bool Unbalanced(ReadOnlySpan<int> depths, int allele, int depth) =>
        allele > 0 && (depths.IsEmpty || depths[allele] is var reads && (reads < 0 || (long)reads * BalanceFactor < depth));
}
