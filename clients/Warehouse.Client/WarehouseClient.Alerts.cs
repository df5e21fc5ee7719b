using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

// Watches, alerts and releases of ClinVar. What alerts are about is asked for treatment, whatever the client says otherwise.
public sealed partial class WarehouseClient
{
    private const int CareRowsAtOnce = 1000;

    /// <summary>A follower that was cut off looks for the server again, so often and so long.</summary>
    private static readonly TimeSpan FollowPause = TimeSpan.FromSeconds(2), FollowFor = TimeSpan.FromMinutes(10);

    /// <summary>The caller's alerts, the gravest and oldest first; they count as shown to him.</summary>
    /// <param name="closed">Also those that are closed.</param>
    /// <param name="stop">Gives the question up.</param>
    public Task<InboxReply> InboxAsync(bool closed = false, CancellationToken stop = default)
    {
        var request = new InboxRequest { Asking = ForTreatment.ToWire(), Closed = closed };
        return _caller.AskAsync(how => _alerts.InboxAsync(request, how), ForTreatment, stop);
    }

    /// <summary>
    /// The caller's open alerts, then each new one as it comes: each once, whatever happens to the connection. While the server is away for less than ten minutes it is
    /// waited for; a session that is over ends it, with an exception. A reply without an alert says that all so far were told.
    /// </summary>
    public async IAsyncEnumerable<FollowReply> FollowAsync([EnumeratorCancellation] CancellationToken stop = default)
    {
        var (request, told, currentAt) = (new FollowRequest { Asking = ForTreatment.ToWire() }, new HashSet<(string, Timestamp)>(), default(long?));
        while (true)
        {
            var isCurrent = false;
            await using var replies = _caller.ReadAsync(how => _alerts.Follow(request, how), ForTreatment, stop).GetAsyncEnumerator(stop);
            while (true)
            {
                try
                {
                    if (!await replies.MoveNextAsync().ConfigureAwait(false)) throw WarehouseException.Cut();
                }
                catch (WarehouseException e) when (currentAt is { } at && (isCurrent || e.Code == StatusCode.Unavailable) && e.Code is StatusCode.Unavailable or StatusCode.Unauthenticated && _options.Clock.GetElapsedTime(at) < FollowFor)
                {
                    break;
                }
                var reply = replies.Current;
                if (reply.IsCurrent) (isCurrent, currentAt) = (true, _options.Clock.GetTimestamp());
                if (reply.Alert is not { } alert || told.Add((alert.Id, alert.Raised))) yield return reply;
            }
            if (!isCurrent) await Task.Delay(FollowPause, _options.Clock, stop).ConfigureAwait(false);
        }
    }

    /// <summary>One of the caller's alerts; it counts as shown to him.</summary>
    public Task<Alert> AlertAsync(string id, CancellationToken stop = default)
    {
        var request = new ShowAlertRequest { Asking = ForTreatment.ToWire(), Id = id };
        return _caller.AskAsync(how => _alerts.ShowAsync(request, how), ForTreatment, stop);
    }

    /// <summary>Acknowledges alerts that were shown to the caller: he takes care.</summary>
    public async Task<IReadOnlyList<AlertCourse>> AcknowledgeAsync(IEnumerable<string> ids, string reason, CancellationToken stop = default)
    {
        var request = new AcknowledgeRequest { Asking = ForTreatment.ToWire(), Ids = { ids }, Reason = reason };
        return (await _caller.ChangeAsync(how => _alerts.AcknowledgeAsync(request, how), ForTreatment, stop).ConfigureAwait(false)).Alerts;
    }

    /// <summary>Hands an alert to somebody who may see the patient.</summary>
    public async Task<IReadOnlyList<AlertCourse>> DelegateAsync(string id, string to, string reason, CancellationToken stop = default)
    {
        var request = new DelegateRequest { Asking = ForTreatment.ToWire(), Id = id, To = to, Reason = reason };
        return (await _caller.ChangeAsync(how => _alerts.DelegateAsync(request, how), ForTreatment, stop).ConfigureAwait(false)).Alerts;
    }

    /// <summary>Puts an alert off for some hours.</summary>
    public async Task<IReadOnlyList<AlertCourse>> SnoozeAsync(string id, int hours, string reason, CancellationToken stop = default)
    {
        var request = new SnoozeRequest { Asking = ForTreatment.ToWire(), Id = id, Hours = hours, Reason = reason };
        return (await _caller.ChangeAsync(how => _alerts.SnoozeAsync(request, how), ForTreatment, stop).ConfigureAwait(false)).Alerts;
    }

