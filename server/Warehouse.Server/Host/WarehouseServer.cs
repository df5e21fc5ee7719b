using System.Net;
using Grpc.Health.V1;
using Microsoft.Extensions.Logging;
using Warehouse.Engine;
using Warehouse.Engine.Release;
using Warehouse.Protocol.Flight;
using Warehouse.Protocol.V1;
using Warehouse.Rpc.Server;
using Warehouse.Rpc.Services;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Release;
using Warehouse.Server.Services;
using Warehouse.Server.Telemetry;
using Warehouse.Server.Uploads;

namespace Warehouse.Server.Host;

/// <summary>How a store is served.</summary>
internal sealed record ServeOptions
{
    /// <summary>Folder of the store.</summary>
    public required string StorePath { get; init; }

    /// <summary>Folder of the keys; null = beside the store.</summary>
    public string? KeysPath { get; init; }

    /// <summary>Folder of the audit log; null = beside the store.</summary>
    public string? AuditPath { get; init; }

    /// <summary>Folder of authority, certificates and what else is the server's; null = <c>STORE.server</c>.</summary>
    public string? StatePath { get; init; }

    /// <summary>Where it listens; port 0 is any free one; null = as configured.</summary>
    public IPEndPoint? EndPoint { get; init; }

    /// <summary>What the configuration file says; without one, what is safe.</summary>
    public ServerConfiguration Configuration { get; init; } = new();

    /// <summary>Where the operator's pages are: figures and health, in clear text, on a loopback address; null = nowhere.</summary>
    public IPEndPoint? OperatorEndPoint { get; init; }

    /// <summary>Tells the time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>What the services answer from, beside the gate.</summary>
internal sealed record ServiceParts
{
    /// <summary>Releases figures.</summary>
    public required ReleaseDesk Desk { get; init; }

    /// <summary>Looks for damage.</summary>
    public required StoreCheck Verify { get; init; }

    /// <summary>Changes the store.</summary>
    public required StoreWriter Writer { get; init; }

    /// <summary>Receives files.</summary>
    public required BatchUploads Uploads { get; init; }

    /// <summary>Seals what clients show later.</summary>
    public required Tickets Tickets { get; init; }

    /// <summary>Says that it is there.</summary>
    public required HealthService Health { get; init; }
}

/// <summary>
/// The composition root: a store, its audit log, who may call, and the services over them, behind one listener. Any thread.
/// </summary>
internal sealed class WarehouseServer : IAsyncDisposable
{
    private readonly StoreHost _store;
    private readonly StoreAudit _audit;
    private readonly ReleaseLedger _ledger;
    private readonly CallerChecks _callers;
    private readonly StoreWriter _writer;
    private readonly BatchUploads _uploads;
    private readonly HealthService _health = new();
    private readonly ServerMetrics _metrics = new();
    private RpcServer? _rpc;
    private OperatorListener? _operator;
    private volatile bool _isDraining;

    private WarehouseServer(StoreHost store, StoreAudit audit, ReleaseLedger ledger, CallerChecks callers, (StoreWriter Writer, BatchUploads Uploads) change) =>
        (_store, _audit, _ledger, _callers, _writer, _uploads) = (store, audit, ledger, callers, change.Writer, change.Uploads);

    /// <summary>What it is known by.</summary>
    public ServerIdentity Identity => _callers.Identity;

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>The port that it listens on.</summary>
    public int Port => _rpc!.Port;

    /// <summary>The port of the operator's pages; 0 = there are none.</summary>
    public int OperatorPort => _operator?.Port ?? 0;

    /// <summary>The store that it serves.</summary>
    public StoreHost Store => _store;

    /// <summary>What is being received.</summary>
    public BatchUploads Uploads => _uploads;

