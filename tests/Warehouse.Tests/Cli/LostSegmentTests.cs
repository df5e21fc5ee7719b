using System.Globalization;
using Warehouse.Cli;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>I3 where all of a segment is lost, its directory too: only the stretch that the catalog gives it is unanswered, and all that can be known is said.</summary>
public sealed class LostSegmentTests
{
    [Theory]
    [InlineData("gone")]
    [InlineData("last byte")]
    [InlineData("first byte")]
    public void Alleles_beside_the_stretch_of_a_lost_segment_are_answered_as_if_nothing_had_happened(string damage)
    {
        using var store = new ExportStore("GRCh37");
        store.Ingest("left.vcf", "s0 s1", ["22 1000 . A C . PASS . GT 0/1 0/0", "22 1500 . AAAAA A . PASS . GT 0/1 1/1", "22 2000 . A T . PASS . GT ./. 0/1", "X 3000000 . A G . PASS . GT 1 0/1"]);
        store.Ingest("right.vcf", "s0 s2", ["22 5000 . A C . PASS . GT 0/1 0/0", "22 5100 . A T . PASS . GT ./. 0/1"]); // s0 has parts in both
        store.Ingest("blocks.vcf", "g", ["22 1400 . A <NON_REF> . . END=5200 GT:GQ:DP 0/0:60:30", "22 5300 . A G . PASS . GT:GQ:DP 0/1:60:30"]);
        store.Ingest("assumed.vcf", "r", ["22 1450 . A C . PASS . GT 1/1"], "--assume-reference");
        var places = new[] { 1, 990, 998, 999, 1000, 1001, 1399, 1400, 1449, 1450, 1451, 1490, 1500, 1502, 1504, 1505, 1600, 1999, 2000, 2001, 3000, 4999, 5000, 5100, 5101, 5199, 5200, 5201, 5300, 5301, 9000 };
        List<(string Query, int Start, int End)> asked = [.. places.Select(p => ($"22-{p}-A-C", p - 1, p)), ("22-995-AAAA-A", 994, 998), ("22-995-AAAAAAA-A", 994, 1001), ("22-1500-AAAAA-A", 1499, 1504), ("22-2000-A-T", 1999, 2000), ("22-5100-A-T", 5099, 5100), ("X-3000000-A-G", -1, 0), ("1-77-A-C", -1, 0)];
        var queries = asked.Select(a => a.Query).ToArray();
        var list = store.Write("list", string.Join('\n', queries) + "\n");
        var vcf = store.Write("asked.vcf", ExportStore.Vcf("", [.. queries.Where(q => q[0] == '2').Select(a => a.Split('-')).OrderBy(a => int.Parse(a[1], CultureInfo.InvariantCulture)).Select(a => $"{a[0]} {a[1]} . {a[2]} {a[3]} . . .")]).Replace("\tFORMAT\t", "", StringComparison.Ordinal));
        string[][] lines = [["seen", store.Path, .. queries, "--format", "tsv"], ["freq", store.Path, "--variants", list, "--format", "tsv"], ["seen", store.Path, "--vcf", vcf, "-o", "-"], ["carriers", store.Path, .. queries, "--format", "tsv"]];
        var right = lines.Select(l => Ask(l).Output.Split('\n')).ToArray();
        var before = InProcess(store, queries);
        var (met, beside) = (0, 0);
        foreach (var (file, stretch, isAloneOnX) in Segments(store))
        {
            var good = File.ReadAllBytes(file);
            Break(file, good, damage);
            // In process, base by base, and with the look-up of many.
            var now = InProcess(store, queries);
            for (var i = 0; i < asked.Count; i++)
            {
                var touches = asked[i].Query[0] == 'X' ? isAloneOnX : asked[i].Query[0] == '2' && asked[i].Start < stretch.End && stretch.Start < asked[i].End;
                Assert.True((now[i] == before[i]) == !touches && (now[i] == "damaged damaged") == touches, $"{asked[i].Query} beside {stretch}: {before[i]} is now {now[i]}");
                if (touches) met++;
                else beside++;
            }
            for (var l = 0; l < 3; l++)
            {
                var (code, output, error) = Ask(lines[l]);
                var rows = output.Split('\n');
                Assert.Equal((ExitCode.DamagedStore, right[l].Length), (code, rows.Length));
                Assert.Contains("damaged store: f/" + Path.GetFileName(file), error, StringComparison.Ordinal);
                for (var i = 0; i < rows.Length; i++)
                {
                    if (rows[i] == right[l][i]) continue;
                    var cells = rows[i].Split('\t');
                    var (start, length) = l == 0 ? (int.Parse(cells[0].Split('-')[1], CultureInfo.InvariantCulture) - 1, cells[0].Split('-')[2].Length) : (int.Parse(cells[1], CultureInfo.InvariantCulture) - 1, cells[l == 2 ? 3 : 2].Length);
                    Assert.True(cells[0][0] == 'X' ? isAloneOnX : start < stretch.End && stretch.Start < start + length, rows[i]);
                }
            }
            Assert.All(Ask(lines[3]).Output.Split('\n'), r => Assert.Contains(r, right[3])); // carriers: fewer rows, and exit 3
            File.WriteAllBytes(file, good);
        }
        Assert.True(met > 20 && beside > 60, $"{met} answers in the stretch, {beside} beside it");
    }

