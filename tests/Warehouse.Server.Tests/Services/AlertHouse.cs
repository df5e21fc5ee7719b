using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Warehouse.Client;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Export;
using Warehouse.Engine.Ingest;
using Warehouse.Server.Configuration;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>A served store with an allele that somebody carries, releases of ClinVar about it, and clinicians with certificates.</summary>
internal sealed class AlertHouse : IAsyncDisposable
{
    public const string January = "2024-01-07", February = "2024-02-04";

    private const string Head = "##fileformat=VCFv4.1\n##source=ClinVar\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description=\"r\">\n##INFO=<ID=GENEINFO,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    private readonly List<WarehouseClient> _clients = [];

    private AlertHouse(ServedStore served) => Served = served;

    public ServedStore Served { get; }

    /// <summary>The allele as CONTIG-POS-REF-ALT.</summary>
    public string Allele { get; private set; } = "";

    /// <summary>A person who carries it, and his sample.</summary>
    public (string Person, string Sample) Carrier { get; private set; }

    public static async Task<AlertHouse> StartAsync(TimeProvider? clock = null, Func<ServedStore, ServerConfiguration>? configure = null, int samples = 12, int variants = 60)
    {
        var house = new AlertHouse(await ServedStore.StartAsync(samples: samples, variants: variants, clock: clock, configure: configure));
        house.Served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            var persons = session.LoadedSamples().ToDictionary(s => s.Name, s => s.Person, StringComparer.Ordinal);
            var row = session.Rows(new GenotypeRequest()).First(r => r.Ref.Length == 1 && r.Alt.Length == 1);
            house.Allele = string.Create(CultureInfo.InvariantCulture, $"{row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt}");
            house.Carrier = (persons[row.Sample], row.Sample);
            return 0;
        });
        return house;
    }

    /// <summary>A client that sees everything for treatment, and its id.</summary>
    public (WarehouseClient Client, string Id) Client(string name, params Role[] roles) => Client(name, true, roles);

    /// <summary>A client that sees everything, or nothing.</summary>
    public (WarehouseClient Client, string Id) Client(string name, bool seesAll, params Role[] roles)
    {
        var (pem, issued) = Served.Server.Identity.Issue(name, 1, isService: true, roles: roles);
        if (seesAll) Served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        File.WriteAllText(Served[name + ".pem"], pem);
        return (Connect(name), issued.Id);
    }

    /// <summary>A client of a name, to the server that runs now.</summary>
    public WarehouseClient Connect(string name)
    {
        var client = new WarehouseClient(new ConnectOptions { Server = new Uri(Served.Url), Credentials = Credentials.Read(Served[name + ".pem"]) });
        _clients.Add(client);
        return client;
    }

    /// <summary>Loads a release in which the allele has a class; it does not hold yet.</summary>
    public void Load(string release, string significance)
    {
        Served.Owner((store, _) => store.LoadAnnotations(new AnnotationRequest { Source = ClinVarShelf.Source, Date = DateOnly.ParseExact(release, "yyyy-MM-dd", CultureInfo.InvariantCulture), File = Write(release, significance), Threads = 1 }, null, default));
    }

    /// <summary>Writes a release in which the allele has a class, as a file of that name.</summary>
    public string Write(string name, string significance)
    {
        var at = Allele.Split('-');
        File.WriteAllText(Served[name + ".vcf"], Head + $"{at[0]}\t{at[1]}\t7\t{at[2]}\t{at[3]}\t.\t.\tCLNSIG={significance};CLNREVSTAT=criteria_provided,_single_submitter;GENEINFO=GENE1:1\n");
        return Served[name + ".vcf"];
    }

    /// <summary>A VCF with one sample that carries the allele.</summary>
    public byte[] Vcf(string sample)
    {
        var at = Allele.Split('-');
        return Encoding.ASCII.GetBytes($"##fileformat=VCFv4.2\n##contig=<ID={at[0]}>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n{at[0]}\t{at[1]}\t.\t{at[2]}\t{at[3]}\t50\tPASS\t.\tGT\t0/1\n");
    }

    /// <summary>Loads a sample that carries the allele, by gRPC.</summary>
    public async Task UploadAsync(string sample)
    {
        var bytes = Vcf(sample);
        using var call = new V1.Ingest.IngestClient(Served.Client("loader-" + sample, Role.Analyst).Channel).Upload();
        await call.RequestStream.WriteAsync(new V1.UploadRequest { Batch = new V1.Batch { Asking = new V1.Asking { Purpose = V1.Purpose.Operations }, Id = sample, Files = { new V1.BatchFile { Length = bytes.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) } } } });
        await call.RequestStream.WriteAsync(new V1.UploadRequest { Bytes = new V1.FileBytes { Data = ByteString.CopyFrom(bytes) } });
        await call.RequestStream.WriteAsync(new V1.UploadRequest { Commit = true });
        await call.RequestStream.CompleteAsync();
        var state = V1.BatchState.Unspecified;
        while (await call.ResponseStream.MoveNext(default)) state = call.ResponseStream.Current.Status.State;
        Xunit.Assert.Equal(V1.BatchState.Committed, state);
    }

    /// <summary>Loads the same on the machine of the store.</summary>
    public void Ingest(string sample)
    {
        File.WriteAllBytes(Served[sample + ".vcf"], Vcf(sample));
        using var store = VariantStore.Open(Served.StorePath);
        store.Ingest(new IngestRequest { Files = [Served[sample + ".vcf"]] });
    }

    /// <summary>A watch over everybody, a care table, and a first release in which the allele has a class; all by the director.</summary>
    public async Task<WarehouseClient> BeginAsync(string significance, params V1.CareRow[] care)
    {
        var (director, _) = Client("director", false, Role.LabDirector);
        await director.ImportCareAsync(care);
        await director.SetWatchAsync(new V1.Watch { Name = "everybody", Scope = V1.WatchScope.Everybody });
        Load(January, significance);
        Xunit.Assert.True((await director.AcceptReleaseAsync(January)).IsNew);
        return director;
    }

    /// <summary>Runs until there is nothing left to do.</summary>
    public AlertRunReport Settle()
    {
        Served.Server.Store.LookNow();
        Served.Server.Rounds.Run();
        return Served.Server.Rounds.Run();
    }

    public static V1.CareRow Care(string person, string responsible, params string[] deputies) => new() { Person = person, Responsible = responsible, Deputies = { deputies } };

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        await Served.DisposeAsync();
    }
}
