using System.Text;
using System.Text.RegularExpressions;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>
/// VRS 2.0 identifiers against the specification's worked examples (models.yaml and functions.yaml state the same digests) and against the
/// annotated VCF of the reference implementation, whose recorded requests hold the sequence around each allele. Not used: cassettes whose
/// expected values stand only in Python source, transcripts, and the GRCh37 annotation, which is the same file with other requests.
/// </summary>
public sealed partial class VrsTests
{
    private const string Chr19 = "SQ.IIB53T8CNeJJdUqzn9V_JnRtQadwWCbl";

    [Fact]
    public void Digests_are_those_of_the_specification()
    {
        Assert.Equal("z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc", Vrs.Digest(""u8));
        Assert.Equal("aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2", Vrs.Digest("ACGT"u8));
        Assert.Equal("wIlaGykfwHIpPY2Fcxtbx4TINbbODFVz", Vrs.LocationDigest(Chr19, 44908821, 44908822));
        Assert.Equal("4t6JnYWqHwYw9WzBT_lmWBb3tLQNalkT", Vrs.LocationDigest("SQ.F-LrLMe1SRpfUZHkQmvkVKFEGaoDeHul", 44908821, 44908822));
        Assert.Equal("0AePZIWZUNsUlQTamyLrjm2HWUw2opLt", Vrs.AlleleDigest(Chr19, JustifiedAllele.Trim(44908821, "C", "T")));
    }

    [Fact]
    public void An_insertion_that_repeats_says_lengths()
    {
        const string Around = "GACTCCTCCTGAG";   // CTCCTCCT at 40819438, with its neighbours
        var start = 40819438 - Around.IndexOf("CTCCTCCT", StringComparison.Ordinal);
        foreach (var (at, r, a) in new[] { (40819438, "CTCCTCCT", "CTCCTCCTCCT"), (40819446, "", "CCT"), (40819438, "", "CTC"), (40819441, "C", "CTCC") })
        {
            var allele = JustifiedAllele.Of(at, r, a, i => Around[i - start], int.MaxValue);
            Assert.Equal((40819438, 40819446), (allele.WideStart, allele.WideEnd));
            Assert.Equal("Oop4kjdTtKcg1kiZjIJAAR3bp7qi4aNT", Vrs.AlleleDigest("SQ.Ya6Rs7DHhDeg7YaOSg1EoNi3U_nQ9SvO", allele));
        }
    }

    [DataFact]
    public void Digests_of_the_validation_files_are_those_used_here()
    {
        var models = File.ReadAllText(TestData.File("normalization/ga4gh+vrs/validation/models.yaml"));
        foreach (var digest in new[] { "0AePZIWZUNsUlQTamyLrjm2HWUw2opLt", "Oop4kjdTtKcg1kiZjIJAAR3bp7qi4aNT", "4t6JnYWqHwYw9WzBT_lmWBb3tLQNalkT", "wIlaGykfwHIpPY2Fcxtbx4TINbbODFVz" })
            Assert.Contains(digest, models, StringComparison.Ordinal);
    }

    [DataFact]
    public void Identifiers_are_those_that_the_reference_implementation_wrote_into_a_VCF()
    {
        var bases = Recorded(TestData.File("normalization/ga4gh+vrs-python/tests/extras/cassettes/test_annotate_vcf_grch38_attrs.yaml"), Chr19);
        var compared = 0;
        foreach (var line in File.ReadLines(TestData.File("normalization/ga4gh+vrs-python/tests/extras/data/test_vcf_expected_output.vcf")).Where(l => !l.StartsWith('#')))
        {
            var cells = line.Split('\t');
            if (cells[7].Split(';').FirstOrDefault(i => i.StartsWith("VRS_Allele_IDs=", StringComparison.Ordinal)) is not { } info) continue;
            var ids = info["VRS_Allele_IDs=".Length..].Split(',');
            var alternates = cells[4].Split(',');
            for (var i = 0; i < alternates.Length; i++)
            {
                if (AlleleKinds.Classify(Encoding.ASCII.GetBytes(alternates[i])) != AlleleKind.Bases) continue;
                var allele = JustifiedAllele.Of(int.Parse(cells[1]) - 1, cells[3], alternates[i], at => bases[at], int.MaxValue);
                Assert.True(ids[i + 1] == Vrs.AllelePrefix + Vrs.AlleleDigest(Chr19, allele), $"{cells[0]}:{cells[1]} {cells[3]}>{alternates[i]}: {allele}");
                compared++;
            }
        }
        Assert.Equal(7, compared);
    }

    [Fact]
    public void Every_spelling_of_an_allele_has_one_identifier_and_no_two_alleles_share_one()
    {
        const int Seed = 8;
        var random = new Random(Seed);
        var bases = TestReference.Repeats(random, 500);
        using var folder = new TempFolder();
        using var genome = TestReference.Open(folder["r.fa"], Assembly.GRCh37, 60, ("1", bases));
        var normalizer = new Normalizer(genome);
        var ids = new Dictionary<string, Variant>();
        for (var i = 0; i < 3000; i++)
        {
            var (start, r, a) = TestReference.Allele(random, bases);
            var variant = normalizer.Normalize("1", start, r, a);
            var id = Vrs.AlleleId(variant, genome)!;
            var direct = JustifiedAllele.Of(start, r, a, at => bases[at], bases.Length);
            Assert.True(id == Vrs.AllelePrefix + Vrs.AlleleDigest(genome.RefgetAccession("1"), direct), $"seed {Seed}: {start} {r}>{a}");
            Assert.True(!ids.TryGetValue(id, out var other) || other == variant, $"seed {Seed}: {variant} and {other}");
            ids[id] = variant;
        }
        Assert.Null(Vrs.AlleleId(new Normalizer(null).Normalize("2", 1, "A", "C"), genome));
    }

    /// <summary>Bases by position that a cassette recorded for a sequence.</summary>
    private static Dictionary<int, char> Recorded(string path, string accession)
    {
        var bases = new Dictionary<int, char>();
        foreach (Match match in Interaction().Matches(File.ReadAllText(path)))
        {
            if (match.Groups[1].Value != accession) continue;
            var start = int.Parse(match.Groups[2].Value);
            foreach (var b in match.Groups[3].Value.Where(char.IsAsciiLetterUpper)) bases[start++] = b;
        }
        return bases;
    }

    [GeneratedRegex(@"sequence/ga4gh:(SQ\.[\w-]+)\?start=(\d+)&end=\d+\s+response:\s+body:\s+string:([^:]*?)\s+headers:", RegexOptions.Singleline)]
    private static partial Regex Interaction();
}
