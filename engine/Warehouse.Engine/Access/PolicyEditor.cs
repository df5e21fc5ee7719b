using System.Globalization;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Access;

/// <summary>
/// Every change of a policy: from one that holds to the next one, by an actor, at a moment. Nothing is removed, and nobody approves what he made
/// or what is for him by name. A change that may not be is an exception, and the policy is as it was. One change per instance.
/// </summary>
/// <param name="before">The policy that holds.</param>
/// <param name="catalog">What the store holds now.</param>
/// <param name="actor">Who changes it.</param>
/// <param name="nowUtc">When.</param>
/// <param name="version">Manifest version that the change becomes.</param>
internal sealed class PolicyEditor(Policy before, StoreCatalog catalog, AccessActor actor, DateTimeOffset nowUtc, long version)
{
    /// <summary>Most entries of a policy.</summary>
    public const int MaxEntries = 100_000;

    /// <summary>Longest reason, characters.</summary>
    public const int MaxReason = 1_000;

    private const int MaxMembers = 1_000, MaxTerms = 100, MaxDays = 3_660;

    private Stamp Now => new(nowUtc, actor.Id);

    /// <summary>A standing grant, which waits for approval.</summary>
    public Policy Grant(GrantRequest request)
    {
        before.Require(actor, Permission.Grant);
        var (from, longest) = (request.FromUtc ?? nowUtc, TimeSpan.FromDays(before.Settings.MaxGrantDays));
        var grant = GrantOf(request, GrantKind.Standing, from, request.UntilUtc ?? from + longest);
        if (grant.UntilUtc - grant.FromUtc > longest) throw Bad("grant-lifetime", $"a grant lasts at most {before.Settings.MaxGrantDays} days");
        return Add(grant);
    }

    /// <summary>
    /// An elevation, which waits for approval and is over whether it comes or not. Its caller does not learn from it who is there (I4): names that nobody has are
    /// left out, and whoever approves learns when nobody is left.
    /// </summary>
    public Policy Elevate(GrantRequest request)
    {
        before.Require(actor, Permission.Elevate);
        RequireOwn(request.Subject);
        var longest = TimeSpan.FromMinutes(before.Settings.MaxElevationMinutes);
        var grant = GrantOf(request, GrantKind.Elevation, nowUtc, request.UntilUtc ?? nowUtc + longest);
        if (grant.Reason.Length == 0) throw Bad("grant-reason", "an elevation needs a reason");
        if (grant.UntilUtc - nowUtc > longest) throw Bad("grant-lifetime", $"an elevation lasts at most {before.Settings.MaxElevationMinutes} minutes");
        return Add(grant);
    }

    /// <summary>Opens the samples of one person to one principal, at the level record, for treatment, at once.</summary>
    public Policy BreakGlass(BreakGlassRequest request)
    {
        before.Require(actor, Permission.BreakGlass);
        var subject = request.Subject ?? new Subject(SubjectKind.Principal, actor.Id);
        RequireOwn(subject);
        if (before.Unreviewed.Any(g => g.Subject == subject && nowUtc >= g.Made.Utc + PolicySettings.ReviewWithin)) throw AccessRefusedException.ReviewOverdue();
        var longest = TimeSpan.FromMinutes(before.Settings.MaxBreakGlassMinutes);
        var lasts = request.Lasts ?? longest;
        if (lasts <= TimeSpan.Zero || lasts > longest) throw Bad("grant-lifetime", $"a break-glass lasts at most {before.Settings.MaxBreakGlassMinutes} minutes");
        if (request.Reason.Trim().Length == 0) throw Bad("grant-reason", "a break-glass needs a reason");
        return Add(new Grant
        {
            Made = Now, Kind = GrantKind.BreakGlass, Subject = subject, Target = new Target { Samples = PatientOf(request.Samples) }, Details = [Detail.Record],
            Purposes = [Purpose.Treatment], FromUtc = nowUtc, UntilUtc = nowUtc + lasts, Reason = Reason(request.Reason),
        });
    }

    /// <summary>A role for a principal or a group, which waits for approval.</summary>
    public Policy Assign(Subject subject, Role role)
    {
        before.Require(actor, Permission.Grant);
        if (!subject.IsSound || subject.Kind is not (SubjectKind.Principal or SubjectKind.Group)) throw Bad("access-subject", "a role is assigned to a principal or to a group:NAME");
        return Add(new RoleAssignment { Made = Now, Subject = subject, Role = role });
    }

