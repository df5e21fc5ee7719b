using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Query;

/// <summary>Symbolic alleles and breakends: listed, asked for by interval, counted as the naive computation of <see cref="SymbolicStore"/> does.</summary>
public sealed class SymbolicTests
{
    private sealed class Loaded : IDisposable
    {
        private readonly TempFolder _folder = new();

        public Loaded(SymbolicStore random, bool backwards = false, int except = -1) : this("GRCh38", null)
        {
            foreach (var i in Enumerable.Range(0, random.Files.Length).OrderBy(i => backwards ? -i : i).Where(i => i != except))
            {
                var file = random.Files[i];
                Write($"{i}.bed", string.Concat(file.Callable.Select(c => FormattableString.Invariant($"{c.Contig}\t{c.Start}\t{c.End}\n"))));
                var sheet = Write($"{i}.tsv", "sample\tsex\n" + string.Concat(file.Samples.Select(s => $"{s}\t{random.Sex[s]}\n")));
                Store.Ingest(new IngestRequest { Files = [Write($"{i}.vcf", file.Text())], SheetPath = sheet, AssumeReference = file.Assume, CallablePath = file.Callable.Length > 0 ? _folder[$"{i}.bed"] : null });
            }
        }

        public Loaded(string assembly, string? fasta)
        {
            var reference = fasta is null ? null : Write("ref.fa", fasta);
            Store = VariantStore.Create(new CreateOptions { Path = _folder["s"], Assembly = assembly, ReferencePath = reference });
        }

        public VariantStore Store { get; }

        public Loaded With(string samples, params string[] lines)
        {
            var header = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + samples.Replace(' ', '\t') + "\n";
            Store.Ingest(new IngestRequest { Files = [Write(samples.Replace(' ', '_') + ".vcf", header + string.Concat(lines.Select(l => l.Replace(' ', '\t') + "\n")))] });
            return this;
        }

        public SeenAnswer[] Seen(params string[] queries)
        {
            using var session = Store.OpenSession();
            return [.. session.Seen(queries, SampleChoice.All)];
        }

        private string Write(string name, string text)
        {
            File.WriteAllText(_folder[name], text);
            return _folder[name];
        }

        public void Dispose()
        {
            Store.Dispose();
            _folder.Dispose();
        }
    }

    private static List<(string Contig, int Start, string Ref, string Alt, int End, CountFigures Figures)> List(VariantStore store, FrequencyRequest request)
    {
        using var session = store.OpenSession();
        return [.. session.Frequencies(request).Select(r => (r.Contig, r.Start, r.Ref, r.Alt, r.End, r.Figures))];
    }

    private static string Show((string Contig, int Start, string Ref, string Alt, int End, CountFigures F) row) => FormattableString.Invariant(
        $"{row.Contig}:{row.Start} {row.Ref} {row.Alt} {row.End} ac {row.F.Ac} an {row.F.An} het {row.F.NHet} hom {row.F.NHomAlt} hemi {row.F.NHemi} half {row.F.NHalf} nocall {row.F.NNoCall} not {row.F.NNotAssessed} n {row.F.NSamples} assumed {row.F.AnAssumed}");

    [Fact]
    public void Symbolic_listing_equals_a_naive_computation_base_by_base()
    {
        var total = default(CountFigures);
        for (var seed = 1; seed <= 30; seed++)
        {
            var random = new SymbolicStore(seed);
            using var loaded = new Loaded(random);
            foreach (var passOnly in new[] { false, true })
            {
                var rules = new CountRules { PassOnly = passOnly };
                var rows = List(loaded.Store, new FrequencyRequest { Symbolic = true, Rules = rules });
                foreach (var row in rows.Where(r => r.End > r.Start + 5)) total.Add(row.Figures);
                var expected = new[] { "1", "X" }.SelectMany(c => random.Expected(c, passOnly).Select(e => Show((c, e.Start, e.Ref, e.Alt, e.End, e.Figures))));
                var found = rows.Where(r => r.End >= 0).Select(Show).ToList();
                Assert.True(expected.SequenceEqual(found), $"seed {seed}, pass {passOnly}: {Difference([.. expected], found)}");
                Assert.Equal(List(loaded.Store, new FrequencyRequest { Rules = rules }).Select(Show), rows.Where(r => r.End < 0).Select(Show));
                Assert.Equal(rows.OrderBy(r => r.Contig == "X").ThenBy(r => r.Start).ThenBy(r => r.Ref, StringComparer.Ordinal).ThenBy(r => r.Alt, StringComparer.Ordinal).ThenBy(r => r.End).Select(Show), rows.Select(Show));
            }
        }
        // Long alleles were seen in every state, and as reference by evidence more often than their carriers' other alleles explain.
        Assert.True(new[] { total.NHet, total.NHomAlt, total.NHemi, total.NHalf, total.NNoCall, total.NNotAssessed, total.AnAssumed }.All(n => n > 20), Show(("", 0, "", "", 0, total)));
        Assert.True(total.An - total.AnAssumed > 4 * total.Carriers, Show(("", 0, "", "", 0, total)));
    }

