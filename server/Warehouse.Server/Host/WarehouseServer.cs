using System.Net;
using Grpc.Health.V1;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Release;
using Warehouse.Engine.Storage;
using Warehouse.Protocol.Flight;
using Warehouse.Protocol.V1;
using Warehouse.Rpc.Server;
using Warehouse.Rpc.Services;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Notify;
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

    /// <summary>What stands between the store and its disk; null = nothing. For tests, whose disks hang and fail.</summary>
    public Func<IStorage, IStorage>? StoreDisk { get; init; }

    /// <summary>The same of the audit log.</summary>
    public Func<IStorage, IStorage>? AuditDisk { get; init; }

    /// <summary>The same of the release ledger.</summary>
    public Func<IStorage, IStorage>? LedgerDisk { get; init; }

    /// <summary>Folder of authority, certificates and what else is the server's; null = <c>STORE.server</c>.</summary>
    public string? StatePath { get; init; }

    /// <summary>Where it listens; port 0 is any free one; null = as configured.</summary>
    public IPEndPoint? EndPoint { get; init; }

    /// <summary>What the configuration file says; without one, what is safe.</summary>
    public ServerConfiguration Configuration { get; init; } = new();

    /// <summary>Where the operator's pages are: figures and health, in clear text, on a loopback address; null = nowhere.</summary>
    public IPEndPoint? OperatorEndPoint { get; init; }

    /// <summary>Limits of connections; null = as configured.</summary>
    public RpcConnectionLimits? ConnectionLimits { get; init; }

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

    /// <summary>What the laboratory says of alleles.</summary>
    public required OwnInstance<AssessmentDesk> Book { get; init; }

    /// <summary>Receives files.</summary>
    public required BatchUploads Uploads { get; init; }

    /// <summary>Seals what clients show later.</summary>
    public required Tickets Tickets { get; init; }

    /// <summary>Pages who reviews.</summary>
    public required GlassPager Pager { get; init; }

    /// <summary>Opens the linkage vault of the store; null = it has none.</summary>
    public required Func<VariantStore, LinkageVault?> Vault { get; init; }

    /// <summary>Watches and alerts.</summary>
    public required AlertHost Alerts { get; init; }

    /// <summary>Brings alerts up to date.</summary>
    public required AlertRounds Rounds { get; init; }

    /// <summary>Where people log in.</summary>
    public required ServerConfiguration Configuration { get; init; }

    /// <summary>Says that it is there.</summary>
    public required HealthService Health { get; init; }
}

/// <summary>
/// The composition root: a store, its audit log, who may call, and the services over them, behind one listener. Any thread.
/// </summary>
internal sealed class WarehouseServer : IAsyncDisposable
{
    private static readonly TimeSpan ReadyEvery = TimeSpan.FromSeconds(5);

    private readonly StoreHost _store;
    private readonly StoreAudit _audit;
    private readonly ReleaseLedger _ledger;
    private readonly CallerChecks _callers;
    private readonly StoreWriter _writer;
    private readonly BatchUploads _uploads;
    private readonly OwnInstance<AssessmentDesk> _book;
    private readonly HealthService _health = new();
    private readonly CallReport _report;
    private CallGate? _gate;
    private RpcServer? _rpc;
    private OperatorListener? _operator;
    private GlassPager? _pager;
    private AlertHost? _alerts;
    private AlertRounds? _rounds;
    private Collector? _collector;
    private readonly ILogger _told;
    private readonly Lock _readiness = new();
    private Readiness[] _wasReady = [Readiness.Starting];
    private ITimer? _readying;
    private volatile bool _isDraining;
    private bool _isServing = true;

    private WarehouseServer(StoreHost store, (StoreAudit Audit, ReleaseLedger Ledger) logs, CallerChecks callers, (StoreWriter Writer, BatchUploads Uploads, OwnInstance<AssessmentDesk> Book) change, CallReport report) =>
        (_store, _audit, _ledger, _callers, _writer, _uploads, _book, _report, _told) = (store, logs.Audit, logs.Ledger, callers, change.Writer, change.Uploads, change.Book, report, report.Log);

    /// <summary>What it is known by.</summary>
    public ServerIdentity Identity => _callers.Identity;

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>The port that it listens on.</summary>
    public int Port => _rpc!.Port;

    /// <summary>Calls that run now.</summary>
    public int RunningCalls => _rpc!.RunningCalls;

