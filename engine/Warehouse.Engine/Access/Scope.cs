using System.Globalization;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Access;

/// <summary>Who asks for what, and when: all that a scope follows from, beside policy and catalog.</summary>
/// <param name="Caller">Who.</param>
/// <param name="Purpose">Why.</param>
/// <param name="Project">On whose behalf; null = nobody's.</param>
/// <param name="NowUtc">When.</param>
internal sealed record AccessQuestion(Caller Caller, Purpose Purpose, string? Project, DateTimeOffset NowUtc);

/// <summary>
/// What a principal may see: per level of detail a set of samples, compiled from what is in force now, minus all samples withdrawn since; an
/// answer is given at one of the levels. It is an operand of every count. What nothing grants is in no set. Immutable, any thread.
/// </summary>
internal sealed class Scope
{
    private static readonly Detail[] Levels = Enum.GetValues<Detail>();

    private readonly bool[]?[] _byLevel;
    private readonly string[] _rules;
    private readonly bool[] _visible;
    private readonly bool[]?[] _granted;
    private readonly bool[] _whole;
    private bool[] _covered = [];

    private Scope((bool[]?[] Visible, bool[]?[] Granted) byLevel, string[] rules, bool[] whole, Detail level)
    {
        (_byLevel, _granted, _rules, _whole, Level) = (byLevel.Visible, byLevel.Granted, rules, whole, level);
        _visible = _byLevel[(int)level] ?? [];
    }

    /// <summary>Version of the policy; null for the owner.</summary>
    public long? PolicyVersion { get; private init; }

    /// <summary>Fewer samples than this are few: what is said of them is data of each. As the policy in force has it, for the owner too.</summary>
    public int K { get; private init; } = PolicySettings.LeastK;

    /// <summary>The level at which <see cref="Sees(int)"/> answers.</summary>
    public Detail Level { get; }

    /// <summary>The first moment at which the clock alone may change what is in force.</summary>
    public DateTimeOffset ValidUntilUtc { get; private init; } = DateTimeOffset.MaxValue;

    /// <summary>
    /// The rule that this scope follows, in words: digests name it. At one version of a store two scopes of one level that see different samples
    /// have different rules; a rule depends on no sample that its caller does not see, nor on whom it finds.
    /// </summary>
    public string Rule => _rules[(int)Level];

    /// <summary>True for the owner, from whom nothing is hidden.</summary>
    public bool IsOwner => PolicyVersion is null;

    /// <summary>
    /// True when nothing of the store is hidden from it: for the owner, and for whoever is granted all samples, whichever come, while nobody was withdrawn. That goes by
    /// the rule and by withdrawals, never by who is there: somebody whose list happens to name everybody learns nothing on the day when it does not (I4).
    /// </summary>
    public bool HidesNothing => IsOwner || _whole[(int)Level];

    /// <summary>
    /// True when all samples, whichever come, are granted to it for another purpose than research, also after somebody was withdrawn: what was once counted over
    /// everybody tells it nothing that it could not have counted. By the rule alone, as <see cref="HidesNothing"/>.
    /// </summary>
    public bool CoversAll => IsOwner || (_covered.Length > 0 && _covered[(int)Level]);

    /// <summary>True when it sees nothing at its level.</summary>
    public bool IsEmpty => !_visible.Contains(true);

    /// <summary>The scope of the store's owner: every sample that is not withdrawn, at every level.</summary>
    /// <param name="catalog">The store.</param>
    /// <param name="k">Fewer samples than this are few.</param>
    public static Scope Owner(StoreCatalog catalog, int k)
    {
        var visible = NotWithdrawn(catalog);
        bool[]?[] levels = [.. Levels.Select(_ => visible)];
        return new Scope((levels, levels), [.. Levels.Select(_ => "owner")], new bool[Levels.Length], Detail.Record) { K = k };
    }

