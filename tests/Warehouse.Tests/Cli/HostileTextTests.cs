using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Warehouse.Cli;
using Warehouse.Cli.Output;
using Warehouse.Engine.Export;
using Warehouse.Engine.Simulate;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>
/// F84 and F85: texts of files that a terminal would obey or a spreadsheet would run, all the way through a store. Text output has no character
/// that does something and no cell that is a formula; VCF gives the texts back as they came; what is refused on the way in is refused by a rule.
/// And an output that was interrupted does not look like a whole one.
/// </summary>
public sealed partial class HostileTextTests
{
    /// <summary>What a terminal, a spreadsheet, a shell or a reader of CSV could take for something else.</summary>
    private static readonly string[] Texts =
    [
        "=1+1", "=cmd|'/C calc'!A0", "+1", "-1", "-2+3", "@SUM(A1)", "'quoted", "\"=1+1\"", "a,b", "a\"b", "\u001b[2J", "\u001b]52;c;aGk=\u0007", "\u009b31m", "\u202Egnp.exe", "\u2066x\u2069", "\u200bzero", "\u2028line",
        "\ufeffmark", "back\\slash", "back\\x1B", "percent%3D", "$(id)", "`id`", "<b>", "&amp;", "a b", "../../x", "NULL", ".", "0", "\u007f", "\u0085next", "žluť", "変異", "\U0001F9EC", "\ue000own", "%0A", "{}", "[1]",
    ];

