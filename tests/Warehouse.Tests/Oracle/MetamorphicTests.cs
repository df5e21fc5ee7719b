using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>
/// F39: how files are cut, ordered and packed changes no answer. A random store is taken in as it was drawn, and again with its samples
/// shuffled, its records at one position shuffled, its files cut by samples, contigs or stretches, packed in another way, by other threads,
/// compacted or not, its key rotated; freq, seen and carriers must say the same. For as long as wanted: <c>tests/soak.sh --minutes N metamorphic</c>.
/// </summary>
public sealed class MetamorphicTests
{
    private const int Everyday = 120, ChangesPerStore = 8;

    [Fact]
    public void However_the_same_calls_are_cut_ordered_and_packed_the_answers_are_the_same()
    {
        // What tests/soak.sh sets: minutes, first seed, and the file that gets the line of results.
        var soak = Environment.GetEnvironmentVariable("WAREHOUSE_METAMORPHIC_SOAK")?.Split(' ', 3);
        var seed = soak is null ? 1 : int.Parse(soak[1], CultureInfo.InvariantCulture);
        var (first, clock, time) = (seed, Stopwatch.StartNew(), TimeSpan.FromMinutes(soak is null ? 0 : double.Parse(soak[0], CultureInfo.InvariantCulture)));
        var cases = 0;
        var (differences, listed, kinds) = (new List<string>(), 0, new SortedDictionary<string, int>(StringComparer.Ordinal));
        using var temp = new TempFolder();
        for (; differences.Count < 5 && (soak is null ? cases < Everyday : cases == 0 || clock.Elapsed < time); seed++)
        {
            var random = new RandomStore(seed);
            if (random.Genome.HasReference) continue;
            var (questions, right) = (new Random(seed), "");
            var asked = random.AllelesToAsk(questions).Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}").Take(12).ToList();
            var rules = new CountRules { Adj = seed % 3 == 0, PassOnly = seed % 4 == 1, PerSample = seed % 5 == 0, PloidyAsCalled = seed % 7 == 0 };
            for (var change = 0; change <= ChangesPerStore; change++)
            {
                var chance = new Random((seed * 1000) + change);
                var how = change == 0 ? new HashSet<string>() : Draw(chance);
                var answers = Answers(temp, random, how, chance, (asked, rules));
                if (change == 0)
                {
                    right = answers;
                    asked = [.. asked, .. answers.Split('\n').Where(l => l.StartsWith("freq ", StringComparison.Ordinal) && !l.Contains('<')).Select(l => l.Split(' ')[1]).Take(12)];
                    right = Answers(temp, random, how, chance, (asked, rules));
                    listed += right.Count(c => c == '\n');
                    continue;
                }
                cases++;
                foreach (var one in how) kinds[one] = kinds.GetValueOrDefault(one) + 1;
                if (answers != right) differences.Add($"seed {seed} (tests/soak.sh --minutes 0 --seed {seed} metamorphic), change {change}, {string.Join(", ", how)}: {FirstDifference(right, answers)}");
            }
        }
        if (soak is not null) File.WriteAllText(soak[2], string.Create(CultureInfo.InvariantCulture, $"metamorphic\t{cases}\t{differences.Count}\t{first}\t{(differences.Count > 0 ? "-" : (3.0 / cases).ToString("g2", CultureInfo.InvariantCulture))}\n"));
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        if (soak is null) Assert.True(listed > cases && kinds.Count >= 11 && kinds.Values.Min() > cases / 40, $"{listed} lines; {string.Join(", ", kinds)}");
    }

    /// <summary>The comparison can fail: one genotype less in one file is another answer.</summary>
    [Fact]
    public void One_lost_genotype_is_seen()
    {
        using var temp = new TempFolder();
        var (seen, asked) = (0, 0);
        for (var seed = 1; seed <= 20; seed++)
        {
            var random = new RandomStore(seed);
            if (random.Genome.HasReference) continue;
            asked++;
            if (Answers(temp, random, [], new Random(seed), ([], new CountRules())) != Answers(temp, random, ["one call lost"], new Random(seed), ([], new CountRules()))) seen++;
        }
        // Not in all: a call of somebody whose other sample stands for the person, or of a record that another file decides, changes nothing.
        Assert.True(asked > 8 && seen > asked * 3 / 4, $"{seen} of {asked} were seen");
    }

    /// <summary>One or more changes that can be made together.</summary>
    private static HashSet<string> Draw(Random chance)
    {
        var how = new HashSet<string> { new[] { "shuffled samples", "shuffled records", "cut by samples", "cut by contigs", "cut by stretches" }[chance.Next(5)] };
        foreach (var other in (string[])["shuffled samples", "shuffled records", "compacted", "compacted twice", "threads", "key rotated"])
            if (chance.Next(3) == 0) how.Add(other);
        if (chance.Next(2) == 0) how.Add(chance.Next(2) == 0 ? "bgzf" : chance.Next(2) == 0 && Peer.Exists("bcftools") ? "bcf" : "gzip");
        return how;
    }

    private static string Answers(TempFolder temp, RandomStore random, HashSet<string> how, Random chance, (IReadOnlyList<string> Asked, CountRules Rules) questions)
    {
        var machine = new SimMachine();
        var (disk, keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
        StoreFolder.Create(disk, keys, StoreIdentity.New(Assembly(random), ReadOnlyMemory<byte>.Empty, machine.Clock), machine.Clock).Dispose();
        using var store = VariantStore.Over(StoreFolder.Open(disk, keys, machine.Clock));
        foreach (var command in random.Commands)
        {
            File.WriteAllText(temp["sheet.tsv"], command.How.Sheet);
            if (command.How.Callable is { } bed) File.WriteAllText(temp["regions.bed"], bed);
            var files = command.Files.SelectMany(f => Changed(f.Text, how, chance)).Select((text, i) => Write(temp, $"{i}", text, how, chance)).ToList();
            store.Ingest(new IngestRequest
            {
                Files = files, SheetPath = temp["sheet.tsv"], CallablePath = command.How.Callable is null ? null : temp["regions.bed"], AssumeReference = command.How.AssumeReference, BlockGq = command.How.BlockGq,
                Threads = how.Contains("threads") ? chance.Next(2, 6) : 1,
            });
            if (how.Contains("compacted twice")) store.Compact();
        }
        if (how.Contains("compacted") || how.Contains("compacted twice")) store.Compact();
        if (how.Contains("key rotated")) store.RotateKeys();
        return Ask(store, questions.Asked, questions.Rules);
    }

    private static string Assembly(RandomStore random) => Engine.Variants.Assembly.Parse(random.Genome.Assembly).Name;

    private static string Ask(VariantStore store, IReadOnlyList<string> asked, CountRules rules)
    {
        var text = new StringBuilder();
        using var session = store.OpenSession();
        foreach (var (name, request) in ((string, FrequencyRequest)[])[("freq", new FrequencyRequest()), ("ruled", new FrequencyRequest { Rules = rules, By = "ancestry" }), ("symbolic", new FrequencyRequest { Symbolic = true, Rules = rules })])
            foreach (var row in session.Frequencies(request)) text.Append(CultureInfo.InvariantCulture, $"{name} {row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt} {row.End} {row.Group} {Text(row.Figures)}\n");
        foreach (var answer in session.Seen(asked, SampleChoice.All)) text.Append(CultureInfo.InvariantCulture, $"seen {answer.Query} {answer.State} {answer.Contig}-{answer.Start + 1}-{answer.Ref}-{answer.Alt} {Text(answer.Figures)} {answer.OverlappingCount} {string.Join(' ', answer.Overlapping.Order(StringComparer.Ordinal))} {answer.Reason}\n");
        foreach (var answer in session.Carriers(asked))
            foreach (var line in answer.Carriers.Select(c => $"carries {answer.Seen.Query} {c.Sample} {c.Zygosity} {c.Genotype} {c.Gq} {c.Dp} {c.DepthRef} {c.DepthAlt}").Order(StringComparer.Ordinal)) text.Append(line).Append('\n');
        return text.ToString();
    }

    private static string Text(in CountFigures f) => FormattableString.Invariant($"{f.Ac} {f.An} {f.NHet} {f.NHomAlt} {f.NHemi} {f.NHalf} {f.NNoCall} {f.NNotAssessed} {f.NSamples} {f.AnAssumed}");

    /// <summary>The texts of the files that stand for one.</summary>
    private static List<string> Changed(string text, HashSet<string> how, Random chance)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var meta = string.Concat(lines.Where(l => l.StartsWith("##", StringComparison.Ordinal)).Select(l => l + "\n"));
        var (names, records) = (lines.Single(l => l.StartsWith("#C", StringComparison.Ordinal)).Split('\t'), lines.Where(l => l[0] != '#').Select(l => l.Split('\t')).ToList());
        var columns = Enumerable.Range(9, names.Length - 9).ToArray();
        if (how.Contains("shuffled samples")) chance.Shuffle(columns);
        if (how.Contains("one call lost") && records.Find(r => r[9][0] == '1' && char.IsLetter(r[4][0])) is { } called)
        {
            called[9] = string.Concat("./.", called[9].AsSpan(called[9].IndexOf(':') is >= 0 and var rest ? rest : called[9].Length));
            how.Clear(); // one is enough
        }
        if (how.Contains("shuffled records")) records = [.. Runs(records, (a, b) => a[0] == b[0] && a[1] == b[1]).SelectMany(run => Shuffled(run, chance))];
        List<(int[] Columns, List<string[]> Records)> parts = [(columns, records)];
        if (how.Contains("cut by samples")) parts = [.. columns.Select(c => (new[] { c }, records))];
        if (how.Contains("cut by contigs")) parts = [.. Runs(records, (a, b) => a[0] == b[0]).Select(run => (columns, run))];
        // Stretches lie so far apart that nothing reaches from one into the next.
        if (how.Contains("cut by stretches")) parts = [.. Runs(records, (a, b) => a[0] == b[0] && Position(b) - Position(a) < 150).Select(run => (columns, run))];
        return [.. parts.Select(p => meta + string.Join('\t', names[..9].Concat(p.Columns.Select(c => names[c]))) + "\n" + string.Concat(p.Records.Select(r => string.Join('\t', r[..9].Concat(p.Columns.Select(c => r[c]))) + "\n")))];
    }

    private static long Position(string[] record) => long.Parse(record[1], CultureInfo.InvariantCulture);

    private static string[][] Shuffled(List<string[]> run, Random chance)
    {
        var shuffled = run.ToArray();
        chance.Shuffle(shuffled);
        return shuffled;
    }

    private static List<List<string[]>> Runs(List<string[]> records, Func<string[], string[], bool> belong)
    {
        var runs = new List<List<string[]>>();
        foreach (var record in records)
        {
            if (runs.Count == 0 || !belong(runs[^1][^1], record)) runs.Add([]);
            runs[^1].Add(record);
        }
        return runs;
    }

    private static string Write(TempFolder temp, string name, string text, HashSet<string> how, Random chance)
    {
        var (path, bytes) = (temp[name + ".vcf"], Encoding.UTF8.GetBytes(text));
        using var file = File.Create(path);
        if (how.Contains("bgzf"))
        {
            using var packed = new BgzfWriter(file, (CompressionLevel)chance.Next(4), threads: 1, leaveOpen: true);
            for (var at = 0; at < bytes.Length;)
            {
                var some = Math.Min(bytes.Length - at, chance.Next(1, 3000));
                packed.Write(bytes.AsSpan(at, some));
                if (chance.Next(4) == 0) packed.Flush();
                at += some;
            }
            packed.Complete();
        }
        else if (how.Contains("gzip"))
        {
            file.Write([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
            using (var deflate = new DeflateStream(file, (CompressionLevel)chance.Next(4), leaveOpen: true)) deflate.Write(bytes);
            file.Write(BitConverter.GetBytes(Crc32.Compute(bytes)));
            file.Write(BitConverter.GetBytes(bytes.Length));
        }
        else file.Write(bytes);
        if (!how.Contains("bcf")) return path;
        file.Dispose();
        Peer.Output("bcftools", "view", "--no-version", "-Ob", "-o", path + ".bcf", path);
        return path + ".bcf";
    }

    private static string FirstDifference(string right, string said)
    {
        var (a, b) = (right.Split('\n'), said.Split('\n'));
        for (var i = 0; i < Math.Max(a.Length, b.Length); i++)
            if (i >= a.Length || i >= b.Length || a[i] != b[i]) return $"{(i < a.Length ? a[i] : "nothing")} became {(i < b.Length ? b[i] : "nothing")}";
        return "";
    }
}
