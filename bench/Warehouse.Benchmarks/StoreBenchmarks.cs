using BenchmarkDotNet.Attributes;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Simulate;

namespace Warehouse.Benchmarks;

/// <summary>Look-ups and scans of a simulated store of 2,504 samples and 20,000 sites: blocks decoded, cohort prepared.</summary>
public class StoreBenchmarks
{
    private const int Sites = 20_000, Asked = 10_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("warehouse-bench").FullName;
    private readonly List<(string Contig, int Start, byte[] Ref, byte[] Alt)> _alleles = [];
    private VariantStore _store = null!;
    private Session _session = null!;
    private AlleleLookup _lookup = null!;
    private FrequencyRequest _tenth = null!;
    private FrequencyRequest _region = null!;

    [GlobalSetup]
    public void Setup()
    {
        var set = Path.Combine(_folder, "set");
        Simulator.Run(new SimulationOptions { Folder = set, Samples = 2504, Variants = Sites, SexChromosomes = false }, null, CancellationToken.None);
        _store = VariantStore.Create(new CreateOptions { Path = Path.Combine(_folder, "store"), Assembly = "GRCh37" });
        _store.Ingest(new IngestRequest { Files = [Path.Combine(set, "cohort.vcf.gz")], SheetPath = Path.Combine(set, "samples.tsv") });
        _session = _store.OpenSession();
        _lookup = _session.PrepareLookup(SampleChoice.All);
        _tenth = new FrequencyRequest { Samples = new SampleChoice { Names = [.. _session.View.Catalog.Samples.Where((_, i) => i % 10 == 0).Select(s => s.Name)] } };
        foreach (var row in _session.Frequencies(new FrequencyRequest()))
            _alleles.Add((row.Contig, row.Start, System.Text.Encoding.ASCII.GetBytes(row.Ref), System.Text.Encoding.ASCII.GetBytes(row.Alt)));
        var (contig, start, _, _) = _alleles[_alleles.Count / 2];
        _region = _tenth with { Regions = [new Region(contig, start, start + 10_000)] };
        var shuffled = _alleles.ToArray();
        new Random(1).Shuffle(shuffled);
        _alleles.Clear();
        _alleles.AddRange(shuffled.Take(Asked));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _lookup.Dispose();
        _session.Dispose();
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark, Work(Asked, "alleles")]
    public long LookUp()
    {
        var copies = 0L;
        foreach (var (contig, start, reference, alternate) in _alleles)
        {
            _lookup.Find(contig, start, reference, alternate, out var figures);
            copies += figures.Ac;
        }
        return copies;
    }

    [Benchmark, Work(Sites, "sites")]
    public long ScanTenth() => Ask(_tenth);

    [Benchmark, Work(Sites, "sites")]
    public long ScanAllFromGenotypes() => Ask(new FrequencyRequest { Rules = new CountRules { NoPrecomputed = true } });

    [Benchmark, Work(Sites, "sites")]
    public long ScanByAncestry() => Ask(new FrequencyRequest { By = "ancestry" });

    /// <summary>10 kb with that tenth; no rate, since the number of sites is the simulator's.</summary>
    [Benchmark]
    public long Region() => Ask(_region);

    private long Ask(FrequencyRequest request)
    {
        var rows = 0L;
        foreach (var batch in _session.FrequencyBatches(request)) rows += batch.Count;
        return rows;
    }
}
