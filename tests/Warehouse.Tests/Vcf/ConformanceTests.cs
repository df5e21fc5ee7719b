using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>The public conformance corpus and every real VCF of the data folder.</summary>
public sealed class ConformanceTests
{
    private const string Corpus = "conformance/samtools+hts-specs/test/vcf";

    [DataFact]
    public void Every_passed_file_of_the_corpus_is_accepted()
    {
        var refused = CorpusFiles("passed").Select(f => (f, Judge(f))).Where(j => j.Item2.Fault is not null).Select(j => $"{j.f}: {j.Item2.Fault}").ToList();
        Assert.True(refused.Count == 0, refused.Count + "\n" + string.Join('\n', refused));
    }

    [DataFact]
    public void Every_failed_file_of_the_corpus_is_refused_or_flagged()
    {
        var silent = CorpusFiles("failed").Where(f => Judge(f) is { Fault: null, Warnings: 0 }).ToList();
        Assert.True(silent.Count == 0, silent.Count + "\n" + string.Join('\n', silent));
    }

    [DataFact]
    public void Every_real_file_is_accepted_with_default_options()
    {
        var refused = VcfFiles.Real().Select(f => (f, Judge(f, lint: false))).Where(j => j.Item2.Fault is not null).Select(j => $"{j.f}: {j.Item2.Fault}").ToList();
        Assert.True(refused.Count == 0, refused.Count + "\n" + string.Join('\n', refused));
    }

    private static IEnumerable<string> CorpusFiles(string kind) =>
        Directory.EnumerateDirectories(TestData.File(Corpus)).Select(v => Path.Combine(v, kind)).Where(Directory.Exists)
            .SelectMany(Directory.EnumerateFiles).Order(StringComparer.Ordinal);

    private static (string? Fault, int Warnings) Judge(string path, bool lint = true)
    {
        try
        {
            using var reader = VariantFile.Open(path, new VcfReadOptions { Lint = lint });
            var record = new VcfRecord();
            while (reader.Read(record)) { }
            return (null, reader.LintWarnings.Count(w => !w.EndsWith("-undeclared]", StringComparison.Ordinal)));
        }
        catch (InputException e)
        {
            return (e.Message, 0);
        }
    }
}
