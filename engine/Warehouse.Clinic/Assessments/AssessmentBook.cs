using Warehouse.Engine.Events;

namespace Warehouse.Clinic.Assessments;

/// <summary>
/// What the event log says of assessments up to an event: an index in memory, made of the log alone. One thread applies events; nothing that was given out changes.
/// </summary>
internal sealed class AssessmentBook
{
    private readonly Dictionary<long, List<Assessment>> _history = [];
    private readonly Dictionary<AssessedAllele, List<long>> _byAllele = [];
    private readonly Dictionary<(string Laboratory, long Id), OtherAssessment> _others = [];
    private readonly Dictionary<AssessedAllele, List<(string Laboratory, long Id)>> _othersByAllele = [];

    /// <summary>Number of the last event applied.</summary>
    internal long Head { get; private set; }

    internal AssessmentSettings Settings { get; private set; } = AssessmentSettings.Default;

    internal IEnumerable<Assessment> All => _history.Values.Select(h => h[^1]);

    internal IEnumerable<OtherAssessment> Others => _others.Values;

    internal Assessment? Find(long id) => _history.TryGetValue(id, out var history) ? history[^1] : null;

    /// <summary>Every version, the first first.</summary>
    internal IReadOnlyList<Assessment> History(long id) => _history.TryGetValue(id, out var history) ? [.. history] : [];

    internal IEnumerable<Assessment> Of(AssessedAllele allele) => _byAllele.TryGetValue(allele, out var ids) ? ids.Select(i => _history[i][^1]) : [];

    internal IEnumerable<OtherAssessment> OthersOf(AssessedAllele allele) => _othersByAllele.TryGetValue(allele, out var keys) ? keys.Select(k => _others[k]) : [];

    internal OtherAssessment? FindOther(string laboratory, long id) => _others.GetValueOrDefault((laboratory, id));

    /// <summary>The signed one of an allele in a condition.</summary>
    internal Assessment? Signed(AssessedAllele allele, string conditionId) => Of(allele).FirstOrDefault(a => a.State == AssessmentState.Signed && a.Content.ConditionId == conditionId);

    /// <summary>Takes the next event in.</summary>
    /// <exception cref="InvalidDataException">It does not fit what is there: no desk has written it.</exception>
    internal void Apply(LoggedEvent logged)
    {
        if (logged.Number != Head + 1) throw new InvalidDataException("events come one after the other");
        ApplyPart(logged);
    }

    /// <summary>Takes one of some events in, all of the same alleles: then nothing else is known of here.</summary>
    internal void ApplyPart(LoggedEvent logged)
    {
        try
        {
            Apply(logged, AssessmentEvent.Decode(logged));
        }
        catch (Warehouse.Engine.InputException bad)
        {
            throw new InvalidDataException(FormattableString.Invariant($"event {logged.Number}: {bad.Expected}"), bad);
        }
        Head = logged.Number;
    }

    private void Apply(LoggedEvent logged, AssessmentEvent? said)
    {
        switch (said)
        {
            case null: break;
            case AssessmentEvent.SettingsChanged settings: Settings = settings.Settings; break;
            case AssessmentEvent.Imported imported: Apply(imported.Statement); break;
            case AssessmentEvent.Drafted { Id: null } begun:
                Add(Stamped(logged, new Assessment
                {
                    Id = logged.Number, Version = 0, State = AssessmentState.Draft, Content = begun.Content, Authors = [logged.Actor], Supersedes = begun.Supersedes, By = "", TimeUtc = default, ManifestVersion = 0,
                }));
                break;
            case AssessmentEvent.Drafted edited:
                var before = Current(edited.Id.Value, edited.Version, AssessmentState.Draft);
                Add(Stamped(logged, before with { Content = edited.Content, Authors = before.Authors.Contains(logged.Actor) ? before.Authors : [.. before.Authors, logged.Actor], Reason = "" }));
                break;
            case AssessmentEvent.Submitted submitted: Add(Stamped(logged, Current(submitted.Id, submitted.Version, AssessmentState.Draft) with { State = AssessmentState.InReview, Reason = "" })); break;
            case AssessmentEvent.Returned returned: Add(Stamped(logged, Current(returned.Id, returned.Version, AssessmentState.InReview) with { State = AssessmentState.Draft, Reason = returned.Reason })); break;
            case AssessmentEvent.Signed signed: Apply(logged, signed); break;
            case AssessmentEvent.Given given:
                var now = Current(given.Id, given.Version, null);
                if (now.State is AssessmentState.Retired or AssessmentState.Superseded) throw Misfit(logged);
                Add(Stamped(logged, now with { State = AssessmentState.Retired, Reason = given.Reason }));
                break;
            default: throw Misfit(logged);
        }
    }

    private void Apply(LoggedEvent logged, AssessmentEvent.Signed signed)
    {
        var reviewed = Current(signed.Id, signed.Version, AssessmentState.InReview);
        if (DigestOf(reviewed.Content) != signed.ContentSha256) throw new InvalidDataException(FormattableString.Invariant($"event {logged.Number}: the signature is of another content"));
        if (reviewed.Supersedes is { } old)
        {
            var replaced = Find(old) is { State: AssessmentState.Signed } found ? found : throw Misfit(logged);
            Add(Stamped(logged, replaced with { State = AssessmentState.Superseded, SupersededBy = reviewed.Id }));
        }
        Add(Stamped(logged, reviewed with
        {
            State = AssessmentState.Signed, Reason = "", Signature = new Signature(logged.Actor, logged.TimeUtc, signed.Meaning, signed.Reason, signed.ContentSha256) { IsAlone = signed.IsAlone },
        }));
    }

    private void Apply(OtherAssessment statement)
    {
        var key = (statement.Laboratory, statement.Id);
        if (_others.TryGetValue(key, out var before) && before.Content.Allele != statement.Content.Allele) _othersByAllele[before.Content.Allele].Remove(key);
        if (before?.Content.Allele != statement.Content.Allele) Listed(_othersByAllele, statement.Content.Allele).Add(key);
        _others[key] = statement;
    }

    /// <summary>What a signature covers.</summary>
    internal static string DigestOf(AssessmentContent content) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(AssessmentJson.Encode(content)));

    private Assessment Current(long id, int version, AssessmentState? state)
    {
        var now = Find(id);
        return now is not null && now.Version == version && (state is null || now.State == state) ? now : throw new InvalidDataException(FormattableString.Invariant($"assessment {id} is not where the event log says that it was"));
    }

    private static Assessment Stamped(LoggedEvent logged, Assessment next) => next with { Version = next.Version + 1, By = logged.Actor, TimeUtc = logged.TimeUtc, ManifestVersion = logged.ManifestVersion };

    private void Add(Assessment next)
    {
        if (!_history.TryGetValue(next.Id, out var history)) _history.Add(next.Id, history = []);
        var before = history.Count > 0 ? history[^1].Content.Allele : null;
        if (before is not null && before != next.Content.Allele) _byAllele[before].Remove(next.Id);
        if (before != next.Content.Allele) Listed(_byAllele, next.Content.Allele).Add(next.Id);
        history.Add(next);
    }

    private static List<T> Listed<T>(Dictionary<AssessedAllele, List<T>> of, AssessedAllele allele)
    {
        if (!of.TryGetValue(allele, out var list)) of.Add(allele, list = []);
        return list;
    }

    private static InvalidDataException Misfit(LoggedEvent logged) => new(FormattableString.Invariant($"event {logged.Number} cannot follow what is before it"));
}
