using Microsoft.Extensions.Logging;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Host;

/// <summary>What a server's alerts need beside the store.</summary>
/// <param name="Open">Opens the store once more.</param>
/// <param name="Ways">Ways out for messages; closed with the rounds.</param>
/// <param name="Metrics">Where it counts.</param>
/// <param name="Log">The operator's log.</param>
/// <param name="Clock">Tells the time.</param>
internal sealed record AlertParts(Func<VariantStore> Open, IReadOnlyList<IAlertWay> Ways, ServerMetrics Metrics, ILogger Log, TimeProvider Clock);

/// <summary>
/// Brings alerts up to date while the server runs (I10): after each commit and each event that it sees, whoever made it, and every minute, so that escalations,
/// tries again and the daily self-test come by themselves. Each run has an instance of the store of its own, so no call waits for it. What a run could
/// not do, the next one does; a run that fails is told to the operator and tried again, and never ends the rounds. Any thread; one run at a time.
/// </summary>
internal sealed class AlertRounds : IAsyncDisposable
{
    /// <summary>The verb of its entries in the audit log.</summary>
    public const string Verb = "alerts";

    /// <summary>How often a run comes without a reason.</summary>
    public static readonly TimeSpan RunEvery = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1), PauseAfterFailure = TimeSpan.FromSeconds(5);

    private readonly StoreHost _host;
    private readonly AlertHost _alerts;
    private readonly StoreAudit _audit;
    private readonly AlertParts _parts;
    private readonly Lock _one = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private (long Version, long Head) _seen = (-1, -1);
    private long? _ranAt;
    private AlertBook? _book;
    private volatile AlertRunReport? _last;
    private volatile bool _isFailing;

    public AlertRounds(StoreHost host, AlertHost alerts, StoreAudit audit, AlertParts parts)
    {
        (_host, _alerts, _audit, _parts) = (host, alerts, audit, parts);
        alerts.Wake = Wake;
        parts.Metrics.Observe(Gauge.OpenAlerts, () => _last?.Open ?? 0);
        parts.Metrics.Observe(Gauge.AlertAlarms, () => (_last?.Alarms.Count ?? 0) + (_isFailing ? 1 : 0));
    }

    /// <summary>The last run failed.</summary>
    public bool IsFailing => _isFailing;

    /// <summary>Somebody must look, or the last run failed.</summary>
    public bool HasAlarm => _isFailing || _last is { Alarms.Count: > 0 };

    /// <summary>Begins, until it is disposed.</summary>
    public void Start() => _running = Task.Factory.StartNew(RunOn, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>A run is due now.</summary>
    public void Wake() => _wake.Release();

    /// <summary>One run, now. One that does something is an entry of the audit log, with the samples whose carriers were looked up; before a message leaves, the entry is durable.</summary>
    /// <exception cref="IOException">Store, log or audit log cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">The store is damaged.</exception>
    public AlertRunReport Run()
    {
        lock (_one)
        {
            using var store = _parts.Open();
            if (store.Events.Refresh() == 0) return new AlertRunReport(); // nothing was ever watched
            var entry = new AuditEntry { Kind = AuditKind.Call, Call = "", Who = "server", Role = "server", Verb = Verb, Purpose = "treatment" };
            using var call = new AuditCall(_audit.Log, _audit.Keys, entry, "", _parts.Clock);
            call.Asks(store.Version, null, null);
            // Each event is read once, not once a run; what a run that fails has read is not gone on with.
            var book = _book is { } known && known.TryGoOn(store.Events) ? known : new AlertBook(store.Events, _parts.Clock);
            _book = null;
            try
            {
                var report = new AlertRun(_alerts.Over(store, call.Shows), _parts.Clock, AlertHost.Owner, [.. _parts.Ways.Select(w => new AuditedWay(w, call))], book).Run();
                _book = book;
                call.Rows = report.Raised;
                if (DidSomething(report)) call.Begin();
                if (call.HasBegun) call.End("done");
                Tell(report);
                return report;
            }
            catch (Exception e) when (e is not AuditRefusedException)
            {
                call.Begin();
                call.End("failed");
                throw;
            }
            finally
            {
                _alerts.Tell();
            }
        }
    }

    /// <summary>Looks whether a run is due, and does it. What fails is told, and tried again.</summary>
    /// <returns>False when it failed.</returns>
    public bool RunWhenDue()
    {
        try
        {
            var now = (_host.Ask(VersionNow), _alerts.Ask((_, book) => book.Head));
            if (now == _seen && _ranAt is { } at && _parts.Clock.GetElapsedTime(at) < RunEvery) return true; // by a clock that nobody sets
            Run();
            (_seen, _ranAt, _isFailing) = (now, _parts.Clock.GetTimestamp(), false);
            return true;
        }
        catch (Exception e)
        {
            // Whatever it was: rounds that have ended tell nobody of a patient, and nobody would know.
            _isFailing = true;
            _parts.Metrics.Failed();
            _parts.Log.AlertsFailed(Incident.Of(e));
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        _alerts.Stop();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        foreach (var way in _parts.Ways.OfType<IDisposable>()) way.Dispose();
        _stop.Dispose();
        _wake.Dispose();
    }

    private void RunOn()
    {
        while (!_stop.IsCancellationRequested)
        {
            var isDone = RunWhenDue();
            try
            {
                if (isDone) _wake.Wait(LookEvery, _stop.Token);
                else _stop.Token.WaitHandle.WaitOne(PauseAfterFailure);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static long VersionNow(VariantStore store)
    {
        store.Policy(); // looks for what others have committed
        return store.Version;
    }

    private static bool DidSomething(AlertRunReport report) => report.Raised + report.Sent + report.Escalated + report.Suppressed > 0;

    private void Tell(AlertRunReport report)
    {
        if (DidSomething(report)) _parts.Log.AlertsRun(report.Raised, report.Sent, report.Escalated, report.Suppressed);
        // What was told is told again when it has changed.
        foreach (var alarm in report.Alarms.Select(a => a.Kind).Distinct())
            if (_last?.Alarms.Any(a => a.Kind == alarm) != true) _parts.Log.AlertAlarm(alarm);
        _last = report;
    }

    /// <summary>A way behind the audit log.</summary>
    private sealed class AuditedWay(IAlertWay way, AuditCall call) : IAlertWay
    {
        public string Name => way.Name;

        public void Send(AlertMessage message)
        {
            call.Begin();
            way.Send(message);
        }
    }
}
