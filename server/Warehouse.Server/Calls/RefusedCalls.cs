using System.Runtime.InteropServices;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Sealing;

namespace Warehouse.Server.Calls;

/// <summary>
/// Refused calls that have no entry of their own in the audit log: an entry with its syncs for each would cost more than the call, and let whoever floods a
/// server fill its disk. They are summed up by caller and reason, and every few seconds and at the end each sum becomes an entry, durable when
/// <see cref="WriteAsync"/> returns. So many of those who are turned away have entries of their own, and no more (<see cref="TryTakeEntry"/>). While the log cannot
/// be written the sums are kept, and grow in their numbers alone; a write that failed may have reached the disk, so calls may be told twice, and are told at
/// least once but for those of the last <see cref="WriteEvery"/> before a crash. In memory are at most <see cref="MostSums"/> and one for each reason, and as many
/// that are being written. Any thread.
/// </summary>
/// <param name="audit">The log.</param>
/// <param name="written">Hears that it was written, with null, or why it could not be.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class RefusedCalls(StoreAudit audit, Action<Exception?> written, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>How often sums are written.</summary>
    public static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(5);

    /// <summary>Most sums, each of a caller and a reason: what comes beyond is summed up by reason as of <see cref="Others"/>.</summary>
    public const int MostSums = 1024;

    /// <summary>Entries of their own in <see cref="EntriesEvery"/>, of calls that are turned away: of one caller for one reason, and of all.</summary>
    public const int MostEntriesOfOne = 128, MostEntries = 512;

    /// <summary>Time after which those who are turned away have entries of their own again.</summary>
    public static readonly TimeSpan EntriesEvery = TimeSpan.FromMinutes(1);

    /// <summary>The principal of calls of nobody knows whom, and of those for whom there was no sum.</summary>
    public const string Nobody = "unauthenticated", Others = "further callers";

    /// <summary>The verb of the entries.</summary>
    public const string Verb = "refused";

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly Dictionary<(string Who, string Reason), int> _entries = [];
    private Dictionary<(string Who, string Outcome), Sum> _sums = [], _leaving = [];
    private (long Since, int Count) _ofAll = (clock.GetTimestamp(), 0);
    private ITimer? _writing;

    /// <summary>Calls that no entry has yet, as far as is known: those of which one is being written are among them.</summary>
    public long Pending
    {
        get
        {
            lock (_gate) return _sums.Values.Sum(s => s.Calls) + _leaving.Values.Sum(s => s.Calls);
        }
    }

    /// <summary>Begins to write every few seconds, until it is disposed.</summary>
    public void Start() => _writing = clock.CreateTimer(static refused => _ = ((RefusedCalls)refused!).WriteUnlessAsync(), this, WriteEvery, WriteEvery);

    /// <summary>Whether a call that is turned away has an entry of its own; where not, it is to be added.</summary>
    /// <param name="who">Id of the caller; null = nobody knows.</param>
    /// <param name="reason">Why: a word of a fixed set.</param>
    public bool TryTakeEntry(string? who, string reason)
    {
        lock (_gate)
        {
            if (clock.GetElapsedTime(_ofAll.Since) >= EntriesEvery)
            {
                _entries.Clear();
                _ofAll = (clock.GetTimestamp(), 0);
            }
            var key = (who ?? Nobody, reason);
            var taken = _entries.GetValueOrDefault(key);
            if (taken == MostEntriesOfOne || _ofAll.Count == MostEntries) return false;
            _entries[key] = taken + 1;
            _ofAll.Count++;
            return true;
        }
    }

    /// <summary>A call was refused.</summary>
    /// <param name="who">Id of the caller; null = nobody knows.</param>
    /// <param name="outcome">Why: a word of a fixed set.</param>
    public void Add(string? who, string outcome)
    {
        var now = clock.GetUtcNow();
        lock (_gate) Add(who ?? Nobody, outcome, new(1, now, now));
    }

    /// <summary>Makes an entry of each sum, durable on return; what cannot be written is kept for the next time.</summary>
    public async Task WriteAsync()
    {
        await _one.WaitAsync().ConfigureAwait(false);
        await WriteHeldAsync().ConfigureAwait(false);
    }

    /// <summary>Writes what there is, for the last time, and waits no longer for it than calls do: what <see cref="Pending"/> has then is lost where the disk does not answer at last.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writing is { } writing) await writing.DisposeAsync().ConfigureAwait(false);
        try
        {
            await WriteAsync().WaitAsync(AuditLog.MostWait).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Whoever disposes of it looks at what is pending.
        }
    }

    /// <summary>The same unless it is being done: a disk that does not answer is waited for once.</summary>
    private Task WriteUnlessAsync() => _one.Wait(0) ? WriteHeldAsync() : Task.CompletedTask;

    private async Task WriteHeldAsync()
    {
        try
        {
            lock (_gate) (_leaving, _sums) = (_sums, _leaving); // which is empty
            if (_leaving.Count == 0) return;
            await audit.Log.AppendAsync([.. _leaving.Select(s => EntryOf(s.Key, s.Value))]).ConfigureAwait(false);
            lock (_gate) _leaving.Clear();
            written(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            written(e);
        }
        finally
        {
            lock (_gate)
            {
                foreach (var ((who, outcome), sum) in _leaving) Add(who, outcome, sum);
                _leaving.Clear();
            }
            _one.Release();
        }
    }

    private void Add(string who, string outcome, Sum more)
    {
        if (_sums.Count >= MostSums && !_sums.ContainsKey((who, outcome))) who = Others;
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_sums, (who, outcome), out var isThere);
        sum = isThere ? new(sum.Calls + more.Calls, Earlier(sum.First, more.First), Later(sum.Last, more.Last)) : more;
    }

    private static AuditEntry EntryOf((string Who, string Outcome) of, Sum sum) => new()
    {
        Kind = AuditKind.Refused, Call = FileId.New().ToString(), Who = of.Who, Role = "caller", Verb = Verb, Purpose = "unstated", Outcome = of.Outcome, Calls = sum.Calls, FirstUtc = sum.First, LastUtc = sum.Last,
    };

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private readonly record struct Sum(long Calls, DateTimeOffset First, DateTimeOffset Last);
}
