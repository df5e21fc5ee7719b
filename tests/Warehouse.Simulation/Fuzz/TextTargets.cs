using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Samples;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>What users write or hand in beside variant files: reference, BED, sample sheet, the spellings of questions, Arrow.</summary>
/// <param name="folder">For the files that a parser wants to have on a disk.</param>
internal sealed class TextTargets(string folder)
{
    private static readonly string Fasta = ">1 first\nACGTACGTAC\nGGGGGTTTTT\nACGTNNNNAC\nACG\n>X\nacgtryswkm\nACACACACAC\n>MT\nAAAAAAAAAAAAAAAAAAAA\n";

    private static readonly byte[][] FastaWords = FuzzTarget.WordsOf(">", "\n", "\r\n", "\n\n", ">1\n", ">X\t", "ACGTN", "-", "*", "\0", "acgt", "\r");

    private static readonly byte[][] Variants =
    [
        .. ((string[])["1-5-A-C", "chr1:5:A:C", "1:5 A>C", "1 5 A C", "1:g.5A>C", "1:g.5del", "1:g.5_7delACG", "1:g.5_6insAC", "1:g.5_7delinsAC", "1:g.2_9inv", "1:g.11_15dup", "NC_000001.10:g.10176A>G",
            "NC_000022.10:16050074:A:G", "NC_000022.10:16050074:1:G", "ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt", "1:2-20 <DEL>", "1:10 <INS>", "1:10 N ]13:500]N", "22:16050075-A-G", "X-11-ACAC-A", "MT:m.5A>G", "1-33-G-GACGT"]).Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly byte[][] VariantWords = FuzzTarget.WordsOf(
        "-", ":", ">", "g.", "m.", "c.", "p.", "del", "ins", "dup", "inv", "delins", "_", "<DEL>", "<INS:ME>", "<", "[", "]", "*", "ga4gh:VA.", "ga4gh:", "chr", "NC_000022.10", "NC_012920.1", "NC_001807", "MT", "HLA-A*01:01", " ", "\t", ",", "/", "N", "=", "|", "1", "X");

    private static readonly byte[][] FilterSeeds =
    [
        .. ((string[])["sex == \"XX\"", "not (sex == \"XX\") and age >= 18", "ancestry in (\"a\", 'b', 3) or age is not missing", "!(a < 1 && b > -2.5) || c != \"\\\"x\\\\\"", "((((a == 1))))"]).Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly byte[][] SheetSeeds =
    [
        "sample\tperson\tcounts\tsex\tsite:aggregate\tconsent_until\nS1\tP1\tyes\tXX\ta\t2030-01-31\nS2\tP1\tno\tXY\t.\t\nS3\t.\t\tunknown\tb\t2024-02-29\n"u8.ToArray(),
        "\ufeffsample\tage\r\nA\t1\r\nB\t2\r\n\r\n"u8.ToArray(),
    ];

    private static readonly byte[][] BedSeeds = ["track name=x\n#c\n1\t0\t10\n1\t5\t20\tname\t0\t+\nchr2 7 9\n\nX\t100\t100\n"u8.ToArray(), "1\t1\t2147483647\r\n1\t0\t1\r\n"u8.ToArray()];

    private static readonly string[] MappingSeeds =
    [
        "# a table\nformat tsv\nassembly GRCh37\ncontig chrom\npos pos\nref ref\nalt alt\nmissing . NA\nfield X text from \"a b\" terms hgvs\nfield N integer class aggregate\nfield R real\nfield F flag\n",
        "format bed\nfield A text from 4\n",
        "format vcf\nfield AF real from INFO/AF number A\nfield ID text\nconsequences CSQ\n",
    ];

    private static readonly string[] IntervalSeeds = ["track name=x\n#c\n1\t0\t10\tname\n1\t5\t20\tother\n\nX\t100\t110\t.\n", "chr2\t7\t9\tone\t0\t+\nchr2\t3\t90\ttwo\t0\t-\n"];

    private static readonly string[] TableSeeds = ["#chrom\tpos\tref\talt\ta b\tN\tR\tF\n1\t10\tA\tG\tNM_1.2:c.5A>G\t7\t0.5\t1\n1\t12\tAC\tA\t.\tNA\t.\tno\nX\t3\ta\tat\t\t-2\t1e-5\ttrue\n"];

    private readonly StoreFolder _annotations = NewStore();
    private readonly ScratchFile _table = new(Path.Combine(folder, "annotations.tsv"));
    private readonly ScratchFile _index = new(Path.Combine(folder, "only.fai"));
    private readonly ScratchFile _gathered = new(Path.Combine(folder, "gather.vcf"));

    /// <summary>FASTA, .fai and .gzi: with neither index, with the first, with the second, with both.</summary>
    private readonly ScratchFile?[][] _sources =
    [
        .. Enumerable.Range(0, 4).Select(indexes => (ScratchFile?[])
        [
            new ScratchFile(Path.Combine(folder, $"fuzz{indexes}.fa")),
            (indexes & 1) == 0 ? null : new ScratchFile(Path.Combine(folder, $"fuzz{indexes}.fa.fai")),
            (indexes & 2) == 0 ? null : new ScratchFile(Path.Combine(folder, $"fuzz{indexes}.fa.gzi")),
        ]),
    ];

    /// <summary>All of them. They share files in the folder and run one after the other.</summary>
    public IEnumerable<FuzzTarget> All()
    {
        yield return new FuzzTarget("fasta", [Encoding.ASCII.GetBytes(Fasta), Encoding.ASCII.GetBytes(Fasta.Replace("\n", "\r\n", StringComparison.Ordinal)), .. CorpusSeeds.Fasta], Scan) { Words = FastaWords, SoundSeeds = 2 };
        yield return new FuzzTarget("fai", ["1\t33\t9\t10\t11\nX\t20\t48\t10\t11\nMT\t20\t74\t20\t21\n"u8.ToArray(), .. CorpusSeeds.Fai], ReadIndex) { SoundSeeds = 1, Words = FuzzTarget.WordsOf("\t", "\n", "\r\n", "0", "2147483647", "9223372036854775807", "-1", "1\t33\t9\t10\t11\n") };
        var sources = new FuzzTarget("reference", [Encoding.ASCII.GetBytes(Fasta), .. CorpusSeeds.Fasta], ReadReference) { Words = FastaWords, SoundSeeds = 0 };
        yield return sources with { Make = (random, mutator) => MakeReference(random, mutator, sources) };
        yield return new FuzzTarget("bed", [.. BedSeeds, .. CorpusSeeds.Bed], ReadBed) { SoundSeeds = BedSeeds.Length, Words = FuzzTarget.WordsOf("\t", " ", "\n", "\r\n", "track", "browser ", "#", "chr1", "0", "2147483647", "2147483648", "-1", "\u001f\u008b") };
        yield return new FuzzTarget("sheet", [.. SheetSeeds, .. CorpusSeeds.Sheet], b => SampleSheet.Read(new MemoryStream(b), "fuzz")) { SoundSeeds = SheetSeeds.Length, Words = FuzzTarget.WordsOf("\t", "\n", "sample", "person", "counts", "yes", "no", "sex", "XX", ":aggregate", "and", ".", "\u00ef\u00bb\u00bf", "consent_until", "2024-02-30") };
        yield return Spelling();
        yield return new FuzzTarget("region", [.. ((string[])["chr22:16,050,075-16,060,000", "1:5-5", "HLA-A*01:01:1-2", "X"]).Select(Encoding.UTF8.GetBytes)], ReadRegion) { Words = FuzzTarget.WordsOf(":", "-", ",", "chr", "0", "2147483647", "2147483648", "1-") };
        yield return new FuzzTarget("filter", FilterSeeds, ReadFilter) { Words = FuzzTarget.WordsOf("(", ")", "!", "not ", "and", "or", "&&", "||", "==", "!=", "<=", "in", "is", "missing", "\"", "'", "\\", ",", "a", "1e308", "-", ".", "((((((((", "not not not ", "!!!!!!!!") };
        yield return new FuzzTarget("gather", [.. VariantSeeds.Single.Select(Encoding.ASCII.GetBytes), .. CorpusSeeds.Good.Where(IsOfOne)], Gather) { Words = VariantSeeds.Words, SoundSeeds = VariantSeeds.Single.Length };
        yield return new FuzzTarget("annotation-mapping", [.. MappingSeeds.Select(Encoding.UTF8.GetBytes)], b => AnnotationMapping.Parse(Encoding.UTF8.GetString(b), "fuzz")) { Words = FuzzTarget.WordsOf("\n", "\r\n", " ", "\t", "\"", "#", "format ", "tsv", "bed", "vcf", "field ", "text", "integer", "real", "flag", "from", "number", "class", "terms", "gene", "hgvs", "missing", "contig", "pos", "start", "end", "ref", "alt", "consequences", "assembly", "aggregate") };
        yield return new FuzzTarget("annotation-table", [.. TableSeeds.Select(Encoding.UTF8.GetBytes)], b => ReadTable(b, MappingSeeds[0])) { Words = FuzzTarget.WordsOf("\t", "\n", "\r\n", ".", "NA", "A", "ACGTN", "acgt", "0", "1", "2147483647", "2147483648", "-1", "1e308", "NaN", "chr1", "NC_000001.11", "#", "\u00ff", "<DEL>"), MaxAllocatedBytes = 32 << 20 };
        yield return new FuzzTarget("annotation-bed", [.. IntervalSeeds.Select(Encoding.UTF8.GetBytes)], b => ReadTable(b, MappingSeeds[1])) { Words = FuzzTarget.WordsOf("\t", "\n", "track", "browser", "#", "0", "2147483647", "2147483648", "-1", "chr1"), MaxAllocatedBytes = 32 << 20 };
        yield return new FuzzTarget("annotation-vcf", ClinVarSeeds.Vcf, ReadClinVar) { Words = ClinVarSeeds.Words, MaxAllocatedBytes = 32 << 20 };
        yield return new FuzzTarget("arrow", [ArrowSeed()], ReadArrow) { Expects = e => e is InvalidDataException };
    }

    private static void Scan(byte[] input)
    {
        var entries = FastaIndex.Scan("fuzz", (at, into) =>
        {
            var count = (int)Math.Clamp(input.Length - at, 0, Math.Min(into.Length, 7 + (input.Length >> 2)));
            input.AsSpan((int)Math.Min(at, input.Length), count).CopyTo(into);
            return count;
        });
        foreach (var entry in entries)
            if (entry.LengthBases > input.Length || (entry.LengthBases > 0 && entry.OffsetOf(entry.LengthBases - 1) >= input.Length)) throw new InvalidOperationException("a sequence that lies outside its file");
    }

    private static StoreFolder NewStore()
    {
        var machine = new SimMachine();
        return StoreFolder.Create(new SimDisk(machine), new SimDisk(machine, device: 2), StoreIdentity.New("GRCh37", ReadOnlyMemory<byte>.Empty, TimeProvider.System), TimeProvider.System);
    }

    /// <summary>As a load reads it, up to a sorted file that no version names.</summary>
    private void ReadTable(byte[] input, string mapping)
    {
        _table.Write(input);
        var parsed = AnnotationMapping.Parse(mapping, "map");
        var intake = new AnnotationIntake(new Normalizer(null), Assembly.GRCh37, "fuzz", skipBad: false);
        var (from, text) = VariantFile.OpenLines(_table.Path, new VcfReadOptions());
        using (from)
        using (text)
        using (var commit = _annotations.BeginCommit())
        using (var sink = new AnnotationSink(commit, new AnnotationShape(parsed.Format == AnnotationFormat.Bed, true, [.. parsed.Fields.Select(f => f.Field)]) { Sizes = (64, 8, 10) }))
        {
            new TableAnnotations((from, text), parsed, intake, "fuzz").ReadInto(sink, null, CancellationToken.None);
            sink.Complete(CancellationToken.None);
        }
    }

    /// <summary>A release of ClinVar in one of its layouts, likewise; the input chooses whether what is not understood refuses it.</summary>
    private void ReadClinVar(byte[] input)
    {
        var skips = (Crc32.Compute(input) & 1) != 0;
        var intake = new AnnotationIntake(new Normalizer(null), Assembly.GRCh37, "fuzz", skips);
        using var reader = VariantFile.Open(new MemoryStream(input), "fuzz", new VcfReadOptions { SitesOnly = true, SkipBadRecords = skips, Limits = new VcfLimits { MaxInflatedBytes = 1 << 24 } });
        var source = new VcfAnnotations(reader, AnnotationMapping.ClinVar, intake, "fuzz");
        using var commit = _annotations.BeginCommit();
        using var sink = new AnnotationSink(commit, new AnnotationShape(false, true, source.Fields) { Sizes = (64, 8, 10) });
        source.ReadInto(sink, null, CancellationToken.None);
        intake.Complete();
        sink.Complete(CancellationToken.None);
    }

    private void ReadIndex(byte[] input)
    {
        _index.Write(input);
        FastaIndex.Read(_index.Path);
    }

    /// <summary>One byte that says what follows, three lengths, then a FASTA file, plain or BGZF, its .fai and its .gzi; each may be absent.</summary>
    private static byte[] MakeReference(Prng random, Mutator mutator, FuzzTarget target)
    {
        var fasta = random.Below(3) > 0 ? target.Seeds[0] : mutator.Make(random, target.Seeds, target.Words);
        var fai = "1\t33\t9\t10\t11\nX\t20\t48\t10\t11\nMT\t20\t74\t20\t21\n"u8.ToArray();
        if (random.Below(2) == 0) fai = mutator.Change(random, fai, [fai], []);
        if (random.Below(3) == 0) fai = [];
        byte[] gzi = [];
        if (random.Below(2) == 0)
        {
            var blocks = Frames.Blocks(random, fasta);
            if (random.Below(2) == 0) gzi = Gzi(blocks, fasta);
            fasta = [.. blocks.SelectMany(b => b)];
            if (gzi.Length > 0 && random.Below(2) == 0) gzi = mutator.Change(random, gzi, [gzi], []);
            if (random.Below(2) == 0) fasta = mutator.Change(random, fasta, [fasta], []);
        }
        return [.. BitConverter.GetBytes(fasta.Length), .. BitConverter.GetBytes(fai.Length), .. BitConverter.GetBytes(gzi.Length), .. fasta, .. fai, .. gzi];
    }

    private static byte[] Gzi(List<byte[]> blocks, byte[] plain)
    {
        var pairs = new List<byte>(BitConverter.GetBytes(blocks.Count - 1L));
        var (packed, unpacked) = (0L, 0L);
        foreach (var block in blocks.Take(blocks.Count - 1))
        {
            packed += block.Length;
            unpacked = Math.Min(plain.Length, unpacked + BitConverter.ToUInt32(block, block.Length - 4));
            pairs.AddRange([.. BitConverter.GetBytes(packed), .. BitConverter.GetBytes(unpacked)]);
        }
        return [.. pairs];
    }

    private void ReadReference(byte[] input)
    {
        int Length(int part) => BitConverter.ToInt32(input, 4 * part);
        // An index is there or not: each of the four cases has its own files.
        var place = _sources[(Length(1) > 0 ? 1 : 0) + (Length(2) > 0 ? 2 : 0)];
        var at = 12;
        for (var part = 0; part < 3; part++)
        {
            place[part]?.Write(input.AsSpan(at, Length(part)));
            at += Length(part);
        }
        if (Length(0) == 0) return;
        using var genome = ReferenceGenome.Open(place[0]!.Path, Assembly.Parse("toy1"));
        foreach (var contig in genome.Contigs.Take(8))
        {
            if (contig.LengthBases == 0) continue;
            var last = genome.Bases(contig.Canonical, contig.LengthBases - 1, contig.LengthBases);
            if (last.Length != 1) throw new InvalidOperationException("one base is asked for and another number comes");
            genome.Bases(contig.Canonical, 0, Math.Min(contig.LengthBases, 100));
        }
    }

    private static void ReadBed(byte[] input)
    {
        var regions = CallableRegions.Read(new MemoryStream(input), "fuzz");
        foreach (var contig in regions.Contigs)
        {
            var before = -1;
            foreach (var interval in regions.Of(contig))
            {
                if (interval.Start <= before || interval.End <= interval.Start) throw new InvalidOperationException("intervals that touch or are empty");
                before = interval.End;
            }
        }
    }

    private FuzzTarget Spelling()
    {
        var path = Path.Combine(folder, "question.fa");
        File.WriteAllText(path, Fasta);
        var toy = Assembly.Parse("toy1");
        VariantContext[] contexts = [new VariantContext(toy, ReferenceGenome.Open(path, toy)), new VariantContext(Assembly.Parse("GRCh37"), null), new VariantContext(toy, null)];
        return new FuzzTarget("variant", Variants, b => ReadVariant(b, contexts[Crc32.Compute(b) % contexts.Length])) { Words = VariantWords, SoundSeeds = 0 };
    }

    /// <summary>A normalised variant, asked for as it is written, is itself.</summary>
    private static void ReadVariant(byte[] input, VariantContext context)
    {
        var query = VariantQuery.Parse(Encoding.UTF8.GetString(input), context);
        if (query.Variant is not { } variant) return;
        var again = VariantQuery.Parse(variant.ToString(), context).Variant;
        if (!variant.Equals(again)) throw new InvalidOperationException($"{variant} is read as {again}");
        if (Hgvs.Format(variant, context.Assembly, context.Reference) is { } hgvs) VariantQuery.Parse(hgvs, context);
        if (Spdi.Format(variant, context.Assembly, context.Reference) is { } spdi) VariantQuery.Parse(spdi, context);
    }

    private static void ReadRegion(byte[] input)
    {
        var region = RegionText.Parse(Encoding.UTF8.GetString(input));
        if (region.Start < 0 || region.End <= region.Start || region.Contig.Length == 0) throw new InvalidOperationException("a region of nothing");
    }

    private static void ReadFilter(byte[] input)
    {
        var filter = SampleFilter.Parse(Encoding.UTF8.GetString(input));
        filter.Matches(new Dictionary<string, string> { ["a"] = "1", ["sex"] = "XX", ["age"] = "17.5", ["ancestry"] = "x" });
        filter.Matches(new Dictionary<string, string>());
    }

    /// <summary>The corpus has few files of one sample alone, and no others are gathered.</summary>
    private static bool IsOfOne(byte[] vcf) => Encoding.Latin1.GetString(vcf).Split('\n').Any(l => l.StartsWith("#CHROM", StringComparison.Ordinal) && l.Split('\t').Length == 10);

    /// <summary>What the fast reader of many small files takes, the one that defines the format takes too, record by record; what it leaves, it leaves without a word.</summary>
    private void Gather(byte[] input)
    {
        _gathered.Write(input);
        if (new GatherReader(new IngestRequest { Files = [_gathered.Path] }, Assembly.Parse("toy1"), null).Read(_gathered.Path, CancellationToken.None) is not { } gathered) throw new InputException("gather-leaves", "left to the other reader", InputPlace.None);
        using var reader = VariantFile.Open(new MemoryStream(input), _gathered.Path, new VcfReadOptions());
        var record = new VcfRecord();
        try
        {
            while (reader.Read(record)) { }
        }
        catch (InputException refused)
        {
            throw new InvalidOperationException("gathered, though it is refused: " + refused.Message, refused);
        }
        if (reader.RecordCount != gathered.Records || !reader.Sha256OfInput().AsSpan().SequenceEqual(gathered.Sha256)) throw new InvalidOperationException($"{gathered.Records} records gathered of {reader.RecordCount}");
    }

    private static byte[] ArrowSeed()
    {
        var schema = new ArrowSchema(new ArrowField("i32", ArrowType.Int32), new ArrowField("i64", ArrowType.Int64), new ArrowField("f64", ArrowType.Float64), new ArrowField("text", ArrowType.Utf8), new ArrowField("flag", ArrowType.Bool));
        var stream = new MemoryStream();
        var writer = new ArrowStreamWriter(stream, schema);
        var batch = new ArrowBatchBuilder(schema);
        for (var row = 0; row < 5; row++)
        {
            batch[0].Append(row);
            batch[1].Append((long)row << 40);
            if (row == 2) batch[2].AppendNull();
            else batch[2].Append(row / 3.0);
            batch[3].Append("text" + row);
            batch[4].Append(row % 2 == 0);
        }
        writer.Write(batch);
        writer.Complete();
        return stream.ToArray();
    }

    private static void ReadArrow(byte[] input)
    {
        var reader = new ArrowStreamReader(new MemoryStream(input));
        while (reader.Read() is { } batch)
            foreach (var column in batch.Columns)
                for (var row = 0; row < Math.Min(batch.RowCount, 64); row++)
                    if (!column.IsNull(row)) ReadCell(column, row);
    }

    private static void ReadCell(ArrowColumn column, int row)
    {
        switch (column.Type)
        {
            case ArrowType.Int32: column.Int32(row); break;
            case ArrowType.Int64: column.Int64(row); break;
            case ArrowType.Float64: column.Float64(row); break;
            case ArrowType.Bool: column.Bool(row); break;
            default: column.Text(row); break;
        }
    }
}