    /// <summary>The scope of a caller, which sees nothing where nothing in force grants it.</summary>
    public static Scope Of(Policy policy, AccessQuestion question, StoreCatalog catalog)
    {
        var roles = policy.RolesOf(question.Caller);
        var nothing = new Scope((new bool[]?[Levels.Length], new bool[]?[Levels.Length]), [.. Levels.Select(l => Word(l) + ";nothing")], new bool[Levels.Length], Detail.Record) { PolicyVersion = policy.Version };
        if (roles.Overlaps(Policy.BlindRoles) || !IsOnBehalf(policy, question, roles, out var project)) return nothing;
        var (byLevel, rules, whole, changes) = (new bool[]?[Levels.Length], Levels.Select(l => new SortedSet<string>(StringComparer.Ordinal)).ToArray(), new bool[Levels.Length], DateTimeOffset.MaxValue);
        foreach (var grant in policy.Grants)
        {
            if (!grant.Purposes.Contains(question.Purpose) || !grant.Subject.Matches(question.Caller, roles)) continue;
            if (NextChange(grant, question.NowUtc) is { } next && next < changes) changes = next;
            if (policy.StateOf(grant, question.NowUtc) != EntryState.InForce || (grant.Kind == GrantKind.BreakGlass && !question.Caller.HasSecondFactor)) continue;
#if PLANTED_RECORD_INCLUDES_AGGREGATE
            foreach (var level in grant.Details.Contains(Detail.Record) ? [.. grant.Details, Detail.Aggregate] : grant.Details)
#else
            foreach (var level in grant.Details)
#endif
            {
                Add(byLevel[(int)level] ??= new bool[catalog.Samples.Count], grant.Target, catalog);
                rules[(int)level].Add(RuleOf(grant, catalog));
                whole[(int)level] |= grant.Target.IsAll;
            }
        }
        var condition = "";
        if (question.Purpose == Purpose.Research)
        {
            var midnight = new DateTimeOffset(question.NowUtc.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
            if (midnight < changes) changes = midnight;
#if !PLANTED_CONSENT_IGNORED
            KeepConsented(byLevel, (project!, question), catalog);
#endif
            condition = string.Create(CultureInfo.InvariantCulture, $";project {project!.Id} for {question.Caller.Id} on {question.NowUtc.UtcDateTime:yyyy-MM-dd}");
        }
        var standing = NotWithdrawn(catalog);
        bool[] covered = question.Purpose == Purpose.Research ? [] : [.. whole];
        if (question.Purpose == Purpose.Research || standing.Contains(false)) Array.Clear(whole);
        bool[]?[] granted = standing.Contains(false) ? [.. byLevel.Select(v => (bool[]?)v?.Clone())] : byLevel;
        foreach (var visible in byLevel) Keep(visible, standing);
        return new Scope((byLevel, granted), [.. Levels.Select(l => $"{Word(l)};{string.Join(' ', rules[(int)l].DefaultIfEmpty("nothing"))}{condition}")], whole, Detail.Record) { PolicyVersion = policy.Version, ValidUntilUtc = changes, _covered = covered, K = policy.Settings.K };
    }

    /// <summary>The same scope, answering at another level.</summary>
    public Scope At(Detail level) => new((_byLevel, _granted), _rules, _whole, level) { PolicyVersion = PolicyVersion, ValidUntilUtc = ValidUntilUtc, _covered = _covered, K = K };

    /// <summary>Whether another scope sees, at its level, every sample that this one sees at its own.</summary>
    public bool IsWithin(Scope other)
    {
        for (var sample = 0; sample < _visible.Length; sample++)
            if (_visible[sample] && !other.Sees(sample)) return false;
        return true;
    }

    /// <summary>Whether it sees a sample at its level.</summary>
    public bool Sees(int sample) => sample < _visible.Length && _visible[sample];

    /// <summary>Whether it would see a sample at its level if nobody had been withdrawn.</summary>
    public bool Granted(int sample) => _granted[(int)Level] is { } granted && sample < granted.Length && granted[sample];

    /// <summary>Whether it sees a sample at a level.</summary>
    public bool Sees(Detail level, int sample) => _byLevel[(int)level] is { } visible && sample < visible.Length && visible[sample];

    /// <summary>Levels at which it sees anything.</summary>
    public IReadOnlyList<Detail> OpenLevels => [.. Levels.Where(l => _byLevel[(int)l]?.Contains(true) == true)];

    /// <summary>Whoever names a project must be a member of it; research needs one.</summary>
    internal static bool IsOnBehalf(Policy policy, AccessQuestion question, IReadOnlySet<Role> roles, out Project? project)
    {
        project = question.Project is { } name ? policy.ProjectOf(name) : null;
        if (question.Project is null) return question.Purpose != Purpose.Research;
        return project is not null && project.Members.Any(m => m.Matches(question.Caller, roles));
    }

    private static void Add(bool[] to, Target target, StoreCatalog catalog)
    {
        if (target.IsAll) Array.Fill(to, true);
        else
            foreach (var sample in target.Samples ?? catalog.Cohort(target.Cohort!, long.MaxValue)?.Samples ?? [])
                if (sample < to.Length) to[sample] = true;
    }

    private static string RuleOf(Grant grant, StoreCatalog catalog) => grant.Target switch
    {
        { IsAll: true } => "all",
        { Cohort: { } cohort } => string.Create(CultureInfo.InvariantCulture, $"cohort:{cohort}@{catalog.Cohort(cohort, long.MaxValue)?.FromVersion ?? 0}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"list:{grant.Id}"),
    };

    /// <summary>Research sees the samples alone whose consent permits it, by their newest sheet. Samples mostly share their consent, so each spelling is judged once.</summary>
    private static void KeepConsented(bool[]?[] byLevel, (Project Project, AccessQuestion Question) asks, StoreCatalog catalog)
    {
        var (consented, today) = (new bool[catalog.Samples.Count], DateOnly.FromDateTime(asks.Question.NowUtc.UtcDateTime));
        var judged = new Dictionary<(string?, string?), bool>();
        foreach (var sheet in catalog.Sheets)
        {
            var asked = (sheet.Values.GetValueOrDefault(SheetColumn.Consent), sheet.Values.GetValueOrDefault(SheetColumn.ConsentUntil));
            if (!judged.TryGetValue(asked, out var permits)) judged.Add(asked, permits = Consent.Permits(asked.Item1, asked.Item2, asks.Project, asks.Question.Caller, today));
            consented[sheet.Sample] = permits; // later entries of a sample take the place of earlier ones
        }
        foreach (var visible in byLevel) Keep(visible, consented);
    }

    private static void Keep(bool[]? visible, bool[] kept)
    {
        for (var sample = 0; sample < visible?.Length; sample++) visible[sample] &= kept[sample];
    }

    private static DateTimeOffset? NextChange(Grant grant, DateTimeOffset nowUtc)
    {
        DateTimeOffset? next = null;
        foreach (var moment in (ReadOnlySpan<DateTimeOffset>)[grant.FromUtc, Policy.EndOf(grant), grant.Kind == GrantKind.Standing ? Policy.LapseOf(grant) : DateTimeOffset.MaxValue])
            if (moment > nowUtc && !(next <= moment)) next = moment;
        return next;
    }

    private static bool[] NotWithdrawn(StoreCatalog catalog)
    {
        var (visible, sample) = (new bool[catalog.Samples.Count], 0);
#if PLANTED_WITHDRAWN_SEEN
        foreach (var entry in catalog.Samples) visible[sample++] = entry.WithdrawnVersion >= 0;
#else
        foreach (var entry in catalog.Samples) visible[sample++] = entry.WithdrawnVersion == 0;
#endif
        return visible;
    }

    private static string Word(Detail level) => level switch { Detail.Exists => "exists", Detail.Aggregate => "aggregate", Detail.Record => "record", _ => "linkage" };
}
