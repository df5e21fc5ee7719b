using System.Globalization;

namespace Warehouse.Tests.Oracle;

/// <summary>
/// Counts by <c>bcftools norm -m- | bcftools +fill-tags</c>, mapped as COUNTS.md says: AC, AN, AC_Het = n_het, AC_Hom = 2 n_hom_alt,
/// AC_Hemi = n_hemi + n_half, NS = n_samples - n_no_call - n_not_assessed; sex unknown, one file, no reference. Without one bcftools splits and
/// does not trim: its alleles are trimmed here. Genotypes of more than two alleles it does not count right (0/1/0 gives AN 2).
/// </summary>
internal static class BcftoolsCounts
{
    private static readonly string[] Tags = ["AC", "AN", "AC_Het", "AC_Hom", "AC_Hemi", "NS"];

    /// <summary>
    /// Per cohort the figures by <see cref="CountRow.Key"/>, as text; the first cohort is all samples. Left out: alleles that are not bases, REF
    /// spelled as ALT, and alleles that the file holds more than once (there one record per sample decides, which bcftools does not know).
    /// </summary>
    public static List<Dictionary<string, string>> Of(string path, params IReadOnlyList<string>[] cohorts)
    {
        using var folder = new TempFolder();
        var of = cohorts.SelectMany((c, i) => c.Select(s => (Sample: s, Group: $"c{i}"))).ToLookup(x => x.Sample, x => x.Group);
        System.IO.File.WriteAllLines(folder["groups"], of.Select(g => $"{g.Key}\t{string.Join(',', g)}"));
        var names = Enumerable.Range(-1, cohorts.Length + 1).Select(c => Tags.Select(t => c < 0 ? t : $"{t}_c{c}").ToArray()).ToList();
        var groups = cohorts.Length == 0 ? "" : $"-S '{folder["groups"]}'";
        var script = $"set -o pipefail; bcftools norm -m- -Ou '{WithWholeHeader(path, folder)}' | bcftools +fill-tags -Ou -- {groups} -t {string.Join(',', Tags)} | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t{string.Join("\\t", names.SelectMany(n => n).Select(t => "%" + t))}\\n'";
        var rows = Peer.Output("bash", "-c", script).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).Where(f => NaiveVcf.IsBases(f[3]) && f[2] != f[3]);
        var single = rows.GroupBy(f => Key(f[0], f[1], f[2], f[3])).Where(g => g.Count() == 1).Select(g => (g.Key, Fields: g.Single()[4..])).ToList();
        return [.. names.Select((_, c) => single.ToDictionary(r => r.Key, r => Figures(r.Fields[(c * Tags.Length)..((c + 1) * Tags.Length)])))];
    }

    /// <summary>A row of <c>freq</c> in the same form.</summary>
    public static string Figures(CountRow row) =>
        Figures([.. new[] { row.Ac, row.An, row.NHet, 2 * row.NHomAlt, row.NHemi + row.NHalf, row.NSamples - row.NNoCall - row.NNotAssessed }.Select(n => n.ToString(CultureInfo.InvariantCulture))]);

    /// <summary>Null when every allele that bcftools counted has the same figures in the rows; else the first that has not.</summary>
    public static string? FirstDifference(Dictionary<string, string> bcftools, IEnumerable<CountRow> rows)
    {
        var byKey = rows.ToDictionary(r => r.Key);
        foreach (var (key, figures) in bcftools)
            if (!byKey.TryGetValue(key, out var row)) return $"{key} is missing; bcftools: {figures}";
            else if (Figures(row) != figures) return $"{key}: bcftools {figures}, here {Figures(row)}";
        return null;
    }

    /// <summary>The sample names of a file.</summary>
    public static string[] Samples(string path) => Peer.Output("bcftools", "query", "-l", path).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>bcftools does not pipe records of contigs and fields that the header does not name: such a file is copied with the names added.</summary>
    private static string WithWholeHeader(string path, TempFolder folder)
    {
        if (path.EndsWith(".bcf", StringComparison.Ordinal)) return path;
        var header = NaiveVcf.Lines(path).TakeWhile(l => l[0] == '#').ToList();
        var (contigs, genotypes) = (header.Any(l => l.StartsWith("##contig=", StringComparison.Ordinal)), header.Any(l => l.StartsWith("##FORMAT=<ID=GT,", StringComparison.Ordinal)));
        if (contigs && genotypes) return path;
        var lines = NaiveVcf.Lines(path).ToList();
        List<string> added = genotypes ? [] : ["##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">"];
        if (!contigs) added.AddRange(lines.Where(l => l[0] != '#').Select(l => l.Split('\t', 2)[0]).Distinct().Select(c => $"##contig=<ID={c}>"));
        System.IO.File.WriteAllLines(folder["whole.vcf"], [lines[0], .. added, .. lines[1..]]);
        return folder["whole.vcf"];
    }

    /// <summary>The key of an allele as a file writes it, trimmed.</summary>
    public static string Key(string contig, string positionText, string reference, string alternative)
    {
        var v = NaiveVcf.Normalise(new NaiveVariant(NaiveVcf.Plain(contig), int.Parse(positionText) - 1, reference.ToUpperInvariant(), alternative.ToUpperInvariant()), sequence: null);
        return $"{v.Contig}:{v.Start + 1}:{v.Ref}:{v.Alt}";
    }

    /// <summary>A record without GT keeps the AC and AN of its INFO and gets no other tags: nobody is called there.</summary>
    private static string Figures(string[] values) => string.Join(' ', Tags.Zip(values, (t, v) => $"{t} {(values[^1] == "." ? "0" : v)}"));
}