    /// <summary>Sends an alert to the next deputy now.</summary>
    public async Task<IReadOnlyList<AlertCourse>> EscalateAsync(string id, string reason, CancellationToken stop = default)
    {
        var request = new EscalateRequest { Asking = ForTreatment.ToWire(), Id = id, Reason = reason };
        return (await _caller.ChangeAsync(how => _alerts.EscalateAsync(request, how), ForTreatment, stop).ConfigureAwait(false)).Alerts;
    }

    /// <summary>Alerts of all recipients without what they are about, with their times.</summary>
    public async Task<IReadOnlyList<AlertCourse>> AlertCourseAsync(bool closed = false, CancellationToken stop = default)
    {
        var (request, all, isWhole) = (new CourseRequest { Asking = _options.Ask.ToWire(), Closed = closed }, new List<AlertCourse>(), false);
        await foreach (var reply in _caller.ReadAsync(how => _alerts.Course(request, how), _options.Ask, stop).ConfigureAwait(false))
        {
            all.AddRange(reply.Alerts);
            isWhole |= reply.IsEnd;
        }
        return isWhole ? all : throw WarehouseException.Cut();
    }

    /// <summary>Where alerts stand, and what somebody must look at.</summary>
    public Task<AlertStatus> AlertStatusAsync(CancellationToken stop = default)
    {
        var request = new AlertStatusRequest { Asking = _options.Ask.ToWire() };
        return _caller.AskAsync(how => _alerts.StatusAsync(request, how), _options.Ask, stop);
    }

    /// <summary>Lets the server bring alerts up to date now.</summary>
    public Task<AlertRun> RunAlertsAsync(CancellationToken stop = default)
    {
        var request = new RunAlertsRequest { Asking = _options.Ask.ToWire() };
        return _caller.ChangeAsync(how => _alerts.RunAsync(request, how), _options.Ask, stop);
    }

    /// <summary>When alerts go further, and who the directors are.</summary>
    public Task<AlertSettings> AlertSettingsAsync(CancellationToken stop = default)
    {
        var request = new AlertSettingsRequest { Asking = _options.Ask.ToWire() };
        return _caller.AskAsync(how => _alerts.SettingsAsync(request, how), _options.Ask, stop);
    }

    /// <summary>Changes that.</summary>
    public Task<AlertSettings> ChangeAlertSettingsAsync(AlertSettings settings, CancellationToken stop = default)
    {
        var request = new ChangeAlertSettingsRequest { Asking = _options.Ask.ToWire(), Settings = settings };
        return _caller.ChangeAsync(how => _alerts.ChangeSettingsAsync(request, how), _options.Ask, stop);
    }

    /// <summary>All watches, by name.</summary>
    public async Task<IReadOnlyList<Watch>> WatchesAsync(CancellationToken stop = default)
    {
        var request = new ListWatchesRequest { Asking = _options.Ask.ToWire() };
        return (await _caller.AskAsync(how => _watches.ListAsync(request, how), _options.Ask, stop).ConfigureAwait(false)).Watches;
    }

    /// <summary>Keeps a watch, in place of one of its name.</summary>
    public Task<Watch> SetWatchAsync(Watch watch, CancellationToken stop = default)
    {
        var request = new SetWatchRequest { Asking = _options.Ask.ToWire(), Watch = watch };
        return _caller.ChangeAsync(how => _watches.SetAsync(request, how), _options.Ask, stop);
    }

    /// <summary>Keeps a watch no more; returns those that are left.</summary>
    public async Task<IReadOnlyList<Watch>> RemoveWatchAsync(string name, CancellationToken stop = default)
    {
        var request = new RemoveWatchRequest { Asking = _options.Ask.ToWire(), Name = name };
        return (await _caller.ChangeAsync(how => _watches.RemoveAsync(request, how), _options.Ask, stop).ConfigureAwait(false)).Watches;
    }

    /// <summary>Who cares for whom, by person.</summary>
    public async Task<IReadOnlyList<CareRow>> CareAsync(CancellationToken stop = default)
    {
        var (request, all, isWhole) = (new ListCareRequest { Asking = _options.Ask.ToWire() }, new List<CareRow>(), false);
        await foreach (var reply in _caller.ReadAsync(how => _care.List(request, how), _options.Ask, stop).ConfigureAwait(false))
        {
            all.AddRange(reply.Rows);
            isWhole |= reply.IsEnd;
        }
        return isWhole ? all : throw WarehouseException.Cut();
    }

    /// <summary>Says who cares for persons: all rows or none are written.</summary>
    /// <returns>How many were, and of those who are named, the roles that nobody is known to hold.</returns>
    public async Task<ImportCareReply> ImportCareAsync(IEnumerable<CareRow> rows, CancellationToken stop = default)
    {
        try
        {
            using var call = _care.Import(_caller.How(_options.Ask.Deadline ?? _options.Deadline, stop));
            await call.RequestStream.WriteAsync(new ImportCareRequest { Asking = _options.Ask.ToWire() }, stop).ConfigureAwait(false);
            foreach (var some in rows.Chunk(CareRowsAtOnce)) await call.RequestStream.WriteAsync(new ImportCareRequest { Rows = { some } }, stop).ConfigureAwait(false);
            await call.RequestStream.WriteAsync(new ImportCareRequest { Commit = true }, stop).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException failure)
        {
            stop.ThrowIfCancellationRequested();
            throw WarehouseException.Of(failure);
        }
    }