    /// <inheritdoc cref="RpcServer.RunningChanged"/>
    public event System.Action? RunningChanged
    {
        add => _rpc!.RunningChanged += value;
        remove => _rpc!.RunningChanged -= value;
    }

    /// <summary>The port of the operator's pages; 0 = there are none.</summary>
    public int OperatorPort => _operator?.Port ?? 0;

    /// <summary>The store that it serves.</summary>
    public StoreHost Store => _store;

    /// <summary>What every call goes through.</summary>
    public CallGate Gate => _gate!;

    /// <summary>Pages who reviews.</summary>
    public GlassPager Pager => _pager!;

    /// <summary>Watches and alerts, for calls.</summary>
    public AlertHost Alerts => _alerts!;

    /// <summary>Brings alerts up to date.</summary>
    public AlertRounds Rounds => _rounds!;

    /// <summary>Sends figures and traces; null when nobody said where.</summary>
    public Collector? Collector => _collector;

    /// <summary>What is being received.</summary>
    public BatchUploads Uploads => _uploads;

    /// <summary>Opens everything and starts to listen.</summary>
    /// <exception cref="InputException">The configuration is not safe.</exception>
    /// <exception cref="StoreException">The store is damaged or not there, or its audit log cannot be written.</exception>
    /// <param name="options">What is served, and how.</param>
    /// <param name="log">Takes what the operator may know; null = nothing is told. The caller's, as long as the server runs.</param>
    /// <param name="stop">Gives up starting.</param>
    public static async Task<WarehouseServer> StartAsync(ServeOptions options, LineLog? log = null, CancellationToken stop = default)
    {
        var configuration = options.Configuration;
        // What a command line says is looked at as what the file says is.
        if (options.EndPoint is { } endPoint) configuration = configuration with { Listen = configuration.Listen with { Address = endPoint.Address.ToString(), Port = endPoint.Port } };
        if (options.StatePath is { } state) configuration = configuration with { State = Path.GetFullPath(state) };
        if (options.AuditPath is { } auditPath) configuration = configuration with { Audit = configuration.Audit with { Folder = Path.GetFullPath(auditPath) } };
        ConfigurationCheck.Check(configuration, options.StorePath);
        VariantStore Open() => VariantStore.Open(options.StorePath, options.KeysPath, options.Clock, options.StoreDisk);
        var store = StoreHost.Over(Open, options.Clock, log);
        var report = new CallReport(log?.Server ?? NullLogger.Instance, new ServerMetrics(), options.Clock);
        StoreAudit? audit = null;
        CallerChecks? callers = null;
        ReleaseLedger? ledger = null;
        WarehouseServer? server = null;
        try
        {
            audit = StoreAudit.Open(options.StorePath, options.KeysPath, configuration.Audit.Folder is { } folder ? configuration.Resolve(folder) : null, options.Clock, options.AuditDisk);
            ledger = audit.OpenLedger(store.Policy.Epoch?.Number ?? 0, "server", options.LedgerDisk);
            var told = log?.Server ?? NullLogger.Instance;
            if (ledger.Lost is { } lost) told.LedgerLost(Incident.Of(lost));
            callers = CallerChecks.Open(configuration, options.StorePath, options.Clock, new()
            {
                RolesOf = store.RolesOf, Refused = report.NotTaken, Changes = new CertificateLog(audit, "server").Around,
                IssuerKeys = (keys, failure) =>
                {
                    if (failure is null) told.IssuerKeysRead(keys);
                    else told.IssuerKeysFailed(Incident.Of(failure));
                },
                Ends = (isAdministrator, days) =>
                {
                    if (isAdministrator) told.AdministratorEnds(days);
                    else told.CertificateEnds(days);
                },
            });
            var writer = new StoreWriter(store, Open);
            server = new WarehouseServer(store, (audit, ledger), callers, (writer, BatchUploads.Open(callers.Identity.Folder, store, writer, new() { Limits = configuration.Uploads, Log = told, Clock = options.Clock }), new OwnInstance<AssessmentDesk>(Open, store => new AssessmentDesk(store))), report);
            server._pager = new GlassPager(store, audit, new Outbox(callers.Identity.Folder, Outbox.WaysOf(configuration, options.Clock), options.Clock, told), told) { LogReviewedWithin = TimeSpan.FromDays(configuration.Audit.ReviewDays) };
            server._pager.Start();
            server._alerts = new AlertHost(Open, callers.Identity.CallersIssued, options.Clock);
            server._rounds = new AlertRounds(store, server._alerts, audit, new AlertParts(Open, AlertWays.Of(configuration, options.Clock), report.Metrics, told, options.Clock));
            server._rounds.Start();
            await server.ListenAsync(options, configuration, log, stop).ConfigureAwait(false);
            return server;
        }
        catch
        {
            if (server is not null)
            {
                await server.DisposeAsync().ConfigureAwait(false);
                throw;
            }
            callers?.Dispose();
            ledger?.Dispose();
            audit?.Dispose();
            report.Metrics.Dispose();
            store.Dispose();
            throw;
        }
    }