    [Fact]
    public void Info_prints_what_can_be_known_and_names_each_damage()
    {
        using var store = new ExportStore("GRCh37");
        store.Ingest("a.vcf", "a b", ["22 100 . A C . PASS . GT 0/1 1|1", "22 200 . AT A . q10 . GT 0/0 ./."]);
        store.Ingest("b.vcf", "c", ["21 100 . A C . PASS . GT 0/1"]);
        store.Ingest("c.vcf", "d", ["20 100 . A C . PASS . GT 0/1"]);
        var right = Facts(Ask(["info", store.Path, "--format", "tsv"]).Output);
        Assert.Equal(("4", "4", "6"), (right["samples"], right["records"], right["genotypes"]));
        var segments = Segments(store).Select(s => s.File).ToList();
        foreach (var file in segments[..2]) Break(file, File.ReadAllBytes(file), "last byte");
        var (code, output, error) = Ask(["info", store.Path, "--format", "tsv"]);
        Assert.Equal(ExitCode.DamagedStore, code);
        Assert.StartsWith("warehouse: damaged store: f/", error, StringComparison.Ordinal);
        foreach (var file in segments[..2]) Assert.Contains("\ndamage\tdamaged store: f/" + Path.GetFileName(file), output, StringComparison.Ordinal);
        Assert.DoesNotContain(Path.GetFileName(segments[2]), output, StringComparison.Ordinal);
        var facts = Facts(output);
        foreach (var same in (string[])["assembly", "snapshot", "samples", "samples withdrawn", "files loaded", "segments", "cohorts", "bytes on disk"]) Assert.Equal(right[same], facts[same]);
        foreach (var less in (string[])["records", "allele rows", "genotypes"])
        {
            Assert.StartsWith("at least ", facts[less], StringComparison.Ordinal);
            Assert.InRange(int.Parse(facts[less]["at least ".Length..], CultureInfo.InvariantCulture), 1, int.Parse(right[less], CultureInfo.InvariantCulture) - 1);
        }
    }