    /// <summary>Opens everything and starts to listen.</summary>
    /// <exception cref="InputException">The configuration is not safe.</exception>
    /// <exception cref="Warehouse.Engine.Storage.StoreException">The store is damaged or not there, or its audit log cannot be written.</exception>
    public static async Task<WarehouseServer> StartAsync(ServeOptions options, ILogger log, CancellationToken stop = default)
    {
        var configuration = options.Configuration;
        if (options.StatePath is { } state) configuration = configuration with { State = Path.GetFullPath(state) };
        if (options.AuditPath is { } auditPath) configuration = configuration with { Audit = configuration.Audit with { Folder = Path.GetFullPath(auditPath) } };
        ConfigurationCheck.Check(configuration, options.StorePath);
        var store = StoreHost.Open(options.StorePath, options.KeysPath, options.Clock);
        StoreAudit? audit = null;
        CallerChecks? callers = null;
        ReleaseLedger? ledger = null;
        try
        {
            audit = StoreAudit.Open(options.StorePath, options.KeysPath, configuration.Audit.Folder is { } folder ? configuration.Resolve(folder) : null, options.Clock);
            var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.StorePath));
            ledger = ReleaseLedger.Open(audit.Folder, options.KeysPath ?? full + ".keys");
            callers = CallerChecks.Open(configuration, options.StorePath, options.Clock);
            var writer = new StoreWriter(store, () => VariantStore.Open(options.StorePath, options.KeysPath, options.Clock));
            var server = new WarehouseServer(store, audit, ledger, callers, (writer, BatchUploads.Open(callers.Identity.Folder, store, writer, options.Clock)));
            server._rpc = await server.ListenAsync(options, configuration.Listen, log, stop).ConfigureAwait(false);
            return server;
        }
        catch
        {
            callers?.Dispose();
            ledger?.Dispose();
            audit?.Dispose();
            store.Dispose();
            throw;
        }
    }

    /// <summary>Takes no new call, lets running ones end for the grace of the listener, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDraining = true;
        _health.SetAll(HealthCheckResponse.Types.ServingStatus.NotServing);
        if (_rpc is { } rpc) await rpc.DisposeAsync().ConfigureAwait(false);
        if (_operator is { } pages) await pages.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
        _uploads.Dispose();
        _writer.Dispose();
        _store.Dispose();
        _audit.Dispose();
        _ledger.Dispose();
        _callers.Dispose();
    }

    /// <summary>Every service, over a gate.</summary>
    internal static RpcServices ServicesOf(CallGate gate, ServiceParts parts)
    {
        var services = new RpcServices()
            .Add(Variants.BindService(new VariantsService(gate, parts.Desk)), Variants.Descriptor)
            .Add(Protocol.V1.Store.BindService(new StoreService(gate, parts.Verify)), Protocol.V1.Store.Descriptor)
            .Add(Cohorts.BindService(new CohortsService(gate, parts.Writer)), Cohorts.Descriptor)
            .Add(FlightService.BindService(new FlightTables(gate, parts.Tickets)), FlightService.Descriptor)
            .Add(Ingest.BindService(new IngestService(gate, parts.Uploads)), Ingest.Descriptor)
            .Add(Access.BindService(new AccessService(gate)), Access.Descriptor)
            .Add(Audit.BindService(new AuditService(gate)), Audit.Descriptor)
            .Add(Health.BindService(parts.Health), Health.Descriptor);
        services.AddReflection();
        foreach (var descriptor in services.Descriptors) parts.Health.Set(descriptor.FullName, HealthCheckResponse.Types.ServingStatus.Serving);
        parts.Health.Set("", HealthCheckResponse.Types.ServingStatus.Serving);
        return services;
    }

    private async Task<RpcServer> ListenAsync(ServeOptions options, ListenConfiguration listen, ILogger log, CancellationToken stop)
    {
        var report = new CallReport(log, _metrics);
        EndPoint = options.EndPoint ?? new(IPAddress.Parse(listen.Address), listen.Port);
        var gate = new CallGate(_store, _audit, _callers.Authenticator, report, options.Clock);
        var services = ServicesOf(gate, new ServiceParts
        {
            Desk = new ReleaseDesk(_store, _ledger, options.Clock), Verify = (progress, end) => VariantStore.Verify(options.StorePath, options.KeysPath, progress, end), Writer = _writer, Uploads = _uploads,
            Tickets = new Tickets(options.Clock), Health = _health,
        });
        var rpc = await RpcServer.StartAsync(services, new RpcServerOptions
        {
            EndPoint = EndPoint,
            Certificate = listen.Tls == "off" ? null : _callers.ServerCertificate,
            CertificateChain = _callers.ServerChain,
            CertificateOfConnection = _callers.ServerChain.Count > 0 ? null : () => _callers.ServerCertificate,
            AllowTls12 = listen.Tls == "1.2",
            IsClientCertificateTaken = _callers.Certificates.IsTaken,
            Clock = options.Clock,
        }, stop).ConfigureAwait(false);
        if (options.OperatorEndPoint is { } pages)
            _operator = await OperatorListener.StartAsync(pages, _metrics, () => _isDraining ? Readiness.Draining : report.IsAuditLost ? Readiness.NoAudit : Readiness.Ready, null, stop).ConfigureAwait(false);
        return rpc;
    }
}
