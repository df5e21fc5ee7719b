using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Xunit;

namespace Warehouse.Tests.Annotations;

/// <summary>Real releases: the VCF and the TSV of the same day, each against a plain reading of its lines, and against the other.</summary>
public sealed class ClinVarDataTests
{
    private const string Mapping = "format tsv\nassembly GRCh37\ncontig chrom\npos pos\nref ref\nalt alt\nmissing . NA\nfield ID text from measureset_id\nfield CLNSIG text from clinical_significance\nfield GENE text from symbol terms gene\nfield HGVSC text from hgvs_c terms hgvs\nfield HGVSP text from hgvs_p terms hgvs\nfield CONFLICTED integer from conflicted\n";

    [DataFact("zcat")]
    public void Both_forms_of_a_release_are_joined_as_their_lines_say()
    {
        using var folder = new TempFolder();
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh37" });
        var (vcf, tsv) = (TestData.File("clinvar/derived/clinvar_GRCh37_2016-05-20.derived.vcf.gz"), TestData.File("clinvar/macarthur-lab+clinvar/macarthur_2016-05-20_clinvar.tsv.gz"));
        var day = new DateOnly(2016, 5, 20);
        var clinvar = store.LoadAnnotations(new AnnotationRequest { Source = "clinvar", Date = day, File = vcf });
        var table = store.LoadAnnotations(new AnnotationRequest { Source = "lab", Date = day, File = tsv, Mapping = AnnotationMapping.Parse(Mapping, "map") });
        Assert.Equal(["ID", "CLNSIG", "CLNREVSTAT", "GENE"], clinvar.Release.Fields.Select(f => f.Name));
        using var join = store.JoinAnnotations(["clinvar", "lab"]);
        var columns = join.Columns.Select(c => c.Name).ToList();
        AssertJoined(join, columns.IndexOf("clinvar.CLNSIG"), Lines(vcf).Where(l => l[0] != '#').Select(l => l.Split('\t')).Select(f => (Key(f[0], f[1], f[3], f[4]), InfoOf(f[7], "CLNSIG"))), clinvar.Release);
        AssertJoined(join, columns.IndexOf("lab.CLNSIG"), Lines(tsv).Skip(1).Select(l => l.Split('\t')).Select(f => (Key(f[0], f[1], f[2], f[3]), f[7] is "." or "NA" or "" ? null : f[7])), table.Release);
        // A name of the file finds the allele of its line.
        var some = Lines(tsv).Skip(1).Select(l => l.Split('\t')).Where((f, i) => i % 1999 == 0 && f[9].Contains(":c.", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(some);
        foreach (var f in some) Assert.Contains(string.Join('-', Key(f[0], f[1], f[2], f[3]).Split(' ')), join.Search(f[9], 1000).Select(v => v.ToString()));
    }

    private static void AssertJoined(AnnotationSet join, int column, IEnumerable<(string Key, string? Value)> lines, AnnotationRelease release)
    {
        var all = lines.ToList();
        Assert.Equal(all.Count, release.Rows + release.LeftOut.Sum(l => l.Count));
        Assert.True(all.Count > 100_000);
        foreach (var allele in all.GroupBy(l => l.Key))
        {
            var at = allele.Key.Split(' ');
            if (at[2] == at[3]) continue;
            join.SeekSpelled(at[0], int.Parse(at[1]) - 1, Encoding.ASCII.GetBytes(at[2]), Encoding.ASCII.GetBytes(at[3]));
            var values = allele.Select(a => a.Value).Distinct().ToList();
            var expected = values.All(v => v is null) ? null : string.Join(';', values.Select(v => v ?? "."));
            Assert.True(expected == join.TextOf(column), $"{allele.Key}: {expected}, found {join.TextOf(column)}");
        }
    }

    /// <summary>Trimmed alone, as the store has no reference.</summary>
    private static string Key(string contig, string position, string r, string a)
    {
        var start = int.Parse(position);
        while (r.Length > 1 && a.Length > 1 && r[^1] == a[^1]) (r, a) = (r[..^1], a[..^1]);
        while (r.Length > 1 && a.Length > 1 && r[0] == a[0]) (r, a, start) = (r[1..], a[1..], start + 1);
        return $"{contig} {start} {r} {a}";
    }

    private static string? InfoOf(string info, string key) => info.Split(';').FirstOrDefault(i => i.StartsWith(key + "=", StringComparison.Ordinal))?[(key.Length + 1)..];

    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StringReader(Peer.Output("zcat", path));
        while (reader.ReadLine() is { } line) yield return line;
    }
}
