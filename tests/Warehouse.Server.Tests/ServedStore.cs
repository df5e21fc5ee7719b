using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Simulate;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Xunit;
using AuditEntry = Warehouse.Engine.Audit.AuditEntry;
using Detail = Warehouse.Engine.Access.Detail;
using Role = Warehouse.Engine.Access.Role;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests;

/// <summary>A simulated store behind a server in this process, and clients with certificates of its authority.</summary>
internal sealed class ServedStore : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<RpcChannel> _channels = [];
    private readonly Dictionary<RpcChannel, X509Certificate2?> _shown = [];
    private WarehouseServer? _server;

    private ServedStore()
    {
    }

    public WarehouseServer Server => _server!;

    public string Url => $"https://localhost:{Server.Port}";

    public string StorePath => _folder["store"];

    public string AuditPath => StorePath + ".audit";

    public string this[string name] => _folder[name];

    /// <summary>Of somebody who asks faster than people do: what he is limited to is another test's.</summary>
    public static PersonLimitConfiguration Fast => new() { CallsPerSecond = 100_000, Burst = 100_000 };

    public static V1.Asking Treatment => new() { Purpose = V1.Purpose.Treatment };

    /// <summary>What the server tells its operator.</summary>
    public TestLog Log { get; } = new();

    /// <summary>Told when a call begins to run, and when it has ended with its entry in the audit log.</summary>
    public Changes CallsChanged { get; } = new();

    /// <summary>Done once as many calls run as is wanted.</summary>
    public Task RunningAsync(Func<int, bool> isWanted) => CallsChanged.UntilAsync(() => isWanted(Server.RunningCalls));

    public static async Task<ServedStore> StartAsync(int samples = 24, int variants = 400, ulong seed = 11, double missing = 0.005, TimeProvider? clock = null, Func<ServedStore, ServerConfiguration>? configure = null)
    {
        var served = Make(samples, variants, seed, missing);
        await served.ServeAsync(clock, configure is null ? null : (made, options) => options with { Configuration = configure(made) });
        return served;
    }

    /// <summary>A store of one VCF, without a reference.</summary>
    public static async Task<ServedStore> StartOfAsync(string vcf)
    {
        var served = new ServedStore();
        File.WriteAllText(served["cohort.vcf"], vcf);
        using (var store = VariantStore.Create(new CreateOptions { Path = served.StorePath, Assembly = "GRCh37" })) store.Ingest(new IngestRequest { Files = [served["cohort.vcf"]] });
        await served.ServeAsync();
        return served;
    }

    /// <summary>The same with a server of other options, which may name files of the folder.</summary>
    public static async Task<ServedStore> StartAsync(Func<ServedStore, ServeOptions, ServeOptions> change, int samples = 6, int variants = 40)
    {
        var served = Make(samples, variants, seed: 11, missing: 0.005);
        try
        {
            await served.ServeAsync(change: change);
            return served;
        }
        catch
        {
            await served.DisposeAsync();
            throw;
        }
    }

    private static ServedStore Make(int samples, int variants, ulong seed, double missing)
    {
        var served = new ServedStore();
        Simulator.Run(new SimulationOptions { Folder = served["sim"], Samples = samples, Variants = variants, Seed = seed, MissingRate = missing }, null, default);
        using (var store = VariantStore.Create(new CreateOptions { Path = served.StorePath, Assembly = "GRCh37", ReferencePath = served["sim/reference.fa"] }))
            store.Ingest(new IngestRequest { Files = [served["sim/cohort.vcf.gz"]], SheetPath = served["sim/samples.tsv"] });
        return served;
    }

    public async Task ServeAsync(TimeProvider? clock = null, Func<ServedStore, ServeOptions, ServeOptions>? change = null)
    {
        var options = new ServeOptions { StorePath = StorePath, EndPoint = new IPEndPoint(IPAddress.Loopback, 0), Clock = clock ?? TimeProvider.System };
        _server = await WarehouseServer.StartAsync(change?.Invoke(this, options) ?? options, Log.Lines);
        _server.RunningChanged += CallsChanged.Tell;
    }

    /// <summary>The store, as its owner has it.</summary>
    public T Owner<T>(Func<VariantStore, AccessActor, T> change)
    {
        using var store = VariantStore.Open(StorePath);
        var result = change(store, AccessActor.Owner("test"));
        Server.Store.LookNow();
        return result;
    }

    /// <summary>Grants and approves, by two people.</summary>
    public int Grant(GrantRequest request) => Owner((store, owner) =>
    {
        var entry = store.Grant(owner, request);
        store.Approve(AccessActor.Owner("second"), entry);
        return entry;
    });

    /// <summary>Grants a cohort, or everything, at levels for treatment and operations.</summary>
    public int Grant(Subject subject, string? cohort, params Detail[] details) =>
        Grant(new GrantRequest { Subject = subject, AllSamples = cohort is null, Cohort = cohort, Details = details, Purposes = [Purpose.Treatment, Purpose.Operations] });

    /// <summary>A person with a new certificate in some roles, which counts as a second factor.</summary>
    public (RpcChannel Channel, string Id) Client(string name, params Role[] roles) => Client(Server.Identity.Issue(name, 1, roles: roles, hasSecondFactor: !roles.Contains(Role.Spoke)));

    /// <summary>A machine with a new certificate in some roles.</summary>
    public (RpcChannel Channel, string Id) Service(string name, params Role[] roles) => Client(Server.Identity.Issue(name, 1, isService: true, roles: roles));

    private (RpcChannel Channel, string Id) Client((string Pem, IssuedCertificate Issued) of) => (Channel(X509Certificate2.CreateFromPem(of.Pem, of.Pem)), of.Issued.Id);

    /// <summary>Another connection of the same client.</summary>
    public RpcChannel Again(RpcChannel channel) => Channel(_shown[channel]);

    /// <summary>A client that shows a certificate, or none.</summary>
    public RpcChannel Channel(X509Certificate2? certificate)
    {
        var shown = certificate is null ? null : Shown(certificate);
        var channel = new RpcChannel(new Uri($"https://localhost:{Server.Port}"), new()
        {
            ClientCertificate = shown, IsServerCertificateTaken = (server, _, _) => server.Thumbprint == Server.Identity.ServerCertificate.Thumbprint,
        });
        _channels.Add(channel);
        _shown.Add(channel, certificate);
        return channel;
    }

    /// <summary>A certificate as a client can show it: one with an ephemeral key cannot be shown by every TLS stack.</summary>
    public static X509Certificate2 Shown(X509Certificate2 certificate) => X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);

    /// <summary>The same of one that was issued.</summary>
    public static X509Certificate2 Shown(string pem)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem, pem);
        return Shown(certificate);
    }

    /// <summary>Calls of one caller that have begun, and run until what is given is disposed of.</summary>
    public static async Task<IDisposable> HoldAsync(RpcChannel channel, int count)
    {
        var held = new HeldCalls([.. Enumerable.Range(0, count).Select(_ => new Health.HealthClient(channel).Watch(new()))]);
        Assert.All(await Task.WhenAll(held.Calls.Select(c => c.ResponseStream.MoveNext(default))), Assert.True);
        return held;
    }

    /// <summary>The entries of the audit log, oldest first.</summary>
    public List<AuditEntry> Entries()
    {
        using var audit = StoreAudit.Open(StorePath, null, null);
        return [.. audit.Reader().Entries().Select(e => e.Entry)];
    }

    /// <summary>A page of the operator, by its name.</summary>
    public async Task<(HttpStatusCode Status, string Text)> PageAsync(string name)
    {
        using var http = new HttpClient();
        using var reply = await http.GetAsync(new Uri($"http://127.0.0.1:{Server.OperatorPort}/{name}"));
        return (reply.StatusCode, await reply.Content.ReadAsStringAsync());
    }

    /// <summary>A call as the gate makes it, of an analyst's machine.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="audit">Where its entry goes.</param>
    public Call CallOf(string id, StoreAudit audit)
    {
        var who = new Authenticated(new Caller { Id = id, Roles = new HashSet<Role> { Role.Analyst }, HasSecondFactor = true, IsService = true }, DateTimeOffset.MaxValue, TimeProvider.System, () => true);
        var entry = new AuditEntry { Kind = AuditKind.Call, Call = "", Who = id, Role = "caller", Verb = "test", Purpose = "treatment" };
        return new Call(Server.Store, who, (new AuditCall(audit.Log, audit.Keys, entry, "", TimeProvider.System), null), default);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels) channel.Dispose();
        if (_server is { } server) await server.DisposeAsync();
        Log.Dispose();
        _folder.Dispose();
    }

    private sealed record HeldCalls(List<AsyncServerStreamingCall<HealthCheckResponse>> Calls) : IDisposable
    {
        public void Dispose() => Calls.ForEach(c => c.Dispose());
    }
}