    [Fact]
    public void Questions_by_interval_count_the_union_of_what_matches_and_agree_between_verbs()
    {
        var (seen, several) = (0, 0);
        for (var seed = 101; seed <= 135; seed++)
        {
            var random = new SymbolicStore(seed);
            using var loaded = new Loaded(random);
            foreach (var (start, end, type) in random.Questions())
            {
                var text = FormattableString.Invariant($"1:{start + 1}-{end} {type}");
                bool Matches(SymbolicRecord r, string a) => a.StartsWith(type.TrimEnd('>'), StringComparison.Ordinal) && SymbolicRecord.IsSymbolic(a)
                    && ((r.Start == start && r.EndOf(a) == end) || 2.0 * (Math.Min(end, r.EndOf(a)) - Math.Max(start, r.Start) - 1) is > 0 and var shared && shared >= Math.Max(end - start - 1, r.EndOf(a) - r.Start - 1));
                var expected = random.Count("1", (start, end), Matches, passOnly: false);
                var row = Assert.Single(List(loaded.Store, new FrequencyRequest { Variants = [text] }));
                Assert.True(Show(row with { Figures = expected }) == Show(row), $"seed {seed}, {text}: expected {Show(row with { Figures = expected })}, found {Show(row)}");
                var answer = Assert.Single(loaded.Seen(text));
                Assert.Equal((expected.Carriers > 0, end, type), (answer.State == SeenState.Seen, answer.End, answer.Alt));
                Assert.Equal(random.Files.SelectMany(f => f.Records).Where(r => r.Contig == "1").SelectMany(r => r.Alts.Where(a => Matches(r, a)).Select(a => (r.Start, a, r.EndOf(a)))).Distinct().Count(), answer.MatchedAlleles);
                using var session = loaded.Store.OpenSession();
                Assert.Equal(expected.Carriers, Assert.Single(session.Carriers([text])).Carriers.Select(c => c.Sample).Distinct().Count());
                if (answer.State == SeenState.Seen) seen++;
                if (answer.MatchedAlleles > 1) several++;
            }
        }
        Assert.True(seen > 60 && several > 10, $"too few questions were seen to mean anything: {seen}, {several} of them by several alleles");
    }

    [Fact]
    public void Compaction_and_the_order_of_files_change_no_symbolic_figure_and_withdrawal_unlists()
    {
        for (var seed = 201; seed <= 210; seed++)
        {
            var random = new SymbolicStore(seed);
            using var loaded = new Loaded(random);
            using var reversed = new Loaded(random, backwards: true);
            var request = new FrequencyRequest { Symbolic = true };
            var before = List(loaded.Store, request).Select(Show).ToList();
            Assert.True(before.SequenceEqual(List(reversed.Store, request).Select(Show)), $"seed {seed}: files in another order");
            loaded.Store.Withdraw(["d", "e"]);
            var withdrawn = List(loaded.Store, request).Select(Show).ToList();
            using var without = new Loaded(random, except: 1);
            // A row whose only file was withdrawn goes; a row that keeps a visible file stays, with the figures of who is left.
            Assert.True(List(without.Store, request).Select(Show).SequenceEqual(withdrawn), $"seed {seed}: withdrawal");
            loaded.Store.Compact();
            Assert.True(withdrawn.SequenceEqual(List(loaded.Store, request).Select(Show)), $"seed {seed}: compaction");
        }
    }

    private static string Difference(List<string> expected, List<string> found)
    {
        var missing = expected.Except(found).FirstOrDefault();
        var surplus = found.Except(expected).FirstOrDefault();
        return $"\nexpected {missing}\nfound    {surplus}";
    }

