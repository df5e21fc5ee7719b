using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>The public conformance corpus and every real VCF of the data folder.</summary>
public sealed class ConformanceTests
{
    internal const string Corpus = "conformance/samtools+hts-specs/test/vcf";
    private const string AlleleOfNothing = "1.6.2 GT: allele values are 0 for REF and 1, 2, … for the alleles listed in ALT; here a genotype has 1 where ALT is '.' (1.6.1.5: no alternate alleles), and a count of it would be a count of nothing";

    /// <summary>Files that the corpus accepts and we refuse: the rule, and why it stands, with the section of the specification (VCF 4.5; the older ones say the same).</summary>
    private static readonly Dictionary<string, (string Rule, string Reason)> RefusedThoughPassed = new()
    {
        ["4.1/passed/passed_body_alt.vcf"] = ("vcf-genotype", AlleleOfNothing),
        ["4.2/passed/passed_body_alt.vcf"] = ("vcf-genotype", AlleleOfNothing),
        ["4.3/passed/passed_body_alt.vcf"] = ("vcf-genotype", AlleleOfNothing),
        ["4.5/passed/zero_length_LAA.vcf"] = ("vcf-unsorted", "1.6.1.2 POS: positions are sorted numerically, in increasing order, within each CHROM; here 300 follows 400, and every index and merge relies on the order"),
    };

    /// <summary>Real files that we refuse: the rule, and why.</summary>
    private static readonly Dictionary<string, (string Rule, string Reason)> RefusedThoughReal = new()
    {
        ["genotypes/sgkit-dev+bio2zarr/tests/data/vcf/field_type_combos.vcf.gz"] = ("vcf-alt-duplicate", "1.6.1.5 ALT: a list of alternate alleles, numbered by GT; made by a generator, it is G,G in a record, one allele that would count as two"),
        ["gvcf/GenomicsDB+GenomicsDB/tests/inputs/template_vcf_header.vcf"] = ("vcf-no-columns", "1.5: the header line #CHROM is mandatory; it is a piece of a header without that line"),
        ["gvcf/TileDB-Inc+TileDB-VCF/libtiledbvcf/test/inputs/stats/first.vcf"] = ("vcf-genotype", "1.6.2 GT: an allele number above the number of ALT alleles names nothing"),
    };

    [DataFact]
    public void Every_passed_file_of_the_corpus_is_accepted_but_for_a_list()
    {
        var root = TestData.File(Corpus);
        Assert.Equal(Listed(RefusedThoughPassed), Refused(CorpusFiles("passed"), root, lint: true));
    }

    [DataFact]
    public void Every_failed_file_of_the_corpus_is_refused_or_flagged()
    {
        var files = CorpusFiles("failed").ToList();
        Assert.True(files.Count >= 600, $"only {files.Count} files");
        Assert.DoesNotContain(files, f => Judge(f, lint: true) is { Fault: null, Warnings: 0 });
    }

    [DataFact]
    public void Every_real_file_is_accepted_with_default_options_but_for_a_list()
    {
        var files = VcfFiles.Real().ToList();
        Assert.True(files.Count >= 200, $"only {files.Count} files");
        Assert.Equal(Listed(RefusedThoughReal), Refused(files, TestData.File("."), lint: false));
    }

    [DataFact("bcftools")]
    public void Positions_alleles_and_genotypes_are_those_that_bcftools_reads()
    {
        var compared = 0;
        foreach (var path in VcfFiles.Real())
        {
            if (RefusedThoughReal.Keys.Any(k => path.EndsWith(k, StringComparison.Ordinal))) continue;
            var ours = QueryText(path);
            if (ours is null) continue;
            var (exit, theirs, error) = Peer.Run("bcftools", "query", "-f", "%CHROM\\t%POS\\t%REF\\t%ALT[\\t%GT]\\n", path);
            if (exit != 0 && error.Contains("no such tag", StringComparison.OrdinalIgnoreCase)) continue;
            Assert.True(exit == 0, $"{path}: {error}");
            if (ours != theirs) Assert.Fail($"{path}: {FirstDifference(ours, theirs)}");
            compared++;
        }
        Assert.True(compared >= 100, $"only {compared} files compared");
    }

