using System.Buffers;
using System.Text;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>
/// Six key paths for <c>bench/guard.sh</c>, which counts their instructions: each runs once, so that it is compiled, and then some
/// times with callgrind switched on. Fixed seeds, no threads. Prints name and number of runs, in the order of callgrind's dumps.
/// </summary>
internal static class GuardPaths
{
    private const int Samples = 2504, Rows = 4000, Lines = 100;

    /// <summary>Runs them over a store in the folder, which is made when it is not there.</summary>
    public static void Run(string folder)
    {
        var store = Path.Combine(folder, "store");
        if (!Directory.Exists(store)) MakeStore(folder, store);
        using var open = new OpenStore(store);
        var column = SampleSetsBenchmarks.NewColumn(new Random(1), Samples, Rows);
        foreach (var (name, runs, path) in new (string, int, Action)[]
        {
            ("gt", 2, DecodeGenotypes()), ("kernel", 50, Count(column)), ("sets", 5, DecodeSets(column)),
            ("sites", 5, DecodeSites()), ("look-up", 3, open.LookUp), ("tsv", 10, open.WriteRows),
        })
        {
            path();
            Callgrind.Start();
            for (var run = 0; run < runs; run++) path();
            Callgrind.DumpAndStop();
            Console.WriteLine($"{name}\t{runs}");
        }
    }

    private static void MakeStore(string folder, string path)
    {
        var set = Path.Combine(folder, "set");
        Simulator.Run(new SimulationOptions { Folder = set, Samples = 200, Variants = 2000 }, null, CancellationToken.None);
        using var store = VariantStore.Create(new CreateOptions { Path = path, Assembly = "GRCh37" });
        store.Ingest(new IngestRequest { Files = [Path.Combine(set, "cohort.vcf.gz")] });
    }

    private static Action DecodeGenotypes()
    {
        var random = new Random(2);
        var text = new StringBuilder("##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        for (var sample = 0; sample < Samples; sample++) text.Append("\tS").Append(sample);
        for (var line = 1; line <= Lines; line++)
        {
            text.Append("\n1\t").Append(line * 10).Append("\t.\tA\tC\t.\tPASS\t.\tGT");
            for (var sample = 0; sample < Samples; sample++) text.Append(random.Next(20) switch { 0 => "\t0|1", 1 => "\t1|1", 2 => "\t.|.", _ => "\t0|0" });
        }
        var bytes = Encoding.ASCII.GetBytes(text.Append('\n').ToString());
        var record = new VcfRecord();
        return () =>
        {
            using var reader = VariantFile.Open(new MemoryStream(bytes), "guard", new VcfReadOptions());
            while (reader.Read(record)) { }
        };
    }

    private static Action Count(SampleSets column)
    {
        var mask = new SampleMask(Samples);
        for (var sample = 0; sample < Samples; sample += 10) mask[sample] = true;
        var counts = new int[Rows];
        return () => column.CountMasked(0, mask, counts);
    }

    private static Action DecodeSets(SampleSets column)
    {
        var to = new ArrayBufferWriter<byte>();
        column.Encode(to);
        var encoded = to.WrittenSpan.ToArray();
        return () => SampleSets.Decode(encoded);
    }

    private static Action DecodeSites()
    {
        var builder = new SiteTableBuilder();
        for (var record = 0; record < Rows; record++)
        {
            builder.AddRecord(record * 35, record % 10 == 0 ? "ACG"u8 : "A"u8, RecordFlags.Passes | RecordFlags.Speaks, "PASS", ".");
            builder.AddRow(AlleleKind.Bases, record % 10 == 0 ? "A"u8 : "C"u8, record * 35, [], []);
        }
        var to = new ByteWriter();
        SiteTableCodec.Encode(builder.Build(new RecordFlags[Rows]), to);
        var encoded = to.ToArray();
        return () => SiteTableCodec.Decode(encoded);
    }

    /// <summary>The store, its first rows, and the spellings of some.</summary>
    private sealed class OpenStore : IDisposable
    {
        private readonly VariantStore _store;
        private readonly Session _session;
        private readonly List<FrequencyRow> _rows = [];
        private readonly string[] _spellings;

        public OpenStore(string path)
        {
            _store = VariantStore.Open(path);
            _session = _store.OpenSession();
            foreach (var row in _session.Frequencies(new FrequencyRequest()).Take(500))
                _rows.Add(new FrequencyRow { Contig = row.Contig, Start = row.Start, Ref = row.Ref, Alt = row.Alt, Group = row.Group, Figures = row.Figures });
            _spellings = [.. _rows.Where((_, at) => at % 10 == 0).Select(r => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}"))];
        }

        public void LookUp()
        {
            var assessed = _session.Seen(_spellings, SampleChoice.All).Count(a => a.Figures.An > 0);
            if (assessed != _spellings.Length) throw new InvalidOperationException("the path that is counted does not look up what it should");
        }

        public void WriteRows()
        {
            using var writer = new TsvWriter(Columns.Frequency(symbolic: false, grouped: false), Stream.Null);
            foreach (var row in _rows) Columns.Write(writer, row, symbolic: false, grouped: false);
            writer.Complete();
        }

        public void Dispose()
        {
            _session.Dispose();
            _store.Dispose();
        }
    }
}
