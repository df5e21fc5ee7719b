using Warehouse.Engine.Access;
using Warehouse.Engine.Query;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Who hears of an alert: those whom its watches name, else those who care for the person, and of these who may see the data that it is about, by a session
/// with their own scope. Whoever may not see the patient learns nothing, not even that there is an alert. One thread; dispose to close the sessions.
/// </summary>
internal sealed class Routing(AlertSources sources, string owner) : IDisposable
{
    private const string RolePrefix = "role:";

    private readonly Dictionary<string, Session?> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Recipient, string Allele), (HashSet<string> Persons, HashSet<string> Samples)> _carriers = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _holders = new(StringComparer.Ordinal);
    private List<Caller>? _known;
    private Policy? _policy;
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
    internal bool MaySee(string recipient, AlertDraft draft) => CarriersSeenBy(recipient, draft).Persons.Contains(draft.Person);

    /// <summary>Of those who are named to hear, the roles that nobody is known to hold now.</summary>
    internal IReadOnlyList<string> Unheld(IEnumerable<string> named) => [.. named.Where(n => n.StartsWith(RolePrefix, StringComparison.Ordinal) && HoldersOf(n).Count == 0).Distinct(StringComparer.Ordinal)];

    /// <summary>Whether the person still has a sample that carries what an alert is about.</summary>
    internal bool IsCarried(AlertDraft draft) => MaySee(owner, draft);

    /// <summary>Of the samples that an alert is about, those in which somebody may see its allele now: who sees one of a person's samples learns nothing of another.</summary>
    internal IReadOnlyList<string> SamplesSeenBy(string recipient, AlertDraft draft)
    {
        if (draft.Samples.Count == 0) return [];
        var seen = CarriersSeenBy(recipient, draft).Samples;
        return [.. draft.Samples.Where(seen.Contains)];
    }

    private (HashSet<string> Persons, HashSet<string> Samples) CarriersSeenBy(string recipient, AlertDraft draft)
    {
        if (!_carriers.TryGetValue((recipient, draft.Allele), out var carriers))
        {
            if (_carriers.Count == 0) sources.Store.RequireReference();
            carriers = _carriers[(recipient, draft.Allele)] = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
            if (SessionOf(recipient) is { } session)
                foreach (var answer in session.Carriers([draft.Allele]))
                {
                    if (answer.Seen.Damage is { } damage) throw new InvalidDataException(damage);
                    foreach (var carrier in answer.Carriers)
                    {
                        carriers.Samples.Add(carrier.Sample);
                        carriers.Persons.Add(PersonOf(carrier.Sample));
                    }
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
        if (alert.Draft.IsSelfTest) return ([.. Persons(directors).Distinct(StringComparer.Ordinal)], []);
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
        return ([.. Persons(first).Distinct(StringComparer.Ordinal)], [.. Persons(then)]);
    }

    /// <summary>Ids, with those who hold a role in the place of <c>role:NAME</c>.</summary>
    private IEnumerable<string> Persons(IEnumerable<string> named) => named.SelectMany(n => n.StartsWith(RolePrefix, StringComparison.Ordinal) ? HoldersOf(n) : [n]);

    /// <summary>Whom the policy assigns a role by his id, and those that are known whose credentials state it; not who has it by a group, since who is in it nobody knows here.</summary>
    private IReadOnlyList<string> HoldersOf(string named)
    {
        if (_holders.TryGetValue(named, out var known)) return known;
        var (word, policy) = (named[RolePrefix.Length..], _policy ??= sources.Store.Policy());
        var assigned = policy.Entries.OfType<RoleAssignment>().Where(a => a.Subject.Kind == SubjectKind.Principal).Select(a => a.Subject.Name);
        return _holders[named] = [.. assigned.Concat(Known().Select(c => c.Id)).Distinct(StringComparer.Ordinal).Where(id => policy.RolesOf(CallerOf(id)).Any(r => Subject.WordOf(r) == word)).Order(StringComparer.Ordinal)];
    }

    private List<Caller> Known() => _known ??= [.. sources.Callers()];

    /// <summary>What is known of somebody, who need not be here: at least his id, and with that the grants to him and to roles that the policy assigns to him.</summary>
    private Caller CallerOf(string id) => Known().FirstOrDefault(c => c.Id == id) ?? new Caller { Id = id };

    private Session? SessionOf(string recipient)
    {
        if (_sessions.TryGetValue(recipient, out var known)) return known;
        var options = new SessionOptions { Purpose = Purpose.Treatment, AnyOrder = true, Shown = sources.Shown };
        try
        {
            return _sessions[recipient] = sources.Store.OpenSession(recipient == owner ? options : options with { Caller = CallerOf(recipient) });
        }
        catch (AccessRefusedException)
        {
            return _sessions[recipient] = null;
        }
    }
}