    /// <summary>Ends every assignment of a role to a principal or a group.</summary>
    public Policy Unassign(Subject subject, Role role)
    {
        before.Require(actor, Permission.Revoke);
        var wanted = before.Entries.OfType<RoleAssignment>().Where(a => a.Ended is null && a.Subject == subject && a.Role == role).Select(a => a.Id).ToHashSet();
        if (wanted.Count == 0) throw Bad("unknown-entry", "this role is not assigned to this subject");
        if (actor.Caller is not null && Policy.BlindRoles.Contains(role) && subject.Kind == SubjectKind.Principal && subject.Name == actor.Id) throw AccessRefusedException.SecondPerson();
        return With(before.Entries.Select(e => wanted.Contains(e.Id) ? e with { Ended = Now } : e));
    }

    /// <summary>Registers a project, which waits for approval.</summary>
    public Policy Register(ProjectRequest request)
    {
        before.Require(actor, Permission.Grant);
        if (request.Members.Count is 0 or > MaxMembers || request.Members.Any(m => !m.IsSound)) throw Bad("project-members", $"a project has 1 to {MaxMembers} members");
        if (request.Use.Modifiers.Count > MaxTerms || request.Use.Modifiers.FirstOrDefault(m => !Consent.IsModifier(m)) is not null)
            throw Bad("project-use", "a modifier of a project's use is a term of the Data Use Ontology that a project can be bound to: DUO:0000018, DUO:0000022=VALUE");
        var terms = request.Use.Diseases.SelectMany(d => d.Broader.Append(d.Term)).ToList();
        if (terms.Count > MaxTerms || terms.Any(t => !Consent.IsDisease(t))) throw Bad("project-use", "a disease is a term of MONDO: MONDO:0005148");
        if ((request.Use.Kind == ResearchKind.Disease) != (terms.Count > 0)) throw Bad("project-use", "a project of the kind disease, and no other, names diseases");
        var group = request.CollusionGroup ?? request.Name;
        foreach (var name in (string[])[request.Name, group])
            if (!IsName(name)) throw Bad("project-name", "a name of a project or a collusion group has 1 to 100 letters, digits, _ - or .");
        return Add(new Project { Made = Now, Name = request.Name, Members = request.Members, Use = request.Use, CollusionGroup = group });
    }

    /// <summary>New settings, which wait for approval.</summary>
    public Policy Set(SettingsRequest request)
    {
        before.Require(actor, Permission.Grant);
        var now = before.Settings;
        var next = new PolicySettings
        {
            Made = Now, K = request.K ?? now.K, MinCohort = request.MinCohort ?? now.MinCohort, MaxGrantDays = request.MaxGrantDays ?? now.MaxGrantDays,
            MaxElevationMinutes = request.MaxElevationMinutes ?? now.MaxElevationMinutes, MaxBreakGlassMinutes = request.MaxBreakGlassMinutes ?? now.MaxBreakGlassMinutes,
            ChargesByVariant = request.ChargesByVariant ?? now.ChargesByVariant,
        };
        if (next.K < PolicySettings.LeastK) throw Bad("settings-k", $"k is at least {PolicySettings.LeastK}");
        if (next.MinCohort < next.K) throw Bad("settings-cohort", "the least cohort has at least k samples");
        if (next.MaxGrantDays is < 1 or > MaxDays) throw Bad("settings-lifetime", $"a grant may last 1 to {MaxDays} days");
        if (next.MaxElevationMinutes < 1 || TimeSpan.FromMinutes(next.MaxElevationMinutes) > PolicySettings.LongestElevation) throw Bad("settings-lifetime", "an elevation may last 1 to 480 minutes");
        if (next.MaxBreakGlassMinutes < 1 || TimeSpan.FromMinutes(next.MaxBreakGlassMinutes) > PolicySettings.LongestBreakGlass) throw Bad("settings-lifetime", "a break-glass may last 1 to 60 minutes");
        return Add(next);
    }