    [Fact]
    public void Names_of_samples_and_cells_of_sheets_do_nothing_in_a_terminal_or_a_spreadsheet_and_come_back_in_vcf()
    {
        using var store = new ExportStore();
        var taken = Texts.Where(t => Takes(store, t)).Distinct().ToList();
        Assert.True(taken.Count > 25, $"only {taken.Count} of {Texts.Length} were taken: {string.Join(' ', taken.Select(SafeText.Escape))}");
        Assert.DoesNotContain(taken, t => t.Any(c => c < ' '));
        var names = taken.Order(StringComparer.Ordinal).ToList();
        store.Write("names", string.Join('\n', names) + "\n");
        store.Ingest("all.vcf", "plain", ["22 100 . A C . PASS . GT 0/1"]);
        string[][] lines =
        [
            ["carriers", store.Path, "22-100-A-C"], ["freq", store.Path, "--by", "ancestry"], ["freq", store.Path, "--by", "ancestry", "--symbolic"], ["export", store.Path, "--format", "tsv", "-o", "-"], ["cohort", "show", store.Path, "all"],
            ["cohorts", store.Path], ["seen", store.Path, .. Texts.Where(t => t[0] != '-' && t.Length > 1)], ["info", store.Path], ["verify", store.Path],
        ];
        ExportStore.Must("cohort", "set", store.Path, "all", "--samples-file", store["names"]);
        ExportStore.Must("cohort", "set", store.Path, "-1", "--samples-file", store["names"]);
        ExportStore.Must("cohort", "set", store.Path, "where", "--where", "ancestry != \"=1+1\"");
        foreach (var line in lines)
        {
            var isExport = line[0] == "export";
            foreach (var format in isExport ? (string?[])[null] : [null, "tsv", "table", "json"])
            {
                var cli = new Cli { Terminal = format is null };
                var code = cli.Run(format is null ? line : [.. line, "--format", format]);
                Assert.True(code is not (ExitCode.CouldNot or ExitCode.DamagedStore or ExitCode.BadInput), $"{line[0]} {format}: {code}: {cli.Error}");
                IsSafe(cli.Output, $"{line[0]} {format}");
                IsSafe(cli.Error, line[0]);
                if (format == "json") System.Text.Json.JsonDocument.Parse(cli.Output).Dispose();
                if (format == "tsv" || isExport) IsSheet(cli.Output, line[0]);
            }
        }
        // Every name comes back from its escaped form, and as it was from VCF, BCF and JSON.
        var shown = ExportStore.Must("cohort", "show", store.Path, "all").Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.Equal(names, shown.Select(Unescaped).Order(StringComparer.Ordinal));
        var json = System.Text.Json.JsonDocument.Parse(ExportStore.Must("cohort", "show", store.Path, "all", "--format", "json"));
        Assert.Equal(names, json.RootElement.EnumerateArray().Select(r => r.GetProperty("sample").GetString()!).Order(StringComparer.Ordinal));
        foreach (var format in (string[])["vcf", "bcf"])
        {
            using var again = new ExportStore();
            again.IngestFiles(store.Export("out." + format, format));
            ExportStore.Must("withdraw", again.Path, "--samples-file", store.Write("plain", "plain\n"));
            ExportStore.Must("cohort", "set", again.Path, "all", "--samples-file", store["names"]); // each is known by its name
            Assert.Equal(shown, ExportStore.Must("cohort", "show", again.Path, "all").Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..]);
        }
    }

    /// <summary>What a record holds as text: ID, FILTER, contig, symbolic allele. Taken and given back exactly, or refused by a rule.</summary>
    [Fact]
    public void Texts_of_records_come_back_exactly_or_are_refused_by_a_rule()
    {
        using var store = new ExportStore("any1");
        var (number, taken) = (0, new List<(string Field, string Line, string Place)>());
        foreach (var text in Texts.Where(t => t.Length > 1 && !t.Contains(' ')))
        {
            foreach (var (field, record, header) in ((string, string, string)[])
            [
                ("ID", $"22 POS {text} A C . PASS . GT 0/1", ""), ("FILTER", $"22 POS . A C . {text} . GT 0/1", $"##FILTER=<ID={text},Description=\"x\">\n"),
                ("CHROM", $"{text} POS . A C . PASS . GT 0/1", $"##contig=<ID={text}>\n"), ("ALT", $"22 POS . A <{text}> . PASS END=90000 GT 0/1", $"##ALT=<ID={text},Description=\"x\">\n##INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n"),
            ])
            {
                var position = 100 * ++number;
                var fields = record.Replace("POS", $"{position}", StringComparison.Ordinal).Split(' ');
                var vcf = ExportStore.Vcf($"s{number}", [string.Join(' ', fields)]);
                var cli = new Cli();
                var code = cli.Run("ingest", store.Path, store.Write("in.vcf", vcf.Insert(vcf.IndexOf("#CHROM", StringComparison.Ordinal), header)));
                IsSafe(cli.Error, field);
                Assert.True(code == ExitCode.Done || (code == ExitCode.BadInput && RuleName().IsMatch(cli.Error)), $"{field} {text}: {code}: {cli.Error}");
                if (code == ExitCode.Done) taken.Add((field, $"{fields[0]} {position} {fields[2]} A {fields[4]} {ExportHeader.Encode(fields[6])} GT ", $"\t{position}\tA\t"));
            }
        }
        Assert.True(taken.Count > 40, $"only {taken.Count} were taken");
        var (lines, listed, rows) = (store.Lines(), ExportStore.Must("freq", store.Path, "--symbolic", "--format", "tsv"), ExportStore.Must("export", store.Path, "--format", "tsv", "-o", "-"));
        foreach (var (field, line, place) in taken)
        {
            Assert.True(lines.Count(l => l.StartsWith(line, StringComparison.Ordinal)) == 1, $"{field}: {line}");
            Assert.True(listed.Split(place).Length == 2, $"{field}: {line} is not listed"); // once, and never lost
            Assert.True(rows.Split(place).Length == (field == "ALT" ? 1 : 2), $"{field}: {line} has no row"); // of genotypes only alleles with bases have rows
        }
        foreach (var answer in (string[])[listed, rows])
        {
            IsSafe(answer, "tsv");
            IsSheet(answer, "tsv");
        }
        IsSafe(ExportStore.Must("freq", store.Path, "--symbolic", "--format", "table"), "table");
    }

    /// <summary>The stream of the output ends at any byte: what has left does not end as a whole file of that format does.</summary>
    [Fact]
    public void An_output_that_breaks_off_anywhere_does_not_look_complete()
    {
        using var store = new ExportStore("GRCh37");
        Simulator.Run(new SimulationOptions { Folder = store["data"], Samples = 40, Variants = 600, Seed = 6 }, null, default);
        store.IngestFiles(store["data/cohort.vcf.gz"]);
        string[][] lines = [["export", store.Path, "--format", "bcf", "-o", "-"], ["export", store.Path, "--format", "arrow", "-o", "-"], ["freq", store.Path, "--format", "json"], ["freq", store.Path, "--format", "arrow"]];
        foreach (var line in lines)
        {
            var whole = new MemoryStream();
            Assert.Equal(ExitCode.Done, new Cli { OpenOutput = () => new Kept(whole, long.MaxValue) }.Run(line));
            Assert.True(LooksWhole(whole.ToArray(), line[2], line[3]), line[0]);
            for (var at = 1; at < 40; at++)
            {
                var some = new MemoryStream();
                Assert.Equal(ExitCode.CouldNot, new Cli { OpenOutput = () => new Kept(some, whole.Length * at / 40) }.Run(line));
                Assert.False(LooksWhole(some.ToArray(), line[2], line[3]), $"{line[0]} {line[3]}, cut at {at} of 40");
            }
        }
    }

    /// <summary>Processes that are killed while they write: under the name asked for there is what was there before, or all of it.</summary>
    [PeerFact("env")]
    public void An_export_that_is_killed_leaves_the_old_file_or_the_whole_new_one()
    {
        using var store = new ExportStore("GRCh37");
        Simulator.Run(new SimulationOptions { Folder = store["data"], Samples = 200, Variants = 6000, Seed = 6 }, null, default);
        store.IngestFiles(store["data/cohort.vcf.gz"]);
        var chance = new Random(84);
        foreach (var format in (string[])["vcf", "bcf", "tsv"])
        {
            var target = store[format == "vcf" ? "out.vcf.gz" : "out." + format];
            store.Export(Path.GetFileName(target), format);
            var whole = File.ReadAllBytes(target);
            var clock = Stopwatch.StartNew();
            using (var healthy = Start(store.Path, format, target)) healthy.WaitForExit();
            var longestMs = (int)clock.ElapsedMilliseconds;
            for (var i = 0; i < 6; i++)
            {
                File.WriteAllText(target, "old");
                using var process = Start(store.Path, format, target);
                process.WaitForExit(chance.Next(longestMs / 3, longestMs + 50));
                process.Kill();
                process.WaitForExit();
                var left = File.ReadAllBytes(target);
                Assert.True(left.AsSpan().SequenceEqual("old"u8) || left.AsSpan().SequenceEqual(whole), $"{format}: {left.Length} of {whole.Length} bytes");
            }
            Assert.All(Directory.GetFiles(Path.GetDirectoryName(target)!, "*.unfinished"), f => Assert.StartsWith(".", Path.GetFileName(f), StringComparison.Ordinal));
        }
    }

    private static Process Start(string store, string format, string target) =>
        Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), "export", store, "--format", format, "-o", target]))!;

    private static bool LooksWhole(byte[] bytes, string first, string format) => (first == "--format" ? format : "") switch
    {
        "bcf" => bytes.AsSpan().EndsWith(Convert.FromHexString("1f8b08040000000000ff0600424302001b0003000000000000000000")),
        "arrow" => bytes.AsSpan().EndsWith((ReadOnlySpan<byte>)[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]),
        _ => bytes.AsSpan().EndsWith("]\n"u8),
    };

    /// <summary>Whether a file of one sample of that name is taken, with that ancestry in its sheet where a sheet can hold it; a refusal names its rule.</summary>
    private static bool Takes(ExportStore store, string name)
    {
        var sheet = store.Write("sheet.tsv", $"sample\tancestry\n{name}\t{name}\n");
        var vcf = ExportStore.Vcf("a", ["22 100 . A C . PASS . GT 0/1"]).Replace("FORMAT\ta\n", $"FORMAT\t{name}\n", StringComparison.Ordinal).Replace("\"d\"", $"\"{Convert.ToHexString(Encoding.UTF8.GetBytes(name))}\"", StringComparison.Ordinal);
        var cli = new Cli();
        var code = cli.Run("ingest", store.Path, store.Write("one.vcf", vcf), "--samples", sheet);
        IsSafe(cli.Error + cli.Output, "ingest");
        if (code == ExitCode.Done) return true;
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Matches(RuleName(), cli.Error);
        return false;
    }

    [GeneratedRegex(@"\[[a-z0-9-]+\]")]
    private static partial Regex RuleName();

    private static void IsSafe(string text, string where) => Assert.True(text.EnumerateRunes().All(r => r.Value is '\n' or '\t' || !SafeText.IsUnsafe(r)), $"{where}: {text}");

    /// <summary>No cell but numbers starts as a formula does, and every line has as many cells as the first.</summary>
    private static void IsSheet(string tsv, string where)
    {
        var rows = tsv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split('\t')).ToList();
        Assert.All(rows, r => Assert.Equal(rows[0].Length, r.Length));
        foreach (var row in rows.Skip(1))
            for (var i = 0; i < row.Length; i++)
                Assert.False(row[i].Length > 0 && row[i][0] is '=' or '+' or '-' or '@', $"{where}, {rows[0][i]}: {row[i]}");
    }

    private static string Unescaped(string cell)
    {
        var bytes = new List<byte>();
        var text = cell.StartsWith('\'') ? cell[1..] : cell;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                bytes.Add(Convert.ToByte(text[(i + 2)..(i + 4)], 16));
                i += 3;
            }
            else if (char.IsHighSurrogate(text[i])) bytes.AddRange(Encoding.UTF8.GetBytes(text[i..(++i + 1)]));
            else bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>Takes so many bytes, then fails as a full disk does.</summary>
    private sealed class Kept(MemoryStream into, long most) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => into.Length;

        public override long Position { get => into.Length; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count)
        {
            var taken = (int)Math.Min(count, most - into.Length);
            into.Write(buffer, offset, taken);
            if (taken < count) throw new IOException("no space");
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