    [Theory]
    [InlineData("1:1000-2000 <DEL>", 1, "seen")]     // the very place
    [InlineData("1:1000-1500 <DEL>", 1, "seen")]     // half of it
    [InlineData("1:1000-1499 <DEL>", 0, "not")]      // a base less
    [InlineData("1:1500-2500 <DEL>", 1, "seen")]     // half of both
    [InlineData("1:1501-2501 <DEL>", 0, "not")]
    [InlineData("1:1000-2000 <DUP>", 0, "not")]      // another type
    [InlineData("1:1000-2000 <DEL:ME>", 0, "not")]   // narrower than what is stored
    [InlineData("1:5010 <INS>", 1, "seen")]          // within CIPOS
    [InlineData("1:5011 <INS>", 0, "not")]
    [InlineData("1:8000 N N]1:9000]", 1, "seen")]
    [InlineData("1:8000 N N[1:9000[", 0, "not")]     // faces the other way
    [InlineData("1:8000 N N]1:9001]", 0, "not")]
    public void Stored_alleles_are_matched_by_interval(string query, int matched, string answer)
    {
        using var loaded = new Loaded("GRCh38", null).With("s t",
            "1 1000 . N <DEL> . . END=2000 GT 0/1 0/0",
            "1 5000 . N <INS> . . SVLEN=300;CIPOS=-10,10 GT 0/1 0/0",
            "1 8000 . N N]1:9000] . . . GT 1/1 0/0");
        var found = Assert.Single(loaded.Seen(query));
        Assert.Equal(matched, found.MatchedAlleles);
        // A span without any record of the allele has nobody who was assessed: these files have no evidence.
        Assert.Equal(answer == "seen" ? SeenState.Seen : SeenState.NotAssessable, found.State);
    }

    [Fact]
    public void A_sample_that_carries_two_matching_alleles_counts_once_by_the_nearest()
    {
        using var loaded = new Loaded("GRCh38", null).With("s", "1 1000 . N <DEL> . . END=2000 GT 0/1", "1 1010 . N <DEL> . . END=2000 GT 1/1").With("t", "1 1000 . N <DEL> . . END=2000 GT ./.", "1 1100 . N <DEL:ME>,<DEL> . . END=2000 GT 1/2");
        var answer = Assert.Single(loaded.Seen("1:1000-2000 <DEL>"));
        Assert.Equal((4, 3L, 4L, 1, 1), (answer.MatchedAlleles, answer.Figures.Ac, answer.Figures.An, answer.Figures.NHet, answer.Figures.NHomAlt));
        using var session = loaded.Store.OpenSession();
        Assert.Equal([("s", "het", "0/1"), ("t", "hom_alt", "1/2")], Assert.Single(session.Carriers(["1:1000-2000 <DEL>"])).Carriers.Select(c => (c.Sample, c.Zygosity, c.Genotype)));
    }

    [Fact]
    public void An_allele_whose_only_carrier_was_withdrawn_is_neither_matched_nor_listed()
    {
        using var loaded = new Loaded("GRCh38", null).With("s t", "1 1000 . N <DEL> . . END=2000 GT 0/1 0/0", "1 1010 . N <DEL> . . END=2000 GT 0/0 0/1");
        loaded.Store.Withdraw(["s"]);
        var answer = Assert.Single(loaded.Seen("1:1000-2000 <DEL>"));
        Assert.Equal((1, SeenState.Seen, 1, 1), (answer.MatchedAlleles, answer.State, answer.Figures.NHet, answer.Figures.NSamples));
        Assert.Equal(1009, Assert.Single(List(loaded.Store, new FrequencyRequest { Symbolic = true })).Start);
    }

    [Fact]
    public void Seen_lists_the_alleles_inside_an_MNV_and_the_deletion_over_it_but_not_itself()
    {
        using var loaded = new Loaded("GRCh38", null).With("s", "1 90 . ACGTACGTACGTA A . . . GT 0/1", "1 100 . AC GT . . . GT 0/1").With("t", "1 100 . A G . . . GT 0/1", "1 101 . C T . . . GT 0/1", "1 102 . G A . . . GT 0/1");
        var answers = loaded.Seen("1-100-AC-GT", "1-102-G-A", "1-500-A-G");
        Assert.Equal(["1-90-ACGTACGTACGTA-A", "1-100-A-G", "1-101-C-T"], answers[0].Overlapping);
        Assert.Equal(["1-90-ACGTACGTACGTA-A"], answers[1].Overlapping);
        Assert.Equal((3, 1, 0), (answers[0].OverlappingCount, answers[1].OverlappingCount, answers[2].OverlappingCount));
    }

    [Fact]
    public void Many_overlapping_alleles_are_counted_and_the_first_are_named()
    {
        var lines = Enumerable.Range(0, 30).Select(i => FormattableString.Invariant($"1 {100 + i} . A G . . . GT 0/1"));
        using var loaded = new Loaded("GRCh38", null).With("s", [$"1 100 . {new string('A', 60)} A . . . GT 0/1", .. lines]);
        var answer = Assert.Single(loaded.Seen("1-100-" + new string('A', 40) + "-C"));
        Assert.Equal((31, SeenAnswer.MaxOverlapping, "1-100-A-G", "1-100-(60)-A"), (answer.OverlappingCount, answer.Overlapping.Count, answer.Overlapping[0], answer.Overlapping[1]));
    }

