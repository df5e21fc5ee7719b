using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Tests.Oracle;
using Xunit;

namespace Warehouse.Tests.Compact;

/// <summary>Compaction changes no answer, whatever was loaded, replaced or withdrawn before, and drops what it should.</summary>
public sealed class CompactionTests
{
    [Fact]
    public void Compacting_at_random_points_changes_no_answer_and_no_stored_call()
    {
        for (var seed = 2001; seed <= 2012; seed++)
        {
            var (random, dice) = (new RandomStore(seed), new Random(seed));
            using var store = new EngineStore(random);
            foreach (var command in random.Commands)
            {
                store.Ingest(Split(command.Files, dice), command.How);
                if (dice.Next(3) == 0) store.Store.Compact();
            }
            AssertCompactionKeepsEverything(store, $"seed {seed}");
            AssertIsOneSegmentPerPart(store, $"seed {seed}");
            var (truth, query) = (random.Evaluate(), random.RandomQuery(dice));
            foreach (var asked in new[] { new NaiveQuery { PerSample = true }, query, query with { By = "ancestry" } })
                Same([.. truth.Frequencies(asked).Select(r => r.Text).Order(StringComparer.Ordinal)],
                    [.. store.Rows(EngineStore.RequestOf(asked)).Where(r => r.NSamples > 0).Select(r => r.Text).Order(StringComparer.Ordinal)], $"seed {seed}, naive, {asked}");
        }
    }

    [Fact]
    public void Compacting_after_replacements_and_withdrawals_changes_no_answer_of_any_snapshot()
    {
        for (var seed = 2101; seed <= 2112; seed++)
        {
            var (random, dice) = (new RandomStore(seed), new Random(seed));
            using var store = new EngineStore(random);
            foreach (var command in random.Commands) store.Ingest(Split(command.Files, dice), command.How);
            for (var step = 0; step < 3; step++)
            {
                if (dice.Next(2) == 0) Replace(random, store, dice);
                if (dice.Next(2) == 0) Withdraw(random, store, dice);
                if (dice.Next(3) == 0) AssertCompactionKeepsEverything(store, $"seed {seed}, step {step}");
            }
            AssertCompactionKeepsEverything(store, $"seed {seed}");
        }
    }

    [Fact]
    public void A_purge_refuses_older_snapshots_and_changes_no_answer_of_the_others()
    {
        for (var seed = 2201; seed <= 2206; seed++)
        {
            var (random, dice) = (new RandomStore(seed), new Random(seed));
            using var store = new EngineStore(random);
            foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
            Replace(random, store, dice);
            Replace(random, store, dice);
            var replaced = store.Store.CatalogNow.Ordinals.Select((o, i) => (o, i)).Where(o => o.o.UntilVersion != 0).Select(o => o.i).ToList();
            Assert.NotEmpty(replaced);
            var purge = store.Store.Version;
            AssertCompactionKeepsEverything(store, $"seed {seed}", purge);
            Assert.DoesNotContain(store.Store.CatalogNow.Segments, s => s.Ordinals.Intersect(replaced).Any());
            for (var old = 1L; old < purge; old++)
                Assert.Equal("purged-snapshot", Assert.Throws<InputException>(() => store.Store.OpenSession(new SessionOptions { Snapshot = old })).Code);
            Assert.Equal(purge, store.Store.Snapshots()[0].Version);
            Assert.Equal("unknown-snapshot", Assert.Throws<InputException>(() => store.Store.Compact(store.Store.Version + 1)).Code);
        }
    }

    [Fact]
    public void What_a_withdrawn_sample_had_is_gone_after_compaction_and_so_are_files_and_keys()
    {
        var random = new RandomStore(2301);
        using var store = new EngineStore(random);
        foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
        var name = random.Samples[0].Name;
        store.Store.Withdraw([name]);
        var ordinals = Ordinals(store, name);
        Assert.Contains(store.Store.CatalogNow.Segments, s => s.Ordinals.Intersect(ordinals).Any());
        var before = Directory.GetFiles(Path.Combine(store.Path, "f")).ToHashSet();
        var report = store.Store.Compact();
        Assert.Equal(ordinals.Count, report.SamplesDropped);
        Assert.DoesNotContain(store.Store.CatalogNow.Segments, s => s.Ordinals.Intersect(ordinals).Any());
        Assert.DoesNotContain(store.Store.CatalogNow.Sheets, s => store.Store.CatalogNow.Samples[s.Sample].Name == name);
        var after = Directory.GetFiles(Path.Combine(store.Path, "f"));
        Assert.True(report.FilesRemoved >= before.Except(after).Count() && before.Except(after).Any());
        Assert.Empty(store.Store.Verify());
        Assert.Equal("sample-withdrawn", Assert.Throws<InputException>(() => store.Ingest(random.Commands.SelectMany(c => c.Files).Select(f => f with { Text = f.Text.Replace("#CHROM", "##again=1\n#CHROM", StringComparison.Ordinal) }), new NaiveIngest())).Code);
    }

