using System.Globalization;
using System.Text;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// Small files to load, and what is in them. A file is named by its samples, apart by dots, and its edition: <c>s1.s2@0</c>. All files have
/// the same sites; who carries what there follows from the sample's number and the edition.
/// </summary>
internal sealed class SampleFiles(string folder)
{
    internal const int Sites = 4;

    /// <summary>The alleles as they are asked for.</summary>
    internal static IReadOnlyList<string> Alleles { get; } = [.. Enumerable.Range(0, Sites).Select(site => FormattableString.Invariant($"1-{Position(site)}-A-C"))];

    /// <summary>Name of the file of some samples in an edition.</summary>
    internal static string NameOf(long edition, params IEnumerable<string> samples) => FormattableString.Invariant($"{string.Join('.', samples)}@{edition}");

    internal static string[] SamplesOf(string file) => file[..file.IndexOf('@', StringComparison.Ordinal)].Split('.');

    /// <summary>How often a sample has the allele of each site in an edition.</summary>
    internal static int[] DosesOf(string sample, string file)
    {
        var edition = long.Parse(file[(file.IndexOf('@', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture);
        var number = long.Parse(sample[1..], CultureInfo.InvariantCulture);
        return [.. Enumerable.Range(0, Sites).Select(site => (int)((number + (7 * edition) + (site * number)) % 3))];
    }

    /// <summary>The file's path; it is written when it is asked for first.</summary>
    internal string PathOf(string file)
    {
        // A name of many samples is longer than a file's may be.
        var path = Path.Combine(folder, (file.Length > 100 ? $"{file[..60]}.{SamplesOf(file).Length}{file[file.IndexOf('@', StringComparison.Ordinal)..]}" : file) + ".vcf");
        if (File.Exists(path)) return path;
        var samples = SamplesOf(file);
        var doses = samples.Select(s => DosesOf(s, file)).ToArray();
        // Two files must not have the same bytes: the second would rightly be a no-op.
        var text = new StringBuilder("##fileformat=VCFv4.2\n##source=").Append(file).Append("\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', samples).Append('\n');
        for (var site = 0; site < Sites; site++)
        {
            text.Append(CultureInfo.InvariantCulture, $"1\t{Position(site)}\t.\tA\tC\t.\t.\t.\tGT");
            foreach (var dose in doses) text.Append('\t').Append(dose[site] switch { 0 => "0/0", 1 => "0/1", _ => "1/1" });
            text.Append('\n');
        }
        File.WriteAllText(path, text.ToString());
        return path;
    }

    /// <summary>Name of the source of all releases of annotations.</summary>
    internal const string Source = "notes";

    /// <summary>Day of an edition of it.</summary>
    internal static DateOnly DateOf(int edition) => new DateOnly(2024, 1, 1).AddDays(edition);

    /// <summary>What an edition says, allele by allele.</summary>
    internal static IEnumerable<string> SaidBy(int edition) => Enumerable.Range(0, Sites).Select(site => FormattableString.Invariant($"{Alleles[site]} c{edition}.{site}"));

    /// <summary>Path of an edition's file; it is written when it is asked for first.</summary>
    internal string ReleaseOf(int edition)
    {
        var path = Path.Combine(folder, FormattableString.Invariant($"notes-{edition}.vcf"));
        if (File.Exists(path)) return path;
        var text = new StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=1>\n##INFO=<ID=SAYS,Number=1,Type=String,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        for (var site = 0; site < Sites; site++) text.Append(CultureInfo.InvariantCulture, $"1\t{Position(site)}\t.\tA\tC\t.\t.\tSAYS=c{edition}.{site}\n");
        File.WriteAllText(path, text.ToString());
        return path;
    }

    private static int Position(int site) => 100 * (site + 1);
}
