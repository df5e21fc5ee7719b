namespace Warehouse.Tests.Oracle;

/// <summary>
/// AC and AN by <c>plink2 --freq counts</c>. Legal only for files without half-calls (plink2 refuses them) and without haploid calls on autosomes
/// (it counts them twice): the files of <see cref="RealData.Plink2Files"/>.
/// </summary>
internal static class Plink2Counts
{
    /// <summary>"AC AN" by <see cref="CountRow.Key"/>. Left out: alleles that are not bases and alleles that the file holds more than once.</summary>
    public static Dictionary<string, string> Of(string path, IReadOnlyCollection<string>? samples = null)
    {
        using var folder = new TempFolder();
        System.IO.File.WriteAllLines(folder["keep"], samples ?? []);
        string[] keep = samples is null ? [] : ["--keep", folder["keep"]];
        Peer.Output("plink2", ["--vcf", path, "--allow-extra-chr", "--freq", "counts", "cols=chrom,pos,ref,alt,altfreq,nobs", "--out", folder["counts"], "--silent", "--threads", "1", "--memory", "1000", .. keep]);
        var rows = new List<(string Key, string Counts)>();
        foreach (var f in System.IO.File.ReadLines(folder["counts.acount"]).Where(l => l[0] != '#').Select(l => l.Split('\t')))
            foreach (var (alt, ac) in f[4].Split(',').Zip(f[5].Split(',')))
                if (NaiveVcf.IsBases(alt)) rows.Add((BcftoolsCounts.Key(f[0], f[1], f[3], alt), $"{ac} {f[6]}"));
        return rows.GroupBy(r => r.Key).Where(g => g.Count() == 1).ToDictionary(g => g.Key, g => g.Single().Counts);
    }
}