    [Fact]
    public void A_store_of_withdrawn_samples_alone_has_no_segment_left()
    {
        var random = new RandomStore(2302);
        using var store = new EngineStore(random);
        foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
        store.Store.Withdraw([.. random.Samples.Select(s => s.Name)]);
        var report = store.Store.Compact();
        Assert.Equal(0, report.SegmentsAfter);
        Assert.Empty(store.Rows(new FrequencyRequest()));
        Assert.Empty(store.Store.Verify());
    }

    [Fact]
    public void A_second_compaction_has_nothing_to_do()
    {
        var random = new RandomStore(2303);
        using var store = new EngineStore(random);
        foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
        var first = store.Store.Compact();
        var second = store.Store.Compact();
        Assert.Equal(first.Version, second.Version);
        Assert.Equal((first.SegmentsAfter, 0), (second.SegmentsAfter, second.FilesRemoved));
    }

    [Fact]
    public void A_reader_of_the_version_before_goes_on_while_the_store_is_compacted()
    {
        var random = new RandomStore(2304);
        using var store = new EngineStore(random);
        foreach (var command in random.Commands) store.Ingest(command.Files.SelectMany(VcfText.BySample), command.How);
        using var reader = VariantStore.Open(store.Path);
        using var session = reader.OpenSession();
        var expected = store.Rows(new FrequencyRequest()).Count;
        using var rows = session.Frequencies(new FrequencyRequest()).GetEnumerator();
        Assert.True(rows.MoveNext());
        store.Store.Compact();
        var count = 1;
        while (rows.MoveNext()) count++;
        Assert.Equal(expected, count);
    }

    [Theory]
    [InlineData(63, 63)]
    [InlineData(64, 40)]
    [InlineData(130, 63)]
    public void Many_files_of_one_sample_in_one_command_become_few_segments(int files, int segments)
    {
        var random = new RandomStore(2305);
        using var store = new EngineStore(random);
        var dice = new Random(2305);
        store.Ingest(Enumerable.Range(0, files).Select(i => OneSample(random, $"n{i}", dice)), new NaiveIngest());
        Assert.InRange(store.Store.CatalogNow.Segments.Count, 1, segments);
        Assert.Empty(store.Store.Verify());
        var truth = new NaiveCounts(random.Genome.Assembly, random.Genome.Reference);
        for (var i = 0; i < files; i++) truth.Ingest(File.ReadLines(Path.Combine(Path.GetDirectoryName(store.Path)!, $"n{i}.vcf")), new NaiveIngest());
        Same([.. truth.Frequencies(new NaiveQuery()).Select(r => r.Text)], [.. store.Rows(new FrequencyRequest()).Select(r => r.Text)], "naive");
    }

