using System.Globalization;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Tests.Compact;
using Xunit;

namespace Warehouse.Tests.Query;

/// <summary>Counting by whole columns gives what the row-by-row scan gives, for every flag, group, region and history of a store.</summary>
public sealed class FrequencyBatchTests
{
    [Fact]
    public void Batches_of_a_file_of_several_panels_equal_the_row_by_row_scan()
    {
        using var folder = new TempFolder();
        var dice = new Random(6101);
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh38" });
        var wide = Names("w", 5000);
        Ingest(store, folder, (wide, dice, [("1", 10_000, 60), ("X", 3_000_000, 8), ("Y", 3_000_000, 4), ("MT", 100, 5)]), assume: false);
        AssertEqual(store, dice, wide, columnsExpected: true);
        // Other samples: where they have data the scan goes by rows, elsewhere they are outside of the columns, assumed reference.
        var (assumed, silent) = (Names("a", 7), Names("s", 5));
        Ingest(store, folder, (assumed, dice, [("1", 10_400, 8)]), assume: true);
        Ingest(store, folder, (silent, dice, [("1", 90_000, 5), ("2", 500, 9)]), assume: false);
        AssertEqual(store, dice, [.. wide, .. assumed, .. silent], columnsExpected: true);
        var before = store.Version;
        store.Withdraw([wide[3], wide[4999], silent[0]]);
        string[] left = [.. wide.Where((_, i) => i is not 3 and not 4999), .. assumed, .. silent[1..]];
        AssertEqual(store, dice, left, columnsExpected: true);
        AssertEqual(store, dice, left, columnsExpected: true, before);
        store.Compact(); // merges the short last panel with the others: its records are no longer those of the first
        AssertEqual(store, dice, left, columnsExpected: false);
    }

