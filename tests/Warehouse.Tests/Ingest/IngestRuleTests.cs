using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>The rules of <c>ingest</c> at their edges: what is loaded, what is a no-op, what is refused, and that a refusal leaves nothing.</summary>
public sealed class IngestRuleTests
{
    [Theory]
    [InlineData("", "1 100 A C")]
    [InlineData("a b")]
    [InlineData("")]
    public void File_without_samples_or_records_is_read_and_commits_nothing(string samples, params string[] lines)
    {
        using var store = new IngestStore();
        var receipt = store.Ingest(store.Vcf("a.vcf", samples, lines));
        Assert.False(receipt.Committed);
        Assert.Equal((1, "empty", lines.Length), (receipt.Version, Assert.Single(receipt.Files).Outcome, receipt.Files[0].Records));
        Assert.Equal(1, store.Store.Version);
    }

    [Fact]
    public void File_without_samples_is_still_checked()
    {
        using var store = new IngestStore();
        Refused(store, "vcf", () => store.Ingest(store.Vcf("a.vcf", "", "1 x A C")));
    }

    [Fact]
    public void Empty_file_beside_a_full_one_is_named_and_the_other_loaded()
    {
        using var store = new IngestStore();
        var receipt = store.Ingest(store.Vcf("empty.vcf", "x"), store.Vcf("a.vcf", "a", "1 100 A C 0/1"));
        Assert.True(receipt.Committed);
        Assert.Equal(["empty", "loaded"], receipt.Files.Select(f => f.Outcome));
        Assert.Equal(["1:100:A:C 1/2"], store.Counts());
    }

