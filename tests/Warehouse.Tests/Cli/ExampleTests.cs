using Warehouse.Cli;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>What help shows can be typed: every example of the table is run, on a small simulated cohort.</summary>
public sealed class ExampleTests
{
    /// <summary>What the output of a verb must hold. <c>init</c> alone says nothing: its store is looked at.</summary>
    private static readonly Dictionary<string, string> Expected = new()
    {
        ["ingest"] = "committed snapshot\t", ["seen"] = "22-1029-A-G", ["freq"] = "\nX\t", ["carriers"] = "\tS000001\t", ["case-control"] = "", ["cohort"] = "\n",
        ["cohorts"] = "\naffected\t", ["export"] = "", ["withdraw"] = "samples withdrawn\t1\n", ["compact"] = "\nsegments after\t1\n", ["verify"] = "kind\tfile\tproblem\n", ["salvage"] = "\ntaken\tsnapshot ", ["keys"] = "master key\t2\n",
        ["info"] = "{\"fact\":\"samples\",\"value\":\"42\"}", ["snapshots"] = "\n11\t", ["simulate"] = "\nfile\treference.fa\n", ["doctor"] = "\nencryption\tok\t", ["audit"] = "\t", ["access"] = "\t", ["serve"] = "export WAREHOUSE_SERVER=https://127.0.0.1:", ["logout"] = "", ["annotations"] = "\t", ["care"] = "\t", ["watch"] = "\t", ["clinvar"] = "\t", ["alerts"] = "\t", ["linkage"] = "\t", ["assess"] = "\t",
    };

    [PeerFact("sh", "zcat")]
    public void Every_example_of_help_does_what_it_says_on_a_simulated_cohort()
    {
        using var folder = new TempFolder();
        Lay(folder);
        var wrong = new List<string>();
        // Cohorts are named before other verbs ask for them; the rest runs in the order of the table.
        // To log in takes a server and an identity provider: that example is one of the README's, which the tests of the server run.
        foreach (var verb in VerbTable.All.Where(v => v.Name != "login").OrderBy(v => v.Name is "init" or "ingest" ? 0 : v.Name == "cohort" ? 1 : 2))
            foreach (var example in verb.Examples)
            {
                var (exit, output, error) = Run(folder, example);
                var target = Cli.Words(example) is [.., "-o", var file] ? new FileInfo(folder[file]) : null;
                if (exit != 0) wrong.Add($"{example}: exit {exit}: {error}");
                else if (target is not null && (output.Length > 0 || !target.Exists || target.Length < 100)) wrong.Add($"{example}: {target.Name} is not what came out");
                else if (target is null && verb.Name != "init" && !output.Contains(Expected[verb.Name], StringComparison.Ordinal)) wrong.Add($"{example}: {output}");
            }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.All(new[] { "lab.wh", "lab.wh.keys", "other.wh", "secure/other.keys", "demo/cohort.vcf.gz", "demo/gvcf" }, name => Assert.True(Path.Exists(folder[name]), name));
        Assert.StartsWith("contig\tpos\tref\talt\tgroup\t", File.ReadAllText(folder["cardio.tsv"]));
    }