    /// <summary>Takes no new call, lets running ones end for the grace of the listener, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDraining = true;
        _gate?.Close();
        if (_readying is { } readying) await readying.DisposeAsync().ConfigureAwait(false);
        if (_rpc is not null) _told.Draining(_rpc.RunningCalls);
        lock (_readiness) Serve(false);
        _alerts?.Stop(); // who follows would have the whole grace
        if (_rpc is { } rpc)
        {
            await rpc.DisposeAsync().ConfigureAwait(false);
            _told.Stopped(rpc.CutCalls);
        }
        if (_gate is { } gate)
        {
            await gate.Refused.DisposeAsync().ConfigureAwait(false);
            if (gate.Refused.Pending is > 0 and var lost) _told.RefusedCallsLost(lost);
        }
        if (_operator is { } pages) await pages.DisposeAsync().ConfigureAwait(false);
        if (_pager is { } pager) await pager.DisposeAsync().ConfigureAwait(false);
        if (_rounds is { } rounds) await rounds.DisposeAsync().ConfigureAwait(false);
        _alerts?.Dispose();
        _collector?.Dispose();
        _report.Metrics.Dispose();
        _uploads.Dispose();
        _book.Dispose();
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
            .Add(Protocol.V1.Linkage.BindService(new LinkageService(gate, parts.Vault)), Protocol.V1.Linkage.Descriptor)
            .Add(FlightService.BindService(new FlightTables(gate, parts.Tickets)), FlightService.Descriptor)
            .Add(Ingest.BindService(new IngestService(gate, parts.Uploads)), Ingest.Descriptor)
            .Add(Protocol.V1.Annotations.BindService(new AnnotationsService(gate, parts.Writer)), Protocol.V1.Annotations.Descriptor)
            .Add(Assessments.BindService(new AssessmentsService(gate, parts.Book, parts.Desk)), Assessments.Descriptor)
            .Add(Access.BindService(new AccessService(gate, parts.Pager)), Access.Descriptor)
            .Add(Audit.BindService(new AuditService(gate)), Audit.Descriptor)
            .Add(Protocol.V1.Alerts.BindService(new AlertsService(gate, parts.Alerts, parts.Rounds)), Protocol.V1.Alerts.Descriptor)
            .Add(Watches.BindService(new WatchesService(gate, parts.Alerts)), Watches.Descriptor)
            .Add(Care.BindService(new CareService(gate, parts.Alerts)), Care.Descriptor)
            .Add(Protocol.V1.ClinVar.BindService(new ClinVarService(gate, parts.Alerts)), Protocol.V1.ClinVar.Descriptor)
            .Add(Issuers.BindService(new IssuersService(parts.Configuration)), Issuers.Descriptor)
            .Add(Health.BindService(parts.Health), Health.Descriptor);
        services.AddReflection();
        foreach (var descriptor in services.Descriptors) parts.Health.Set(descriptor.FullName, HealthCheckResponse.Types.ServingStatus.Serving);
        parts.Health.Set("", HealthCheckResponse.Types.ServingStatus.Serving);
        return services;
    }

    private async Task ListenAsync(ServeOptions options, ServerConfiguration configuration, LineLog? log, CancellationToken stop)
    {
        var listen = configuration.Listen;
        if (configuration.Collector is { } to)
            _collector = new(new() { Endpoint = new(to.Address), UseGrpc = to.Protocol == "grpc", Interval = TimeSpan.FromSeconds(to.IntervalSeconds), TracedPart = to.TracedPart });
        EndPoint = new(IPAddress.Parse(listen.Address), listen.Port);
        var gate = _gate = new CallGate(_store, _audit, _callers.Authenticator, _report, options.Clock, configuration.Limits);
        gate.Refused.Start();
        var services = ServicesOf(gate, new ServiceParts
        {
            Desk = new ReleaseDesk(_store, _ledger, options.Clock), Verify = (progress, end) => VariantStore.Verify(options.StorePath, options.KeysPath, progress, end), Writer = _writer, Uploads = _uploads, Book = _book,
            Tickets = new Tickets(options.Clock), Pager = _pager!, Alerts = _alerts!, Rounds = _rounds!, Configuration = options.Configuration, Health = _health,
            Vault = store => LinkageVault.TryOpen(store, options.StorePath, configuration.VaultPlaces, options.Clock),
        });
        _rpc = await RpcServer.StartAsync(services, new RpcServerOptions
        {
            EndPoint = EndPoint,
            Certificate = listen.Tls == "off" ? null : _callers.ServerCertificate,
            CertificateChain = _callers.ServerChain,
            CertificateOfConnection = _callers.ServerChain.Count > 0 ? null : () => _callers.ServerCertificate,
            AllowTls12 = listen.Tls == "1.2",
            IsClientCertificateTaken = _callers.Certificates.IsTaken,
            Entrance = gate.EntranceAsync,
            NoPlace = gate.NoPlace,
            RefusalSent = _report.Metrics.RefusalSent,
            Failed = gate.FailedAsync,
            NoCall = gate.NoCall,
            Interceptors = [new CallerRequired(gate)],
            HandlerFailed = (method, failure) => _report.Incident(method, null, failure),
            Log = log,
            MaxCalls = configuration.Limits.Calls,
            CallLimits = configuration.Limits.Call.Rpc,
            ConnectionLimits = options.ConnectionLimits ?? configuration.Limits.Connection.Rpc,
            MaxStrangers = configuration.Limits.Strangers.Calls,
            MaxStrangersOfOne = configuration.Limits.Strangers.CallsOfOne,
            StrangerDeadline = TimeSpan.FromSeconds(configuration.Limits.Strangers.Seconds),
            StopGrace = TimeSpan.FromSeconds(configuration.Limits.DrainSeconds),
            Clock = options.Clock,
        }, stop).ConfigureAwait(false);
        _health.Asked = () => Ready();
        var listener = _rpc;
        _report.Metrics.Observe(Gauge.Connections, () => listener.Connections);
        _report.Metrics.Observe(Gauge.UploadBytes, () => _uploads.AnnouncedBytes);
        if (log is not null) _report.Metrics.Observe(Gauge.LogLinesLost, () => log.Lost);
        _readying = options.Clock.CreateTimer(static server => ((WarehouseServer)server!).Ready(), this, ReadyEvery, ReadyEvery);
        if (options.OperatorEndPoint is { } pages)
            _operator = await OperatorListener.StartAsync(pages, _report.Metrics, Ready, log, stop).ConfigureAwait(false);
    }

    /// <summary>All that holds of whether it is ready, the gravest first, one at least; what changes is told, whoever asked, and whoever asks gRPC's health hears the same.</summary>
    private Readiness[] Ready()
    {
        lock (_readiness)
        {
            Readiness[] now = [.. Troubles().Where(t => t.Holds).Select(t => t.State)];
            if (now.Length == 0) now = [Readiness.Ready];
            Serve(OperatorListener.TakesCalls(now[0]));
            foreach (var over in _wasReady.Except(now).Where(r => r is not (Readiness.Starting or Readiness.Ready))) _told.ReadinessOver(over);
            foreach (var begun in now.Except(_wasReady).Where(r => r != Readiness.Ready || _wasReady[0] != Readiness.Starting)) _told.ReadinessChanged(begun);
            _wasReady = now;
            return now;
        }
    }

    private void Serve(bool isServing)
    {
        if (isServing == _isServing) return;
        _isServing = isServing;
        _health.SetAll(isServing ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing);
    }

    /// <summary>What it can lack, the gravest first.</summary>
    private IEnumerable<(Readiness State, bool Holds)> Troubles() =>
    [
        (Readiness.Draining, _isDraining),
        (Readiness.NoAudit, _report.IsAuditLost),
        (Readiness.StaleRevocations, _callers.HasStaleRevocations),
        (Readiness.NoIssuerKeys, _callers.HasLostKeys),
        (Readiness.DamagedStore, _report.IsDamaged),
        (Readiness.LedgerLost, _ledger.Lost is not null),
        (Readiness.ReviewOverdue, _pager!.IsReviewOverdue),
        (Readiness.AlertAlarm, _rounds!.HasAlarm),
        (Readiness.PageUndelivered, _pager.IsStuck),
    ];
}
