using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Who hears of an alert: those whom its watches name, else those who care for the person, and of these who may see the data that it is about, by a session
/// with their own scope. Whoever may not see the patient learns nothing, not even that there is an alert. One thread; dispose to close the sessions.
/// </summary>
internal sealed class Routing(AlertSources sources, string owner) : IDisposable
{
    private const string RolePrefix = "role:";
    private const char MarkSeparator = '.';

    private readonly Dictionary<string, Session?> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Recipient, string Allele), (HashSet<string> Persons, HashSet<string> Samples)> _carriers = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _holders = new(StringComparer.Ordinal);
    private List<Caller>? _known;
    private Policy? _policy;
    private string? _inForceMark;
    private Dictionary<string, string>? _persons;

    /// <summary>Who hears of an alert and may see what it is about, in order; nobody = an alarm.</summary>
    internal IReadOnlyList<string> RecipientsOf(Alert alert, AlertBook book)
    {
        var (first, then) = Wanted(alert, book);
        if (alert.Draft.Person.Length == 0) return Fitting(first); // it is about no person
        var reached = first.Where(r => MaySee(r, alert.Draft)).ToList();
        if (reached.Count > 0) return Fitting(reached);
        foreach (var next in then)
            if (MaySee(next, alert.Draft)) return [next];
        return [];
    }

    /// <summary>The first of them, of whom one event has room: thousands.</summary>
    private static IReadOnlyList<string> Fitting(IReadOnlyList<string> recipients)
    {
        if (AlertCodec.BytesOf(recipients) <= AlertCodec.LargestPlainBytes) return recipients;
        var bytes = 0;
        return [.. recipients.TakeWhile(r => (bytes += AlertCodec.BytesOf([r])) <= AlertCodec.LargestPlainBytes)];
    }

    /// <summary>Who is told again when nobody acknowledged it and nobody is left to be told: the directors, or where none of them may see it, all who may.</summary>
    internal IReadOnlyList<string> AgainOf(Alert alert, AlertBook book)
    {
        var directors = alert.Recipients.Intersect(Persons(DirectorsOf(book)), StringComparer.Ordinal).ToList();
        return directors.Count > 0 ? directors : alert.Recipients;
    }

    /// <summary>
    /// What may be seen, by whom it is known, as two digests with a dot between them: of what is in force, which is another when a grant or a role came, ended or was suspended, or when a
    /// cohort that a grant names was set anew; and of the callers that are known. The second is missing where nobody knows here who they are.
    /// </summary>
    internal string AccessMark()
    {
        if (sources.Callers is null) return InForceMark();
        var text = new StringBuilder();
        foreach (var caller in Known().OrderBy(c => c.Id, StringComparer.Ordinal)) text.Append(caller.Id).Append('\t').AppendJoin(',', caller.Roles.Order()).Append('\t').AppendJoin('\t', caller.Groups.Order(StringComparer.Ordinal)).Append('\n');
        return InForceMark() + MarkSeparator + DigestOf(text);
    }

    /// <summary>Whether access is another than at a mark. Where nobody knows here who the callers are, that goes by what is in force alone.</summary>
    internal bool IsOther(string mark) => sources.Callers is null ? mark.Split(MarkSeparator)[0] != InForceMark() : mark != AccessMark();

    /// <summary>Whether who made a mark knew more of the callers than is known here.</summary>
    internal bool KnowsLess(string mark) => sources.Callers is null && mark.Contains(MarkSeparator);

    private string InForceMark()
    {
        if (_inForceMark is not null) return _inForceMark;
        var (policy, now) = (_policy ??= sources.Store.Policy(), sources.Store.NowUtc);
        var inForce = policy.Entries.Select((entry, i) => (Entry: entry, Number: i)).Where(e => policy.StateOf(e.Entry, now) == EntryState.InForce).ToList();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{policy.Version}\n").AppendJoin(',', inForce.Select(e => e.Number));
        foreach (var cohort in inForce.Select(e => (e.Entry as Grant)?.Target.Cohort).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) text.Append(CultureInfo.InvariantCulture, $"\n{cohort}@{sources.Store.CohortVersion(cohort)}");
        return _inForceMark = DigestOf(text);
    }

    private static string DigestOf(StringBuilder text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))[..16]);

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
                foreach (var sample in CarriersIn(session, draft.Allele))
                {
                    carriers.Samples.Add(sample);
                    carriers.Persons.Add(PersonOf(sample));
                }
        }
        return carriers;
    }

    private static IEnumerable<string> CarriersIn(Session session, string allele)
    {
        if (allele.Length > VariantQuery.MaxCharacters) return LongCarriersIn(session, allele);
        return session.Carriers([allele]).SelectMany(answer => answer.Seen.Damage is { } damage ? throw new InvalidDataException(damage) : answer.Carriers.Select(c => c.Sample));
    }

    /// <summary>The same of an allele that is too long to be asked for in words: a store takes longer ones.</summary>
    private static List<string> LongCarriersIn(Session session, string allele)
    {
        var alt = allele.LastIndexOf('-');
        var reference = allele.LastIndexOf('-', alt - 1);
        var at = allele.LastIndexOf('-', reference - 1);
        using var lookup = session.PrepareCarriers();
        var found = lookup.Find(Variant.FromNormalized(allele[..at], int.Parse(allele.AsSpan(at + 1, reference - at - 1), NumberStyles.None, CultureInfo.InvariantCulture) - 1, allele[(reference + 1)..alt], allele[(alt + 1)..]));
        var samples = new List<string>();
        foreach (var sample in found) samples.Add(lookup.Samples[sample]);
        return samples;
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
        var directors = DirectorsOf(book);
        if (alert.Draft.IsSelfTest) return ([.. Persons(directors).Distinct(StringComparer.Ordinal)], []);
        var (first, then) = (new List<string>(), new List<string>());
        var watches = alert.Draft.Watches.Select(w => book.Watches.GetValueOrDefault(w)).OfType<Watch>().ToList();
        foreach (var watch in watches) first.AddRange(watch.Hears);
        if (book.CareOf(alert) is { } care)
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

    private IReadOnlyList<string> DirectorsOf(AlertBook book) => book.Settings.Directors.Count > 0 ? book.Settings.Directors : [owner];

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

    private List<Caller> Known() => _known ??= [.. sources.Callers?.Invoke() ?? []];

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
