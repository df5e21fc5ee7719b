using System.CommandLine.Parsing;
using Warehouse.Cli.Verbs;

namespace Warehouse.Cli;

/// <summary>One verb: what help, completion, tests and the parser know of it.</summary>
/// <param name="Name">As typed.</param>
/// <param name="Summary">One line.</param>
/// <param name="Examples">Whole command lines; a test runs every one on a simulated cohort and expects exit code 0.</param>
/// <param name="Create">Makes the verb with its options.</param>
internal sealed record VerbEntry(string Name, string Summary, string[] Examples, Func<Verb> Create);

/// <summary>The one table of verbs, in the order help shows them.</summary>
internal static class VerbTable
{
    /// <summary>All verbs.</summary>
    public static readonly VerbEntry[] All =
    [
        new("init", "Make an empty store for one assembly.",
            ["warehouse init lab.wh --assembly GRCh37 --reference reference.fa",
             "warehouse init other.wh --assembly GRCh38 --keys secure/other.keys"], () => new InitVerb()),
        new("ingest", "Load variant files: one commit for all of them, or none.",
            ["warehouse ingest lab.wh cohort.vcf.gz --samples samples.tsv",
             "warehouse ingest lab.wh exomes/a.vcf exomes/b.vcf --callable twist.bed --on-error skip",
             "zcat old.vcf.gz | warehouse ingest lab.wh - --assume-reference"], () => new IngestVerb()),
        new("seen", "Have we seen this variant? Seen, not seen, or not assessable.",
            ["warehouse seen lab.wh 22-1029-A-G NC_000022.10:g.1047C>A",
             "warehouse seen lab.wh - --cohort cardio --json < variants.txt",
             "warehouse seen lab.wh --vcf patient.vcf.gz -o annotated.vcf.gz"], () => new SeenVerb()),
        new("freq", "Counts and frequencies per variant over a set of samples.",
            ["warehouse freq lab.wh --region 22:1,001-2,000 --region X",
             "warehouse freq lab.wh --cohort cardio --by ancestry --adj --format tsv -o cardio.tsv",
             "warehouse freq lab.wh --variants asked.txt --samples-file names.txt --per sample"], () => new FreqVerb()),
        new("carriers", "Who carries this variant: zygosity, GQ, DP, depths.",
            ["warehouse carriers lab.wh 22-1029-A-G",
             "warehouse carriers lab.wh - --format tsv < variants.txt"], () => new CarriersVerb()),
        new("case-control", "Allelic Fisher exact test of two cohorts, per variant.",
            ["warehouse case-control lab.wh --cases affected --controls healthy --format tsv -o test.tsv"], () => new CaseControlVerb()),
        new("cohort", "Name a set of samples, bring it up to date, or show it.",
            ["warehouse cohort set lab.wh cardio --samples-file names.txt",
             "warehouse cohort set lab.wh affected --where \"affected == 'yes'\"",
             "warehouse cohort set lab.wh healthy --where-file healthy.txt",
             "warehouse cohort refresh lab.wh affected",
             "warehouse cohort show lab.wh cardio"], () => new CohortVerb()),
        new("cohorts", "List the cohorts of a store.",
            ["warehouse cohorts lab.wh"], () => new CohortsVerb()),
        new("export", "Write genotypes out: VCF, BCF, Arrow or TSV. QUAL, INFO, reference blocks and records without ALT are not kept.",
            ["warehouse export lab.wh --format vcf --region 22 --cohort cardio -o cardio.vcf.gz",
             "warehouse export lab.wh --format bcf --as-of 3 -o then.bcf",
             "warehouse export lab.wh --format arrow -o all.arrows"], () => new ExportVerb()),
        new("withdraw", "Take samples out of every answer, with this commit.",
            ["warehouse withdraw lab.wh --samples-file withdrawn.txt"], () => new WithdrawVerb()),
        new("compact", "Merge small segments and drop what no snapshot needs; no answer changes.",
            ["warehouse compact lab.wh",
             "warehouse compact lab.wh --purge-before 3"], () => new CompactVerb()),
        new("verify", "Read every byte of a store and name what is damaged.",
            ["warehouse verify lab.wh"], () => new VerifyVerb()),
        new("salvage", "Write a new store of all that is provably whole of a damaged one, and list what is not.",
            ["warehouse salvage lab.wh --to rescued.wh"], () => new SalvageVerb()),
        new("keys", "Rotate the master key of a store.",
            ["warehouse keys rotate lab.wh"], () => new KeysVerb()),
        new("info", "Samples, variants, genotypes, segments and bytes per column.",
            ["warehouse info lab.wh --format json"], () => new InfoVerb()),
        new("snapshots", "List the versions of a store that can still be asked.",
            ["warehouse snapshots lab.wh"], () => new SnapshotsVerb()),
        new("simulate", "Write a made-up cohort: the same seed gives the same bytes.",
            ["warehouse simulate demo --samples 100 --variants 10000 --seed 1",
             "warehouse simulate demo --samples 20 --variants 1000 --seed 7 --as gvcf --truth"], () => new SimulateVerb()),
        new("audit", "The log of who asked what: verify it, search it, prove an entry, review it, export it.",
            ["warehouse audit verify lab.wh",
             "warehouse audit search lab.wh --sample S000001",
             "warehouse audit prove lab.wh 0",
             "warehouse audit review lab.wh --sign-off \"looked through\"",
             "warehouse audit export lab.wh -o audit.jsonl"], () => new AuditVerb()),
        new("access", "Who may see what of a served store: grant, approve, revoke, assign, list, review, explain.",
            ["warehouse access grant lab.wh group:cardiology --cohort cardio --detail record --purpose treatment --reason \"their own patients\"",
             "warehouse access approve lab.wh 1",
             "warehouse access project lab.wh hearts --member role:researcher --use disease --disease MONDO:0005267 --modifier DUO:0000018",
             "warehouse access grant lab.wh role:researcher --cohort cardio --detail exists aggregate --purpose research",
             "warehouse access elevate lab.wh --for \"oidc:https://id.example|ben\" --samples-file names.txt --detail record --purpose operations --minutes 120 --reason \"a second look\"",
             "warehouse access break-glass lab.wh --samples-file one.txt --minutes 30 --reason \"unconscious, no record at hand\"",
             "warehouse access epoch lab.wh",
             "warehouse access settings lab.wh --k 20",
             "warehouse access assign lab.wh \"oidc:https://id.example|anna\" data-steward",
             "warehouse access approve lab.wh 7",
             "warehouse access attest lab.wh 1",
             "warehouse access revoke lab.wh 3",
             "warehouse access unassign lab.wh \"oidc:https://id.example|anna\" data-steward",
             "warehouse access list lab.wh --all",
             "warehouse access review lab.wh",
             "warehouse access explain lab.wh \"oidc:https://id.example|cid\" --group cardiology --purpose treatment --detail record"], () => new AccessVerb()),
        new("assess", "What the laboratory says of alleles: draft, review, sign, supersede, retire; show, list, exchange, compare, suggest.",
            ["warehouse assess draft lab.wh 22-1029-A-G --condition MONDO:0005267 --condition-name \"heart disease\" --criterion PVS1 \"PM2=supporting:rare here\" --inheritance autosomal-dominant --reference PMID:25741868",
             "warehouse assess draft lab.wh 22-1029-A-G --edit 1 --criterion PVS1 PM2=supporting \"PP1=supporting:three families\"",
             "warehouse assess review lab.wh 1",
             "warehouse assess sign lab.wh 1 --version-seen 3 --reason \"looked through\"",
             "warehouse assess show lab.wh 1 --history",
             "warehouse assess list lab.wh --variant 22-1029-A-G",
             "warehouse assess suggest lab.wh 22-1029-A-G --cohort cardio",
             "warehouse assess settings lab.wh --laboratory \"Heart Lab\" --pm2 0.0001",
             "warehouse assess export lab.wh --as jsonl -o ours.jsonl",
             "warehouse assess export lab.wh --as clinvar -o submission.tsv",
             "warehouse assess export lab.wh --as vcf -o assessed.vcf",
             "warehouse assess import lab.wh theirs.jsonl",
             "warehouse assess discordance lab.wh --with clinvar.tsv",
             "warehouse assess supersede lab.wh 1 --class likely-pathogenic --difference \"seen in a healthy parent\"",
             "warehouse assess retire lab.wh 1 --reason \"the transcript was the wrong one\""], () => new AssessVerb()),
        new("serve", "Let many ask a store at once, each what the store's policy grants; clients and verbs with --server connect.",
            ["warehouse serve lab.wh --listen 127.0.0.1:0 --check"], () => new ServeVerb()),
        new("doctor", "Check this machine, and a store, and say how to mend what is wrong.",
            ["warehouse doctor",
             "warehouse doctor lab.wh"], () => new DoctorVerb()),
    ];

    /// <summary>The verb and sub-verb of a parsed line, as typed: empty for the program itself.</summary>
    public static string[] PathOf(CommandResult result)
    {
        var path = new Stack<string>();
        for (SymbolResult? at = result; at is CommandResult { Parent: not null } command; at = command.Parent) path.Push(command.Command.Name);
        return [.. path];
    }
}