    /// <summary>Approves an entry that somebody else made.</summary>
    public Policy Approve(int id)
    {
        before.Require(actor, Permission.Approve);
        var entry = Entry(id);
        if (before.StateOf(entry, nowUtc) != EntryState.Awaiting) throw Bad("not-awaiting", $"entry {id} does not wait for approval");
        if (entry is Grant { Kind: GrantKind.Elevation, Target: { IsAll: false } target } && (target.Cohort is { } cohort ? catalog.Cohort(cohort, long.MaxValue) is null : target.Samples is not { Count: > 0 }))
            throw Bad("grant-target", $"entry {id} names no cohort and no sample that is there");
        var isBootstrap = actor.Caller is null && !before.NamesApprover();
        if (!isBootstrap && (entry.Made.By == actor.Id || IsFor(entry, actor.Id))) throw AccessRefusedException.SecondPerson();
        return With(Replaced(entry with { Approved = Now, IsBootstrap = isBootstrap && entry.Made.By == actor.Id }));
    }

    /// <summary>Revokes an entry, at once.</summary>
    public Policy Revoke(int id)
    {
        var entry = Entry(id);
        var isOwn = entry.Made.By == actor.Id || IsFor(entry, actor.Id);
        // A role that blinds is a bound: who has it does not shake it off alone. What else is his own he gives up with nobody's leave.
        if (isOwn && entry is RoleAssignment { Approved: not null } assignment && actor.Caller is not null && Policy.BlindRoles.Contains(assignment.Role)) throw AccessRefusedException.SecondPerson();
        if (!isOwn) before.Require(actor, Permission.Revoke);
        if (entry.Ended is not null) throw Bad("not-in-force", $"entry {id} is revoked");
        if (entry is PolicySettings { WasApproved: true }) throw Bad("settings-revoke", "settings are replaced by new ones, not revoked");
        return With(Replaced(entry with { Ended = Now }));
    }

    /// <summary>Confirms grants in an access review.</summary>
    public Policy Attest(IReadOnlyCollection<int> ids)
    {
        before.Require(actor, Permission.Attest);
        var wanted = ids.ToHashSet();
        foreach (var id in wanted)
        {
            if (Entry(id) is not Engine.Access.Grant { Kind: GrantKind.Standing } grant || before.StateOf(grant, nowUtc) is not (EntryState.InForce or EntryState.Suspended or EntryState.NotYet))
                throw Bad("not-in-force", $"entry {id} is no grant that can be attested");
            if (IsFor(grant, actor.Id)) throw AccessRefusedException.SecondPerson();
        }
        return With(before.Entries.Select(e => wanted.Contains(e.Id) && e is Grant grant ? grant with { Attested = [.. grant.Attested, Now] } : e));
    }

    /// <summary>Says that somebody else has looked into a break-glass.</summary>
    public Policy Review(int id)
    {
        before.Require(actor, Permission.ReviewBreakGlass);
        if (Entry(id) is not Engine.Access.Grant { Kind: GrantKind.BreakGlass, Reviewed: null } glass) throw Bad("not-in-force", $"entry {id} is no break-glass that waits for review");
        if (actor.Caller is not null || before.NamesApprover())
            if (glass.Made.By == actor.Id || IsFor(glass, actor.Id)) throw AccessRefusedException.SecondPerson();
        return With(Replaced(glass with { Reviewed = Now }));
    }

    /// <summary>Keeps record of a release epoch; whether it may open was decided before.</summary>
    public Policy Open(long snapshot)
    {
        before.Require(actor, Permission.OpenEpoch);
        if (snapshot < 1 || snapshot >= version || snapshot < catalog.PurgedBefore || (before.Epoch is { } last && snapshot < last.Snapshot))
            throw Bad("epoch-snapshot", "an epoch answers from a snapshot that can be asked, and none that is older than that of the epoch before");
        return before with { Version = version, Epochs = [.. before.Epochs, new ReleaseEpoch(before.Epochs.Count + 1, snapshot, Now)] };
    }

    private Grant GrantOf(GrantRequest request, GrantKind kind, DateTimeOffset from, DateTimeOffset until)
    {
        if (!request.Subject.IsSound) throw Bad("access-subject", "a subject has a name of at most 256 characters");
        if (request.Details.Count == 0) throw Bad("grant-detail", "a grant names at least one level of detail");
        if (request.Purposes.Count == 0) throw Bad("grant-purpose", "a grant names at least one purpose");
        if (until <= from || until <= nowUtc) throw Bad("grant-lifetime", "a grant ends after it begins, and after now");
        if ((request.AllSamples ? 1 : 0) + (request.Cohort is null ? 0 : 1) + (request.Samples is null ? 0 : 1) != 1) throw Bad("grant-target", "a grant is about all samples, a cohort, or a list of samples");
        var isAsked = kind == GrantKind.Elevation && actor.Caller is not null;
        if (request.Cohort is { } cohort && (isAsked ? !IsName(cohort) : catalog.Cohort(cohort, long.MaxValue) is null)) throw Bad("unknown-cohort", $"there is no cohort {cohort}");
        return new Grant
        {
            Made = Now, Kind = kind, Subject = request.Subject, Details = [.. request.Details.Distinct().Order()], Purposes = [.. request.Purposes.Distinct().Order()],
            Target = request.AllSamples ? Target.All : request.Cohort is not null ? new Target { Cohort = request.Cohort } : new Target { Samples = Numbers(request.Samples!, isAsked) },
            FromUtc = from, UntilUtc = until, Reason = Reason(request.Reason),
        };
    }

