using Warehouse.Cli;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Simulate;
using Warehouse.Tests.Export;
using Warehouse.Tests.House;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>I3 and I7 as a user meets them: a store on a real disk, made by command lines, damaged, and asked by every reading verb.</summary>
public sealed class DamageTests
{
    private const int Damages = 300;

    /// <summary>One line per reading verb; STORE and OUT stand for paths.</summary>
    private static readonly string[] Questions =
    [
        "freq STORE --format tsv", "freq STORE --as-of 2 --format json", "seen STORE 22-100-A-C 1-5-A-G --json", "carriers STORE 22-100-A-C", "info STORE", "snapshots STORE", "cohorts STORE",
        "cohort show STORE xx", "export STORE --format tsv -o -", "export STORE --format vcf -o -", "verify STORE", "doctor STORE --format tsv",
    ];

    [Fact]
    public void Any_damage_gives_the_right_answer_or_exit_3_that_names_a_file()
    {
        const int seed = 20261120;
        using var store = Filled();
        var right = Questions.Select(q => Ask(store, q)).ToList();
        Assert.All(right, a => Assert.True(a.Code is ExitCode.Done or ExitCode.NothingMatched or ExitCode.Incomplete, a.Code + a.Error));
        var random = new Random(seed);
        var files = Directory.GetFiles(store.Path, "*", SearchOption.AllDirectories).Concat(Directory.GetFiles(store.Path + ".keys")).Order(StringComparer.Ordinal).ToList();
        var problems = new List<string>();
        var found = 0;
        for (var i = 0; i < Damages; i++)
        {
            var file = files[i < files.Count ? i : random.Next(files.Count)];
            var good = File.ReadAllBytes(file);
            var what = Damage(file, good, File.ReadAllBytes(files[random.Next(files.Count)]), i < files.Count ? 0 : random.Next(6), random);
            for (var q = 0; q < Questions.Length; q++)
            {
                if (q != Questions.Length - 2 && random.Next(3) != 0) continue; // verify always, of the others a third
                var answer = Ask(store, Questions[q]);
                var isRight = answer.Code == right[q].Code && answer.Output == right[q].Output;
                var isReport = answer.Output.StartsWith("kind\t", StringComparison.Ordinal) || answer.Output.StartsWith("check\t", StringComparison.Ordinal); // of verify and doctor
                var isNamed = answer.Code == ExitCode.DamagedStore && (isReport || answer.Error.StartsWith("warehouse: damaged store: ", StringComparison.Ordinal));
                if (answer.Code == ExitCode.DamagedStore) found++;
                if (!isRight && !isNamed) problems.Add($"{what}: {Questions[q]}: {answer.Code}: {answer.Error.Split('\n')[0]}");
            }
            File.WriteAllBytes(file, good);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite); // a deleted key file that comes back open to others is refused
        }
        Assert.True(problems.Count == 0, $"seed {seed}:\n" + string.Join('\n', problems));
        Assert.True(found > Damages, $"only {found} answers found the damage");
        Assert.Equal(right.Select(r => r.Output), Questions.Select(q => Ask(store, q).Output));
    }

    /// <summary>F10: of every kind of file so many bits, by chance; each answer is right or exit 3. Kinds of sealed files are told apart by their header.</summary>
    [Fact]
    public void A_thousand_bit_flips_of_each_kind_of_file_give_no_wrong_answer()
    {
        using var store = Small();
        Problems.None(FlipBits(store, Ask, flipsPerKind: 1000));
    }

    /// <summary>Planted: a program that answers with what it could read and says nothing of the rest, and one whose <c>verify</c> looks at nothing. Each kind of file must show both.</summary>
    [Fact]
    public void A_program_that_is_silent_about_damage_is_seen_by_the_bit_flips()
    {
        using var store = Small();
        var right = FlipQuestions.ToDictionary(q => q, q => Ask(store, q));
        Answered Silent(ExportStore at, string question) => Ask(at, question) is { Code: ExitCode.DamagedStore } found ? new Answered(ExitCode.Done, found.Output, "") : Ask(at, question);
        Answered Blind(ExportStore at, string question) => question.StartsWith("verify", StringComparison.Ordinal) ? right[question] : Ask(at, question);
        foreach (var program in (Func<ExportStore, string, Answered>[])[Silent, Blind])
        {
            var seen = FlipBits(store, program, flipsPerKind: 12);
            foreach (var kind in FileKinds) Assert.Contains(seen, p => p.StartsWith(kind + ", bit ", StringComparison.Ordinal));
        }
    }

    private static readonly string[] FlipQuestions = ["freq STORE --format tsv", "seen STORE 22-100-A-C 22-100-A-G --json", "carriers STORE 22-100-A-C",
        "seen STORE 22-100-A-C --annotate clinvar --json", "assess list STORE --all", "assess show STORE 4", "watch list STORE", "alerts list STORE --everybody", "verify STORE"];

    private static readonly string[] FileKinds = ["acknowledged", "annotations", "event head", "event index", "events", "list", "manifest", "master key", "part", "segment", "store", "table"];

    /// <summary>Flips bits of each kind of file, one at a time, and asks a program; what it answers wrongly.</summary>
    private static List<string> FlipBits(ExportStore store, Func<ExportStore, string, Answered> ask, int flipsPerKind)
    {
        const int seed = 20261129;
        var right = FlipQuestions.Select(q => Ask(store, q)).ToList();
        var random = new Random(seed);
        // The secret of the audit log is no part of the store: AuditCommandTests damages it.
        var kinds = Directory.GetFiles(store.Path, "*", SearchOption.AllDirectories).Concat(Directory.GetFiles(store.Path + ".keys")).Where(f => !f.EndsWith("/audit-secret", StringComparison.Ordinal))
            .Where(f => new FileInfo(f).Length > 0).Order(StringComparer.Ordinal).GroupBy(KindOf).ToList();
        Assert.Equal(FileKinds, kinds.Select(k => k.Key).Order(StringComparer.Ordinal));
        var problems = new List<string>();
        foreach (var kind in kinds)
        {
            var files = kind.Select(f => (Path: f, Good: File.ReadAllBytes(f))).ToList();
            for (var i = 0; i < flipsPerKind; i++)
            {
                var (path, good) = files[random.Next(files.Count)];
                var (bit, bad) = (random.Next(good.Length * 8), (byte[])good.Clone());
                bad[bit / 8] ^= (byte)(1 << (bit % 8));
                File.WriteAllBytes(path, bad);
                // Verify must find every bit; of the others each takes its turn, at every second one.
                foreach (var q in i % 2 == 0 ? (int[])[i / 2 % (FlipQuestions.Length - 1), FlipQuestions.Length - 1] : [FlipQuestions.Length - 1])
                {
                    var answer = ask(store, FlipQuestions[q]);
                    var isRight = answer.Code == right[q].Code && answer.Output == right[q].Output;
                    if (answer.Code != ExitCode.DamagedStore && (!isRight || q == FlipQuestions.Length - 1)) problems.Add($"{kind.Key}, bit {bit} of {good.Length} bytes, seed {seed}: {FlipQuestions[q]}: {answer.Code}: {answer.Error.Split('\n')[0]}");
                }
                File.WriteAllBytes(path, good);
            }
        }
        Assert.Equal(right, FlipQuestions.Select(q => Ask(store, q)));
        return problems;
    }

    [Theory]
    [InlineData("store/lock", "damaged store: lock: is missing")]
    [InlineData("store.keys/lock", "damaged store: keys/lock: is missing")]
    public void A_writer_without_its_lock_file_names_it(string file, string text)
    {
        using var store = new ExportStore();
        File.Delete(store[file]);
        ExportStore.Must("freq", store.Path);
        var cli = new Cli();
        Assert.Equal(ExitCode.DamagedStore, cli.Run("ingest", store.Path, store.Write("a.vcf", ExportStore.Vcf("a", ["22 100 . A C . PASS . GT 0/1"]))));
        Assert.Contains(text, cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.DamagedStore, new Cli().Run("doctor", store.Path));
    }

    [Fact]
    public void A_damaged_segment_makes_its_range_unanswered_and_everything_else_is_answered()
    {
        using var store = new ExportStore("GRCh37");
        var (random, samples) = (new Random(31), Enumerable.Range(0, 150).Select(i => $"s{i}").ToArray()); // planes of noise: a file of several chunks
        string[] Records(int from) => [.. Enumerable.Range(0, 8500).Select(i => $"22 {from + (i * 5)} . A C . PASS . GT 0/1 " + string.Join(' ', samples.Skip(1).Select(_ => random.Next(2) == 0 ? "0/0" : "0/1")))];
        store.Ingest("a.vcf", string.Join(' ', samples), [.. Records(1000), .. Records(100_000)]);
        string[] ask = ["1-77-A-C", "22-1000-A-C", "22-2000-A-G", "22-100000-A-C", "22:3000-4000 <DEL>"];
        string[] Rows(Cli cli) => [.. cli.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)];
        var right = new Cli();
        right.Run(["seen", store.Path, .. ask, "--format", "tsv"]);
        var segment = Directory.GetFiles(Path.Combine(store.Path, "f")).Single(f => File.ReadAllBytes(f)[12] == SegmentWriter.FileKind);
        var good = File.ReadAllBytes(segment);
        var (met, whole) = (0, 0);
        for (var at = 200; at < good.Length; at += good.Length / 40)
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 4;
            File.WriteAllBytes(segment, bad);
            var cli = new Cli();
            var code = cli.Run(["seen", store.Path, .. ask, "--format", "tsv"]);
            var rows = Rows(cli);
            Assert.Equal(ask.Length, rows.Length);
            for (var i = 0; i < rows.Length; i++)
            {
                if (rows[i] == Rows(right)[i]) whole++;
                else
                {
                    met++;
                    Assert.StartsWith(ask[i] + "\tnot assessable\t", rows[i], StringComparison.Ordinal);
                    Assert.Contains("a part of the store did not answer: damaged store: f/" + Path.GetFileName(segment), rows[i], StringComparison.Ordinal);
                }
            }
            Assert.Equal(rows.SequenceEqual(Rows(right)), code != ExitCode.DamagedStore);
            Assert.Equal(Rows(right)[0], rows[0]); // no segment speaks of this contig
        }
        Assert.True(met > 20 && whole > 60, $"{met} answers met the damage, {whole} did not");
        var carriers = new Cli();
        Assert.Equal(ExitCode.DamagedStore, carriers.Run(["carriers", store.Path, .. ask]));
        Assert.Contains("\nwarehouse: damaged store: f/", carriers.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_mends_a_store_from_a_copy_and_names_what_the_copy_cannot_mend()
    {
        using var store = Filled();
        var (right, backup) = (Questions.Select(q => Ask(store, q).Output).ToList(), store["backup"]);
        Peer.Output("cp", "-a", store.Path, backup);
        var files = Directory.GetFiles(store.Path, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 0).Order(StringComparer.Ordinal).ToList();
        foreach (var file in files) File.WriteAllBytes(file, File.ReadAllBytes(file)[..^1]);
        Assert.Equal(ExitCode.DamagedStore, new Cli().Run("freq", store.Path));
        var named = new Cli();
        Assert.Equal(ExitCode.DamagedStore, named.Run("verify", store.Path, "--format", "tsv"));
        Assert.True(named.Output.Split('\n').Count(l => l.StartsWith("damaged\t", StringComparison.Ordinal)) > 3, named.Output); // more than the first, though it cannot be opened
        var mending = new Cli();
        Assert.Equal(ExitCode.Done, mending.Run("verify", store.Path, "--repair-from", backup, "--format", "tsv"));
        Assert.Equal(files.Count, mending.Output.Split('\n').Count(l => l.StartsWith("mended\t", StringComparison.Ordinal)));
        Assert.Equal(right, Questions.Select(q => Ask(store, q).Output));
        var lost = files.First(f => f.Contains("/f/", StringComparison.Ordinal));
        File.Delete(lost);
        File.Delete(lost.Replace(store.Path, backup, StringComparison.Ordinal));
        var left = new Cli();
        Assert.Equal(ExitCode.DamagedStore, left.Run("verify", store.Path, "--repair-from", backup, "--format", "tsv"));
        Assert.Contains("missing\tf/" + Path.GetFileName(lost), left.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.CouldNot, new Cli().Run("verify", store.Path, "--repair-from", store.Path));
    }

    [Fact]
    public void A_snapshot_whose_manifest_is_gone_is_damage_and_not_one_snapshot_fewer()
    {
        using var store = Filled();
        File.Delete(Path.Combine(store.Path, "m", "00000000000000000002"));
        var cli = new Cli();
        Assert.Equal(ExitCode.DamagedStore, cli.Run("snapshots", store.Path));
        Assert.Contains("m/00000000000000000002", cli.Error, StringComparison.Ordinal);
    }

    private static string Damage(string file, byte[] good, byte[] other, int kind, Random random)
    {
        var name = Path.GetFileName(Path.GetDirectoryName(file)) + "/" + Path.GetFileName(file);
        var at = good.Length == 0 ? 0 : random.Next(good.Length);
        if (kind == 0)
        {
            File.Delete(file);
            return name + " deleted";
        }
        byte[] bad = kind switch { 1 => good[..at], 2 => [.. good, (byte)at], 3 => other, 4 => new byte[good.Length], _ => [.. good] };
        if (kind == 5 && good.Length > 0) bad[at] ^= (byte)(1 << random.Next(8));
        File.WriteAllBytes(file, bad);
        return $"{name} damage {kind} at {at} of {good.Length}";
    }

    private readonly record struct Answered(ExitCode Code, string Output, string Error);

    private static Answered Ask(ExportStore store, string question)
    {
        var cli = new Cli();
        var code = cli.Run([.. question.Split(' ').Select(w => w == "STORE" ? store.Path : w)]);
        // What doctor says of the machine's disk changes while the tests run. Bytes behind the last whole entry of a key table are what a
        // stop leaves: verify counts them as surplus, and no answer depends on them.
        var lines = cli.Output.Split('\n').Where(l => !l.StartsWith("disk space", StringComparison.Ordinal) && !l.StartsWith("surplus", StringComparison.Ordinal));
        return new Answered(code, string.Join('\n', lines), cli.Error);
    }

    private static string KindOf(string path)
    {
        var name = Path.GetFileName(path);
        if (Path.GetFileName(Path.GetDirectoryName(path)) == "f") return File.ReadAllBytes(path)[12] switch { SegmentWriter.FileKind => "segment", AnnotationFile.FileKind => "annotations", 242 => "list", _ => "part" };
        if (Path.GetFileName(Path.GetDirectoryName(path)) == "e") return name.StartsWith("index-", StringComparison.Ordinal) ? "event index" : "events";
        if (name == "events-head") return "event head";
        return name.Length == 20 ? "manifest" : name.StartsWith("master-", StringComparison.Ordinal) ? "master key" : name.Split('-')[0];
    }

    /// <summary>One segment and what belongs to it, a release of ClinVar, an event log with its index, and nothing that only older versions name.</summary>
    private static ExportStore Small()
    {
        var store = new ExportStore("GRCh37");
        store.Ingest("a.vcf", "a b", ["22 100 . A C . PASS . GT 0/1 1|1", "22 200 . AT A . q10 . GT 0/0 ./."]);
        store.Ingest("b.vcf", "c", ["22 100 . A C . PASS . GT 0/1"]);
        ExportStore.Must("clinvar", "load", store.Path, store.Write("clinvar.vcf", "##fileformat=VCFv4.1\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n22\t100\t7\tA\tC\t.\t.\tCLNSIG=Pathogenic\n"), "--release", "2024-01-07");
        ExportStore.Must("watch", "add", store.Path, "everybody");
        ExportStore.Must("assess", "draft", store.Path, "22-100-A-C", "--condition", "MONDO:0005267", "--class", "likely-pathogenic", "--criterion", "PVS1");
        ExportStore.Must("compact", store.Path);
        using (var opened = VariantStore.Open(store.Path)) opened.Events.SaveIndex(AssessmentEvent.Index);
        return store;
    }

    /// <summary>Several versions, a cohort, a withdrawn sample, an indel, and a symbolic allele.</summary>
    private static ExportStore Filled()
    {
        var store = new ExportStore("GRCh37");
        Simulator.Run(new SimulationOptions { Folder = store["data"], Samples = 12, Variants = 300, Seed = 5 }, null, default);
        store.IngestFiles(store["data/cohort.vcf.gz"], "--samples", store["data/samples.tsv"]);
        store.Ingest("a.vcf", "a b", ["22 100 . A C . PASS . GT 0/1 1|1", "22 200 . AT A . q10 . GT 0/0 ./."]);
        store.Ingest("b.vcf", "c", ["22 300 . A <DEL> . PASS SVTYPE=DEL;END=500 GT 0/1"]);
        ExportStore.Must("cohort", "set", store.Path, "xx", "--where", "sex == \"XX\"");
        ExportStore.Must("withdraw", store.Path, "--samples-file", store.Write("names", "c\n"));
        ExportStore.Must("compact", store.Path);
        store.Ingest("d.vcf", "d", ["22 100 . A C . PASS . GT 0/1"]);
        ExportStore.Must("compact", store.Path); // no file is left that only older versions name: a damage to it is none
        return store;
    }
}