    [Fact]
    public void Files_that_spell_an_allele_differently_count_it_once_after_they_are_merged()
    {
        const string Header = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";
        RandomFile[] files =
        [
            new("a.vcf", Header + "a\n1\t100\t.\tCAT\tCAG\t.\t.\t.\tGT\t0|1\n"),
            new("b.vcf", Header + "b\tc\n1\t102\t.\tT\tG\t.\t.\t.\tGT\t1/1\t./.\n"),
            new("d.vcf", Header + "d\n1\t101\t.\tATC\tA\t.\t.\t.\tGT\t0/1\n"),
            new("e.vcf", Header + "e\n1\t102\t.\tT\t<*>\t.\t.\tEND=110\tGT:GQ\t0/0:40\n"),
            new("f.vcf", Header + "f\n1\t500\t.\tT\tC\t.\t.\t.\tGT\t0/1\n"),
            new("g.vcf", Header + "g\n1\t102\t.\tT\tC,G\t.\tlow\t.\tGT\t2/1\n"),
        ];
        using var store = new EngineStore(new RandomStore(2306));
        var truth = new NaiveCounts("GRCh37");
        using var toy = VariantStore.Create(new CreateOptions { Path = store.Path + "2", Assembly = "GRCh37" });
        foreach (var file in files)
        {
            toy.Ingest(new() { Files = [store.Write(file.Name, file.Text)] });
            truth.Ingest(file.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries), new NaiveIngest());
        }
        foreach (var compacted in new[] { false, true })
        {
            if (compacted) Assert.Equal(1, toy.Compact().SegmentsAfter);
            foreach (var query in new[] { new NaiveQuery(), new NaiveQuery { Pass = true }, new NaiveQuery { Adj = true } })
                Same([.. truth.Frequencies(query).Select(r => r.Text)], [.. EngineStore.Rows(toy, EngineStore.RequestOf(query)).Select(r => r.Text)], $"compacted {compacted}, {query}");
            using var session = toy.OpenSession();
            var carriers = Assert.Single(session.Carriers(["1-102-T-G"])).Carriers;
            Assert.Equal(["a het", "b hom_alt", "g het"], carriers.Select(c => $"{c.Sample} {c.Zygosity}"));
            var figures = Assert.Single(session.Frequencies(new FrequencyRequest { Variants = ["1-102-T-G"] }).Select(r => r.Figures).ToList());
            Assert.Equal((4, 10, 1, 1), (figures.Ac, figures.An, figures.NNoCall, figures.NNotAssessed));
        }
        Assert.Empty(toy.Verify());
    }

    [Fact]
    public void An_allele_that_a_file_has_in_two_blocks_counts_once_per_sample()
    {
        const string Header = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";
        const int Length = 20_000, Fill = 16_500;
        var bases = string.Concat(Enumerable.Range(0, Length).Select(i => "ACGT"[i * 7 % 4]));
        var lines = new System.Text.StringBuilder($"1\t1\t.\t{bases}\t{bases[..^1]}{(bases[^1] == 'A' ? 'C' : 'A')}\t.\t.\t.\tGT\t0/1\n");
        for (var i = 1; i <= Fill; i++) lines.Append($"1\t{i + 1}\t.\t{bases[i]}\t{(bases[i] == 'A' ? 'C' : 'A')}\t.\t.\t.\tGT\t0/0\n");
        lines.Append($"1\t{Length}\t.\t{bases[^1]}\t{(bases[^1] == 'A' ? 'C' : 'A')}\t.\t.\t.\tGT\t1/1\n");
        using var store = new EngineStore(new RandomStore(2307));
        using var toy = VariantStore.Create(new CreateOptions { Path = store.Path + "2", Assembly = "GRCh37" });
        toy.Ingest(new() { Files = [store.Write("a.vcf", Header + "a\n" + lines), store.Write("b.vcf", Header + $"b\n1\t{Length}\t.\t{bases[^1]}\t{(bases[^1] == 'A' ? 'C' : 'A')}\t.\t.\t.\tGT\t0/1\n")] });
        foreach (var compacted in new[] { false, true })
        {
            if (compacted) Assert.Equal(1, toy.Compact().SegmentsAfter);
            var row = EngineStore.Rows(toy, new FrequencyRequest { Regions = [new Region("1", Length - 1, Length)] })[^1];
            // The record that starts at the allele decides: 1/1 of a, 0/1 of b.
            Assert.Equal((3, 4, 1, 1), (row.Ac, row.An, row.NHet, row.NHomAlt));
        }
    }

    [Fact]
    public void Merged_blocks_are_cut_anew_and_evidence_goes_on_across_them()
    {
        const int Seed = 2308;
        var dice = new Random(Seed);
        using var store = new EngineStore(new RandomStore(Seed));
        using var toy = VariantStore.Create(new CreateOptions { Path = store.Path + "2", Assembly = "GRCh37" });
        for (var round = 0; round < 2; round++)
        {
            toy.Ingest(new() { Files = [.. Enumerable.Range(0, 3).Select(i => store.Write($"g{round}{i}.vcf", Gvcf($"g{round}{i}", i == 2 ? 300 : 60_000, dice)))] });
            var (before, calls) = (EngineStore.Rows(toy, new FrequencyRequest()), SegmentDump.Of(toy, _ => true));
            Assert.Equal(1, toy.Compact().SegmentsAfter);
            using (var segment = toy.OpenSegmentNow(toy.CatalogNow.Segments.Single())) Assert.InRange(segment.Blocks.Length, 2, 9);
            Same([.. before.Select(r => r.Text)], [.. EngineStore.Rows(toy, new FrequencyRequest()).Select(r => r.Text)], $"seed {Seed}, round {round}");
            Same(calls, SegmentDump.Of(toy, _ => true), $"seed {Seed}, round {round}, stored calls");
        }
        Assert.Empty(toy.Verify());
    }

    /// <summary>Records at every second place or so, reference blocks between them, some deletions of up to 40 bases.</summary>
    private static string Gvcf(string sample, int length, Random dice)
    {
        var text = new System.Text.StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + sample + "\n");
        string Bases(int from, int count) => string.Concat(Enumerable.Range(from, count).Select(i => "ACGT"[i * 7 % 4]));
        for (var at = 1; at < length; at += dice.Next(1, 3))
        {
            var gt = dice.Next(4) switch { 0 => "0|1", 1 => "1|0", 2 => "1/1", _ => "./1" };
            if (dice.Next(2) == 0) text.Append($"1\t{at}\trs{at}\t{Bases(at, 1)}\t{(Bases(at, 1) == "A" ? "C" : "A")},<*>\t.\t.\t.\tGT:GQ\t{gt}:{dice.Next(40)}\n");
            else if (dice.Next(20) == 0) text.Append($"1\t{at}\t.\t{Bases(at, dice.Next(2, 40))}\t{Bases(at, 1)}\t.\tlow\t.\tGT\t{gt}\n");
            else
            {
                var end = at + dice.Next(0, 12);
                text.Append($"1\t{at}\t.\t{Bases(at, 1)}\t<*>\t.\t.\tEND={end}\tGT:GQ:MIN_DP\t0/0:{dice.Next(15, 40)}:12\n");
                at = end;
            }
        }
        return text.ToString();
    }

    [Fact]
    public void A_few_new_samples_do_not_rewrite_a_large_segment_until_they_are_many()
    {
        static string File(string name, int samples) => "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + string.Join('\t', Enumerable.Range(0, samples).Select(i => $"{name}_{i}"))
            + "\n1\t100\t.\tA\tC\t.\t.\t.\tGT\t" + string.Join('\t', Enumerable.Repeat("0/1", samples)) + "\n";
        using var store = new EngineStore(new RandomStore(2309));
        using var toy = VariantStore.Create(new CreateOptions { Path = store.Path + "2", Assembly = "GRCh37" });
        void Ingest(string name, int samples) => toy.Ingest(new() { Files = [store.Write(name + ".vcf", File(name, samples))] });
        void Is(params int[] sizes) => Assert.Equal(sizes, toy.CatalogNow.Segments.Select(s => s.Ordinals.Length).OrderDescending());
        Ingest("large", 320);
        Ingest("a", 3);
        Ingest("b", 4);
        toy.Compact();
        Is(320, 7);
        Ingest("c", 13);
        toy.Compact();
        Is(340);
        Ingest("d", 1);
        toy.Withdraw(["large_17"]);
        toy.Compact();
        Is(340);
        Assert.Equal((680, 340), (EngineStore.Rows(toy, new FrequencyRequest()).Single().An, EngineStore.Rows(toy, new FrequencyRequest()).Single().NHet));
    }

    private static RandomFile OneSample(RandomStore random, string name, Random dice)
    {
        var files = random.Commands.SelectMany(c => c.Files).SelectMany(VcfText.BySample).ToList();
        var lines = files[dice.Next(files.Count)].Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var kept = lines.Where(l => l[0] == '#' || dice.Next(4) > 0).Select(l => l.StartsWith("#CHROM", StringComparison.Ordinal) ? string.Join('\t', [.. l.Split('\t')[..9], name]) : l).ToList();
        if (kept[^1][0] == '#') kept.Add(lines[^1]);
        return new RandomFile(name + ".vcf", string.Concat(kept.Select(l => l + "\n")));
    }

    private static IEnumerable<RandomFile> Split(IReadOnlyList<RandomFile> files, Random dice) =>
        files.SelectMany(f => dice.Next(3) switch { 0 => VcfText.BySample(f), 1 => VcfText.ByContig(f), _ => [f] });

    /// <summary>Loads the files of a command again with some lines left out, as new versions of their samples.</summary>
    private static void Replace(RandomStore random, EngineStore store, Random dice)
    {
        var command = random.Commands[dice.Next(random.Commands.Count)];
        var withdrawn = store.Store.CatalogNow.Samples.Where(s => s.WithdrawnVersion != 0).Select(s => s.Name).ToHashSet();
        var files = command.Files.Where(f => !f.Text.Split('\n').First(l => l.StartsWith("#CHROM", StringComparison.Ordinal)).Split('\t')[9..].Any(withdrawn.Contains)).ToList();
        if (files.Count > 0) store.Ingest(files.Select(f => Thinned(f, dice)), command.How, replace: true);
    }

    private static RandomFile Thinned(RandomFile file, Random dice)
    {
        var lines = file.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var last = lines.Length - 1;
        return file with { Text = string.Concat(lines.Where((l, i) => l[0] == '#' || i == last || dice.Next(4) > 0).Select(l => l + "\n")) };
    }

    private static void Withdraw(RandomStore random, EngineStore store, Random dice)
    {
        var left = store.Store.CatalogNow.Samples.Where(s => s.WithdrawnVersion == 0).Select(s => s.Name).ToList();
        if (left.Count > 1) store.Store.Withdraw([left[dice.Next(left.Count)]]);
    }

    private static List<int> Ordinals(EngineStore store, string sample) =>
        [.. store.Store.CatalogNow.Ordinals.Select((o, i) => (o, i)).Where(o => store.Store.CatalogNow.Samples[o.o.Sample].Name == sample).Select(o => o.i)];

    /// <summary>Every answer of every snapshot that stays, and every stored call of every sample that stays, before and after.</summary>
    private static void AssertCompactionKeepsEverything(EngineStore store, string about, long? purge = null)
    {
        var catalog = store.Store.CatalogNow;
        bool Kept(int ordinal) => catalog.Samples[catalog.Ordinals[ordinal].Sample].WithdrawnVersion == 0
            && (catalog.Ordinals[ordinal].UntilVersion == 0 || catalog.Ordinals[ordinal].UntilVersion > Math.Max(catalog.PurgedBefore, purge ?? 0));
        var asked = store.AllelesToAsk();
        var newest = store.Store.Version;
        var snapshots = Enumerable.Range(1, (int)newest).Select(v => (long)v).Where(v => v >= Math.Max(catalog.PurgedBefore, purge ?? 0)).ToList();
        var answers = snapshots.ConvertAll(v => store.Answers(v, asked));
        var calls = SegmentDump.Of(store.Store, Kept);
        store.Store.Compact(purge);
        for (var i = 0; i < snapshots.Count; i++) Same(answers[i], store.Answers(snapshots[i], asked), $"{about}, snapshot {snapshots[i]} of {newest}");
        Same(calls, SegmentDump.Of(store.Store, _ => true), $"{about}, stored calls");
        Assert.Empty(store.Store.Verify());
    }

    /// <summary>No more segments than a sample has parts that lie in segments of other contigs, plus those of replaced parts.</summary>
    private static void AssertIsOneSegmentPerPart(EngineStore store, string about)
    {
        var catalog = store.Store.CatalogNow;
        if (catalog.Ordinals.Select(o => o.Sample).Distinct().Count() < catalog.Ordinals.Count) return;
        Assert.True(catalog.Segments.Count == 1, $"{about}: {catalog.Segments.Count} segments");
    }

    private static void Same(IReadOnlyList<string> expected, IReadOnlyList<string> actual, string about)
    {
        for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
        {
            var (e, a) = (i < expected.Count ? expected[i] : "(no more)", i < actual.Count ? actual[i] : "(no more)");
            Assert.True(e == a, $"{about}: line {i + 1} of {expected.Count} expected, {actual.Count} actual\nexpected {e}\nactual   {a}");
        }
    }
}
