using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Variants;
using Warehouse.Simulation;
using Warehouse.Units.Access;

namespace Warehouse.Units.Clinic;

/// <summary>A store on simulated disks, releases of ClinVar in memory, clinicians with grants, and a clock that is set: what alerts need.</summary>
internal sealed class AlertWorld : IDisposable
{
    public const string Owner = "local:lab", Ann = "oidc:https://idp|ann", Ben = "oidc:https://idp|ben", Cid = "oidc:https://idp|cid", Director = "oidc:https://idp|dir";

    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, List<ClinVarAllele>> _releases = [];
    private VariantStore? _store;
    private AlertBook? _kept;
    private int _files;

    /// <summary>A new machine: disks for store, keys and messages.</summary>
    public AlertWorld()
    {
        Machine = new SimMachine();
        for (var device = 1UL; device <= 3; device++) _ = new SimDisk(Machine, device);
        StoreFolder.Create(Machine.Disks[0], Machine.Disks[1], StoreIdentity.New(Assembly.Parse("GRCh38").Name, ReadOnlyMemory<byte>.Empty, Clock), Clock).Dispose();
    }

    /// <summary>Another machine with the same releases.</summary>
    public AlertWorld(AlertWorld other, SimMachine machine)
    {
        (Machine, Clock.Now) = (machine, other.Clock.Now);
        foreach (var (release, alleles) in other._releases) _releases.Add(release, alleles);
    }

    public SetClock Clock { get; } = new();

    public SimMachine Machine { get; }

    public VariantStore Store => _store ??= VariantStore.Over(StoreFolder.Open(Machine.Disks[0], Machine.Disks[1], Clock));

    public List<SignedAssessment> Assessments { get; } = [];

    public List<string> Used { get; } = [];

    public AlertSources Sources => new()
    {
        Store = Store, Shown = Used.Add, Assessments = () => Assessments,
        Release = (name, digest) => _releases.TryGetValue(name, out var alleles) && (digest is null || digest == "digest of " + name) ? new ShelvedRelease("digest of " + name, () => alleles) : null,
    };

    /// <summary>Another process: nothing that was in memory is known any more.</summary>
    public void Reopen()
    {
        _store?.Dispose();
        _store = null;
    }

    /// <summary>Name of the contig in files.</summary>
    public string Contig { get; init; } = "1";

    public AlertBook Book() => new(Store.Events, Clock);

    public void Append(params AlertEvent[] events) => Book().Append(Owner, Store.Version, events);

    /// <summary>Loads samples; each has a row of the genotypes of the alleles <c>1-100-A-G</c>, <c>1-200-A-G</c> and so on, like <c>010</c>.</summary>
    public void Load(string? sheet, params (string Sample, string Doses)[] samples)
    {
        var text = "##fileformat=VCFv4.2\n##contig=<ID=" + Contig + ",length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
            + string.Join('\t', samples.Select(s => s.Sample)) + "\n";
        for (var site = 0; site < samples[0].Doses.Length; site++)
            text += $"{Contig}\t{100 * (site + 1)}\t.\tA\tG\t50\tPASS\t.\tGT\t{string.Join('\t', samples.Select(s => s.Doses[site] switch { '0' => "0/0", '1' => "0/1", _ => "1/1" }))}\n";
        Store.Ingest(new IngestRequest { Files = [Write(text, ".vcf")], SheetPath = sheet is null ? null : Write(sheet, ".tsv"), Threads = 1 });
    }

    /// <summary>Loads a sample that carries alleles.</summary>
    public void LoadCarrier(string sample, IEnumerable<Variant> alleles) => Store.Ingest(new IngestRequest
    {
        Files = [Write("##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + sample + "\n"
            + string.Concat(alleles.Select(a => $"1\t{a.Start + 1}\t.\t{a.Ref}\t{a.Alt}\t50\tPASS\t.\tGT\t0/1\n")), ".vcf")], Threads = 1,
    });

    /// <summary>Lets somebody see samples for treatment.</summary>
    public void Grant(string who, params string[] samples)
    {
        var id = Store.Grant(AccessActor.Owner("lab"), new GrantRequest { Subject = Subject.Parse(who), AllSamples = samples.Length == 0, Samples = samples.Length == 0 ? null : samples, Details = [Detail.Record], Purposes = [Purpose.Treatment], Reason = "care" });
        Store.Approve(AccessActor.Owner("lab"), id);
    }

    public static ClinVarAllele Entry(int site, string significance, string review = "criteria_provided,_single_submitter", string id = "", string gene = "", string conditions = "") => new()
    {
        Allele = Variant.FromNormalized("1", (100 * site) - 1, "A", "G"), Ids = [id.Length > 0 ? id : $"v{site}"],
        Germline = Classification.Parse(ClinVarAxis.Germline, significance, review, ""), Genes = gene.Length > 0 ? gene : $"GENE{site}", Conditions = conditions,
    };

    /// <summary>Puts a release on the shelf.</summary>
    public void Shelve(string release, params IReadOnlyList<ClinVarAllele> alleles) => _releases[release] = [.. alleles];

    /// <summary>Takes a release off the shelf.</summary>
    public void Drop(string release) => _releases.Remove(release);

    /// <summary>Puts a release on the shelf and lets it hold.</summary>
    public bool Accept(string release, params IReadOnlyList<ClinVarAllele> alleles)
    {
        Shelve(release, alleles);
        var book = Book();
        return ReleaseIntake.Accept(Sources, book, Owner, (release, ReleaseIntake.Look(Sources, book, release)), new AcceptOptions { Retracted = 1000 });
    }

    /// <summary>Runs go on with what the run before has read, as a server's do; else each reads the log anew, which is their twin.</summary>
    public bool KeepsReading { get; init; }

    public AlertRunReport Run(params IAlertWay[] ways)
    {
        if (!KeepsReading) return new AlertRun(Sources, Clock, Owner, ways).Run();
        _kept = _kept is { } kept && kept.TryGoOn(Store.Events) ? kept : Book();
        return new AlertRun(Sources, Clock, Owner, ways, _kept).Run();
    }

    public AlertDesk Desk(string who) => new(Sources, Clock, who, Owner);

    /// <summary>What is open, as person, allele and change.</summary>
    public List<string> Open() => [.. Book().Alerts.Where(a => a.State == AlertState.Open && !a.Draft.IsSelfTest).Select(a => $"{a.Draft.Person} {a.Draft.Allele} {a.Draft.Change}").Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        _store?.Dispose();
        _folder.Dispose();
    }

    private string Write(string text, string suffix)
    {
        var path = _folder[_files++ + suffix];
        File.WriteAllText(path, text);
        return path;
    }
}

/// <summary>A way out that keeps what it is given, and fails when it is told to.</summary>
internal sealed class KeptWay(string name = "kept") : IAlertWay
{
    public string Name => name;

    public bool IsDown { get; set; }

    /// <summary>Called with each message before it is taken.</summary>
    public Action<AlertMessage>? Before { get; set; }

    public int Tried { get; private set; }

    public List<AlertMessage> Sent { get; } = [];

    public void Send(AlertMessage message)
    {
        Tried++;
        if (IsDown) throw new IOException("down");
        Before?.Invoke(message);
        Sent.Add(message);
    }
}
