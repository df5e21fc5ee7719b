using System.Globalization;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Warehouse.Tests.House;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>The conformance corpus file by file: what each is refused for and where, and what bcftools reads of those that are not.</summary>
public sealed class CorpusTests
{
    private const string Verdicts = "tests/Warehouse.Tests/Vcf/corpus.tsv";

    /// <summary>Files that we read and bcftools 1.16 does not, with the beginning of what it says.</summary>
    private static readonly Dictionary<string, string> UnreadableForBcftools = new(((string[])["4.1", "4.2", "4.3"]).SelectMany(v => (KeyValuePair<string, string>[])
    [
        new($"{v}/failed/failed_body_sample_007.vcf", "vcf_parse"), new($"{v}/failed/failed_body_sample_008.vcf", "vcf_parse"), new($"{v}/failed/failed_header_001.vcf", "Could not parse the \"#CHROM..\" line"),
    ]));

    /// <summary>A change of any refusal, or of its place, is a change of a line of the list. A run that differs writes the new list to artifacts/corpus.tsv.</summary>
    [DataFact]
    public void Every_file_is_judged_by_the_rule_and_at_the_place_that_the_list_says()
    {
        var lines = new List<string>();
        foreach (var path in Files()) lines.Add($"{Path.GetRelativePath(TestData.File(ConformanceTests.Corpus), path)}\t{Verdict(path)}");
        var list = Path.Combine(TestData.ProjectRoot, Verdicts);
        if (!File.Exists(list) || !File.ReadLines(list).SequenceEqual(lines))
        {
            Directory.CreateDirectory(Path.Combine(TestData.ProjectRoot, "artifacts"));
            File.WriteAllLines(Path.Combine(TestData.ProjectRoot, "artifacts", "corpus.tsv"), lines);
        }
        Assert.Equal(File.ReadLines(list), lines);
    }

    /// <summary>Line and offset are those of one line of the file, and the message begins with them and ends with the rule.</summary>
    [DataFact]
    public void Every_refusal_names_a_line_of_the_file_and_a_rule()
    {
        var problems = new List<string>();
        var refused = 0;
        foreach (var path in Files())
        {
            if (Refusal(path) is not { } refusal || refusal.Code == "input-empty") continue; // an empty file has no line
            refused++;
            var bytes = File.ReadAllBytes(path);
            var starts = new List<long> { 0 };
            for (var i = 0; i < bytes.Length; i++)
                if (bytes[i] == '\n') starts.Add(i + 1);
            var (line, offset) = (refusal.Place.Line, refusal.Place.OffsetBytes);
            if (line < 1 || line > starts.Count || offset != starts[(int)line - 1]) problems.Add($"{path}: line {line} at byte {offset}");
            if (!refusal.Message.StartsWith($"{path}:{line}", StringComparison.Ordinal) || !refusal.Message.EndsWith($" [{refusal.Code}]", StringComparison.Ordinal)) problems.Add(refusal.Message);
        }
        Problems.None(problems);
        Assert.True(refused > 140, $"only {refused}");
    }

    /// <summary>Text, and the BCF that bcftools makes of it, against the columns that bcftools prints; taken apart here, not by the reader.</summary>
    [DataFact("bcftools")]
    public void What_is_read_of_every_accepted_file_is_what_bcftools_reads()
    {
        using var folder = new TempFolder();
        var (problems, unreadable) = (new List<string>(), new List<string>());
        var (files, values) = (0, 0L);
        foreach (var path in Files().Where(p => Refusal(p) is null))
        {
            var name = Path.GetRelativePath(TestData.File(ConformanceTests.Corpus), path);
            var (exit, theirs, error) = Peer.Run("bcftools", "view", "--no-version", "-H", path);
            if (exit != 0)
            {
                var listed = UnreadableForBcftools.GetValueOrDefault(name);
                unreadable.Add(name);
                if (listed is null || !error.Contains(listed, StringComparison.Ordinal)) problems.Add($"{name}: bcftools: {error.Split('\n')[0]}");
                continue;
            }
            files++;
            Compare(name, path, theirs, problems, ref values);
            if (Peer.Run("bcftools", "view", "--no-version", "-Ob", "-o", folder["x.bcf"], path).Exit == 0) Compare(name + " as BCF", folder["x.bcf"], theirs, problems, ref values);
        }
        Problems.None(problems);
        Assert.Equal(UnreadableForBcftools.Keys.Order(StringComparer.Ordinal), unreadable.Order(StringComparer.Ordinal));
        Assert.True(files > 80 && values > 2_000, $"{files} files, {values} values");
    }

