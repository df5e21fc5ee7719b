using System.Globalization;
using Google.Protobuf;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Linkage;
using Warehouse.Units;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>A store of people who are tokens, in the folder <c>lab</c>: samples, cohorts, identities, releases. What it was made from lies beside it.</summary>
internal sealed class CanaryLab
{
    public const string January = "2024-01-07", February = "2024-02-04";

    private const int ChangedAlleles = 3;

    private readonly TempFolder _folder;
    private readonly CanaryTokens _tokens;

    public CanaryLab(TempFolder folder, CanaryTokens tokens)
    {
        (_folder, _tokens) = (folder, tokens);
        (Samples, Person) = ([.. Enumerable.Range(0, 6).Select(_ => tokens.Next(CanaryKind.SampleId))], tokens.Next(CanaryKind.Mrn));
        (Cohort, Rest, Other) = (tokens.Next(CanaryKind.CohortName), tokens.Next(CanaryKind.CohortName), tokens.Next(CanaryKind.CohortName));
        Directory.CreateDirectory(folder["lab"]);
        File.WriteAllBytes(folder["in.vcf"], Vcf(Samples).ToByteArray());
        File.WriteAllText(folder["sheet.tsv"], "sample\tperson\tname\tmrn\tborn\tnote:aggregate\n" + string.Concat(Samples.Select((s, i) => $"{s}\t{(i == 0 ? Person : "p" + i)}\t{tokens.Next(CanaryKind.PatientName)}\t{tokens.Next(CanaryKind.Mrn)}\t{tokens.Next(CanaryKind.BirthDate)}\tx\n")));
        using var store = VariantStore.Create(new CreateOptions { Path = Store, Assembly = "GRCh38" });
        store.Ingest(new IngestRequest { Files = [folder["in.vcf"]], SheetPath = folder["sheet.tsv"] });
        store.SetCohort(Cohort, Samples[..3], null);
        store.SetCohort(Rest, Samples[3..], null);
        store.SetCohort(Other, null, $"sample != '{Samples[0]}'");
        // The first entry of the policy, which a request with 1 in all its fields revokes, is nobody's who calls.
        store.Grant(AccessActor.Owner("test"), new GrantRequest { Subject = new Subject(SubjectKind.Principal, "oidc:https://id.example|nobody"), Samples = [Samples[5]], Details = [Detail.Exists], Purposes = [Purpose.Treatment] });
        Load(store, ClinVarShelf.Source, January, ClinVar("Benign"));
        Load(store, ClinVarShelf.Source, February, ClinVar("Pathogenic"));
        foreach (var source in (string[])["panel", "spare"])
            Load(store, source, January, $"##fileformat=VCFv4.2\n##INFO=<ID=NOTE,Number=1,Type=String,Description=\"n\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t100\t.\tA\tG\t.\t.\tNOTE={source}\n");
        using var vault = LinkageVault.OpenOrCreate(store, Store, new());
        vault.Set(IdentityTable.Parse(["person\tname\tmrn", $"{Person}\t{tokens.Next(CanaryKind.PatientName)}\t{tokens.Next(CanaryKind.Mrn)}"], "table"));
    }

    public string Store => _folder["lab/store"];

    public string[] Samples { get; }

    /// <summary>A cohort of names, all who are not in it, and one by an expression.</summary>
    public string Cohort { get; }

    public string Rest { get; }

    public string Other { get; }

    /// <summary>Whom the first sample is of.</summary>
    public string Person { get; }

    /// <summary>Who reads, and hears of alerts.</summary>
    public string ReaderId { get; private set; } = "";

    /// <summary>Everything is granted to somebody.</summary>
    /// <param name="id">Who.</param>
    /// <param name="isReader">It is he who reads, and hears of alerts.</param>
    public void GrantAll(string id, bool isReader = true)
    {
        using var store = VariantStore.Open(Store);
        var entry = store.Grant(AccessActor.Owner("test"), new GrantRequest { Subject = new Subject(SubjectKind.Principal, id), AllSamples = true, Details = [Detail.Exists, Detail.Aggregate, Detail.Record, Detail.Linkage], Purposes = [Purpose.Treatment] });
        store.Approve(AccessActor.Owner("second"), entry);
        if (isReader) ReaderId = id;
    }

    /// <summary>Genotypes of samples.</summary>
    public ByteString Vcf(string[] samples, string genotype = "0/1") => ByteString.CopyFromUtf8(
        $"##fileformat=VCFv4.3\n##SAMPLE=<ID=x,Description=\"{_tokens.Next(CanaryKind.HeaderSample)}\">\n##INFO=<ID=NOTE,Number=1,Type=String,Description=\"n\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{string.Join('\t', samples)}\n"
        + string.Concat(Enumerable.Range(1, 20).Select(i => $"1\t{100 * i}\t.\tA\tG\t.\tPASS\tNOTE={_tokens.Next(CanaryKind.InfoValue)}\tGT\t{string.Join('\t', samples.Select(_ => genotype))}\n")));

    private void Load(VariantStore store, string source, string date, string text)
    {
        File.WriteAllText(_folder["release.vcf"], text);
        store.LoadAnnotations(new AnnotationRequest { Source = source, Date = DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture), File = _folder["release.vcf"], Threads = 1 }, null, default);
    }

    private static string ClinVar(string significance) =>
        "##fileformat=VCFv4.1\n##source=ClinVar\n##reference=GRCh38\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description=\"r\">\n##INFO=<ID=GENEINFO,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + string.Concat(Enumerable.Range(1, ChangedAlleles).Select(i => $"1\t{100 * i}\t{i}\tA\tG\t.\t.\tCLNSIG={significance};CLNREVSTAT=criteria_provided,_single_submitter;GENEINFO=GENE1:1\n"));
}