    /// <summary>Releases of ClinVar, and which of them hold.</summary>
    public async Task<IReadOnlyList<ClinVarRelease>> ClinVarReleasesAsync(CancellationToken stop = default)
    {
        var request = new ClinVarReleasesRequest { Asking = _options.Ask.ToWire() };
        return (await _caller.AskAsync(how => _clinVar.ReleasesAsync(request, how), _options.Ask, stop).ConfigureAwait(false)).Releases;
    }

    /// <summary>What a release is, before it holds.</summary>
    public Task<ClinVarFacts> ClinVarFactsAsync(string release, CancellationToken stop = default)
    {
        var request = new ClinVarReleaseRequest { Asking = _options.Ask.ToWire(), Release = release };
        return _caller.AskAsync(how => _clinVar.LookAsync(request, how), _options.Ask, stop);
    }

    /// <summary>What changed between two releases, in the order of alleles, then axes.</summary>
    /// <param name="before">Date of the earlier one.</param>
    /// <param name="after">Date of the later one.</param>
    /// <param name="all">Also changes of review, condition and record.</param>
    /// <param name="stop">Gives the question up.</param>
    public async IAsyncEnumerable<ClassChange> CompareReleasesAsync(string before, string after, bool all = false, [EnumeratorCancellation] CancellationToken stop = default)
    {
        var (request, isWhole) = (new CompareReleasesRequest { Asking = _options.Ask.ToWire(), Before = before, After = after, All = all }, false);
        await foreach (var reply in _caller.ReadAsync(how => _clinVar.Compare(request, how), _options.Ask, stop).ConfigureAwait(false))
        {
            isWhole |= reply.IsEnd;
            foreach (var change in reply.Changes) yield return change;
        }
        if (!isWhole) throw WarehouseException.Cut();
    }

    /// <summary>How many alerts a release would raise if it were accepted now.</summary>
    public Task<ClinVarPreview> PreviewReleaseAsync(string release, CancellationToken stop = default)
    {
        var request = new ClinVarReleaseRequest { Asking = _options.Ask.ToWire(), Release = release };
        return _caller.AskAsync(how => _clinVar.PreviewAsync(request, how), _options.Ask, stop);
    }

    /// <summary>Lets a release hold.</summary>
    /// <param name="release">Its date.</param>
    /// <param name="unrecognised">So many alleles may have terms that are not known.</param>
    /// <param name="retracted">So many alleles of the release before may be gone; null = one in fifty.</param>
    /// <param name="stop">Gives it up; the release may hold all the same.</param>
    public Task<AcceptReleaseReply> AcceptReleaseAsync(string release, long unrecognised = 0, long? retracted = null, CancellationToken stop = default)
    {
        var request = new AcceptReleaseRequest { Asking = _options.Ask.ToWire(), Release = release, Unrecognised = unrecognised };
        if (retracted is { } gone) request.Retracted = gone;
        return _caller.ChangeAsync(how => _clinVar.AcceptAsync(request, how), _options.Ask, stop);
    }

    /// <summary>What each release that holds says of an allele.</summary>
    public async Task<IReadOnlyList<ClinVarHistoryRow>> ClinVarHistoryAsync(string allele, CancellationToken stop = default)
    {
        var request = new ClinVarHistoryRequest { Asking = _options.Ask.ToWire(), Allele = allele };
        return (await _caller.AskAsync(how => _clinVar.HistoryAsync(request, how), _options.Ask, stop).ConfigureAwait(false)).Rows;
    }

    /// <summary>The table of grades in force, as it was written.</summary>
    public async Task<string> GradesAsync(CancellationToken stop = default)
    {
        var request = new GradesRequest { Asking = _options.Ask.ToWire() };
        return (await _caller.AskAsync(how => _clinVar.GradesAsync(request, how), _options.Ask, stop).ConfigureAwait(false)).Text;
    }

    /// <summary>Puts another table of grades in its place.</summary>
    public async Task<string> SetGradesAsync(string text, CancellationToken stop = default)
    {
        var request = new SetGradesRequest { Asking = _options.Ask.ToWire(), Text = text };
        return (await _caller.ChangeAsync(how => _clinVar.SetGradesAsync(request, how), _options.Ask, stop).ConfigureAwait(false)).Text;
    }

    private AskOptions ForTreatment => _options.Ask with { Purpose = Purpose.Treatment };
}
