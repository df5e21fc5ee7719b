using System.Formats.Tar;
using Warehouse.Cli;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>Stores that earlier versions wrote are read by this one, and answer what they answered then: tests/Warehouse.Tests/Fixtures.</summary>
public sealed class WrittenStoreTests
{
    [Theory]
    [InlineData("freq.tsv", 0, "freq STORE --symbolic --format tsv")]
    [InlineData("adj.tsv", 0, "freq STORE --adj --pass --by ancestry --cohort xx --format tsv")]
    [InlineData("as-of-3.tsv", 0, "freq STORE --as-of 3 --per sample --format tsv")]
    [InlineData("genotypes.tsv", 0, "export STORE --format tsv -o -")]
    [InlineData("carriers.tsv", 0, "carriers STORE 1-1056-C-T 1-1500-G-GTT 22-6000-CAT-C --format tsv")]
    [InlineData("seen.tsv", 4, "seen STORE 1-1056-C-T 1-1500-G-GTT '1:1001-2000 <DEL>' 1-5000000-A-C 2-7-A-C --format tsv")]
    public void A_store_of_format_1_answers_what_it_answered_when_it_was_written(string expected, int code, string line)
    {
        using var store = new Written("store-1");
        var cli = new Cli();
        Assert.Equal((code, ""), ((int)cli.Run([.. Cli.Words("warehouse " + line).Select(w => w == "STORE" ? store.Path : w)]), cli.Error));
        Assert.Equal(store.Expected(expected), cli.Output);
    }

    [Fact]
    public void A_store_of_format_1_is_whole_and_takes_in_more()
    {
        using var store = new Written("store-1");
        Assert.Equal(ExitCode.Done, new Cli().Run("verify", store.Path));
        var file = System.IO.Path.Combine(store.Path, "..", "new.vcf");
        File.WriteAllText(file, "##fileformat=VCFv4.3\n##contig=<ID=1,length=249250621>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNEW\n1\t1056\t.\tC\tT\t.\t.\t.\tGT\t1/1\n");
        Assert.Equal(ExitCode.Done, new Cli().Run("ingest", store.Path, file));
        Assert.Equal(ExitCode.Done, new Cli().Run("compact", store.Path));
        var carriers = new Cli();
        Assert.Equal(ExitCode.Done, carriers.Run("carriers", store.Path, "1-1056-C-T", "--format", "tsv"));
        Assert.Contains("\tNEW\thom_alt\t1/1\t", carriers.Output, StringComparison.Ordinal);
        var genotypes = new Cli();
        Assert.Equal(ExitCode.Done, genotypes.Run("export", store.Path, "--format", "tsv", "-o", "-"));
        Assert.Equal(Lines(store.Expected("genotypes.tsv")), Lines(genotypes.Output).Where(l => !l.Contains("\tNEW\t", StringComparison.Ordinal)));
        Assert.Equal(ExitCode.Done, new Cli().Run("verify", store.Path));
    }

    [Theory]
    [InlineData("freq.tsv", "freq STORE --annotate clinvar,spots --format tsv")]
    [InlineData("as-of-5.tsv", "freq STORE --as-of 5 --annotate clinvar@1.CLNSIG,clinvar@2.CLNSIG --format tsv")]
    [InlineData("seen.tsv", "seen STORE SIM1G0 1-1023-A-G --annotate clinvar.CLNSIG --format tsv")]
    [InlineData("list.tsv", "annotations list STORE --format tsv")]
    [InlineData(null, "verify STORE")]
    public void Annotations_of_a_store_answer_what_they_answered_when_it_was_written(string? expected, string line)
    {
        using var store = new Written("store-2");
        var cli = new Cli();
        Assert.Equal(ExitCode.Done, cli.Run([.. Cli.Words("warehouse " + line).Select(w => w == "STORE" ? store.Path : w)]));
        if (expected is not null) Assert.Equal(store.Expected(expected), cli.Output);
    }

    private static string[] Lines(string text) => text.Split('\n');

    /// <summary>The archive of a fixture, unpacked with its file modes.</summary>
    private sealed class Written : IDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly string _fixture;

        public Written(string name)
        {
            _fixture = System.IO.Path.Combine(TestData.ProjectRoot, "tests/Warehouse.Tests/Fixtures", name);
            TarFile.ExtractToDirectory(System.IO.Path.Combine(_fixture, "store.tar"), _folder.Path, overwriteFiles: false);
            Path = _folder[name];
        }

        public string Path { get; }

        public string Expected(string file) => File.ReadAllText(System.IO.Path.Combine(_fixture, file));

        public void Dispose() => _folder.Dispose();
    }
}