    [Fact]
    public void Groups_of_nobody_are_no_rows_and_no_error()
    {
        using var folder = new TempFolder();
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh38" });
        File.WriteAllText(folder["sheet.tsv"], "sample\tsite:aggregate\ns0\tnorth\ns1\tsouth\n");
        File.WriteAllText(folder["a.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts0\ts1\n1\t100\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t0/0\n");
        store.Ingest(new IngestRequest { Files = [folder["a.vcf"]], SheetPath = folder["sheet.tsv"] });
        store.SetCohort("gone", ["s1"], null);
        store.Withdraw(["s1"]);
        using var session = store.OpenSession();
        Assert.Empty(session.Frequencies(new FrequencyRequest { Samples = new SampleChoice { Cohort = "gone" }, By = "site" }));
        Assert.Single(session.Frequencies(new FrequencyRequest { By = "site" }));
    }

    [Fact]
    public void Batches_of_random_stores_equal_the_row_by_row_scan()
    {
        for (var seed = 6201; seed <= 6220; seed++)
        {
            var (random, dice) = (new RandomStore(seed), new Random(seed));
            using var store = new EngineStore(random);
            foreach (var command in random.Commands)
            {
                store.Ingest(command.Files, command.How);
                if (dice.Next(3) == 0) store.Store.Compact();
            }
            AssertEqual(store.Store, dice, [.. random.Samples.Select(s => s.Name)], columnsExpected: false);
            if (random.Samples.Count < 2) continue;
            store.Store.Withdraw([random.Samples[0].Name]);
            AssertEqual(store.Store, dice, [.. random.Samples.Skip(1).Select(s => s.Name)], columnsExpected: false);
        }
    }

    [Fact]
    public void Sums_of_a_group_that_do_not_fit_16_bits_equal_the_row_by_row_scan()
    {
        using var folder = new TempFolder();
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh38" });
        var (names, text) = (Names("n", 70_000), new StringBuilder());
        text.Append("##fileformat=VCFv4.3\n##contig=<ID=1,length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', names).Append('\n');
        string[] common = ["1|1", "0|1", ".|.", "0|0"];
        for (var record = 0; record < common.Length; record++)
        {
            text.Append(CultureInfo.InvariantCulture, $"1\t{100 + record}\t.\tA\tC\t.\tPASS\t.\tGT");
            for (var s = 0; s < names.Length; s++) text.Append('\t').Append(s % 1000 == 7 ? "0/1" : common[record]);
            text.Append('\n');
        }
        File.WriteAllText(folder["n.vcf"], text.ToString());
        File.WriteAllText(folder["sheet.tsv"], "sample\tancestry\n" + string.Concat(names.Select((n, i) => $"{n}\t{(i % 20 == 0 ? "few" : "most")}\n")));
        store.Ingest(new IngestRequest { Files = [folder["n.vcf"]], SheetPath = folder["sheet.tsv"] });
        using var session = store.OpenSession();
        var request = new FrequencyRequest { By = "ancestry" };
        var answered = session.FrequencyBatches(request).SelectMany(Lines).ToList();
        Assert.True(session.GenotypeBytesRead > 0, "nothing was counted by columns");
        Assert.Contains(answered, line => line.Contains("hom 66430", StringComparison.Ordinal));
        Same(RowByRow(session, request), answered, "70,000 samples");
    }

    [Fact]
    public void A_question_that_names_alleles_has_no_batches()
    {
        using var store = new EngineStore(new RandomStore(6301));
        using var session = store.Store.OpenSession();
        Assert.Throws<ArgumentException>(() => session.FrequencyBatches(new FrequencyRequest { Variants = ["1-5-A-C"] }).Count());
    }

    private static void AssertEqual(VariantStore store, Random dice, string[] names, bool columnsExpected, long? snapshot = null)
    {
        using var session = store.OpenSession(new SessionOptions { Snapshot = snapshot });
        using var once = store.OpenSession(new SessionOptions { Snapshot = snapshot, OneQuestion = true });
        var byColumns = 0L;
        for (var i = 0; i < 14; i++)
        {
            var request = RequestOf(dice, names, i == 0, store.CatalogNow);
            var expected = RowByRow(session, request);
            var about = $"{i}: {request}, {request.Samples.Names?.Count} names, {string.Join(' ', request.Regions)}, snapshot {snapshot}";
            Same(expected, [.. session.FrequencyBatches(request).SelectMany(Lines)], about);
            if (!request.Rules.NoPrecomputed) byColumns += session.GenotypeBytesRead;
            // Nothing decoded is at hand now, so that columns are read into the memory of those before.
            store.Pool.Bound(0);
            Same(expected, [.. once.FrequencyBatches(request).SelectMany(Lines)], about + ", one question");
            store.Pool.Bound(SegmentPool.DefaultMaxBytes);
            Same(expected, [.. session.Frequencies(request).Select(r => Line(r.Contig, (r.Start, r.Ref, r.Alt), r.Group, r.Figures))], about + ", rows");
        }
        if (columnsExpected) Assert.True(byColumns > 0, "nothing was counted by columns");
    }

    private static FrequencyRequest RequestOf(Random dice, string[] names, bool plain, StoreCatalog catalog) => plain ? new FrequencyRequest { Samples = new SampleChoice { Names = [.. names.Where((_, i) => i % 3 == 0)] } } : new FrequencyRequest
    {
        Samples = dice.Next(2) == 0 ? SampleChoice.All : new SampleChoice { Names = [.. names.Where(_ => dice.Next(4) == 0), names[0]] },
        By = catalog.Columns.ContainsKey("ancestry") && dice.Next(3) == 0 ? "ancestry" : null,
        MinAc = dice.Next(4) == 0 ? dice.Next(1, 40) : 0,
        Regions = dice.Next(2) == 0 ? [] : [.. new[] { new Region("1", 10_000 + dice.Next(200), 10_300 + dice.Next(400)), new Region("X", 0, 3_000_000 + dice.Next(80)), new Region("1", 10_350, 95_000) }.Where(r => catalog.ContigIndex(r.Contig) >= 0)],
        Rules = new CountRules { Adj = dice.Next(5) == 0, PassOnly = dice.Next(3) == 0, PloidyAsCalled = dice.Next(3) == 0, PerSample = dice.Next(2) == 0, NoPrecomputed = dice.Next(2) == 0 },
    };

    /// <summary>The dull twin.</summary>
    private static List<string> RowByRow(Session session, FrequencyRequest request)
    {
        var selection = session.Prepare(request.Samples, request.Rules, request.By);
        var (lines, figures) = (new List<string>(), new CountFigures[selection.Groups.Count]);
        foreach (var (contig, parts) in session.RegionsByContig(request.Regions))
            foreach (var (start, end) in parts)
            {
                var scan = new ContigScan(session.View, contig, selection, request.Rules);
                foreach (var row in scan.List(start, end))
                {
                    scan.Count(row, figures);
                    if (request.MinAc > 0 && figures.Sum(f => f.Ac) < request.MinAc) continue;
                    var allele = (row.Start, Encoding.ASCII.GetString(row.Ref), Encoding.ASCII.GetString(row.Alt));
                    lines.AddRange(figures.Select((f, g) => Line(session.View.Catalog.Contigs[contig].Spelling, allele, selection.Groups[g], f)));
                }
            }
        return lines;
    }

    private static List<string> Lines(FrequencyBatch batch)
    {
        var lines = new List<string>();
        for (var i = 0; i < batch.Count; i++)
            for (var g = 0; g < batch.Groups.Count; g++)
                lines.Add(Line(batch.Contig, (batch.Start(i), Encoding.ASCII.GetString(batch.Ref(i)), Encoding.ASCII.GetString(batch.Alt(i))), batch.Groups[g], batch.Figures(i, g)));
        return lines;
    }

    private static string Line(string contig, (int Start, string Ref, string Alt) allele, string? group, CountFigures f) => string.Create(CultureInfo.InvariantCulture,
        $"{contig} {allele.Start} {allele.Ref} {allele.Alt} {group} ac {f.Ac} an {f.An} het {f.NHet} hom {f.NHomAlt} hemi {f.NHemi} half {f.NHalf} nocall {f.NNoCall} not assessed {f.NNotAssessed} of {f.NSamples} assumed {f.AnAssumed}");

    private static void Same(List<string> expected, List<string> actual, string about)
    {
        var count = Math.Min(expected.Count, actual.Count);
        for (var i = 0; i < count; i++) Assert.True(expected[i] == actual[i], $"{about}, line {i}\nexpected {expected[i]}\nanswered {actual[i]}");
        Assert.True(expected.Count == actual.Count, $"{about}: {expected.Count} lines expected, {actual.Count} answered");
    }

    private static string[] Names(string prefix, int count) => [.. Enumerable.Range(0, count).Select(i => $"{prefix}{i}")];

    private static void Ingest(VariantStore store, TempFolder folder, (string[] Names, Random Dice, (string Contig, int Start, int Records)[] Stretches) what, bool assume)
    {
        var (text, dice) = (new StringBuilder(), what.Dice);
        text.Append("##fileformat=VCFv4.3\n##contig=<ID=1,length=248956422>\n##contig=<ID=2,length=242193529>\n##contig=<ID=X,length=156040895>\n##contig=<ID=Y,length=57227415>\n##contig=<ID=MT,length=16569>\n");
        text.Append("##FILTER=<ID=q10,Description=\"f\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', what.Names).Append('\n');
        foreach (var (contig, start, records) in what.Stretches)
        {
            var at = start;
            for (var i = 0; i < records; i++, at += dice.Next(1, 25)) AddRecord(text, dice, (contig, at), what.Names.Length);
        }
        File.WriteAllText(folder[what.Names[0] + ".vcf"], text.ToString());
        var sheet = string.Concat(what.Names.Select((n, i) => $"{n}\tp{n}\t{(i % 3 == 0 ? "XX" : i % 3 == 1 ? "XY" : "")}\tg{dice.Next(10)}\n"));
        File.WriteAllText(folder["sheet.tsv"], "sample\tperson\tsex\tancestry\n" + sheet);
        store.Ingest(new IngestRequest { Files = [folder[what.Names[0] + ".vcf"]], SheetPath = folder["sheet.tsv"], AssumeReference = assume });
    }

    private static void AddRecord(StringBuilder text, Random dice, (string Contig, int Position) place, int samples)
    {
        var bases = dice.Next(6) == 0 ? new string('A', dice.Next(2, 4)) : "A";
        string[] alts = dice.Next(4) == 0 ? ["G", "C"] : [dice.Next(5) == 0 ? "ATT" : "T"];
        var odd = dice.Next(6) == 0;
        var (common, haploid) = (Math.Pow(dice.NextDouble(), 3), place.Contig is "MT" or "Y");
        text.Append(CultureInfo.InvariantCulture, $"{place.Contig}\t{place.Position}\t.\t{bases}\t{string.Join(',', alts)}\t.\t{(dice.Next(8) == 0 ? "q10" : "PASS")}\t.\tGT");
        for (var s = 0; s < samples; s++)
        {
            string Allele() => dice.NextDouble() < common ? dice.Next(1, alts.Length + 1).ToString(CultureInfo.InvariantCulture) : "0";
            var call = dice.Next(50) == 0 ? "./." : haploid || (odd && dice.Next(20) == 0) ? Allele() : odd && dice.Next(40) == 0 ? "./" + Allele() : Allele() + "|" + Allele();
            text.Append('\t').Append(call);
        }
        text.Append('\n');
    }
}
