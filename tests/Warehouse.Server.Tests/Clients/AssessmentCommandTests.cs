using Warehouse.Cli;
using Warehouse.Engine.Access;
using Xunit;
using static Warehouse.Server.Tests.Clients.ServedCommands;

namespace Warehouse.Server.Tests.Clients;

/// <summary>Annotations and assessments with a server in the place of the store: the same bytes, exit codes and words; and two people with two certificates.</summary>
public sealed class AssessmentCommandTests
{
    [Fact]
    public async Task Annotated_answers_and_releases_are_those_of_the_store_itself()
    {
        await using var served = await ServedStore.StartAsync(variants: 300, configure: _ => new() { Limits = new() { Person = ServedStore.Fast } });
        var variants = Variants(served);
        Annotate(served, variants);
        var reader = Credentials(served, "reader", Role.Analyst, Role.LabDirector);
        File.WriteAllLines(served["asked"], [.. variants.Take(20)]);
        File.WriteAllText(served["asked.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + string.Concat(variants.Where(v => v.StartsWith("22-", StringComparison.Ordinal)).Take(40).Select(v => v.Split('-')).Select(c => $"{c[0]}\t{c[1]}\t.\t{c[2]}\t{c[3]}\t.\t.\t.\n")));
        (string Verb, string[] More)[] lines =
        [
            ("annotations list", []), ("seen", [.. variants.Take(450), "22-1-A-C", "GENEA", "geneb", "NM_1.2:c.5A>G", "NOGENE", "nonsense", "--annotate", "clinvar"]), ("seen", [variants[3], "--annotate", "clinvar.CLNSIG,clinvar.AF_EXAC", "--assessments"]),
            ("seen", ["GENEA", "GENEB", "c.5A>G"]), ("carriers", [variants[0], variants[5], "GENEA", "--annotate", "clinvar.CLNSIG"]), ("freq", ["--annotate", "clinvar"]), ("freq", ["--by", "ancestry", "--region", "22:1-3,000", "--symbolic", "--annotate", "clinvar@1.AF_EXAC"]),
            ("freq", ["--variants", served["asked"], "--annotate", "clinvar"]), ("freq", ["--as-of", "4", "--annotate", "clinvar.CLNSIG"]),
        ];
        var wrong = new List<string>();
        foreach (var (verb, rest) in lines)
            foreach (var format in Formats) Compare(served, reader, verb, [.. rest, "--format", format], wrong);
        foreach (var (format, name) in new[] { ("vcf", "a.vcf"), ("vcf", "a.vcf.gz"), ("bcf", "a.bcf"), ("tsv", "a.tsv"), ("arrow", "a.arrows") })
            Files(served, reader, name, wrong, "export", "--format", format, "--region", "22", "--annotate", "clinvar");
        Files(served, reader, "b.vcf", wrong, "seen", "--vcf", served["asked.vcf"], "--annotate", "clinvar.CLNSIG,clinvar.AF_EXAC");
        foreach (var rest in (string[][])[["seen", variants[0], "--annotate", "clinvar.NOPE"], ["freq", "--annotate", "nope"], ["export", "--format", "vcf", "-o", served["c.vcf"], "--annotate", "clinvar@9"]])
            if ((Local(served, rest[0], rest[1..]).Exit, Remote(served, reader, rest[0], rest[1..]).Exit) is not (ExitCode.BadInput, ExitCode.BadInput)) wrong.Add(string.Join(' ', rest));
        Assert.Equal(ExitCode.BadInput, Remote(served, reader, "annotations load", "clinvar", "x", "--release", "2024-01-07").Exit);
        var dropped = Remote(served, Credentials(served, "curator", Role.LabDirector), "annotations drop", "clinvar@1");
        Assert.True(dropped.Exit == ExitCode.Done && dropped.Output.Contains("retired", StringComparison.Ordinal), $"{dropped.Exit} {dropped.Output}{dropped.Error}");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task The_path_of_an_assessment_is_the_same_by_two_people_at_a_server_and_every_line_prints_what_it_prints_of_the_store_itself()
    {
        await using var served = await ServedStore.StartAsync(variants: 300);
        await using var other = await ServedStore.StartAsync(variants: 300);
        // Rounds of alerts append events of their own when a second has gone by, and an assessment's number is that of its event.
        foreach (var one in (ServedStore[])[served, other]) await one.Server.Rounds.DisposeAsync();
        var variants = Variants(served);
        var (author, signer) = (Credentials(served, "author", Role.Analyst), Credentials(served, "signer", Role.LabDirector));
        File.WriteAllText(served["text"], "free words\n");
        // The same line changes one store as its owner, the other by its server; what is printed is the same.
        var wrong = new List<string>();
        void Change(string credentials, string verb, params string[] rest)
        {
            var (local, remote) = (Local(other, "assess " + verb, rest), Remote(served, credentials, "assess " + verb, rest));
            var said = local.Output.Replace("signed by\tits author alone: the policy names no reviewer and no director\n", "", StringComparison.Ordinal);
            if (local.Exit != remote.Exit || said != remote.Output) wrong.Add($"{verb} {string.Join(' ', rest)}: {local.Exit} {remote.Exit}\n{said}\n{remote.Output}{remote.Error}");
        }
        Change(author, "draft", variants[0], "--condition", "MONDO:0000001", "--condition-name", "a disease", "--criterion", "PVS1", "--inheritance", "x-linked", "--reference", "PMID:25741868", "--text-file", served["text"]);
        Change(author, "draft", variants[0], "--edit", "1", "--criterion", "PVS1", "PM2=supporting:AC 1, rare here");
        Change(author, "draft", variants[1], "--condition", "MONDO:0000002", "--class", "uncertain-high");
        Change(author, "review", "1");
        Change(signer, "review", "1", "--return", "--reason", "more, please");
        Change(author, "review", "1");
        Change(signer, "sign", "1", "--version-seen", "5", "--reason", "read", "--meaning", "responsible");
        Change(signer, "sign", "1", "--version-seen", "5", "--reason", "read");
        Change(author, "draft", variants[0], "--condition", "MONDO:0000001", "--criterion", "BA1");
        Change(author, "supersede", "1", "--class", "pathogenic", "--difference", "more is known");
        Change(author, "review", "8", "--version-seen", "1");
        Change(author, "review", "99");
        Change(author, "draft", "nonsense", "--condition", "MONDO:0000001", "--criterion", "BA1");
        Change(author, "draft", variants[2], "--condition", "OMIM:1", "--criterion", "BA1");
        Change(author, "retire", "3", "--reason", "no more");
        Change(signer, "settings", "--least-alleles", "4", "--laboratory", "Heart Lab");
        var lines = Local(served, "assess export", "--as", "jsonl").Output;
        File.WriteAllText(served["theirs"], lines.Replace("Heart Lab", "Lung Lab", StringComparison.Ordinal).Replace("\"class\":\"likely-pathogenic\"", "\"class\":\"benign\"", StringComparison.Ordinal).Replace(",\"inheritance\"", ",\"reason\":\"x\",\"inheritance\"", StringComparison.Ordinal));
        Change(author, "import", served["theirs"]);
        Change(author, "import", served["theirs"]);
        File.WriteAllText(served["with"], $"#comment\n{variants[0]}\tuncertain\tClinVar\t\n{variants[1]}\tpathogenic\tClinVar\tMONDO:0000002\n");
        (string Verb, string[] More)[] shown =
        [
            ("show", ["1"]), ("show", ["1", "--history"]), ("list", []), ("list", ["--all"]), ("list", ["--all", "--state", "in-review"]), ("list", ["--variant", variants[0], "--all"]), ("list", ["--all", "--as-of", "6"]),
            ("discordance", []), ("discordance", ["--with", served["with"]]), ("suggest", [variants[0]]), ("suggest", [variants[7]]), ("settings", []),
        ];
        foreach (var (verb, rest) in shown)
            foreach (var format in Formats) Compare(served, signer, "assess " + verb, [.. rest, "--format", format], wrong);
        foreach (var verb in (string[])["seen", "carriers"]) Compare(served, signer, verb, [variants[0], variants[1], "--assessments"], wrong);
        foreach (var form in (string[])["jsonl", "vcf", "clinvar"])
            foreach (var all in (string[][])[[], ["--all"]]) Compare(served, signer, "assess export", ["--as", form, .. all], wrong);
        foreach (var rest in (string[][])[["show", "77"], ["list", "--as-of", "999"], ["list", "--variant", "nonsense"], ["suggest", "nonsense"], ["settings", "--pm2", "0.9"]])
            if ((Local(served, "assess " + rest[0], rest[1..]).Exit, Remote(served, signer, "assess " + rest[0], rest[1..]).Exit) is not (ExitCode.BadInput, ExitCode.BadInput) and var (l, r)) wrong.Add($"{string.Join(' ', rest)}: {l} {r}");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        var conflict = Remote(served, author, "assess review", "8", "--version-seen", "7");
        Assert.Contains("assess-conflict", conflict.Error, StringComparison.Ordinal);
        Assert.Contains("it is at version 2", conflict.Error, StringComparison.Ordinal);
        // Who wrote it does not sign it, whatever role he has, and the owner is told the same.
        Credentials(served, "both", Role.Reviewer);
        Assert.Equal(ExitCode.Done, Remote(served, served["both.pem"], "assess draft", variants[9], "--condition", "MONDO:0000009", "--criterion", "BA1").Exit);
        Assert.Equal(ExitCode.Done, Remote(served, served["both.pem"], "assess review", Number(served, variants[9])).Exit);
        var alone = Remote(served, served["both.pem"], "assess sign", Number(served, variants[9]), "--version-seen", "2", "--reason", "mine");
        Assert.Equal(ExitCode.CouldNot, alone.Exit);
        Assert.Contains("second-person", alone.Error, StringComparison.Ordinal);
        Assert.Contains("not-granted", Remote(served, author, "assess sign", Number(served, variants[9]), "--version-seen", "2", "--reason", "mine").Error, StringComparison.Ordinal);
    }

    private static string Number(ServedStore served, string variant) => Local(served, "assess list", "--all", "--variant", variant, "--format", "tsv").Output.Split('\n')[1].Split('\t')[1];

    private static string[] Variants(ServedStore served) => [.. Local(served, "freq").Output.Split('\n')[1..].Where(l => l.Length > 0).Select(l => l.Split('\t')).Select(c => $"{c[0]}-{c[1]}-{c[2]}-{c[3]}")];

    private static void Annotate(ServedStore served, string[] variants)
    {
        var rows = variants.Where((_, i) => i % 3 == 0).Select(v => v.Split('-')).Select((c, i) =>
            $"{c[0]}\t{c[1]}\t{100 + i}\t{c[2]}\t{c[3]}\t.\t.\tCLNSIG={(i % 2 == 0 ? "Pathogenic/Likely_pathogenic,_low_penetrance|other" : "Benign")}{(i % 4 == 0 ? $";AF_EXAC=0.{i}" : "")};GENEINFO={(i % 2 == 0 ? "GENEA" : "GENEB")}:1{(i == 1 ? ";CLNHGVS=NM_1.2:c.5A>G" : "")}\n");
        File.WriteAllText(served["clinvar.vcf"], "##fileformat=VCFv4.1\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"class, as \\\"given\\\"\">\n##INFO=<ID=AF_EXAC,Number=1,Type=Float,Description=\"f\">\n##INFO=<ID=GENEINFO,Number=1,Type=String,Description=\"g\">\n##INFO=<ID=CLNHGVS,Number=.,Type=String,Description=\"h\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + string.Concat(rows));
        foreach (var day in (string[])["2024-01-07", "2024-02-01"])
        {
            var loaded = Local(served, "annotations load", "clinvar", served["clinvar.vcf"], "--release", day);
            Assert.True(loaded.Exit == ExitCode.Done, loaded.Error);
            File.WriteAllText(served["clinvar.vcf"], File.ReadAllText(served["clinvar.vcf"]).Replace("=Benign", "=Likely_benign", StringComparison.Ordinal));
        }
        served.Server.Store.LookNow();
    }

    private static void Files(ServedStore served, string credentials, string name, List<string> wrong, string verb, params string[] rest)
    {
        var (local, remote) = (Local(served, verb, [.. rest, "-o", served["local-" + name]]), Remote(served, credentials, verb, [.. rest, "-o", served["remote-" + name]]));
        if (local.Exit != remote.Exit || local.Error != remote.Error || !File.Exists(served["remote-" + name]) || !File.ReadAllBytes(served["local-" + name]).AsSpan().SequenceEqual(File.ReadAllBytes(served["remote-" + name]))) wrong.Add($"{verb} {name}: {local.Exit} {local.Error}{remote.Exit} {remote.Error}");
    }
}
