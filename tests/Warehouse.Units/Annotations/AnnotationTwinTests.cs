using System.Globalization;
using System.Text;
using Warehouse.Engine.Annotations;
using Warehouse.Units.Oracle;
using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Annotations;

/// <summary>Random releases, read and joined by the engine and by a dictionary that shares no code with it. A failure names its seed.</summary>
public sealed class AnnotationTwinTests : IDisposable
{
    private const string Mapping = "format tsv\ncontig chrom\npos position\nref r\nalt a\nmissing . NA\nfield NAME text\nfield N integer from count\nfield X real\nfield F flag\nfield GENE text terms gene\nfield HGVS text terms hgvs\n";
    private readonly TempFolder _folder = new();

    [Fact]
    public void Random_releases_are_joined_as_a_dictionary_of_alleles_joins_them()
    {
        for (var seed = 701; seed <= 724; seed++)
        {
            var dice = new Random(seed);
            var genome = new RandomGenome(dice, withReference: dice.Next(4) > 0);
            var rows = Rows(dice, genome);
            using var store = new MemoryStore(genome.Assembly, genome.HasReference ? genome.Fasta() : null);
            var isVcf = dice.Next(2) == 0;
            if (isVcf) rows = [.. rows.OrderBy(r => r.Contig, StringComparer.Ordinal).ThenBy(r => r.Start)]; // others are refused
            var request = new AnnotationRequest
            {
                Source = "s", Date = new DateOnly(2024, 1, 7), File = isVcf ? Vcf(rows) : Table(rows), Mapping = isVcf ? null : AnnotationMapping.Parse(Mapping, "map"),
                Sizes = dice.Next(2) == 0 ? (8 + dice.Next(40), 1 + dice.Next(9), dice.Next(30)) : null,
            };
            var receipt = store.Store.LoadAnnotations(request);
            Assert.True(receipt.Committed && receipt.IsNewest, $"seed {seed}");
            Assert.True(rows.Count == receipt.Release.Rows, $"seed {seed}: {rows.Count} rows, {receipt.Release.Rows} stored");
            Assert.DoesNotContain(store.Store.Verify(), f => f.Kind != Warehouse.Engine.Manifests.FindingKind.Surplus);
            AssertBlocks(store, rows, genome, seed);
            AssertJoined(store, rows, genome, dice, seed);
            AssertFound(store, rows, genome, seed);
        }
    }