    [Fact]
    public void VRS_identifiers_of_stored_variants_are_resolved_and_others_are_not_assessable()
    {
        var random = new Random(7);
        var bases = TestReference.Repeats(random, 3000);
        using var loaded = new Loaded("toy", $">c1\n{bases}\n>c2\n{bases[..1500]}\n");
        var alleles = new SortedDictionary<int, string>();
        foreach (var (start, r, a) in Enumerable.Range(0, 200).Select(_ => TestReference.Allele(random, bases[..1500])))
            if (alleles.Keys.All(k => Math.Abs(k - start) > 20)) alleles.TryAdd(start, FormattableString.Invariant($"{start + 1} . {r} {a} . . . GT 0/1"));
        loaded.With("s", [.. alleles.Select(l => "c1 " + l.Value), .. alleles.Select(l => "c2 " + l.Value)]);
        using var session = loaded.Store.OpenSession();
        var listed = List(loaded.Store, new FrequencyRequest());
        Assert.True(listed.Count > 20);
        var plain = session.Seen(listed.Select(l => $"{l.Contig}-{l.Start + 1}-{l.Ref}-{l.Alt}"), SampleChoice.All).ToList();
        var identifiers = plain.Select(p => session.Identify(p)!.Vrs!).ToList();
        Assert.Equal(identifiers.Count, identifiers.Distinct().Count());
        var found = session.Seen(identifiers, SampleChoice.All).ToList();
        Assert.Equal(plain.Select(p => (p.Contig, p.Start, p.Ref, p.Alt, p.State)), found.Select(p => (p.Contig, p.Start, p.Ref, p.Alt, p.State)));
        var unknown = Assert.Single(session.Seen(["ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"], SampleChoice.All));
        Assert.Equal(SeenState.NotAssessable, unknown.State);
        Assert.Contains("no stored variant", unknown.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_reference_a_VRS_identifier_is_refused_with_the_reason()
    {
        using var loaded = new Loaded("GRCh38", null).With("s", "1 100 . A G . . . GT 0/1");
        var answer = Assert.Single(loaded.Seen("ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"));
        Assert.Equal(SeenState.NotAssessable, answer.State);
        Assert.Contains("needs the reference", answer.Reason!.Replace("need the", "needs the"), StringComparison.Ordinal);
        Assert.Throws<InputException>(() => List(loaded.Store, new FrequencyRequest { Variants = ["ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"] }));
    }

    [Fact]
    public void Answers_name_what_they_rest_on()
    {
        using var loaded = new Loaded("toy", ">c1\n" + new string('A', 50) + "\n>c2\n" + new string('C', 50) + "\n").With("s", "c1 10 . A G . . . GT 0/1").With("t", "c1 10 . A G . . . GT 0/1");
        using var session = loaded.Store.OpenSession();
        var answers = session.Seen(["c1-10-A-G", "c2-10-C-G", "nonsense"], SampleChoice.All).ToList();
        var context = answers[0].Context!;
        Assert.Equal(("toy", Normalizer.Version, false, session.Snapshot), (context.Assembly, context.NormalizerVersion, context.TrimmedOnly, context.Snapshot));
        Assert.All(new[] { context.SnapshotDigest, context.ScopeDigest, context.WithdrawnDigest, context.SamplesDigest }, d => Assert.Matches("^[0-9a-f]{64}$", d));
        Assert.StartsWith("SQ.", answers[0].RefgetAccession, StringComparison.Ordinal);
        Assert.NotEqual(answers[0].RefgetAccession, answers[1].RefgetAccession);
        Assert.Null(answers[2].Context);
        Assert.Equal(["c1", "c2"], session.AnsweredFrom!.RefgetAccessions.Keys);

        loaded.Store.Withdraw(["t"]);
        using var later = loaded.Store.OpenSession();
        var after = Assert.Single(later.Seen(["c1-10-A-G"], SampleChoice.All)).Context!;
        Assert.Equal(context.ScopeDigest, after.ScopeDigest);
        Assert.NotEqual(context.WithdrawnDigest, after.WithdrawnDigest);
        Assert.NotEqual(context.SnapshotDigest, after.SnapshotDigest);
        Assert.NotEqual(context.SamplesDigest, after.SamplesDigest);
    }
}
