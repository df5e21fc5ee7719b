using System.Text;
using Warehouse.Engine.Vcf;

namespace Warehouse.Tests.Vcf;

/// <summary>What the VCF tests share: small files in memory, and the real ones.</summary>
internal static class VcfFiles
{
    /// <summary>A header of version 4.3 with the samples named.</summary>
    public static string Header(params string[] samples) =>
        "##fileformat=VCFv4.3\n##contig=<ID=1,length=1000>\n##contig=<ID=2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
        + (samples.Length == 0 ? "" : "\tFORMAT\t" + string.Join('\t', samples)) + "\n";

    /// <summary>Opens text.</summary>
    public static VariantReader Open(string text, VcfReadOptions? options = null) => Open(Encoding.UTF8.GetBytes(text), options);

    /// <summary>Opens bytes.</summary>
    public static VariantReader Open(byte[] bytes, VcfReadOptions? options = null) => VariantFile.Open(new MemoryStream(bytes), "test.vcf", options ?? new VcfReadOptions());

    /// <summary>Reads all records of some bytes and gives the number of records.</summary>
    public static long ReadAll(byte[] bytes, VcfReadOptions? options = null)
    {
        using var reader = Open(bytes, options);
        var record = new VcfRecord();
        while (reader.Read(record)) { }
        return reader.RecordCount;
    }

    /// <summary>The same for text.</summary>
    public static long ReadAll(string text, VcfReadOptions? options = null) => ReadAll(Encoding.UTF8.GetBytes(text), options);

    /// <summary>VCF text files of the data folder, by their first line.</summary>
    public static IEnumerable<string> Real()
    {
        foreach (var folder in new[] { "genotypes", "gvcf", "clinvar" })
            foreach (var path in Directory.EnumerateFiles(TestData.File(folder), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                if (path.EndsWith(".vcf", StringComparison.Ordinal) || path.EndsWith(".vcf.gz", StringComparison.Ordinal)
                    || path.EndsWith(".vcf.bgz", StringComparison.Ordinal) || IsVcfText(path)) yield return path;
    }

    private static bool IsVcfText(string path)
    {
        using var file = File.OpenRead(path);
        var head = new byte[12];
        return file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.AsSpan().SequenceEqual("##fileformat"u8);
    }
}
