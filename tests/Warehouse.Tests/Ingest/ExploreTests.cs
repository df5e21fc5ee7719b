using System.Text;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Ingest;

public sealed class ExploreTests
{
    [Fact]
    public void Explore()
    {
        var log = new StringBuilder();
        foreach (var (samples, variants) in new[] { (48, 300), (100, 20000) })
            for (ulong seed = 10; seed < 13; seed++)
            {
                using var folder = new TempFolder();
                Simulator.Run(new SimulationOptions { Folder = folder.Path, Samples = samples, Variants = variants, Seed = seed, Truth = true, FamilyShare = 0.5, PlantDuplicates = 5 }, null, default);
                var sketches = Sketch(folder["cohort.vcf.gz"]);
                var planted = File.ReadLines(folder["planted.tsv"]).Skip(1).Select(l => l.Split('\t')).Where(f => f[0] == "duplicate").Select(f => (Math.Max(int.Parse(f[1][1..]), int.Parse(f[2][1..])) - 1, Math.Min(int.Parse(f[1][1..]), int.Parse(f[2][1..])) - 1)).ToHashSet();
                log.AppendLine($"{samples} {variants} seed {seed} level {sketches[0].Level} entries {sketches.Min(s => s.Entries.Length)}..{sketches.Max(s => s.Entries.Length)}");
                Report(log, sketches, (i, j) => planted.Contains((i, j)) ? "dup" : i < 24 && i / 3 == j / 3 && i % 3 == 2 ? "parent" : "other");
            }
        foreach (var file in new[] { "10k.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz", "1k.chr1.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz" })
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var sketches = Sketch(TestData.File("genotypes/opencb+opencga/" + file));
            log.AppendLine($"{file} level {sketches[0].Level} entries {sketches.Min(s => s.Entries.Length)}..{sketches.Max(s => s.Entries.Length)} {watch.ElapsedMilliseconds} ms");
            Report(log, sketches, (_, _) => "other");
            log.AppendLine($"{watch.ElapsedMilliseconds} ms");
        }
        foreach (var shape in new[] { SimulationShape.Joint, SimulationShape.Single, SimulationShape.Gvcf })
            foreach (var variants in new[] { 300, 1000, 3000, 10000 })
                for (ulong seed = 20; seed < 40; seed++)
                {
                    using var store = new IngestStore();
                    var report = Simulator.Run(new SimulationOptions { Folder = store.Folder, Samples = 40, Variants = variants, Seed = seed, Shape = shape, Truth = true, PlantSexErrors = 10 }, null, default);
                    var receipt = store.Store.Ingest(new IngestRequest { Files = [.. report.Files.Where(f => f.EndsWith(".vcf.gz")).Select(f => store[f])], SheetPath = store["samples.tsv"] });
                    var planted = File.ReadLines(store["planted.tsv"]).Skip(1).Select(l => l.Split('\t')).Where(f => f[0] == "sex").Select(f => f[1]).ToHashSet();
                    var found = receipt.Findings.Where(f => f.Contains("X and Y")).Select(f => shape == SimulationShape.Joint ? "S" + f.Split("column ")[1].Split(' ')[0].PadLeft(6, '0') : "S" + f.Split("/S")[1][..6]).ToHashSet();
                    log.AppendLine($"sex {shape} {variants} seed {seed}: planted {planted.Count} found {found.Count(planted.Contains)} false {found.Count(f => !planted.Contains(f))} other findings {receipt.Findings.Count - found.Count}");
                }
        File.WriteAllText("/tmp/sk/explore.txt", log.ToString());
    }

    private static void Report(StringBuilder log, IReadOnlyList<IdentitySketch> sketches, Func<int, int, string> kind)
    {
        var j = new Dictionary<string, (int N, double Min, double Max, double MinAgree, double MaxAgree, int May)>();
        for (var a = 1; a < sketches.Count; a++)
            for (var b = 0; b < a; b++)
            {
                var may = sketches[a].MayBe(sketches[b]);
                if (sketches.Count > 1000 && !may && (a * 31 + b) % 50 != 0) continue;
                var m = SketchMatch.Of(sketches[a], sketches[b]);
                var k = kind(a, b);
                var (n, min, max, amin, amax, c) = j.GetValueOrDefault(k, (0, 9.0, 0.0, 9.0, 0.0, 0));
                var x = m.Carried == 0 ? 0 : (double)m.Agreeing / m.Carried;
                if (m.Agreeing < 100 && k == "other") x = 0;
                var y = m.Shared < 50 ? double.NaN : (double)m.Agreeing / m.Shared;
                j[k] = (n + 1, Math.Min(min, x), Math.Max(max, x), double.IsNaN(y) ? amin : Math.Min(amin, y), double.IsNaN(y) ? amax : Math.Max(amax, y), c + (may ? 1 : 0));
            }
        foreach (var (k, v) in j) log.AppendLine($"   {k}: n {v.N} J {v.Min:f3}..{v.Max:f3} agree/shared {v.MinAgree:f3}..{v.MaxAgree:f3} may {v.May}");
    }

    private static IReadOnlyList<IdentitySketch> Sketch(string path)
    {
        using var reader = VariantFile.Open(path, new VcfReadOptions());
        var builder = new SketchBuilder(reader.Header.Samples.Count);
        var maker = new RowMaker(new Normalizer(null));
        var record = new VcfRecord();
        while (reader.Read(record))
        {
            var canonical = Assembly.GRCh37.CanonicalContig(reader.Header.Contigs[record.ContigIndex].Name);
            builder.Enter(canonical);
            var rows = maker.Make(canonical, record);
            builder.Add(record, maker.Reference.Span, rows);
        }
        return builder.Complete();
    }
}