    [Fact]
    public void The_same_bytes_again_are_a_no_op_under_any_name()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a b", "1 100 A C 0/1 1/1");
        store.Ingest(file);
        File.Copy(file, store["b.vcf"]);
        var again = store.Ingest(store["b.vcf"]);
        Assert.False(again.Committed);
        Assert.Equal(("unchanged", 2L), (again.Files[0].Outcome, again.Version));
        var twice = store.Ingest(store.Vcf("c.vcf", "c", "1 100 A C 0/1"), store.Vcf("d.vcf", "c", "1 100 A C 0/1"));
        Assert.Equal(["loaded", "unchanged"], twice.Files.Select(f => f.Outcome));
        Assert.Equal(["1:100:A:C 4/6"], store.Counts());
    }

    [Fact]
    public void The_same_bytes_again_are_a_no_op_with_replace_too()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a", "1 100 A C 0/1");
        store.Ingest(file);
        Assert.False(store.Store.Ingest(new IngestRequest { Files = [file], Replace = true }).Committed);
    }

    [Fact]
    public void Another_version_of_a_sample_needs_replace()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("a.vcf", "a b", "1 100 A C 0/1 0/0", "1 200 A C 0/0 0/1"));
        var second = store.Vcf("b.vcf", "a", "1 100 A C 1/1", "1 300 A C 0/1");
        Refused(store, "sample-overlap", () => store.Ingest(second));
        Assert.Equal(3, store.Store.Ingest(new IngestRequest { Files = [second], Replace = true }).Version);
        Assert.Equal(["1:100:A:C 2/4", "1:200:A:C 1/2", "1:300:A:C 1/2"], store.Counts());
    }

    [Fact]
    public void Overlap_is_refused_with_its_first_place_and_no_sample_name()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("snv.vcf", "secret other", "1 100 A C 0/1 0/0", "1 900 A C 0/1 0/0"));
        var refused = Refused(store, "sample-overlap", () => store.Ingest(store.Vcf("indel.vcf", "new secret", "1 500 AT A 0/1 0/1", "2 10 A C 0/1 0/1")));
        Assert.Contains("sample column 2", refused.Message, StringComparison.Ordinal);
        Assert.Contains("1:500", refused.Message, StringComparison.Ordinal);
        Assert.Contains("bcftools concat -a", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_covers_its_LEN_when_another_file_of_the_sample_comes()
    {
        using var store = new IngestStore();
        var block = store.Vcf("block.vcf", "a", "1 100 A <NON_REF> 100 0/0:1000");
        File.WriteAllText(block, File.ReadAllText(block).Replace("\tGT\t", "\tGT:LEN\t", StringComparison.Ordinal)
            .Replace("##contig=<ID=1>", "##FORMAT=<ID=LEN,Number=1,Type=Integer,Description=\"x\">\n##contig=<ID=1>", StringComparison.Ordinal));
        store.Ingest(block);
        Refused(store, "sample-overlap", () => store.Ingest(store.Vcf("b.vcf", "a", "1 1099 A C 0/1")));
        Assert.True(store.Ingest(store.Vcf("c.vcf", "a", "1 1100 A C 0/1")).Committed);
    }

    [Fact]
    public void Overlap_within_one_command_is_refused_with_replace_too()
    {
        using var store = new IngestStore();
        string[] files = [store.Vcf("a.vcf", "a", "1 100 A C 0/1"), store.Vcf("b.vcf", "a", "1 100 A G 0/1")];
        Refused(store, "sample-overlap", () => store.Store.Ingest(new IngestRequest { Files = files, Replace = true }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Files_of_one_sample_by_chromosome_extend_it(bool inOneCommit)
    {
        using var store = new IngestStore();
        string[] files = [store.Vcf("1.vcf", "a b", "1 100 A C 0/1 1/1"), store.Vcf("2.vcf", "b a", "2 100 A C 0/0 0/1"), store.Vcf("1b.vcf", "a b", "1 101 A C 0/0 0/1")];
        if (inOneCommit) store.Ingest(files);
        else foreach (var file in files) Assert.True(store.Ingest(file).Committed);
        Assert.Equal(["1:100:A:C 3/4", "1:101:A:C 1/4", "2:100:A:C 1/4"], store.Counts());
        Assert.Contains(("samples", "2"), store.Store.Info().Facts);
    }

    [Fact]
    public void Assumption_is_refused_for_a_file_with_blocks()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.g.vcf", "a", "1 50 A <NON_REF> 99 0/0", "1 100 A C,<NON_REF> 0/1");
        Refused(store, "assume-blocks", () => store.Store.Ingest(new IngestRequest { Files = [file], AssumeReference = true }));
        Assert.True(store.Ingest(file).Committed);
    }

    [Fact]
    public void A_withdrawn_sample_is_refused_with_replace_too()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a b", "1 100 A C 0/1 0/1");
        store.Ingest(file);
        store.Store.Withdraw(["b"]);
        var later = store.Vcf("b.vcf", "b", "2 100 A C 0/1");
        Refused(store, "sample-withdrawn", () => store.Ingest(later));
        Refused(store, "sample-withdrawn", () => store.Store.Ingest(new IngestRequest { Files = [later], Replace = true }));
        Assert.Equal(["1:100:A:C 1/2"], store.Counts());
    }

    [Fact]
    public void The_same_bytes_with_a_withdrawn_sample_are_refused_and_not_called_unchanged()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a b", "1 100 A C 0/1 0/1");
        store.Ingest(file);
        store.Store.Withdraw(["b"]);
        Refused(store, "sample-withdrawn", () => store.Ingest(file));
        Refused(store, "sample-withdrawn", () => store.Store.Ingest(new IngestRequest { Files = [file], Replace = true }));
    }

    [Theory]
    [InlineData("--assume-reference")]
    [InlineData("--block-gq")]
    [InlineData("--callable")]
    public void The_same_bytes_with_other_options_are_refused_and_loaded_anew_with_replace(string option)
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a b", "1 100 A C 0/1 0/0");
        store.Ingest(file);
        var other = new IngestRequest { Files = [file] };
        if (option == "--assume-reference") other = other with { AssumeReference = true };
        else if (option == "--block-gq") other = other with { BlockGq = 30 };
        else other = other with { CallablePath = store.Write("a.bed", "1\t0\t1000\n") };
        Assert.Contains("--replace", Refused(store, "other-options", () => store.Store.Ingest(other)).Message, StringComparison.Ordinal);
        Assert.Equal("loaded", Assert.Single(store.Store.Ingest(other with { Replace = true }).Files).Outcome);
        Assert.Equal(["1:100:A:C 1/4"], store.Counts());
        Assert.False(store.Store.Ingest(other).Committed);
        Assert.False(store.Store.Ingest(other with { Replace = true }).Committed);
    }

    [Theory]
    [InlineData("old.vcf", "new.vcf")]
    [InlineData("new.vcf", "old.vcf")]
    public void Replace_keeps_a_file_that_was_there_wherever_the_command_names_it(string first, string second)
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("old.vcf", "a", "2 100 A C 0/1"), store.Vcf("1.vcf", "a", "1 100 A C 0/1"));
        store.Vcf("new.vcf", "a", "1 100 A G 1/1");
        store.Store.Ingest(new IngestRequest { Files = [store[first], store[second]], Replace = true });
        Assert.Equal(["1:100:A:G 2/2", "2:100:A:C 1/2"], store.Counts());
    }

    [Fact]
    public void Replace_brings_an_earlier_version_back()
    {
        using var store = new IngestStore();
        var both = store.Vcf("ab.vcf", "a b", "1 100 A C 0/1 0/1");
        store.Ingest(both);
        store.Store.Ingest(new IngestRequest { Files = [store.Vcf("a.vcf", "a", "1 100 A G 1/1")], Replace = true });
        Assert.False(store.Ingest(both).Committed);
        Assert.True(store.Store.Ingest(new IngestRequest { Files = [both], Replace = true }).Committed);
        Assert.Equal(["1:100:A:C 2/4"], store.Counts());
    }

    [Fact]
    public void A_sheet_stores_nothing_of_a_withdrawn_sample()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("a.vcf", "a b", "1 100 A C 0/1 0/1"));
        store.Store.Withdraw(["b"]);
        var request = new IngestRequest { Files = [store.Vcf("c.vcf", "c", "1 100 A C 0/1")], SheetPath = store.Write("sheet.tsv", "sample\tfamily\na\tf1\nb\tf2\n") };
        Assert.Contains(store.Store.Ingest(request).Findings, f => f.StartsWith("1 rows", StringComparison.Ordinal) && f.Contains("withdrawn", StringComparison.Ordinal));
        Assert.Equal("f1", Assert.Single(store.Store.CatalogNow.Sheets).Values["family"]);
    }

    [Fact]
    public void Wrong_build_is_refused_by_the_bases_of_the_reference_and_counts_them()
    {
        var reference = string.Concat(Enumerable.Repeat("ACGT", 100));
        using var store = new IngestStore("test", reference);
        var lines = Enumerable.Range(1, 100).Select(p => $"1 {p} {"ACGT"[p % 4]} {"GTAC"[p % 4]} 0/1").ToArray();
        var refused = Refused(store, "wrong-build", () => store.Ingest(store.Vcf("a.vcf", "a", lines)));
        Assert.Contains("100 of 100 REF alleles", refused.Message, StringComparison.Ordinal);
        Assert.Contains("1:1", refused.Message, StringComparison.Ordinal);
        var one = Refused(store, "ref-mismatch", () => store.Ingest(store.Vcf("b.vcf", "a", "1 1 A C 0/1", "1 2 G C 0/1", "1 3 G C 0/1")));
        Assert.Equal(9, one.Place.Line);
    }

    [Fact]
    public void Wrong_build_is_refused_by_the_length_of_a_contig()
    {
        using var store = new IngestStore("GRCh37");
        var file = store.Vcf("a.vcf", "a", "1 100 A C 0/1");
        File.WriteAllText(file, File.ReadAllText(file).Replace("<ID=1>", "<ID=1,length=248956422>", StringComparison.Ordinal));
        Assert.Contains("GRCh38", Refused(store, "wrong-assembly", () => store.Ingest(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Skipping_counts_and_lists_what_it_skips()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a", "1 100 A C 0/1", "1 x A C 0/1", "1 300 A C 0/1", "1 400 A C 0/7", "1 500 A C 0/1", "1 500 A C 1/1");
        Refused(store, "", () => store.Ingest(file));
        var receipt = store.Store.Ingest(new IngestRequest { Files = [file], SkipBadRecords = true });
        Assert.Equal(3, receipt.Files[0].Skipped.Values.Sum());
        Assert.Equal(1, receipt.Files[0].Skipped["vcf-repeated-allele"]);
        Assert.Contains(receipt.Files[0].SkippedPlaces, p => p.Contains(":9 ", StringComparison.Ordinal));
        Assert.Equal(["1:100:A:C 1/2", "1:300:A:C 1/2", "1:500:A:C 1/2"], store.Counts());
    }

    [Fact]
    public void Cancelled_ingest_leaves_nothing()
    {
        using var store = new IngestStore();
        var file = store.Vcf("a.vcf", "a", "1 100 A C 0/1");
        using var stop = new CancellationTokenSource();
        var files = Files(store);
        var progress = new Stopper(stop);
        Assert.ThrowsAny<OperationCanceledException>(() => store.Store.Ingest(new IngestRequest { Files = [file, store.Vcf("b.vcf", "b", "1 100 A C 0/1")] }, progress, stop.Token));
        Assert.Equal(1, store.Store.Version);
        Assert.Equal(files, Files(store));
        Assert.True(store.Ingest(file).Committed);
    }

    [Fact]
    public void A_second_file_that_fails_leaves_nothing_of_the_first()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("0.vcf", "z", "1 100 A C 0/1"));
        var (before, files) = (store.Counts(), Files(store));
        var sheet = store.Write("sheet.tsv", "sample\tsex\na\tXX\nz\tXX\n");
        string[] both = [store.Vcf("a.vcf", "a", "1 100 A C 0/1"), store.Vcf("b.vcf", "b", "1 100 A C 0/1", "1 x A C 0/1")];
        Refused(store, "", () => store.Store.Ingest(new IngestRequest { Files = both, SheetPath = sheet }));
        Assert.Equal(2, store.Store.Version);
        Assert.Equal(before, store.Counts());
        Assert.Equal(files, Files(store));
        Assert.Contains(("samples", "1"), store.Store.Info().Facts);
        Assert.True(store.Ingest(both[0]).Committed);
    }

    [Fact]
    public void Progress_counts_the_bytes_of_all_files_of_a_command_towards_their_sum()
    {
        using var store = new IngestStore();
        var (a, b) = (store.Vcf("a.vcf", "A", "1 100 A C 0/1"), store.Vcf("b.vcf", "B", "1 100 A C 0/1", "1 200 A C 0/1"));
        var (first, both) = (new FileInfo(a).Length, new FileInfo(a).Length + new FileInfo(b).Length);
        var listener = new Listener();
        store.Store.Ingest(new IngestRequest { Files = [a, b] }, listener);
        Assert.Equal([new WorkProgress("reading", first, both, "bytes"), new WorkProgress("reading", both, both, "bytes")], listener.Heard);
    }

    [Fact]
    public void Files_of_one_command_are_first_seen_at_the_same_time()
    {
        var clock = new HourlyClock();
        using var store = new IngestStore(clock: clock);
        store.Ingest([.. Enumerable.Range(0, 3).Select(i => store.Vcf($"{i}.vcf", $"s{i}", "1 100 A C 0/1"))]);
        using var session = store.Store.OpenSession();
        var seen = Assert.Single(session.Seen(["1-100-A-C"], Warehouse.Engine.Query.SampleChoice.All));
        Assert.Equal(seen.FirstSeen, seen.LastSeen);
    }

    private sealed class HourlyClock : TimeProvider
    {
        private int _hours;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddHours(Interlocked.Increment(ref _hours));
    }

    private static List<string> Files(IngestStore store) => [.. Directory.EnumerateFiles(store.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Asserts that a call is refused with a code that starts like this, and that the store is as before.</summary>
    private static InputException Refused(IngestStore store, string code, Action call)
    {
        var (version, counts) = (store.Store.Version, store.Counts());
        var refused = Assert.Throws<InputException>(call);
        Assert.StartsWith(code, refused.Code, StringComparison.Ordinal);
        Assert.Equal(version, store.Store.Version);
        Assert.Equal(counts, store.Counts());
        return refused;
    }

    /// <summary>Keeps what is reported.</summary>
    private sealed class Listener : IProgress<WorkProgress>
    {
        public List<WorkProgress> Heard { get; } = [];

        public void Report(WorkProgress value) => Heard.Add(value);
    }

    /// <summary>Cancels at the first report, in the middle of the work.</summary>
    private sealed class Stopper(CancellationTokenSource stop) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => stop.Cancel();
    }
}
