using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>The BCF reader against the text reader on the same data, bcftools doing the conversions.</summary>
public sealed class BcfReaderTests
{
    [DataFact("bcftools")]
    public void Every_real_text_file_reads_the_same_as_bcf()
    {
        using var folder = new TempFolder();
        var (compared, records, problems) = (0, 0L, new List<string>());
        foreach (var path in VcfFiles.Real().Where(p => !p.StartsWith(TestData.File("clinvar"), StringComparison.Ordinal)))
        {
            if (Peer.Run("bcftools", "view", "-Ob", "-o", folder["x.bcf"], path).Exit != 0) continue;
            compared++;
            records += Compare(path, folder, folder["x.bcf"], problems);
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.True(compared > 50 && records > 20_000, $"{compared} files, {records} records");
    }

    [DataFact("bcftools")]
    public void Every_real_bcf_file_reads_the_same_as_its_text()
    {
        using var folder = new TempFolder();
        var (compared, problems) = (0, new List<string>());
        foreach (var path in Directory.EnumerateFiles(TestData.Folder!, "*.bcf", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            compared++;
            Compare(path, folder, path, problems);
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.True(compared > 50, $"{compared} files");
    }

    private static long Compare(string origin, TempFolder folder, string bcf, List<string> problems)
    {
        Peer.Run("bcftools", "view", "--no-version", "-Ov", "-o", folder["x.vcf"], bcf);
        try
        {
            using var binary = VariantFile.Open(bcf, new VcfReadOptions());
            using var text = VariantFile.Open(folder["x.vcf"], new VcfReadOptions());
            if (RecordComparison.FirstDifference(binary, text) is { } difference) problems.Add($"{origin}: {difference}");
            if (!binary.Header.MetaLines.Order(StringComparer.Ordinal).SequenceEqual(text.Header.MetaLines.Order(StringComparer.Ordinal))) problems.Add($"{origin}: meta lines");
            if (!binary.Header.Samples.SequenceEqual(text.Header.Samples)) problems.Add($"{origin}: samples");
            return binary.RecordCount;
        }
        catch (InputException e)
        {
            problems.Add($"{origin}: {e.Message}");
            return 0;
        }
    }
}