    [DataFact("bcftools")]
    public void Integer_columns_are_those_that_bcftools_reads()
    {
        var compared = 0L;
        foreach (var path in VcfFiles.Real().Where(p => p.Contains("/gvcf/", StringComparison.Ordinal) && new FileInfo(p).Length < 300_000).Take(60))
        {
            if (RefusedThoughReal.Keys.Any(k => path.EndsWith(k, StringComparison.Ordinal))) continue;
            using var reader = VariantFile.Open(path, new VcfReadOptions());
            var tags = new[] { "DP", "GQ", "MIN_DP", "RGQ", "AD" }.Where(t => reader.Header.MetaLines.Any(m => m.StartsWith($"##FORMAT=<ID={t},", StringComparison.Ordinal) && m.Contains("Type=Integer", StringComparison.Ordinal))).ToArray();
            if (reader.Header.Samples.Count == 0 || tags.Length == 0) continue;
            var theirs = Peer.Output("bcftools", "query", "-f", "[" + string.Concat(tags.Select(t => $"%{t} ")) + "]\n", path).Split('\n');
            var record = new VcfRecord();
            for (var i = 0; reader.Read(record); i++)
            {
                var expected = theirs[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Trim('.', ',').Length == 0 ? "." : v);
                Assert.Equal(expected, Enumerable.Range(0, record.SampleCount).SelectMany(s => tags.Select(t => IntegerText(record, t, s))));
                compared += record.SampleCount;
            }
        }
        Assert.True(compared >= 1_000, $"only {compared} columns compared");
    }

    internal static string IntegerText(VcfRecord record, string tag, int sample)
    {
        var (field, column, width) = tag switch
        {
            "DP" => (FormatFields.Dp, record.Dp, 1),
            "GQ" => (FormatFields.Gq, record.Gq, 1),
            "MIN_DP" => (FormatFields.MinDp, record.MinDp, 1),
            "RGQ" => (FormatFields.Rgq, record.Rgq, 1),
            _ => (FormatFields.Ad, record.Ad, 1 + record.Alts.Count),
        };
        if (!record.Fields.HasFlag(field)) return ".";
        var values = column.AsSpan(sample * width, width).ToArray();
        return values.All(v => v == VcfRecord.MissingInt) ? "." : string.Join(',', values.Select(v => v == VcfRecord.MissingInt ? "." : v.ToString()));
    }

    private static string FirstDifference(string ours, string theirs)
    {
        var (a, b) = (ours.Split('\n'), theirs.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(a.Length, b.Length)).First(i => i >= a.Length || i >= b.Length || a[i] != b[i]);
        return $"record {line + 1}: {(line < a.Length ? a[line] : "none")[..Math.Min(200, line < a.Length ? a[line].Length : 4)]} | {(line < b.Length ? b[line] : "none")[..Math.Min(200, line < b.Length ? b[line].Length : 4)]}";
    }

    /// <summary>What bcftools query prints, from our records; null for files without samples.</summary>
    private static string? QueryText(string path)
    {
        using var reader = VariantFile.Open(path, new VcfReadOptions { Threads = 2 });
        if (reader.Header.Samples.Count == 0) return null;
        var text = new StringBuilder();
        var record = new VcfRecord();
        while (reader.Read(record))
        {
            text.Append(reader.Header.Contigs[record.ContigIndex].Name).Append('\t').Append(record.Start + 1).Append('\t').Append(Encoding.ASCII.GetString(record.Ref.Span)).Append('\t');
            text.Append(record.Alts.Count == 0 ? "." : string.Join(',', record.Alts.Select(a => Encoding.ASCII.GetString(a.Span))));
            for (var s = 0; s < record.SampleCount; s++) text.Append('\t').Append(GenotypeText(record, s));
            text.Append('\n');
        }
        return text.ToString();
    }

    internal static string GenotypeText(VcfRecord record, int sample)
    {
        if (!record.HasGt) return ".";
        var (first, second) = (record.First[sample], record.Second[sample]);
        if (first == VcfRecord.IrregularMark) return record.Irregular.Single(i => i.Sample == sample).Text;
        var a = first == 0 ? "." : (first - 1).ToString();
        if (second == VcfRecord.NoAllele) return a;
        return a + (record.Phased[sample] == 1 ? "|" : "/") + (second == 0 ? "." : (second - 1).ToString());
    }

    private static IEnumerable<string> Listed(Dictionary<string, (string Rule, string Reason)> list) => list.Select(e => $"{e.Key}: {e.Value.Rule}").Order(StringComparer.Ordinal);

    private static IEnumerable<string> Refused(IEnumerable<string> files, string root, bool lint) =>
        files.Select(f => (File: f, Judge(f, lint).Fault)).Where(f => f.Fault is not null).Select(f => $"{Path.GetRelativePath(root, f.File)}: {f.Fault}");

    private static IEnumerable<string> CorpusFiles(string kind) =>
        Directory.EnumerateDirectories(TestData.File(Corpus)).Select(v => Path.Combine(v, kind)).Where(Directory.Exists)
            .SelectMany(Directory.EnumerateFiles).Order(StringComparer.Ordinal);

    /// <summary>Undeclared names do not count as a flag: nearly every file of the corpus has some.</summary>
    private static (string? Fault, int Warnings) Judge(string path, bool lint)
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
            return (e.Code, 0);
        }
    }
}