    /// <summary>An elevation and a break-glass are for who asks; the owner, who sees everything, may prepare them for somebody.</summary>
    private void RequireOwn(Subject subject)
    {
        if (subject.Kind != SubjectKind.Principal || !subject.IsSound) throw Bad("access-subject", "this is for one principal");
        if (actor.Caller is not null && subject.Name != actor.Id) throw AccessRefusedException.SecondPerson();
    }

    /// <summary>All samples of the one person of whom samples are named.</summary>
    private int[] PatientOf(IReadOnlyList<string> names)
    {
        var (named, sheets) = (Numbers(names), catalog.SheetAt(long.MaxValue));
        string? PersonOf(int sample) => sheets.TryGetValue(sample, out var sheet) && sheet.TryGetValue(SheetColumn.Person, out var person) && person.Length > 0 ? person : null;
        if (named.Length == 0) throw Bad("one-patient", "a break-glass names at least one sample");
        if (named.Length == 1 && PersonOf(named[0]) is null) return named;
        var persons = named.Select(PersonOf).Distinct().ToList();
        if (persons is not [{ } patient]) throw Bad("one-patient", "a break-glass opens the samples of one person, and these are not known to be");
        return [.. Enumerable.Range(0, catalog.Samples.Count).Where(s => catalog.Samples[s].WithdrawnVersion == 0 && PersonOf(s) == patient)];
    }

    private int[] Numbers(IReadOnlyList<string> names, bool skipUnknown = false)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < catalog.Samples.Count; i++)
            if (catalog.Samples[i].WithdrawnVersion == 0) index[catalog.Samples[i].Name] = i;
        var numbers = new SortedSet<int>();
        for (var line = 0; line < names.Count; line++)
        {
            if (index.TryGetValue(names[line], out var sample)) numbers.Add(sample);
            else if (!skipUnknown) throw new InputException("unknown-sample", "the store has no sample of this name", new InputPlace("samples", line + 1, 0, ""));
        }
        return [.. numbers];
    }

    private static bool IsFor(PolicyEntry entry, string principal) => entry switch
    {
        Engine.Access.Grant grant => grant.Subject.Kind == SubjectKind.Principal && grant.Subject.Name == principal,
        RoleAssignment assignment => assignment.Subject.Kind == SubjectKind.Principal && assignment.Subject.Name == principal,
        _ => false,
    };

    private static bool IsName(string name) => name.Length is > 0 and <= VariantStore.MaxCohortName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');

    private static string Reason(string text) =>
        text.Length <= MaxReason && !text.Any(char.IsControl) ? text : throw Bad("grant-reason", $"a reason has at most {MaxReason} characters, on one line");

    private PolicyEntry Entry(int id) => id >= 1 && id <= before.Entries.Count ? before.Entries[id - 1] : throw Bad("unknown-entry", $"the policy has no entry {id}");

    private Policy Add(PolicyEntry entry) => before.Entries.Count < MaxEntries
        ? With(before.Entries.Append(entry with { Id = before.Entries.Count + 1 }))
        : throw Bad("policy-size", $"a policy has at most {MaxEntries} entries");

    private IEnumerable<PolicyEntry> Replaced(PolicyEntry entry) => before.Entries.Select(e => e.Id == entry.Id ? entry : e);

    private Policy With(IEnumerable<PolicyEntry> entries) => before with { Version = version, Entries = [.. entries] };

    private static InputException Bad(string rule, FormattableString text) => new(rule, text.ToString(CultureInfo.InvariantCulture), InputPlace.None);

    private static InputException Bad(string rule, string text) => new(rule, text, InputPlace.None);
}
