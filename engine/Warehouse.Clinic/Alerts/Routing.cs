using Warehouse.Engine.Access;
using Warehouse.Engine.Query;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Who hears of an alert: those whom its watches name, else those who care for the person, and of these who may see the data that it is about, by a session
/// with their own scope. Whoever may not see the patient learns nothing, not even that there is an alert. One thread; dispose to close the sessions.
/// </summary>
internal sealed class Routing(AlertSources sources, string owner) : IDisposable
{
    private readonly Dictionary<string, Session?> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Recipient, string Allele), HashSet<string>> _carriers = [];
    private Dictionary<string, string>? _persons;

    /// <summary>Who hears of an alert and may see what it is about, in order; nobody = an alarm.</summary>
    internal IReadOnlyList<string> RecipientsOf(Alert alert, AlertBook book)
    {
        var (first, then) = Wanted(alert, book);
        if (alert.Draft.Person.Length == 0) return first; // it is about no person
        var reached = first.Where(r => MaySee(r, alert.Draft)).ToList();
        if (reached.Count > 0) return reached;
        foreach (var next in then)
            if (MaySee(next, alert.Draft)) return [next];
        return [];
    }

    /// <summary>Whether it went to others than those who should hear, since they might not see it: perhaps they may by now.</summary>
    internal bool IsElsewhere(Alert alert, AlertBook book) => !Wanted(alert, book).First.Any(alert.Recipients.Contains);

    /// <summary>Whether somebody may see, now, what an alert is about: its allele in a sample of the person.</summary>
    internal bool MaySee(string recipient, AlertDraft draft) => CarriersSeenBy(recipient, draft).Contains(draft.Person);

    /// <summary>Whether the person still has a sample that carries what an alert is about.</summary>
    internal bool IsCarried(AlertDraft draft) => MaySee(owner, draft);

    private HashSet<string> CarriersSeenBy(string recipient, AlertDraft draft)
    {
        if (!_carriers.TryGetValue((recipient, draft.Allele), out var carriers))
        {
            carriers = _carriers[(recipient, draft.Allele)] = new HashSet<string>(StringComparer.Ordinal);
            if (SessionOf(recipient) is { } session)
                foreach (var answer in session.Carriers([draft.Allele]))
                {
                    if (answer.Seen.Damage is { } damage) throw new InvalidDataException(damage);
                    foreach (var carrier in answer.Carriers) carriers.Add(PersonOf(carrier.Sample));
                }
        }
        return carriers;
    }

    private string PersonOf(string sample)
    {
        if (_persons is null)
        {
            using var all = sources.Store.OpenSession();
            _persons = all.LoadedSamples().ToDictionary(s => s.Name, s => s.Person, StringComparer.Ordinal);
        }
        return _persons.GetValueOrDefault(sample, sample);
    }

    public void Dispose()
    {
        foreach (var session in _sessions.Values) session?.Dispose();
    }

    /// <summary>Who should hear, and who else in the order in which they are tried when none of these may see it.</summary>
    private (IReadOnlyList<string> First, IReadOnlyList<string> Then) Wanted(Alert alert, AlertBook book)
    {
        IReadOnlyList<string> directors = book.Settings.Directors.Count > 0 ? book.Settings.Directors : [owner];
        if (alert.Draft.IsSelfTest) return (directors, []);
        var (first, then) = (new List<string>(), new List<string>());
        var watches = alert.Draft.Watches.Select(w => book.Watches.GetValueOrDefault(w)).OfType<Watch>().ToList();
        foreach (var watch in watches) first.AddRange(watch.Hears);
        if (alert.Draft.Person.Length > 0 && (watches.Count == 0 || watches.Any(w => w.Hears.Count == 0)) && book.Care.GetValueOrDefault(alert.Draft.Person) is { } care)
        {
            first.Add(care.Responsible);
            first.AddRange(care.Deputies.Take(alert.Level));
            then.AddRange(care.Deputies.Skip(alert.Level));
            if (alert.Level > care.Deputies.Count) first.AddRange(directors);
        }
        else if (alert.Level > 0) first.AddRange(directors);
        if (alert.Delegate is { } other) first.Insert(0, other);
        if (first.Count == 0) first.AddRange(directors);
        then.AddRange(directors);
        return ([.. first.Distinct(StringComparer.Ordinal)], then);
    }

    private Session? SessionOf(string recipient)
    {
        if (_sessions.TryGetValue(recipient, out var known)) return known;
        var options = new SessionOptions { Purpose = Purpose.Treatment, AnyOrder = true, Shown = sources.Shown };
        try
        {
            // Nothing but his id is known of somebody who is not here: grants to him, and to roles that the policy assigns to him, are what he may see.
            return _sessions[recipient] = sources.Store.OpenSession(recipient == owner ? options : options with { Caller = new Caller { Id = recipient } });
        }
        catch (AccessRefusedException)
        {
            return _sessions[recipient] = null;
        }
    }
}
