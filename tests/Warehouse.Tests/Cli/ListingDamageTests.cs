using System.Globalization;
using System.Text;
using Warehouse.Cli;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Vcf;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>
/// I3 for listings. The dull twin: the answer of the undamaged store without the rows that touch a range which the damaged store names. And
/// no range is wider than the blocks that were hit.
/// </summary>
public sealed class ListingDamageTests
{
    private const int HeaderBytes = 80, ChunkBytes = 1 << 16, SealedChunkBytes = ChunkBytes + 16;

    /// <summary>STORE and NAMES stand for paths.</summary>
    private static readonly string[] Questions =
    [
        "freq STORE --format tsv", "freq STORE --cohort one --adj --format tsv", "freq STORE --symbolic --format tsv", "freq STORE --by pop --format tsv",
        "freq STORE --region 22:1000000-1010000 --no-precomputed --format tsv", "case-control STORE --cases one --controls two --format tsv",
        "export STORE --format tsv --samples-file NAMES -o -", "export STORE --format vcf --samples-file NAMES -o -", "export STORE --format vcf --region 22:1020000-1030000 -o -",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Listings_leave_out_the_ranges_they_name_and_nothing_else_whatever_stream_is_damaged(bool compacted)
    {
        const int seed = 20261130;
        using var store = Filled(seed, compacted);
        var random = new Random(seed);
        var segments = Segments(store);
        var kinds = segments.SelectMany(s => s.Blocks).SelectMany(b => b.Streams.Keys).ToHashSet();
        BlockStream[] expected = compacted ? [BlockStream.Absent, BlockStream.Haplotypes] : [BlockStream.Het, BlockStream.Hom, BlockStream.Missing, BlockStream.Swapped];
        Assert.All([.. expected, BlockStream.Sites, BlockStream.Haploid, BlockStream.AdjFail, BlockStream.Phased, BlockStream.Exceptions, BlockStream.Evidence, BlockStream.Detail, BlockStream.Ids], k => Assert.Contains(k, kinds));
        var spots = new List<(string Name, SegmentFacts Segment, long At)>();
        foreach (var kind in kinds)
        {
            var (segment, place) = segments.SelectMany(s => s.Blocks.Where(b => b.Streams.ContainsKey(kind)).Select(b => (s, b.Streams[kind]))).MaxBy(b => b.Item2.Length);
            spots.Add((kind.ToString(), segment, SealedAt(place.Offset + (place.Length / 2))));
        }
        for (var i = 0; i < 6; i++)
        {
            var segment = segments[random.Next(segments.Count)];
            spots.Add(("by chance", segment, random.NextInt64(segment.Good.Length)));
        }
        Check(store, Questions, spots, seed);
    }

    [Fact]
    public void A_file_of_several_panels_is_counted_by_columns_only_where_every_panel_is_whole()
    {
        const int seed = 20261131;
        using var store = new ExportStore("GRCh37");
        var (random, samples) = (new Random(seed), Enumerable.Range(0, 4100).Select(i => $"s{i}").ToArray());
        string[] Records(string contig, int from) => [.. Enumerable.Range(0, 150).Select(i => $"{contig} {from + (i * 5)} . A C . PASS . GT " + string.Join(' ', samples.Select(_ => random.Next(2) == 0 ? "0/0" : "0/1")))];
        store.Ingest("wide.vcf", string.Join(' ', samples), [.. Records("21", 1000), .. Records("22", 1_000_000), .. Records("23", 1000)]);
        store.Ingest("far.vcf", "x", ["22 1000100 . AAAAAAAAAA A . PASS . GT 0/1", "22 3000000 . A T . PASS . GT 0/1"]);
        store.Write("NAMES", "s4097\ns1\n");
        var segments = Segments(store);
        Assert.Equal(3, segments.Count);
        var spots = segments.SelectMany(s => Enumerable.Range(1, 5).Select(i => ("part " + i, s, (long)s.Good.Length * i / 6))).ToList();
        Check(store, ["freq STORE --format tsv", "freq STORE --no-precomputed --format tsv", "export STORE --format tsv --samples-file NAMES -o -"], spots, seed);
    }

    /// <summary>Flips a bit at each spot in turn and asks all questions.</summary>
    private static void Check(ExportStore store, string[] questions, List<(string Name, SegmentFacts Segment, long At)> spots, int seed)
    {
        var right = questions.Select(q => Ask(store, q)).ToList();
        Assert.All(right, a => Assert.True(a.Code == ExitCode.Done, a.Code + a.Error));
        var (problems, partial, kept) = (new List<string>(), 0, 0);
        foreach (var (name, segment, at) in spots)
        {
            var (bad, found) = ((byte[])segment.Good.Clone(), 0);
            bad[at] ^= 16;
            File.WriteAllBytes(segment.Path, bad);
            var allowed = Hit(segment, at);
            for (var q = 0; q < questions.Length; q++)
            {
                var answer = Ask(store, questions[q]);
                var where = $"{name}, byte {at} of {bad.Length}: {questions[q]}: {answer.Code} {answer.Error}";
                if (answer.Code == right[q].Code && answer.Output == right[q].Output) continue;
                var ranges = Ranges(answer.Output);
                if (answer.Code != ExitCode.DamagedStore || ranges.Count == 0 || !answer.Error.Contains("damaged store: f/" + Path.GetFileName(segment.Path), StringComparison.Ordinal)) problems.Add(where);
                var (isVcf, symbolic) = (questions[q].Contains("vcf", StringComparison.Ordinal), questions[q].Contains("--symbolic", StringComparison.Ordinal));
                var expected = Rows(right[q].Output).Where(r => !ranges.Exists(x => Touches(r, x, isVcf))).ToList();
                if (!expected.SequenceEqual(Rows(answer.Output))) problems.Add("rows: " + where);
                problems.AddRange(ranges.Where(r => !allowed.Exists(a => a.Contig == r.Contig && a.Start == r.Start && (a.End == r.End || (symbolic && a.End < r.End)))).Select(r => $"range {r}: " + where));
                (partial, kept, found) = (partial + 1, kept + (expected.Count > 0 ? 1 : 0), found + 1);
            }
            if (found == 0 && name != "by chance") problems.Add("no question met the damage of " + name);
            File.WriteAllBytes(segment.Path, segment.Good);
        }
        Assert.True(problems.Count == 0, $"seed {seed}:\n" + string.Join('\n', problems));
        Assert.True(partial > spots.Count && kept > partial / 4, $"{partial} partial answers, {kept} with rows left");
    }

    [Fact]
    public void Every_form_of_an_answer_says_what_it_lacks()
    {
        using var store = Filled(seed: 5, compacted: false);
        var lines = Ask(store, "export STORE --format vcf --samples-file NAMES -o -");
        var (segment, place) = Segments(store).SelectMany(s => s.Blocks.Where(b => b.Streams.ContainsKey(BlockStream.Missing)).Select(b => (s, b.Streams[BlockStream.Missing]))).MaxBy(b => b.Item2.Length);
        var bad = (byte[])segment.Good.Clone();
        bad[SealedAt(place.Offset + (place.Length / 2))] ^= 1;
        File.WriteAllBytes(segment.Path, bad);
        var file = Path.GetFileName(segment.Path);
        var ranges = Ranges(Ask(store, "freq STORE --format tsv").Output);
        Assert.NotEmpty(ranges);
        foreach (var (contig, start, end) in ranges)
        {
            var text = FormattableString.Invariant($"<UNAVAILABLE:{start + 1}-{end}:f/{file}>");
            foreach (var format in (string[])["tsv", "json", "arrow", "table"]) Assert.Contains(text, Ask(store, "freq STORE --format " + format, ExitCode.DamagedStore).Output, StringComparison.Ordinal);
            Assert.Contains(FormattableString.Invariant($": unavailable: {contig}:{start + 1}-{end}\n"), Ask(store, "freq STORE", ExitCode.DamagedStore).Error, StringComparison.Ordinal);
            Assert.Contains(text, Encoding.UTF8.GetString(Bytes(store, "export STORE --format arrow -o -")), StringComparison.Ordinal);
        }
        var json = Ask(store, "freq STORE --format json").Output;
        using (var parsed = System.Text.Json.JsonDocument.Parse(json)) Assert.Equal(ranges.Count, parsed.RootElement.EnumerateArray().Count(r => r.GetProperty("alt").GetString()!.StartsWith("<UNAVAILABLE", StringComparison.Ordinal) && r.GetProperty("ac").ValueKind == System.Text.Json.JsonValueKind.Null));
        // BCF: the header has the ranges of VCF, and there are as many lines.
        using var bcf = VariantFile.Open(new MemoryStream(Bytes(store, "export STORE --format bcf --samples-file NAMES -o -")), "test.bcf", new VcfReadOptions());
        Assert.Equal(ranges, Ranges(string.Join('\n', bcf.Header.MetaLines)));
        var (left, record) = (0, new VcfRecord());
        while (bcf.Read(record)) left++;
        Assert.Equal(Rows(lines.Output).Count(r => !ranges.Exists(x => Touches(r, x, isVcf: true))), left);
        Assert.True(left > 0);
    }

    [Fact]
    public void Alleles_that_are_asked_for_one_by_one_are_answered_where_they_need_nothing_damaged()
    {
        using var store = Filled(seed: 6, compacted: false);
        string[] asked = ["1-77-A-C", "21-1000-A-C", "22-1000000-A-C", "22-1040000-A-T", "22-3000000-A-T"];
        var list = store.Write("list", string.Join('\n', asked) + "\n");
        var vcf = store.Write("asked.vcf", ExportStore.Vcf("", [.. asked.Select(a => a.Split('-')).Select(a => $"{a[0]} {a[1]} . {a[2]} {a[3]} . . .")]).Replace("\tFORMAT\t", "", StringComparison.Ordinal));
        var (rows, annotated) = (Ask(store, $"freq STORE --variants {list} --format tsv"), Ask(store, $"seen STORE --vcf {vcf} -o -"));
        Assert.All((Answered[])[rows, annotated], a => Assert.True(a.Code is ExitCode.Done or ExitCode.Incomplete, a.Code + a.Error));
        var (met, whole) = (0, 0);
        foreach (var segment in Segments(store))
        {
            for (var i = 1; i < 8; i++)
            {
                var bad = (byte[])segment.Good.Clone();
                bad[segment.Good.Length * i / 8] ^= 2;
                File.WriteAllBytes(segment.Path, bad);
                foreach (var (question, right) in ((string, Answered)[])[($"freq STORE --variants {list} --format tsv", rows), ($"seen STORE --vcf {vcf} -o -", annotated)])
                {
                    var answer = Ask(store, question);
                    var (now, before) = (answer.Output.Split('\n'), right.Output.Split('\n'));
                    Assert.Equal(before.Length, now.Length);
                    for (var line = 0; line < now.Length; line++)
                    {
                        if (now[line] == before[line]) continue;
                        Assert.True(answer.Code == ExitCode.DamagedStore, question + answer.Code + answer.Error + now[line]);
                        Assert.Contains("damaged store: f/" + Path.GetFileName(segment.Path), answer.Error, StringComparison.Ordinal);
                        Assert.True(question.StartsWith("seen", StringComparison.Ordinal) ? now[line].Contains("WH_SEEN=not_assessable", StringComparison.Ordinal) : now[line].Split('\t')[4..].All(c => c is "" or "." or "NA"), now[line]);
                        met++;
                    }
                    whole += now.SequenceEqual(before) ? 1 : 0;
                    if (now.SequenceEqual(before)) Assert.Equal(right.Code, answer.Code);
                }
                File.WriteAllBytes(segment.Path, segment.Good);
            }
        }
        Assert.True(met > 10 && whole > 2, $"{met} lines met damage, {whole} answers did not");
    }

    [Fact]
    public void In_process_damage_is_an_exception_unless_listings_around_it_are_asked_for()
    {
        using var store = Filled(seed: 7, compacted: false);
        var segment = Segments(store).MaxBy(s => s.Good.Length)!;
        var (_, last) = segment.Blocks.Select(b => (b, b.Streams[BlockStream.Sites])).MaxBy(b => b.b.RowCount);
        var bad = (byte[])segment.Good.Clone();
        bad[SealedAt(last.Offset)] ^= 1;
        File.WriteAllBytes(segment.Path, bad);
        using var opened = VariantStore.Open(store.Path);
        using (var strict = opened.OpenSession())
        {
            Assert.Throws<DamagedStoreException>(() => { strict.FrequencyBatches(new FrequencyRequest()).Sum(b => b.Count); });
            Assert.Empty(strict.Unavailable);
        }
        using var around = opened.OpenSession(new SessionOptions { AroundDamage = true });
        Assert.True(around.FrequencyBatches(new FrequencyRequest()).Sum(b => b.Count) > 0);
        Assert.All(around.Unavailable, r => Assert.Equal("f/" + Path.GetFileName(segment.Path), r.File));
        Assert.Equal(Ranges(Ask(store, "freq STORE --format tsv").Output), around.Unavailable.Select(r => (r.Contig, r.Start, r.End)));
        Assert.Equal(1, around.FrequencyBatches(new FrequencyRequest { Regions = [new Region("22", 2_999_999, 3_000_000)] }).Sum(b => b.Count));
        Assert.Empty(around.Unavailable); // what is damaged elsewhere does not concern this question
    }

    private sealed record SegmentFacts(string Path, byte[] Good, IReadOnlyList<BlockInfo> Blocks, IReadOnlyList<string> Contigs, IReadOnlyDictionary<int, (int Start, int End)> Stretches);

    /// <summary>The segments of a whole store.</summary>
    private static List<SegmentFacts> Segments(ExportStore store)
    {
        using var opened = VariantStore.Open(store.Path);
        using var session = opened.OpenSession();
        var catalog = session.View.Catalog;
        var contigs = catalog.Contigs.Select(c => c.Spelling).ToList();
        return [.. catalog.Segments.Select(e => (Entry: e, Path: Path.Combine(store.Path, "f", e.File))).OrderBy(e => e.Path, StringComparer.Ordinal)
            .Select(e => new SegmentFacts(e.Path, File.ReadAllBytes(e.Path), session.View.Open(e.Entry).Blocks, contigs, e.Entry.Stretches))];
    }

    /// <summary>Where a byte of the content stands in the sealed file.</summary>
    private static long SealedAt(long offset) => HeaderBytes + (offset / ChunkBytes * SealedChunkBytes) + (offset % ChunkBytes);

    /// <summary>The ranges that a damage may make unavailable: of the blocks with a byte in the same chunk; of the whole segment where it cannot be opened.</summary>
    private static List<(string Contig, int Start, int End)> Hit(SegmentFacts segment, long at)
    {
        var chunk = Math.Max(0, at - HeaderBytes) / SealedChunkBytes * ChunkBytes;
        var directory = segment.Blocks.SelectMany(b => b.Streams.Values).Max(s => s.Offset + s.Length);
        if (at < HeaderBytes || chunk + ChunkBytes > directory) return [.. segment.Stretches.Select(s => (segment.Contigs[s.Key], s.Value.Start, s.Value.End))];
        return [.. segment.Blocks.Where(b => b.Streams.Values.Any(s => s.Offset < chunk + ChunkBytes && chunk < s.Offset + s.Length)).Select(b => (segment.Contigs[b.Contig], OpenBlock.Span(b).Start, OpenBlock.Span(b).End))];
    }

    private static List<string> Rows(string output) => [.. output.Split('\n').Where(l => l.Length > 0 && l[0] != '#' && !l.Contains("<UNAVAILABLE:", StringComparison.Ordinal))];

    private static List<(string Contig, int Start, int End)> Ranges(string output)
    {
        var ranges = new List<(string, int, int)>();
        foreach (var line in output.Split('\n'))
        {
            if (line.StartsWith("##warehouse_unavailable=", StringComparison.Ordinal))
            {
                string Value(string key) => line[(line.IndexOf(key + "=", StringComparison.Ordinal) + key.Length + 1)..].Split(',')[0];
                ranges.Add((Value(",contig"), int.Parse(Value(",start"), CultureInfo.InvariantCulture) - 1, int.Parse(Value(",end"), CultureInfo.InvariantCulture)));
            }
            else if (line.Contains("<UNAVAILABLE:", StringComparison.Ordinal))
            {
                var (cells, place) = (line.Split('\t'), line.Split("<UNAVAILABLE:")[1].Split(':')[0].Split('-'));
                ranges.Add((cells[0], int.Parse(place[0], CultureInfo.InvariantCulture) - 1, int.Parse(place[1], CultureInfo.InvariantCulture)));
            }
        }
        return ranges;
    }

    private static bool Touches(string row, (string Contig, int Start, int End) range, bool isVcf)
    {
        var cells = row.Split('\t');
        if (cells[0] != range.Contig || !int.TryParse(cells[1], out var pos)) return false;
        var end = pos - 1 + (isVcf ? cells[3] : cells[2]).Length;
        if (!isVcf && cells[3].StartsWith('<') && int.TryParse(cells[4], out var far)) end = Math.Max(far, pos);
        return pos - 1 < range.End && range.Start < end;
    }

    private readonly record struct Answered(ExitCode Code, string Output, string Error);

    private static Answered Ask(ExportStore store, string question, ExitCode? code = null)
    {
        var cli = new Cli();
        var ended = cli.Run(Words(store, question));
        Assert.True(code is null || ended == code, $"{question}: {ended} {cli.Error}");
        return new Answered(ended, cli.Output, cli.Error);
    }

    private static byte[] Bytes(ExportStore store, string question)
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.DamagedStore, cli.Run(Words(store, question)));
        return cli.OutputBytes;
    }

    private static string[] Words(ExportStore store, string question) => [.. question.Split(' ').Select(w => w switch { "STORE" => store.Path, "NAMES" => store["NAMES"], _ => w })];

    /// <summary>A store whose blocks have every stream, most of more than a chunk: noise of all kinds of calls, a gVCF, deletions across the edge of a block, a symbolic one, a withdrawn sample.</summary>
    private static ExportStore Filled(int seed, bool compacted)
    {
        var store = new ExportStore("GRCh37");
        var (random, samples) = (new Random(seed), Enumerable.Range(0, 60).Select(i => $"s{i}").ToArray());
        string Call() => random.Next(100) switch { < 45 => "0/0", < 60 => "0/1", < 68 => "1|0", < 74 => "0|1", < 84 => "1/1", < 92 => "./.", < 96 => "0", < 98 => "1", _ => "0/1/1" };
        string Detailed() => $"{Call()}:{random.Next(99)}:{random.Next(60)}:{random.Next(40)},{random.Next(40)}";
        string[] Records(string contig, (int From, int Count, int Step) at, int width) =>
            [.. Enumerable.Range(0, at.Count).Select(i => $"{contig} {at.From + (i * at.Step)} rs{random.Next(1 << 20)} A C . {(random.Next(9) == 0 ? "q10" : "PASS")} . GT:GQ:DP:AD " + string.Join(' ', Enumerable.Range(0, width).Select(_ => Detailed())))];
        // Few haplotypes, all phased: compaction writes them as one stream.
        IEnumerable<string> Phased() => Enumerable.Range(0, 3000).Select(i => $"20 {1000 + (i * 5)} . A C . PASS . GT:GQ:DP:AD " + string.Join(' ', Enumerable.Range(0, 60).Select(s => $"{(s % 4 * 7919 + i * i) % 5 / 4}|{(s % 3 * 104729 + i * 31) % 7 / 6}:50:30:15,15")));
        store.IngestFiles(store.Write("big.vcf", ExportStore.Vcf(string.Join(' ', samples), [.. Records("21", (1000, 400, 5), 60), .. Records("22", (1_000_000, 8400, 5), 60), .. Records("X", (3_000_000, 200, 5), 60), .. Phased()])),
            "--samples", store.Write("sheet.tsv", "sample\tsex\tpop\n" + string.Concat(samples.Select((s, i) => $"{s}\t{(i % 3 == 0 ? "XX" : "XY")}\tp{i % 2}\n"))));
        store.Ingest("gvcf.vcf", "g", [.. Enumerable.Range(0, 2000).Select(i => i % 4 == 3 ? $"22 {1_000_000 + (i * 20)} . A C . PASS . GT:GQ:DP:AD 0/1:50:30:15,15" : $"22 {1_000_000 + (i * 20)} . A <NON_REF> . . END={1_000_000 + (i * 20) + random.Next(1, 20)} GT:GQ:DP 0/0:{20 + random.Next(70)}:30")]);
        store.Ingest("other.vcf", "y0 y1 y2", Records("22", (1_000_002, 900, 7), 3));
        store.Ingest("long.vcf", "x", ["22 1000100 . AAAAAAAAAA A . PASS . GT 0/1", "22 1000112 . A T . PASS . GT 0/1", "22 1000500 . A <DEL> . PASS SVTYPE=DEL;END=1050000 GT 0/1", "22 1040950 . AAAAAAAAAAAAAAAAAAAAAAAAAAAA A . PASS . GT 0/1", "22 3000000 . A T . PASS . GT 0/1"]);
        ExportStore.Must("cohort", "set", store.Path, "one", "--samples-file", store.Write("NAMES", "s0\ns1\n"));
        ExportStore.Must("cohort", "set", store.Path, "two", "--samples-file", store.Write("two", "s2\ns3\n"));
        ExportStore.Must("withdraw", store.Path, "--samples-file", store.Write("gone", "y0\n"));
        if (compacted) ExportStore.Must("compact", store.Path);
        return store;
    }
}
