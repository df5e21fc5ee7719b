using Warehouse.Cli;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>I5 on the command line: what is shown is in the log before, and who saw whom is answered from it.</summary>
public sealed class AuditCommandTests
{
    private static readonly string[] Records = ["chr1 100 . A G . PASS . GT 0/1 0/0", "chr1 200 . C T . PASS . GT 0/1 1/1"];

    [Fact]
    public void Who_saw_a_sample_and_what_somebody_saw_is_answered()
    {
        using var store = Store();
        ExportStore.Must("carriers", store.Path, "1-100-A-G");
        ExportStore.Must("freq", store.Path);
        ExportStore.Must("carriers", store.Path, "1-200-C-T");
        ExportStore.Must("cohort", "set", store.Path, "all", "--where", "sample is not missing");
        ExportStore.Must("cohort", "show", store.Path, "all");
        store.Export("out.vcf");
        // Two samples are few: what is counted of both is data of each, and so is that one of them does not carry it, and that both meet a rule.
        foreach (var sample in (ReadOnlySpan<string>)["S1", "S2"]) Assert.Equal(["carriers", "freq", "carriers", "cohort set", "cohort show", "export"], Verbs(store, "--sample", sample));
        Assert.Equal(["freq"], Verbs(store, "--verb", "freq"));
        Assert.Contains("carriers", Verbs(store, "--who", Warehouse.Cli.Engine.Principal));
        Assert.Equal(ExitCode.NothingMatched, new Cli.Cli().Run("audit", "search", store.Path, "--who", "nobody of this name"));
        var log = ExportStore.Must("audit", "export", store.Path, "-o", "-", "--checkpoint", store["witness"]);
        Assert.DoesNotContain("S1", log, StringComparison.Ordinal);
        Assert.Contains("\"verb\":\"freq\",\"purpose\":\"operations\",\"snapshot\":2,", log, StringComparison.Ordinal);
        Assert.Contains("\"cohort\":\"", log, StringComparison.Ordinal);
        Assert.Equal("entry\tkind\tproblem\n", ExportStore.Must("audit", "verify", store.Path, "--witness", store["witness"]));
        Assert.Contains("\nkey\tvariant-warehouse/audit/", ExportStore.Must("audit", "prove", store.Path, "3", "--since", store["witness"]), StringComparison.Ordinal);
    }

    /// <summary>C36: of twenty, one is counted alone: as a cohort, as a group, as the cases; and nobody is named where many are counted.</summary>
    [Theory]
    [InlineData(true, "seen", "1-100-A-G", "--cohort", "one")]
    [InlineData(true, "seen", "1-100-A-G", "--samples-file", "NAMES")]
    [InlineData(true, "seen", "--vcf", "ASKED", "-o", "-", "--cohort", "one")]
    [InlineData(true, "freq", "--cohort", "one")]
    [InlineData(true, "freq", "--by", "ward")]
    [InlineData(true, "freq", "--variants", "LIST", "--cohort", "one")]
    [InlineData(true, "case-control", "--cases", "one", "--controls", "others")]
    [InlineData(true, "case-control", "--cases", "others", "--controls", "one")]
    [InlineData(false, "seen", "1-100-A-G")]
    [InlineData(false, "freq", "--cohort", "others")]
    [InlineData(false, "freq")]
    [InlineData(false, "freq", "--by", "sex")]
    public void Who_is_counted_among_few_is_named_in_the_log(bool isNamed, string verb, params string[] more)
    {
        using var store = new ExportStore();
        var names = Enumerable.Range(1, 20).Select(i => $"S{i}").ToArray();
        store.Ingest("a.vcf", string.Join(' ', names), ["1 100 . A G . PASS . GT " + string.Join(' ', names.Select(_ => "0/1"))], "--samples", store.Write("sheet", "sample\tsex\tward\n" + string.Concat(names.Select(n => $"{n}\tXX\t{(n == "S1" ? "a" : "b")}\n"))));
        ExportStore.Must("cohort", "set", store.Path, "one", "--where", "sample == 'S1'");
        ExportStore.Must("cohort", "set", store.Path, "others", "--where", "sample != 'S1'");
        var files = new Dictionary<string, string>
        {
            ["NAMES"] = store.Write("names", "S1\n"), ["LIST"] = store.Write("list", "1-100-A-G\n"),
            ["ASKED"] = store.Write("asked.vcf", "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t100\t.\tA\tG\t.\t.\t.\n"),
        };
        ExportStore.Must([verb, store.Path, .. more.Select(m => files.GetValueOrDefault(m, m))]);
        Assert.Equal(isNamed ? ["cohort set", verb] : ["cohort set"], Verbs(store, "--sample", "S1"));
        Assert.Empty(Verbs(store, "--sample", "S2"));
    }

