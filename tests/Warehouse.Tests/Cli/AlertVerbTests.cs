using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>From "a release arrives" to "acknowledged", as it is typed.</summary>
public sealed class AlertVerbTests
{
    private const string Head = "##fileformat=VCFv4.1\n##fileDate=2024-01-07\n##source=ClinVar\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description=\"r\">\n##INFO=<ID=GENEINFO,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    [Fact]
    public void A_release_that_makes_a_variant_pathogenic_is_an_alert_for_the_clinician_who_acknowledges_it()
    {
        using var folder = new TempFolder();
        var store = folder["lab.wh"];
        File.WriteAllText(folder["a.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n1\t100\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t0/0\n");
        File.WriteAllText(folder["sheet.tsv"], "sample\tperson\nS1\tP1\nS2\tP2\n");
        File.WriteAllText(folder["care.tsv"], $"person\tresponsible\tdeputies\nP1\tlocal:{Environment.UserName}\tlocal:deputy\n");
        File.WriteAllText(folder["january.vcf"], Head + "1\t100\t7\tA\tG\t.\t.\tCLNSIG=Uncertain_significance;CLNREVSTAT=criteria_provided,_single_submitter;GENEINFO=GENE1:1\n");
        File.WriteAllText(folder["february.vcf"], Head + "1\t100\t7\tA\tG\t.\t.\tCLNSIG=Pathogenic;CLNREVSTAT=reviewed_by_expert_panel;GENEINFO=GENE1:1\n");
        File.WriteAllText(folder["march.vcf"], Head + "1\t100\t7\tA\tG\t.\t.\tCLNSIG=Rather_bad;GENEINFO=GENE1:1\n");
        Does(0, "init", store, "--assembly", "GRCh37");
        Does(0, "ingest", store, folder["a.vcf"], "--samples", folder["sheet.tsv"]);
        Does(0, "care", "import", store, folder["care.tsv"]);
        Does(0, "watch", "add", store, "everybody");
        Assert.Contains("state\tholds\n", Does(0, "clinvar", "load", store, folder["january.vcf"], "--release", "2024-01-07"));
        Assert.Contains("raised\t0\n", Does(0, "alerts", "run", store));
        Does(0, "clinvar", "load", store, folder["february.vcf"], "--release", "2024-02-04", "--hold");
        Assert.Contains("alerts\t\t\t\tcritical\t1\t1\n", Does(0, "clinvar", "preview", store, "2024-02-04").Replace(".\t", "\t"));
        Assert.Contains("1-100-A-G\tGENE1:1\tgermline\tuncertain\tpathogenic\t1\t3\tupgrade\tcritical\t7\n", Does(0, "clinvar", "compare", store, "2024-01-07", "2024-02-04"));
        Assert.Contains("raised\t0\n", Does(0, "alerts", "run", store));
        Does(0, "clinvar", "accept", store, "2024-02-04");
        Assert.Contains("raised\t1\n", Does(0, "alerts", "run", store));
        var id = Does(0, "alerts", "list", store, "--everybody").Split('\n')[1].Split('\t')[0];
        Assert.Contains("was not shown to you", Fails(2, "alerts", "ack", store, id, "--reason", "recontacted"));
        Assert.Contains($"{id}\tcritical\topen\tP1\tS1\t1-100-A-G\tGENE1:1\tclinvar 2024-02-04 germline uncertain>pathogenic\tupgrade\t", Does(0, "alerts", "list", store));
        Does(0, "alerts", "ack", store, id, "--reason", "recontacted");
        Assert.DoesNotContain(id, Does(0, "alerts", "list", store));
        Assert.Contains("recontacted", Does(0, "alerts", "show", store, id));

        Assert.Contains("line 9: 1-100-A-G: unrecognised: rather bad", Fails(2, "clinvar", "load", store, folder["march.vcf"], "--release", "2024-03-03"));
        Assert.Contains("state\tholds\n", Does(0, "clinvar", "load", store, folder["march.vcf"], "--release", "2024-03-03", "--accept-unrecognised", "1"));
        var history = Does(0, "clinvar", "history", store, "1-100-A-G");
        Assert.Contains("2024-02-04\tgermline\tpathogenic\t3\tpathogenic\t7\n", history);
        Assert.Contains("2024-03-03\tgermline\tunrecognised\t0\tnone\t7\n", history);
        Assert.Contains("raised\t2\n", Does(0, "alerts", "run", store)); // the patient's, and the director's of the unknown term
        Assert.Contains("\talerts list\t", Does(0, "audit", "search", store).Replace("\"", ""));
    }

    /// <summary>Without the reference no spelling is understood: then nobody carries anything, and an empty inbox would be a lie.</summary>
    [Fact]
    public void While_the_reference_is_gone_an_inbox_is_an_error_and_not_empty()
    {
        using var folder = new TempFolder();
        var store = folder["lab.wh"];
        File.WriteAllText(folder["ref.fa"], $">1\n{new string('C', 99)}A{new string('C', 100)}\n");
        File.WriteAllText(folder["a.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n1\t100\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\n");
        foreach (var (name, says) in new[] { ("january", "Uncertain_significance"), ("february", "Pathogenic") })
            File.WriteAllText(folder[name + ".vcf"], Head + $"1\t100\t7\tA\tG\t.\t.\tCLNSIG={says};GENEINFO=GENE1:1\n");
        Does(0, "init", store, "--assembly", "GRCh37", "--reference", folder["ref.fa"]);
        Does(0, "ingest", store, folder["a.vcf"]);
        Does(0, "watch", "add", store, "everybody");
        Does(0, "clinvar", "load", store, folder["january.vcf"], "--release", "2024-01-07");
        Does(0, "alerts", "run", store);
        Does(0, "clinvar", "load", store, folder["february.vcf"], "--release", "2024-02-04");
        Warehouse.Primitives.Durable.Replace(folder["ref.fa"], folder["gone.fa"]);
        Assert.Contains("WAREHOUSE_REFERENCE", Fails(2, "alerts", "run", store));
        Warehouse.Primitives.Durable.Replace(folder["gone.fa"], folder["ref.fa"]);
        Assert.Contains("open\t1\n", Does(0, "alerts", "run", store));
        Assert.Contains("1-100-A-G", Does(0, "alerts", "list", store));
        Warehouse.Primitives.Durable.Replace(folder["ref.fa"], folder["gone.fa"]);
        Assert.Contains("WAREHOUSE_REFERENCE", Fails(2, "alerts", "list", store));
    }

    /// <summary>Empty lines are passed over, and counted: an error names the line that an editor shows.</summary>
    [Fact]
    public void A_line_of_an_import_that_is_refused_is_named_by_its_number_in_the_file()
    {
        using var folder = new TempFolder();
        var store = folder["lab.wh"];
        Does(0, "init", store, "--assembly", "GRCh37");
        File.WriteAllText(folder["care.tsv"], "\nperson\tresponsible\tdeputies\n\n\nP1\tlocal:a\tlocal:b\n\t\n");
        Assert.Contains("care.tsv:6", Fails(2, "care", "import", store, folder["care.tsv"]));
        File.WriteAllText(folder["care.tsv"], "person\tresponsible\tdeputies\nP1\tlocal:a\tnobody\n");
        Assert.Contains("care.tsv:2", Fails(2, "care", "import", store, folder["care.tsv"]));
        File.WriteAllText(folder["others.jsonl"], "\n\n{}\n");
        Assert.Contains("others.jsonl:3", Fails(2, "assess", "import", store, folder["others.jsonl"]));
    }

    /// <summary>Who has a role by a group or a token is not known while he is not here: whoever relies on that is told at once.</summary>
    [Fact]
    public void Who_names_a_role_that_nobody_is_known_to_hold_is_told_so_and_groups_cannot_be_named()
    {
        using var folder = new TempFolder();
        var store = folder["lab.wh"];
        Does(0, "init", store, "--assembly", "GRCh37");
        File.WriteAllText(folder["care.tsv"], "person\tresponsible\tdeputies\nP1\tlocal:a\trole:reviewer\n");
        Assert.Contains("nobody is known to hold role:reviewer", Fails(0, "care", "import", store, folder["care.tsv"]));
        Assert.Contains("nobody is known to hold role:clinician, role:reviewer", Fails(0, "watch", "add", store, "w", "--hear", "role:clinician", "role:reviewer", "local:a"));
        Does(0, "access", "assign", store, "local:ann", "clinician");
        Does(0, "access", "approve", store, "1");
        Assert.DoesNotContain("clinician", Fails(0, "watch", "add", store, "w", "--hear", "role:clinician", "role:reviewer"));
        File.WriteAllText(folder["care.tsv"], "person\tresponsible\tdeputies\nP1\tlocal:a\tgroup:ward\n");
        Assert.Contains("care.tsv:2", Fails(2, "care", "import", store, folder["care.tsv"]));
        Fails(2, "alerts", "settings", store, "--director", "group:ward");
    }

    private static string Does(int code, params string[] words)
    {
        var cli = new Cli();
        Assert.True(code == (int)cli.Run(words), $"{string.Join(' ', words)}: {cli.Error}{cli.Output}");
        return cli.Output;
    }

    private static string Fails(int code, params string[] words)
    {
        var cli = new Cli();
        Assert.True(code == (int)cli.Run(words), $"{string.Join(' ', words)}: {cli.Error}{cli.Output}");
        return cli.Error;
    }
}
