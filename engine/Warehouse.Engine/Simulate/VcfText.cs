namespace Warehouse.Engine.Simulate;

/// <summary>The parts of VCF text that all shapes share: header, fixed columns, genotypes with depths.</summary>
internal static class VcfText
{
    /// <summary>The header of a joint or single file, or of a gVCF.</summary>
    public static void AddHeader(ByteText text, SimulationOptions options, List<Contig> contigs, IEnumerable<string> samples)
    {
        var gvcf = options.Shape == SimulationShape.Gvcf;
        text.Add("##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All filters passed\">\n##FILTER=<ID=LowQual,Description=\"Low quality\">\n");
        if (gvcf) text.Add("##ALT=<ID=NON_REF,Description=\"Any allele that is not listed\">\n##INFO=<ID=END,Number=1,Type=Integer,Description=\"End of the block\">\n");
        if (options.InfoCounts) text.Add("##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Alleles\">\n##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles\">\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"AC / AN\">\n");
        text.Add("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n");
        if (gvcf || options.Format == SimulationFormat.Full)
            text.Add("##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype quality\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Depth per allele\">\n");
        if (gvcf) text.Add("##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description=\"Least depth in the block\">\n##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"Genotype likelihoods\">\n");
        foreach (var c in contigs) text.Add("##contig=<ID=").Add(c.Name).Add(",length=").Add(c.Sequence.Length).Add(">\n");
        text.Add("##reference=file:reference.fa\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        foreach (var s in samples) text.Add('\t').Add(s);
        text.Add('\n');
    }

    /// <summary>CHROM to FILTER with the tab behind it.</summary>
    public static void AddFixed(ByteText text, Site site, IEnumerable<string> alts)
    {
        text.Add(site.Contig.Name).Add('\t').Add(site.Start + 1).Add("\t.\t"u8).Add(site.Ref).Add('\t');
        var first = true;
        foreach (var alt in alts)
        {
            if (!first) text.Add(',');
            first = false;
            text.Add(alt);
        }
        text.Add('\t').Add(site.Qual).Add(site.Passes ? "\tPASS\t"u8 : "\tLowQual\t"u8);
    }

    /// <summary>GT. <paramref name="second"/> is -1 for a haploid call.</summary>
    public static void AddGt(ByteText text, int first, int second, char between)
    {
        if (first == Genotypes.Missing) text.Add('.');
        else text.Add(first);
        if (second < 0) return;
        text.Add(between);
        if (second == Genotypes.Missing) text.Add('.');
        else text.Add(second);
    }

    /// <summary>Depth of a call and its share per allele: about half for each of two, now and then out of balance.</summary>
    public static int DrawDepths(Prng random, int first, int second, Span<int> depths)
    {
        depths.Clear();
        var depth = random.Chance(0.04) ? random.Below(10) : 12 + random.Below(40);
        var one = second < 0 || second == first ? depth : random.Chance(0.03) ? depth / 8 : (depth / 2) - (depth / 8) + random.Below((depth / 4) + 1);
        if (first != Genotypes.Missing) depths[first] += one;
        if (second >= 0 && second != Genotypes.Missing) depths[second] += depth - one;
        return depth;
    }

    /// <summary>A genotype quality: 5 % under 20.</summary>
    public static int DrawQuality(Prng random) => random.Chance(0.05) ? random.Below(20) : 20 + random.Below(80);
}
