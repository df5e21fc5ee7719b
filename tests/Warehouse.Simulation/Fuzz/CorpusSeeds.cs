using Warehouse.Engine.Vcf;

namespace Warehouse.Simulation.Fuzz;

/// <summary>
/// Seeds of others: small files of the folder of test data, the conformance corpus first. Without the folder there are none, and the seeds that
/// are written in this project stand alone. The order is that of the names, so that a seed of the draws gives the same inputs wherever the data are.
/// </summary>
internal static class CorpusSeeds
{
    private const int MostBytes = 8 << 10, MostBinaryBytes = 6 << 10, MostFiles = 64;

    private static readonly string? Folder = Environment.GetEnvironmentVariable("WAREHOUSE_TEST_DATA") is { Length: > 0 } data && Directory.Exists(data) ? data : null;

    /// <summary>VCF: all of the conformance corpus, good and bad, and the small ones among the real files.</summary>
    public static byte[][] Vcf { get; } = [.. Files("conformance", int.MaxValue, MostBytes, ".vcf"), .. Files("gvcf", MostFiles, MostBytes, ".vcf")];

    /// <summary>The good part of the corpus.</summary>
    public static byte[][] Good { get; } = Files("conformance", int.MaxValue, MostBytes, "/passed/", ".vcf");

    /// <summary>BCF that is not compressed: real files, and what the writer makes of the good part of the corpus.</summary>
    public static byte[][] Bcf { get; } =
    [
        .. Files("", int.MaxValue, MostBytes, ".bcf").Select(Inflate).Where(b => b.Length <= MostBinaryBytes).Take(MostFiles),
        .. Good.Select(VariantSeeds.TryToBcf).OfType<byte[]>(),
    ];

    /// <summary>FASTA.</summary>
    public static byte[][] Fasta { get; } = Files("", MostFiles, MostBytes, ".fa");

    /// <summary>Indexes of FASTA.</summary>
    public static byte[][] Fai { get; } = Files("", MostFiles, MostBytes, ".fai");

    /// <summary>BED.</summary>
    public static byte[][] Bed { get; } = Files("", MostFiles, MostBytes, ".bed");

    /// <summary>Tables of samples, as other programs write them.</summary>
    public static byte[][] Sheet { get; } = Files("", MostFiles, MostBytes, ".csv", ".ped", ".psam", ".fam");

    /// <summary>Files with one of the endings; a word between slashes must stand in the path.</summary>
    private static byte[][] Files(string folder, int mostFiles, long mostBytes, params string[] endings)
    {
        if (Folder is null || !Directory.Exists(Path.Combine(Folder, folder))) return [];
        var part = Array.Find(endings, e => e[0] == '/') ?? "";
        return
        [
            .. Directory.EnumerateFiles(Path.Combine(Folder, folder), "*", SearchOption.AllDirectories)
                .Where(f => endings.Any(e => f.EndsWith(e, StringComparison.Ordinal)) && f.Contains(part, StringComparison.Ordinal) && new FileInfo(f).Length is var length && length > 0 && length <= mostBytes)
                .Order(StringComparer.Ordinal).Take(mostFiles).Select(File.ReadAllBytes),
        ];
    }

    private static byte[] Inflate(byte[] file)
    {
        using var input = new BgzfInput(new RawInput(new MemoryStream(file), "seed"), 1 << 20, 1);
        var bytes = new byte[1 << 20];
        return bytes[..input.ReadFully(bytes)];
    }
}
