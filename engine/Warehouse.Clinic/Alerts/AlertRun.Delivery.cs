using System.Security.Cryptography;
using System.Text;

namespace Warehouse.Clinic.Alerts;

/// <content>
/// Delivery: what waits goes out by each way, one message of each recipient after the other, whoever was tried longest ago first. What is refused for one recipient is his failure and
/// holds up nobody; only a way that takes nothing at all is left for a while. Whatever does not go out in the time that a run has for it, the next run goes on with: what was sent and
/// tried is read from the log.
/// </content>
public sealed partial class AlertRun
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>How long a run sends, by all ways together, so that a way that is slow does not hold up raising and escalation. The message that is under way then is waited for.</summary>
    public static readonly TimeSpan SendsFor = TimeSpan.FromSeconds(30);

    private enum Sending
    {
        Taken,
        RefusedForHim,
        WayFails,
    }

    private void Deliver(AlertBook book)
    {
        foreach (var way in _ways)
        {
            var isPaused = book.FailureOf(way.Name) is { } failure && failure.AgainUtc > book.NowUtc;
            if (isPaused || !Deliver(book, way)) _alarms.Add(AlertAlarm.WayFails(way.Name));
            if (AlertAlarm.RefusedBy(way.Name, book) is { } refused) _alarms.Add(refused);
        }
    }

    /// <summary>Sends by a way while there is time.</summary>
    /// <returns>False when it takes nothing at all.</returns>
    private bool Deliver(AlertBook book, IAlertWay way)
    {
        var (began, turns) = (_clock.GetTimestamp(), new Queue<Turn>(TurnsOf(book, way)));
        while (_clock.GetElapsedTime(began) < SendsFor / _ways.Count && turns.TryDequeue(out var turn))
            switch (Send(book, way, turn.Recipient, turn.Parts.Dequeue()))
            {
                case Sending.WayFails: return false;
                case Sending.Taken when turn.Parts.Count > 0:
                    turns.Enqueue(turn);
                    break;
            }
        return true;
    }

    /// <summary>
    /// Who waits for messages of a way and may be tried now, whoever was tried longest ago first, then whose are gravest. While the way fails another one begins each time: where it fails
    /// over one recipient alone, those behind him have their turn.
    /// </summary>
    private static IEnumerable<Turn> TurnsOf(AlertBook book, IAlertWay way)
    {
        var pending = new SortedDictionary<string, List<Alert>>(StringComparer.Ordinal);
        foreach (var alert in book.Alerts.Where(a => a.State == AlertState.Open))
            foreach (var recipient in alert.Recipients.Where(r => alert.Waits(way.Name, r) && !(book.FailureOf(way.Name, r)?.AgainUtc > book.NowUtc)))
            {
                if (!pending.TryGetValue(recipient, out var list)) pending.Add(recipient, list = []);
                list.Add(alert);
            }
        var turns = pending.OrderBy(p => book.LastTried(way.Name, p.Key)).ThenByDescending(p => p.Value.Max(a => a.Draft.Grade)).Select(p => new Turn(p.Key, new Queue<Alert[]>(PartsOf(book, way, p.Key, p.Value)))).ToList();
        var first = turns.Count == 0 ? 0 : (book.FailureOf(way.Name)?.Attempt ?? 0) % turns.Count;
        return turns.Skip(first).Concat(turns.Take(first));
    }

    /// <summary>What waits for one recipient, by messages: the gravest by themselves, as many as an hour may have, all others as one message.</summary>
    private static IEnumerable<Alert[]> PartsOf(AlertBook book, IAlertWay way, string recipient, List<Alert> alerts)
    {
        var single = Math.Max(0, book.Settings.MessagesAnHour - book.MessagesInHour(way.Name, recipient) - 1);
        if (alerts.Count == single + 1) single++;
        var ordered = alerts.OrderByDescending(a => a.Draft.Grade).ThenBy(a => a.RaisedUtc).ToList();
        return ordered.Take(single).Select(a => new[] { a }).Append([.. ordered.Skip(single)]).Where(p => p.Length > 0);
    }

    private Sending Send(AlertBook book, IAlertWay way, string recipient, Alert[] part)
    {
        var id = part.Length == 1 ? part[0].Id : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', part.Select(a => a.Id))))[..10]);
        try
        {
#if PLANTED_TOLD_BEFORE_SENT
            book.AppendDecided(_owner, Version, () => [new AlertsDelivered(way.Name, recipient, [.. part.Select(a => a.Id)])]);
#endif
            way.Send(new AlertMessage(id, recipient, part.Max(a => a.Draft.Grade), part.Length, book.NowUtc) { IsSelfTest = part.All(a => a.Draft.IsSelfTest), Mark = string.Join('\n', part.Select(a => a.MarkFor(recipient))) });
        }
        catch (Exception e) when (IsOfOneStep(e))
        {
            // What is no failure of the way as such, whatever a way may throw over an address, is one over this message.
            var isOfWay = e is (IOException or UnauthorizedAccessException) and not MessageRefusedException;
            Fails(book, way.Name, isOfWay ? "" : recipient);
            return isOfWay ? Sending.WayFails : Sending.RefusedForHim;
        }
        _sent++;
        foreach (var some in part.Chunk(PerEvent * 10)) book.AppendDecided(_owner, Version, () => [new AlertsDelivered(way.Name, recipient, [.. some.Select(a => a.Id)])]);
        return Sending.Taken;
    }

    /// <summary>Tried again after 1, 2, 4 ... 60 minutes.</summary>
    private void Fails(AlertBook book, string way, string recipient) => book.AppendDecided(_owner, Version, () =>
    {
        var attempt = (book.FailureOf(way, recipient)?.Attempt ?? 0) + 1;
        var pause = TimeSpan.FromMinutes(Math.Pow(2, Math.Min(attempt - 1, 10)));
        return [new DeliveryFailed(way, attempt, book.NowUtc + (pause < LongestPause ? pause : LongestPause)) { Recipient = recipient }];
    });

    /// <summary>What waits for a recipient, by messages.</summary>
    private sealed record Turn(string Recipient, Queue<Alert[]> Parts);
}