    [Theory]
    [InlineData("carriers", "1-100-A-G")]
    [InlineData("seen", "1-100-A-G")]
    [InlineData("freq")]
    [InlineData("cohorts")]
    [InlineData("info")]
    [InlineData("snapshots")]
    [InlineData("export", "--format", "vcf", "-o", "-")]
    public void A_log_that_cannot_be_written_ends_the_verb_before_its_first_byte(string verb, params string[] more)
    {
        using var store = Store();
        var file = store.Write("file", "not a folder");
        var cli = new Cli.Cli();
        Assert.Equal(ExitCode.CouldNot, cli.Run([verb, store.Path, .. more, "--audit", file]));
        Assert.Empty(cli.OutputBytes);
        Assert.Contains("the audit log cannot be written, so nothing is shown", cli.Error, StringComparison.Ordinal);
        Assert.NotEqual(ExitCode.CouldNot, new Cli.Cli().Run([verb, store.Path, .. more, "--audit", store["elsewhere"]]));
        Assert.True(Directory.Exists(store["elsewhere/entries"]));
    }

    [Theory]
    [InlineData("withdraw", "--samples-file", "FILE")]
    [InlineData("cohort set", "few", "--samples-file", "FILE")]
    [InlineData("cohort refresh", "all")]
    [InlineData("compact")]
    [InlineData("ingest", "VCF", "--replace")]
    [InlineData("keys rotate")]
    [InlineData("access grant", "role:analyst", "--all-samples", "--detail", "record", "--purpose", "operations")]
    [InlineData("access approve", "1")]
    public void A_change_is_in_the_log_before_it_happens_or_does_not_happen(string verb, params string[] more)
    {
        using var store = Store();
        ExportStore.Must("cohort", "set", store.Path, "all", "--where", "sample is not missing");
        ExportStore.Must("access", "grant", store.Path, "role:analyst", "--all-samples", "--detail", "record", "--purpose", "operations");
        var names = store.Write("names", "S1\n");
        string[] line = [.. verb.Split(' '), store.Path, .. more.Select(m => m == "FILE" ? names : m == "VCF" ? store["a.vcf"] : m)];
        var before = Bytes(store);
        var cli = new Cli.Cli();
        Assert.Equal(ExitCode.CouldNot, cli.Run([.. line, "--audit", names]));
        Assert.Contains("nothing changed", cli.Error, StringComparison.Ordinal);
        Assert.Equal(before, Bytes(store));

        ExportStore.Must(line);
        using var audit = StoreAudit.Open(store.Path, null, null);
        var entries = audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Verb == verb && e.Kind != AuditKind.Subjects).TakeLast(2).ToList();
        Assert.Equal([AuditKind.Begin, AuditKind.End], entries.Select(e => e.Kind));
        using var opened = VariantStore.Open(store.Path);
        Assert.Equal(("done", opened.Version), (entries[1].Outcome, entries[1].Snapshot));
        Assert.Equal(verb is "access grant" or "access approve" or "cohort set" or "cohort refresh", ExportStore.Must("audit", "review", store.Path).Contains($"\t{verb}\t", StringComparison.Ordinal));
    }

    [Fact]
    public void What_makes_a_store_begins_its_log()
    {
        using var store = Store();
        ExportStore.Must("salvage", store.Path, "--to", store["rescued"]);
        foreach (var (path, verb, version) in new[] { (store.Path, "init", 1L), (store["rescued"], "salvage", 2L) })
        {
            using var audit = StoreAudit.Open(path, null, null);
            var first = audit.Reader().Entries().First().Entry;
            Assert.Equal((AuditKind.End, verb, "done", version), (first.Kind, first.Verb, first.Outcome, first.Snapshot));
        }
        Assert.Equal(["salvage"], Verbs(store, "--verb", "salvage"));
    }

    [Fact]
    public void A_store_is_not_made_where_the_log_of_another_lies()
    {
        using var store = Store();
        Directory.Move(store.Path, store["gone"]);
        Directory.Move(store.Path + ".keys", store["gone.keys"]);
        var cli = new Cli.Cli();
        Assert.Equal(ExitCode.CouldNot, cli.Run("init", store.Path, "--assembly", "GRCh38"));
        Assert.Contains("holds the log of another store", cli.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(store.Path) || Directory.Exists(store.Path + ".keys"));
        ExportStore.Must("init", store.Path, "--assembly", "GRCh38", "--audit", store["audit"]);
    }

    /// <summary>The ways out of damage go on where the log is damaged itself, and say that they are not in it; what they change of the store they do not without.</summary>
    [Fact]
    public void Verify_and_salvage_are_in_the_log_and_where_that_cannot_be_they_say_so()
    {
        using var store = Store();
        ExportStore.Must("verify", store.Path);
        Assert.Equal(["verify"], Verbs(store, "--verb", "verify"));
        var file = store.Write("file", "not a folder");
        foreach (var line in new[] { new[] { "verify", store.Path }, ["salvage", store.Path, "--to", store["rescued"]] })
        {
            var cli = new Cli.Cli();
            Assert.Equal(ExitCode.Done, cli.Run([.. line, "--audit", file]));
            Assert.StartsWith("warehouse: not in the audit log: ", cli.Error, StringComparison.Ordinal);
        }
        var repair = new Cli.Cli();
        Assert.Equal(ExitCode.CouldNot, repair.Run("verify", store.Path, "--repair-from", store.Path, "--audit", file));
        Assert.Contains("nothing changed", repair.Error, StringComparison.Ordinal);

        var secret = store.Path + ".keys/audit-secret";
        File.WriteAllBytes(secret, [.. File.ReadAllBytes(secret).Reverse()]);
        var damaged = new Cli.Cli();
        Assert.Equal(ExitCode.Done, damaged.Run("verify", store.Path));
        Assert.Contains("not in the audit log: damaged store: audit-secret", damaged.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_inside_the_store_is_refused()
    {
        using var store = Store();
        var cli = new Cli.Cli();
        Assert.Equal(ExitCode.CouldNot, cli.Run("freq", store.Path, "--audit", Path.Combine(store.Path, "audit")));
        Assert.Contains("must lie outside the store", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_question_is_in_the_log_and_in_the_review_until_somebody_signs_off()
    {
        using var store = Store();
        Assert.Equal(ExitCode.BadInput, new Cli.Cli().Run("freq", store.Path, "--cohort", "nobody"));
        store.Export("out.vcf");
        var review = ExportStore.Must("audit", "review", store.Path, "--sign-off", "seen by me");
        Assert.Contains("\tbad-input\tdid not end well\n", review, StringComparison.Ordinal);
        Assert.Contains("\texport\n", review, StringComparison.Ordinal);
        Assert.DoesNotContain("bad-input", ExportStore.Must("audit", "review", store.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_entry_is_named_and_ends_with_three_and_nothing_more_is_shown()
    {
        using var store = Store();
        for (var i = 0; i < 3; i++) ExportStore.Must("cohorts", store.Path);
        var file = store.Path + ".audit/entries/000000000000";
        var bytes = File.ReadAllBytes(file);
        bytes[^40] ^= 1;
        File.WriteAllBytes(file, bytes);
        var cli = new Cli.Cli();
        Assert.Equal(ExitCode.DamagedStore, cli.Run("audit", "verify", store.Path));
        Assert.Contains("8\tdamaged\t", cli.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.CouldNot, cli.Run("freq", store.Path));
        Assert.Contains("audit verify", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_byte_of_the_secret_ends_a_reading_verb_with_three_before_its_first_byte()
    {
        using var store = Store();
        ExportStore.Must("freq", store.Path);
        var file = store.Path + ".keys/audit-secret";
        var right = File.ReadAllBytes(file);
        for (var at = 0; at < right.Length; at++)
        {
            var wrong = right.ToArray();
            wrong[at] ^= 4;
            File.WriteAllBytes(file, wrong);
            var cli = new Cli.Cli();
            Assert.Equal(ExitCode.DamagedStore, cli.Run("freq", store.Path));
            Assert.Empty(cli.OutputBytes);
            Assert.Contains("audit-secret: is not what was written", cli.Error, StringComparison.Ordinal);
        }
        File.WriteAllBytes(file, right);
        ExportStore.Must("audit", "verify", store.Path);
    }

    /// <summary>Once the keys followed from the master key: after a rotation the log was not to be verified, and nothing was answered any more.</summary>
    [Fact]
    public void A_new_master_key_leaves_the_log_as_it_is()
    {
        using var store = Store();
        ExportStore.Must("carriers", store.Path, "1-100-A-G");
        ExportStore.Must("audit", "export", store.Path, "-o", store["log"], "--checkpoint", store["witness"]);
        ExportStore.Must("keys", "rotate", store.Path);
        ExportStore.Must("carriers", store.Path, "1-100-A-G");
        Assert.Equal(["carriers", "carriers"], Verbs(store, "--sample", "S1"));
        Assert.Equal("entry\tkind\tproblem\n", ExportStore.Must("audit", "verify", store.Path, "--witness", store["witness"]));
    }

    [Fact]
    public void Commands_side_by_side_write_one_log()
    {
        using var store = Store();
        Parallel.For(0, 24, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ => ExportStore.Must("cohorts", store.Path));
        Assert.Equal("entry\tkind\tproblem\n", ExportStore.Must("audit", "verify", store.Path));
        using var audit = StoreAudit.Open(store.Path, null, null);
        Assert.Equal(3 + 48, audit.Reader().Entries().Count());
    }

    /// <summary>Names and sizes of the files of a store and of its key folder.</summary>
    private static string Bytes(ExportStore store) => string.Join('\n', new[] { store.Path, store.Path + ".keys" }.SelectMany(f => Directory.EnumerateFiles(f, "*", SearchOption.AllDirectories)).Order(StringComparer.Ordinal).Select(f => f + " " + new FileInfo(f).Length));

    private static ExportStore Store()
    {
        var store = new ExportStore();
        store.Ingest("a.vcf", "S1 S2", Records);
        return store;
    }

    private static List<string> Verbs(ExportStore store, params string[] options) =>
        [.. ExportStore.Must(["audit", "search", store.Path, .. options]).Split('\n').Skip(1).Where(l => l.Contains("\tend\t", StringComparison.Ordinal)).Select(l => l.Split('\t')[5])];
}