    /// <summary>The files that the examples name.</summary>
    private static void Lay(TempFolder folder)
    {
        Simulator.Run(new SimulationOptions { Folder = folder.Path, Samples = 40, Variants = 400, Seed = 1, Format = SimulationFormat.Full }, null, CancellationToken.None);
        Directory.CreateDirectory(folder["exomes"]);
        Directory.CreateDirectory(folder["secure"]);
        foreach (var name in new[] { "a", "b", "old" })
            File.WriteAllText(folder[name == "old" ? "old.vcf" : $"exomes/{name}.vcf"], $"##fileformat=VCFv4.2\n##contig=<ID=22,length=4520>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{name}\n22\t1029\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\n");
        Assert.Equal(0, Peer.RunIn(folder.Path, "gzip", "old.vcf").Exit);
        File.Copy(folder["cohort.vcf.gz"], folder["patient.vcf.gz"]);
        File.WriteAllText(folder["twist.bed"], "22\t1000\t1100\n");
        File.WriteAllText(folder["names.txt"], "S000001\nS000002\nS000003\nS000004\n");
        File.WriteAllText(folder["one.txt"], "S000001\n");
        File.WriteAllText(folder["withdrawn.txt"], "S000005\n");
        File.WriteAllText(folder["variants.txt"], "22-1029-A-G\n22:1047 C>A\n");
        File.WriteAllText(folder["asked.txt"], "22-1029-A-G\nX-2699129-G-T\n");
        File.WriteAllText(folder["clinvar.vcf"], "##fileformat=VCFv4.1\n##fileDate=2024-01-07\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n22\t1029\t1\tA\tG\t.\t.\tCLNSIG=Benign\n");
        File.WriteAllText(folder["clinvar-new.vcf"], File.ReadAllText(folder["clinvar.vcf"]).Replace("CLNSIG=Benign", "CLNSIG=Pathogenic"));
        File.WriteAllText(folder["care.tsv"], $"person\tresponsible\tdeputies\nS000001\tlocal:{Environment.UserName}\tlocal:deputy\n");
        File.WriteAllText(folder["identities.tsv"], "person\tname\tborn\nS000001\tJane Roe\t1970-01-01\nS000005\tRichard Roe\t\n");
        File.WriteAllText(folder["genes.txt"], "BRCA1\nBRCA2\n");
        Directory.CreateDirectory(folder["outbox"]);
        File.WriteAllText(folder["panel.tsv"], "chr\tpos\tref\talt\tscore\n22\t1029\tA\tG\t0.5\n");
        File.WriteAllText(folder["panel.map"], "format tsv\ncontig chr\npos pos\nref ref\nalt alt\nfield score real\n");
        File.WriteAllText(folder["clinvar.tsv"], "#variant\tclass\tsource\tcondition\n22-1029-A-G\tuncertain\tClinVar\tMONDO:0005267\n");
        File.WriteAllText(folder["theirs.jsonl"], """
            {"schema":"warehouse.assessment/1","laboratory":"Other Lab","id":7,"version":4,"state":"signed","assembly":"GRCh37","points":-4,"implied":"likely-benign","content":{"variant":"22-1029-A-G","condition":"MONDO:0005267","class":"likely-benign","criteria":[{"code":"BS1","strength":"strong"}]},"signed":{"by":"x","time":"2027-01-31T08:00:00.0000000Z","meaning":"approved","reason":"y"}}

            """);
        File.WriteAllText(folder["healthy.txt"], "affected == 'no'\nand counts == 'yes'\n");
    }

    /// <summary>Runs a line as typed in the folder: a pipe, and what becomes another program, by the shell, everything else inside this process, with the names of files made whole.</summary>
    internal static (int Exit, string Output, string Error) Run(TempFolder folder, string line)
    {
        if (line.Contains(" | ", StringComparison.Ordinal) || line.StartsWith("warehouse serve ", StringComparison.Ordinal)) return Peer.RunIn(folder.Path, "sh", "-c", line.Replace("warehouse ", $"'{Path.Combine(AppContext.BaseDirectory, "warehouse")}' "));
        var words = Cli.Words(line);
        var made = Array.FindIndex(words, w => w is "-o" or "--keys" or "--to") + 1;
        for (var i = 1; i < words.Length; i++)
            if ((made > 0 && i == made) || (i == 1 && words[0] is "init" or "simulate") || Path.Exists(folder[words[i]])) words[i] = folder[words[i]];
        var cli = new Cli { Input = line.Split(" < ") is [_, var file] ? File.ReadAllText(folder[file]) : "" };
        return ((int)cli.Run(words), cli.Output, cli.Error);
    }
}
