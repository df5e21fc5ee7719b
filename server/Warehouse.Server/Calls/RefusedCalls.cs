using System.Runtime.InteropServices;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Sealing;

namespace Warehouse.Server.Calls;

/// <summary>
/// Refused calls that have no entry of their own in the audit log: an entry with its syncs for each would cost more than the call, and let whoever floods a
/// server fill its disk. They are summed up by caller and reason, and every few seconds and at the end each sum becomes an entry, durable when
/// <see cref="WriteAsync"/> returns. While the log cannot be written the sums are kept, and grow; a write that failed may have reached the disk, so calls may
/// be told twice, and are told at least once but for those of the last <see cref="WriteEvery"/> before a crash. Any thread.
/// </summary>
/// <param name="audit">The log.</param>
/// <param name="failed">Hears that it could not be written, or, with null, that it was.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class RefusedCalls(StoreAudit audit, Action<Exception?> failed, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>How often sums are written.</summary>
    public static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(5);

    /// <summary>Most sums, each of a caller and a reason: what comes beyond is summed up by reason as of <see cref="Others"/>.</summary>
    public const int MostSums = 1024;

    /// <summary>The principal of calls of nobody knows whom, and of those for whom there was no sum.</summary>
    public const string Nobody = "unauthenticated", Others = "further callers";

    /// <summary>The verb of the entries.</summary>
    public const string Verb = "refused";

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private Dictionary<(string Who, string Outcome), Sum> _sums = [];
    private ITimer? _writing;

    /// <summary>Calls that no entry has yet.</summary>
    public long Pending
    {
        get
        {
            lock (_gate) return _sums.Values.Sum(s => s.Calls);
        }
    }

    /// <summary>Begins to write every few seconds, until it is disposed.</summary>
    public void Start() => _writing = clock.CreateTimer(static refused => _ = ((RefusedCalls)refused!).WriteAsync(), this, WriteEvery, WriteEvery);

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
        Dictionary<(string Who, string Outcome), Sum> sums;
        lock (_gate) (sums, _sums) = (_sums, []);
        try
        {
            if (sums.Count == 0) return;
            await audit.Log.AppendAsync([.. sums.Select(s => EntryOf(s.Key, s.Value))]).ConfigureAwait(false);
            failed(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            lock (_gate)
            {
                foreach (var ((who, outcome), sum) in sums) Add(who, outcome, sum);
            }
            failed(e);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Writes what there is, for the last time.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writing is { } writing) await writing.DisposeAsync().ConfigureAwait(false);
        await WriteAsync().ConfigureAwait(false);
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