    [Fact]
    public void A_VRS_identifier_that_may_stand_in_what_is_damaged_is_not_assessable_and_others_are_answered()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["ref.fa"], ">c1\n" + new string('A', 500) + "\n>c2\n" + new string('C', 500) + "\n");
        using var store = new ExportStore("toy", folder["ref.fa"]);
        store.Ingest("a.vcf", "a", ["c1 10 . A G . PASS . GT 0/1", "c2 10 . C T . PASS . GT 0/1"]);
        store.Ingest("b.vcf", "b", ["c1 300 . A G . PASS . GT 0/1"]);
        string[] identifiers = new string[3];
        using (var opened = VariantStore.Open(store.Path))
        using (var session = opened.OpenSession())
            identifiers = [.. session.Seen(["c1-10-A-G", "c2-10-C-T", "c1-300-A-G"], SampleChoice.All).Select(a => session.Identify(a)!.Vrs!), "ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"];
        string[] line = ["seen", store.Path, .. identifiers, "1-x", "--format", "tsv"];
        var right = Ask(line).Output.Split('\n');
        var file = Segments(store).MaxBy(s => s.Stretch.Start).File; // of b
        var good = File.ReadAllBytes(file);
        foreach (var at in (int[])[90, good.Length - 1]) // in a block, and in the directory
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 1;
            File.WriteAllBytes(file, bad);
            var (code, output, error) = Ask(line);
            Assert.Equal(ExitCode.DamagedStore, code);
            var rows = output.Split('\n');
            Assert.Equal(right[..3], rows[..3]); // the header, and those that are found elsewhere
            foreach (var row in rows[3..5]) Assert.Contains("\tnot assessable\t", row, StringComparison.Ordinal);
            foreach (var row in rows[3..5]) Assert.Contains("damaged store: f/" + Path.GetFileName(file), row, StringComparison.Ordinal);
            Assert.Equal(right[5..], rows[5..]);
            Assert.Contains("damaged store: f/" + Path.GetFileName(file), error, StringComparison.Ordinal);
            var freq = Ask(["freq", store.Path, "--variants", store.Write("list", string.Join('\n', identifiers) + "\n")]);
            Assert.Equal(ExitCode.DamagedStore, freq.Code);
            Assert.Contains("damaged store: f/" + Path.GetFileName(file), freq.Error, StringComparison.Ordinal);
            // What a spelling means is not known either, which is told as such.
            using var opened = VariantStore.Open(store.Path);
            using var session = opened.OpenSession();
            var meanings = session.Resolve([.. identifiers, "1-x"]).ToList();
            Assert.Equal([false, false, true, true, false], meanings.Select(m => m.Damage is not null));
            Assert.Equal(["c1", "c2", null, null, null], meanings.Select(m => m.Contig));
            Assert.All(meanings, m => Assert.Equal(m.Contig is null, m.Reason is not null));
        }
        File.WriteAllBytes(file, good);
        Assert.Equal(right, Ask(line).Output.Split('\n'));
    }

    private static (ExitCode Code, string Output, string Error) Ask(string[] words)
    {
        var cli = new Cli();
        var code = cli.Run(words);
        return (code, cli.Output, cli.Error);
    }

    private static Dictionary<string, string> Facts(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split('\t')).Where(c => c[0] != "damage").ToDictionary(c => c[0], c => c[1]);

    /// <summary>State and figures of each query, by <see cref="Session.Seen"/> and by a look-up, damage as such.</summary>
    private static List<string> InProcess(ExportStore store, string[] queries)
    {
        using var opened = VariantStore.Open(store.Path);
        using var session = opened.OpenSession();
        using var lookup = session.PrepareLookup(SampleChoice.All);
        var seen = session.Seen(queries, SampleChoice.All).Select(a => a.Damage is null ? $"{a.State} {Text(a.Figures)} {string.Join(',', a.Overlapping)} {a.FirstSeen}" : "damaged").ToList();
        return [.. queries.Select((q, i) =>
        {
            var cells = q.Split('-');
            try
            {
                var state = lookup.Find(cells[0], int.Parse(cells[1], CultureInfo.InvariantCulture) - 1, System.Text.Encoding.ASCII.GetBytes(cells[2]), System.Text.Encoding.ASCII.GetBytes(cells[3]), out var figures);
                return $"{seen[i]} {state} {Text(figures)}";
            }
            catch (DamagedStoreException)
            {
                return seen[i] + " damaged";
            }
        })];
    }

    private static string Text(CountFigures f) => $"{f.Ac} {f.An} {f.NHet} {f.NHomAlt} {f.NHemi} {f.NHalf} {f.NNoCall} {f.NNotAssessed} {f.NSamples} {f.AnAssumed}";

    /// <summary>Each segment's file, its stretch on the contig asked (22, or the only one), and whether it has data on X.</summary>
    private static List<(string File, (int Start, int End) Stretch, bool HasX)> Segments(ExportStore store)
    {
        using var opened = VariantStore.Open(store.Path);
        var catalog = opened.CatalogNow;
        return [.. catalog.Segments.Select(e => (Path.Combine(store.Path, "f", e.File), e.Stretches.TryGetValue(catalog.ContigIndex("22"), out var on22) ? on22 : e.Stretches.Values.First(), e.Stretches.ContainsKey(catalog.ContigIndex("X"))))];
    }

    private static void Break(string file, byte[] good, string damage)
    {
        var bad = (byte[])good.Clone();
        bad[damage == "first byte" ? 0 : ^1] ^= 1;
        if (damage == "gone") File.Delete(file);
        else File.WriteAllBytes(file, bad);
    }
}