    private static void Compare(string name, string path, string theirs, List<string> problems, ref long values)
    {
        var lines = theirs.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        using var reader = VariantFile.Open(path, new VcfReadOptions());
        var record = new VcfRecord();
        var count = 0;
        try
        {
            for (; reader.Read(record); count++)
            {
                if (count == lines.Length) break;
                var columns = lines[count].Split('\t');
                foreach (var (what, ours, their) in Values(reader.Header, record, columns))
                {
                    values++;
                    if (ours != their) problems.Add($"{name}: record {count + 1}: {what} is {ours}, bcftools: {their}");
                }
            }
        }
        catch (InputException refused)
        {
            problems.Add($"{name}: {refused.Message}");
        }
        if (count != lines.Length) problems.Add($"{name}: {count} records, bcftools: {lines.Length}");
    }

    private static IEnumerable<(string What, string Ours, string Theirs)> Values(VcfHeader header, VcfRecord record, string[] columns)
    {
        string[] site = [header.Contigs[record.ContigIndex].Name, (record.Start + 1).ToString(CultureInfo.InvariantCulture), OrDot(record.Id), OrDot(record.Ref), record.Alts.Count == 0 ? "." : string.Join(',', record.Alts.Select(OrDot))];
        for (var i = 0; i < site.Length; i++) yield return (new[] { "CHROM", "POS", "ID", "REF", "ALT" }[i], site[i], i == 0 ? columns[i].Trim('<', '>') : columns[i]); // 1.6.1.1: in angle brackets, a contig of the assembly file
        yield return ("QUAL", Number(record.Qual), columns[5] switch { "." or "nan" => ".", "inf" => Number(float.PositiveInfinity), "-inf" => Number(float.NegativeInfinity), var text => Number(float.Parse(text, CultureInfo.InvariantCulture)) });
        yield return ("FILTER", OrDot(record.Filter), columns[6]);
        if (columns.Length < 10) yield break;
        var keys = columns[8].Split(':');
        for (var s = 0; s < record.SampleCount; s++)
        {
            var cells = columns[9 + s].Split(':');
            string Theirs(string key) => Array.IndexOf(keys, key) is >= 0 and var at && at < cells.Length ? cells[at] : ".";
            yield return ($"GT of sample {s + 1}", ConformanceTests.GenotypeText(record, s), Theirs("GT"));
            foreach (var (key, field) in ((string, FormatFields)[])[("DP", FormatFields.Dp), ("GQ", FormatFields.Gq), ("MIN_DP", FormatFields.MinDp), ("RGQ", FormatFields.Rgq), ("AD", FormatFields.Ad)])
                if (record.Fields.HasFlag(field)) yield return ($"{key} of sample {s + 1}", ConformanceTests.IntegerText(record, key, s), Theirs(key).Trim('.', ',').Length == 0 ? "." : Theirs(key));
        }
    }

    private static string Number(float value) => float.IsNaN(value) ? "." : value.ToString("G5", CultureInfo.InvariantCulture);

    private static string OrDot(ReadOnlyMemory<byte> text) => text.IsEmpty ? "." : Encoding.UTF8.GetString(text.Span);

    internal static IEnumerable<string> Files() => Directory.EnumerateFiles(TestData.File(ConformanceTests.Corpus), "*.vcf", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    internal static InputException? Refusal(string path)
    {
        try
        {
            Read(path, lint: false);
            return null;
        }
        catch (InputException refused)
        {
            return refused;
        }
    }

    private static string Verdict(string path)
    {
        if (Refusal(path) is { } refused) return string.Create(CultureInfo.InvariantCulture, $"refused\t{refused.Code}\tline {refused.Place.Line}, byte {refused.Place.OffsetBytes}\t{refused.Place.Field}");
        try
        {
            var flags = Read(path, lint: true).Select(w => w[(w.LastIndexOf('[') + 1)..^1]).Where(c => !c.EndsWith("-undeclared", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal);
            return "accepted\t" + string.Join(' ', flags);
        }
        catch (InputException refusal)
        {
            return string.Create(CultureInfo.InvariantCulture, $"refused by --lint\t{refusal.Code}\tline {refusal.Place.Line}, byte {refusal.Place.OffsetBytes}\t{refusal.Place.Field}");
        }
    }

    private static IReadOnlyList<string> Read(string path, bool lint)
    {
        using var reader = VariantFile.Open(path, new VcfReadOptions { Lint = lint });
        var record = new VcfRecord();
        while (reader.Read(record)) { }
        return reader.LintWarnings;
    }
}
