using Microsoft.Extensions.Logging;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Server.Host;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Notify;

/// <summary>
/// Pages whoever reviews when a glass is broken, sends the report when it is over, and says when the review is overdue (C4, F87). What is to be sent follows
/// from the policy alone, which is durable with the event, so whatever stops in between, and whichever process the glass was broken by, it is
/// sent: <see cref="Look"/> finds what the outbox does not have yet. Each note is an entry of the audit log when it is queued and when it was delivered.
/// Any thread.
/// </summary>
internal sealed class GlassPager : IAsyncDisposable
{
    /// <summary>The verb of its entries in the audit log.</summary>
    public const string Verb = "page";

    /// <summary>Most entries of the audit log that a report names.</summary>
    public const int MaxReported = 200;

    // A use that another process took is found a moment later: the report looks so many entries further back.
    private const long EntriesBefore = 10_000;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5), ForgottenAfter = TimeSpan.FromDays(7), LogEvery = TimeSpan.FromMinutes(1);

    private readonly StoreHost _host;
    private readonly StoreAudit _audit;
    private readonly Outbox _outbox;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private readonly LastReview _lastReview;
    private volatile bool _isReviewOverdue, _isLogOverdue;
    private DateTimeOffset _logLookedAt = DateTimeOffset.MinValue;

    public GlassPager(StoreHost host, StoreAudit audit, Outbox outbox, ILogger log)
    {
        (_host, _audit, _outbox, _log, _lastReview) = (host, audit, outbox, log, new(audit.Reader));
        outbox.Delivered = note => Record(note, isDelivered: true);
    }

    /// <summary>A break-glass was not reviewed in time, or the audit log was not (C12).</summary>
    public bool IsReviewOverdue => _isReviewOverdue || _isLogOverdue;

    /// <summary>How often somebody looks through the audit log; null = nobody asks.</summary>
    public TimeSpan? LogReviewedWithin { get; init; }

    /// <summary>A note could not be delivered, or there is no way to.</summary>
    public bool IsStuck => _outbox.Stuck > 0;

    /// <summary>Begins to look and to send, until it is disposed.</summary>
    public void Start() => _running = RunAsync();

    /// <summary>Whether whoever reviews was told of a break-glass.</summary>
    public bool IsDelivered(Grant glass) => _outbox.IsDelivered(IdOf(NoteTopic.BreakGlass, glass));

    /// <summary>Looks at once and sends at once: after a glass was broken here. What fails is tried again and told to the operator.</summary>
    public void Wake()
    {
        try
        {
            Look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.NotesFailed(Incident.Of(e));
        }
        _wake.Release();
    }

    /// <summary>Puts into the outbox what is to be sent and is not there; durable on return.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Look()
    {
        lock (_gate)
        {
            var (policy, now) = _host.Ask(store => (store.Policy(), store.NowUtc));
            var isOverdue = false;
            foreach (var glass in policy.Grants.Where(g => g.Kind == GrantKind.BreakGlass))
            {
                var (due, end) = (glass.Made.Utc + PolicySettings.ReviewWithin, glass.Ended?.Utc ?? Policy.EndOf(glass));
                // One that was looked into long ago is settled, whatever became of the outbox.
                if (glass.Reviewed is not null && now >= glass.Made.Utc + ForgottenAfter) continue;
                Put(NoteTopic.BreakGlass, glass, n => n with { MadeUtc = glass.Made.Utc, DueUtc = due });
                if (now >= end) Put(NoteTopic.BreakGlassReport, glass, n => Report(n with { MadeUtc = end, DueUtc = glass.Reviewed is null ? due : null }, glass, end));
                if (glass.Reviewed is not null || now < due) continue;
                Put(NoteTopic.BreakGlassOverdue, glass, n => n with { MadeUtc = due });
                isOverdue = true;
            }
            _isReviewOverdue = isOverdue;
            // A clock that was set back must not keep it from looking.
            if (LogReviewedWithin is not { } within || (now - _logLookedAt).Duration() < LogEvery) return;
            _isLogOverdue = _lastReview.IsOlderThan(now - within);
            _logLookedAt = now;
        }
    }

    /// <summary>Sends what is due.</summary>
    public Task SendDueAsync(CancellationToken stop) => _outbox.SendDueAsync(stop);

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _outbox.Dispose();
        _stop.Dispose();
        _wake.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Look();
                await _outbox.SendDueAsync(_stop.Token).ConfigureAwait(false);
                await _wake.WaitAsync(LookEvery, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was: a pager that has ended pages nobody, and nobody would know.
                _log.NotesFailed(Incident.Of(e));
                await Task.Delay(LookEvery, _stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
            }
        }
    }

    private void Put(NoteTopic topic, Grant glass, Func<Note, Note> of)
    {
        var id = IdOf(topic, glass);
        if (_outbox.Find(id) is not null) return;
        var note = of(new Note { Id = id, Topic = topic, MadeUtc = default, Entry = glass.Id });
        _outbox.Put(note);
        Record(note, isDelivered: false);
    }

    /// <summary>Calls of whom it was opened to, for treatment, while it was: what he saw of whom, these entries answer.</summary>
    private Note Report(Note note, Grant glass, DateTimeOffset end)
    {
        var from = Math.Max(0, (_audit.PageOf(glass.Id, WordOf(NoteTopic.BreakGlass), isDelivered: false) ?? 0) - EntriesBefore);
        var (calls, rows, entries) = (0L, 0L, new List<long>());
        foreach (var (entry, _) in _audit.Reader().Entries(from))
        {
            if (entry.Utc > end) break;
            if (entry.Utc < glass.Made.Utc || entry.Who != glass.Subject.Name || entry.Purpose != "treatment" || entry.Verb.StartsWith("warehouse.v1.Access/", StringComparison.Ordinal)) continue;
            if (entry.Kind is AuditKind.Call or AuditKind.End) (calls, rows) = (calls + 1, rows + (entry.Rows ?? 0));
            if (entry.Subjects.Count > 0 && entries.Count < MaxReported) entries.Add(entry.Sequence);
        }
        return note with { Calls = calls, Rows = rows, AuditEntries = entries };
    }

    private string IdOf(NoteTopic topic, Grant glass) => _audit.Keys.Hide("note", FormattableString.Invariant($"{topic} {glass.Id} {glass.Made.Utc.UtcTicks}"));

    private static string WordOf(NoteTopic topic) => topic switch { NoteTopic.BreakGlass => StoreAudit.TakenPage, NoteTopic.BreakGlassReport => "report", NoteTopic.BreakGlassOverdue => "overdue", _ => throw new ArgumentOutOfRangeException(nameof(topic)) };

    private void Record(Note note, bool isDelivered)
    {
        try
        {
            _audit.Log.Append([new AuditEntry
            {
                Kind = AuditKind.Call, Call = note.Id, Who = "server", Role = "server", Verb = Verb, Purpose = "operations", Outcome = "done", Note = StoreAudit.PageNoteOf(note.Entry, WordOf(note.Topic), isDelivered),
            }]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditRefusedException(e);
        }
    }
}