    [Fact]
    public void Random_intervals_are_joined_where_they_touch()
    {
        for (var seed = 801; seed <= 812; seed++)
        {
            var dice = new Random(seed);
            var genome = new RandomGenome(dice, withReference: true);
            var rows = Enumerable.Range(0, 1 + dice.Next(200)).Select(i => (Contig: genome.Contigs.ElementAt(dice.Next(genome.Contigs.Count())), Start: dice.Next(1500), Length: 1 + dice.Next(dice.Next(2) == 0 ? 10 : 400), Name: $"n{i}")).ToList();
            var bed = _folder[$"{seed}.bed"];
            File.WriteAllText(bed, "track name=x\n" + string.Concat(rows.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Contig}\t{r.Start}\t{r.Start + r.Length}\t{r.Name}\n"))));
            using var store = new MemoryStore(genome.Assembly, genome.Fasta());
            store.Store.LoadAnnotations(new AnnotationRequest { Source = "b", Date = new DateOnly(2024, 1, 7), File = bed, Mapping = AnnotationMapping.Parse("format bed\nfield NAME text from 4\n", "map"), Sizes = (8 + dice.Next(40), 1 + dice.Next(9), dice.Next(30)) });
            using var join = store.Store.JoinAnnotations(["b"]);
            for (var i = 0; i < 200; i++)
            {
                var (contig, start, length) = (genome.Contigs.ElementAt(dice.Next(genome.Contigs.Count())), dice.Next(1600), 1 + dice.Next(3));
                join.Seek(contig, start, Encoding.ASCII.GetBytes(genome.Bases(contig, start, length)), "T"u8);
                var touched = rows.Select((r, line) => (r, line)).Where(r => r.r.Contig == contig && r.r.Start < start + length && start < r.r.Start + r.r.Length)
                    .OrderBy(r => r.r.Start).ThenBy(r => r.r.Length).ThenBy(r => r.line).Select(r => r.r.Name).ToList();
                Assert.True((touched.Count == 0 ? null : string.Join(';', touched)) == join.TextOf(0), $"seed {seed}, {contig}:{start}+{length}: {string.Join(';', touched)}, found {join.TextOf(0)}");
                Assert.Equal(touched.Count == 0 ? null : touched.Count, join.IntegerOf(1));
            }
        }
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>One row per allele as written, with cells that are missing as often as not.</summary>
    private static List<Written> Rows(Random dice, RandomGenome genome)
    {
        var rows = new List<Written>();
        for (var i = dice.Next(300); i >= 0; i--)
        {
            if (RandomSite.Draw(dice, genome, genome.Islands[dice.Next(genome.Islands.Count)]) is not { } site) continue;
            foreach (var alt in site.Alts.Where(a => NaiveVcf.IsBases(a) && a != site.Ref))
                rows.Add(new Written(site.Contig, site.Start, site.Ref, alt)
                {
                    Name = dice.Next(3) == 0 ? null : $"name{dice.Next(20)}", Number = dice.Next(3) == 0 ? null : dice.Next(-5, 5), Real = dice.Next(3) == 0 ? null : dice.Next(100) / 8.0, Flag = dice.Next(2) == 0,
                    Gene = dice.Next(4) == 0 ? null : $"GENE{dice.Next(4)}", Hgvs = dice.Next(2) == 0 ? null : $"NM_{dice.Next(3)}.{dice.Next(1, 3)}:c.{dice.Next(9)}A>G",
                });
        }
        if (rows.Count > 0 && dice.Next(3) == 0) rows.Add(rows[dice.Next(rows.Count)]); // the same twice
        return dice.Next(2) == 0 ? rows : [.. rows.OrderBy(r => r.Contig, StringComparer.Ordinal).ThenBy(r => r.Start)];
    }

    private string Table(List<Written> rows)
    {
        var path = _folder[Guid.NewGuid() + ".tsv"];
        File.WriteAllText(path, "#chrom\tposition\tr\ta\tNAME\tcount\tX\tF\tother\tGENE\tHGVS\n" + string.Concat(rows.Select(r => string.Create(CultureInfo.InvariantCulture,
            $"{r.Contig}\t{r.Start + 1}\t{r.Ref}\t{r.Alt}\t{r.Name ?? "NA"}\t{r.Number?.ToString(CultureInfo.InvariantCulture) ?? "."}\t{r.Real?.ToString(CultureInfo.InvariantCulture) ?? ""}\t{(r.Flag ? "1" : "no")}\tx\t{r.Gene ?? "."}\t{r.Hgvs ?? "."}\n"))));
        return path;
    }

    private string Vcf(List<Written> rows)
    {
        var path = _folder[Guid.NewGuid() + ".vcf"];
        var text = new StringBuilder("##fileformat=VCFv4.2\n##INFO=<ID=NAME,Number=1,Type=String,Description=\"n\">\n##INFO=<ID=N,Number=A,Type=Integer,Description=\"n\">\n##INFO=<ID=X,Number=1,Type=Float,Description=\"x\">\n##INFO=<ID=F,Number=0,Type=Flag,Description=\"f\">\n");
        text.Append("##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Consequence annotations. Format: Allele|Consequence|SYMBOL|HGVSc\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        foreach (var r in rows)
        {
            var info = new List<string>();
            if (r.Hgvs is not null || r.Gene is not null) info.Add($"CSQ=x|missense_variant|{r.Gene}|{r.Hgvs}");
            if (r.Number is { } n) info.Add(string.Create(CultureInfo.InvariantCulture, $"N={n}"));
            if (r.Name is not null) info.Add("NAME=" + r.Name);
            if (r.Flag) info.Add("F");
            if (r.Real is { } x) info.Add(string.Create(CultureInfo.InvariantCulture, $"X={x}"));
            text.Append(CultureInfo.InvariantCulture, $"{r.Contig}\t{r.Start + 1}\t.\t{r.Ref}\t{r.Alt}\t.\t.\t{(info.Count == 0 ? "." : string.Join(';', info))}\n");
        }
        File.WriteAllText(path, text.ToString());
        return path;
    }

    private static void AssertBlocks(MemoryStore store, List<Written> rows, RandomGenome genome, int seed)
    {
        using var reader = store.Store.OpenAnnotations("s");
        var stored = new List<string>();
        var number = 0L;
        (string Contig, int Start)? last = null;
        foreach (var block in reader.Blocks())
        {
            Assert.Equal(number, block.FirstRow);
            number += block.Count;
            if (last is { } before && before.Contig == block.Contig) Assert.True(before.Start < block.Starts[0], $"seed {seed}: blocks touch");
            for (var row = 0; row < block.Count; row++) stored.Add($"{block.VariantOf(row)} {block.Column(reader.FieldOf("NAME")).StringOf(block.Column(reader.FieldOf("NAME")).Codes[row])}");
            last = (block.Contig, block.Starts[^1]);
        }
        var expected = rows.Select(r => $"{Key(r, genome)} {r.Name}").Order(StringComparer.Ordinal);
        Assert.True(expected.SequenceEqual(stored.Order(StringComparer.Ordinal)), $"seed {seed}: other rows");
    }

    private static void AssertJoined(MemoryStore store, List<Written> rows, RandomGenome genome, Random dice, int seed)
    {
        using var join = store.Store.JoinAnnotations(["s"]);
        int Of(string field) => join.Columns.Select(c => c.Name).ToList().IndexOf("s." + field);
        var byKey = rows.Select((r, line) => (r, line)).GroupBy(r => Key(r.r, genome)).ToDictionary(g => g.Key, g => g.OrderBy(r => r.line).Select(r => r.r).ToList());
        var asked = byKey.Keys.Concat(Enumerable.Range(0, 30).Select(_ => RandomSite.Draw(dice, genome, genome.Islands[0])).OfType<RandomSite>().SelectMany(s => s.Alts.Where(NaiveVcf.IsBases).Select(a => Key(new Written(s.Contig, s.Start, s.Ref, a), genome))));
        foreach (var key in asked.OrderBy(_ => dice.Next()))
        {
            var part = key.Split('-');
            join.Seek(part[0], int.Parse(part[1], CultureInfo.InvariantCulture) - 1, Encoding.ASCII.GetBytes(part[2]), Encoding.ASCII.GetBytes(part[3]));
            var of = byKey.GetValueOrDefault(key) ?? [];
            var names = of.Select(r => r.Name).Distinct().ToList();
            Assert.True((names.All(n => n is null) ? null : string.Join(';', names.Select(n => n ?? "."))) == join.TextOf(Of("NAME")), $"seed {seed}, {key}: names");
            Assert.True((of.Select(r => r.Number).Distinct().ToList() is [{ } n1] ? n1 : null) == join.IntegerOf(Of("N")), $"seed {seed}, {key}: numbers");
            Assert.True((of.Select(r => r.Real).Distinct().ToList() is [{ } x1] ? x1 : double.NaN).Equals(join.RealOf(Of("X"))), $"seed {seed}, {key}: reals");
            Assert.True((of.Count > 0 && of.All(r => r.Flag) ? 1 : null) == join.IntegerOf(Of("F")), $"seed {seed}, {key}: flags");
            Assert.True((of.Count == 0 ? null : of.Count) == join.IntegerOf(Of("records")), $"seed {seed}, {key}: records");
        }
    }

    private static void AssertFound(MemoryStore store, List<Written> rows, RandomGenome genome, int seed)
    {
        using var search = store.Store.SearchAnnotations();
        string[] Naive(Func<Written, bool> means) => [.. rows.Where(means).Select(r => Key(r, genome)).Distinct().Order(StringComparer.Ordinal)];
        string[] Found(string text) => [.. search!.Search(text, 1000).Select(v => v.ToString()).Order(StringComparer.Ordinal)];
        for (var i = 0; i < 5; i++) Assert.True(Naive(r => r.Gene == $"GENE{i}").SequenceEqual(Found($"gene{i}")), $"seed {seed}: GENE{i}");
        for (var i = 0; i < 9; i++)
        {
            Assert.True(Naive(r => r.Hgvs?.EndsWith($":c.{i}A>G", StringComparison.Ordinal) == true).SequenceEqual(Found($"c.{i}A>G")), $"seed {seed}: c.{i}A>G");
            Assert.True(Naive(r => r.Hgvs == $"NM_1.2:c.{i}A>G").SequenceEqual(Found($"NM_1.2:c.{i}A>G")), $"seed {seed}: NM_1.2:c.{i}A>G");
            Assert.True(Naive(r => r.Hgvs is { } h && h.StartsWith("NM_1.", StringComparison.Ordinal) && h.EndsWith($":c.{i}A>G", StringComparison.Ordinal)).SequenceEqual(Found($"NM_1:c.{i}A>G")), $"seed {seed}: NM_1:c.{i}A>G");
        }
    }

    private static string Key(Written row, RandomGenome genome)
    {
        var v = NaiveVcf.Normalise(new NaiveVariant(row.Contig, row.Start, row.Ref, row.Alt), genome.Reference?.GetValueOrDefault(row.Contig));
        return string.Create(CultureInfo.InvariantCulture, $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}");
    }

    private sealed record Written(string Contig, int Start, string Ref, string Alt)
    {
        public string? Name { get; init; }

        public int? Number { get; init; }

        public double? Real { get; init; }

        public bool Flag { get; init; }

        public string? Gene { get; init; }

        public string? Hgvs { get; init; }
    }
}
