namespace Warehouse.Tests.Oracle;

/// <summary>Cuts and shuffles VCF text without changing what it says.</summary>
internal static class VcfText
{
    private const int FirstSample = 9;

    public static RandomFile ShuffleSamples(RandomFile file, Random random)
    {
        var order = Enumerable.Range(0, Names(file).Length).OrderBy(_ => random.Next()).ToArray();
        return file with { Text = Columns(file, order) };
    }

    /// <summary>One file per sample.</summary>
    public static IEnumerable<RandomFile> BySample(RandomFile file) =>
        Names(file).Select((_, i) => new RandomFile($"{i}_{file.Name}", Columns(file, [i])));

    /// <summary>One file per contig that has records.</summary>
    public static IEnumerable<RandomFile> ByContig(RandomFile file)
    {
        var header = string.Concat(Lines(file).Where(l => l[0] == '#').Select(l => l + "\n"));
        return Lines(file).Where(l => l[0] != '#').GroupBy(l => l.Split('\t', 2)[0]).Select(g => new RandomFile($"{g.Key}_{file.Name}", header + string.Concat(g.Select(l => l + "\n"))));
    }

    private static string[] Lines(RandomFile file) => file.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Names(RandomFile file) => Lines(file).First(l => l.StartsWith("#CHROM", StringComparison.Ordinal)).Split('\t')[FirstSample..];

    private static string Columns(RandomFile file, int[] columns) => string.Concat(Lines(file).Select(l => l.StartsWith("##", StringComparison.Ordinal) ? l + "\n" : Pick(l.Split('\t'), columns) + "\n"));

    private static string Pick(string[] fields, int[] columns) => string.Join('\t', fields[..FirstSample].Concat(columns.Select(c => fields[FirstSample + c])));
}
