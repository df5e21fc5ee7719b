using System.Globalization;
using System.Text;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Events;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.Alerts;

/// <summary>A signed assessment of the laboratory.</summary>
/// <param name="Event">Number of the event that signed it.</param>
/// <param name="Allele">Its allele.</param>
/// <param name="Before">Class of the assessment that it supersedes; absent when it is the first.</param>
/// <param name="Net">Its class; absent where it was taken back.</param>
/// <param name="Condition">Id of its condition: a laboratory may have signed several of an allele.</param>
/// <param name="Genes">Genes, as GENEINFO or a list with commas; null = those of the release in force, or not known.</param>
public sealed record SignedAssessment(long Event, Variant Allele, NetClass Before, NetClass Net, string Condition = "", string? Genes = null);

/// <summary>What alerts follow from besides the log: the store, the releases in it, and the laboratory's assessments.</summary>
public sealed record AlertSources
{
    /// <summary>The store.</summary>
    public required VariantStore Store { get; init; }

    /// <summary>The release of a date, and where a digest is given of that content; null = the store has none.</summary>
    public required Func<string, string?, ShelvedRelease?> Release { get; init; }

    /// <summary>All signed assessments, in the order of their events.</summary>
    public Func<IReadOnlyList<SignedAssessment>> Assessments { get; init; } = () => [];

    /// <summary>Gets the name of each sample whose data is used; null = nobody asks.</summary>
    public Action<string>? Shown { get; init; }

    /// <summary>
    /// Callers of whom more is known than their id, though they are not here: the roles and groups that their credentials state. Null = who the callers are is not known here, as at the
    /// command line: a server of the same store may know more.
    /// </summary>
    public Func<IEnumerable<Caller>>? Callers { get; init; }

    /// <summary>Names persons to the audit log, of whom it knows the samples that are there.</summary>
    /// <param name="persons">As the sheet names them.</param>
    /// <param name="shown">Gets the name of each of their samples; null = nobody asks.</param>
    public void Name(IEnumerable<string> persons, Action<string>? shown)
    {
        if (shown is null) return;
        var named = persons.ToHashSet(StringComparer.Ordinal);
        if (named.Count == 0) return;
        using var session = Store.OpenSession();
        foreach (var sample in session.LoadedSamples())
            if (named.Contains(sample.Person)) shown(sample.Name);
    }
}

/// <summary>
/// Which alerts follow from events and versions (I10): the same list whenever and however often it is asked. Causes come in the order of the log:
/// an event that names a version comes behind it. A cause is judged by the watches and grades of its moment and the snapshot that it follows, so what came later
/// changes nothing of it. Who hears of an alert is not decided here. One thread.
/// </summary>
internal sealed class Derivation(AlertSources sources, AlertBook now, EventLog log, TimeProvider clock)
{
    private static readonly ClinVarAxis[] Axes = Enum.GetValues<ClinVarAxis>();
    private static readonly Grade[] Grades = Enum.GetValues<Grade>();

    /// <summary>What is new since a derivation: each cause with its alerts and how far it goes.</summary>
    internal IEnumerable<(IReadOnlyList<AlertDraft> Drafts, DerivedThrough Through)> Since(DerivedThrough derived)
    {
        var (version, newest, last) = (derived.Version, sources.Store.Version, derived.Event);
        foreach (var logged in log.Read(derived.Event + 1))
        {
            last = logged.Number;
            if (!IsCause(logged)) continue;
            var follows = Math.Min(logged.ManifestVersion, newest);
            if (follows > version && version > 0) yield return (Of(new Moment(logged.Number - 1, follows), version), new DerivedThrough(logged.Number - 1, follows));
            version = Math.Max(version, follows);
            yield return (OfEvent(logged, new Moment(logged.Number, Math.Max(version, 1))), new DerivedThrough(logged.Number, version));
        }
        // A log that has nothing yet watches nothing: the first event says from which version on.
        if (newest > version && last > 0) yield return (version > 0 ? Of(new Moment(last, newest), version) : [], new DerivedThrough(last, newest));
    }

    /// <summary>How many alerts accepting a release would raise now, by grade, and over how many persons: no alert is made for it.</summary>
    internal IReadOnlyList<(Grade Grade, int Alerts, int Persons)> Preview(IReadOnlyList<ClassChange> changes, string release)
    {
        using var at = Open(new Moment(now.Head, sources.Store.Version));
        var (alerts, told) = (new int[Grades.Length], new HashSet<string>[Grades.Length]);
        for (var grade = 0; grade < told.Length; grade++) told[grade] = new HashSet<string>(StringComparer.Ordinal);
        // What the release has raised already, when it holds, is not raised again.
        var raised = at.Book.Alerts.Where(a => a.State != AlertState.Suppressed && a.Draft.Change.StartsWith(PrefixOf(release), StringComparison.Ordinal)).Select(a => a.Draft.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var (trigger, some, words) in ByTrigger(changes, release))
        {
            using var carrying = at.Carrying(trigger, some, null);
            if (carrying is null) continue;
            var marked = Array.ConvertAll(Grades, _ => new bool[carrying.Names.Count]);
            foreach (var (change, persons) in carrying.Persons(trigger, some))
                foreach (var person in persons)
                {
                    if (raised.Count > 0 && raised.Contains(AlertDraft.KeyOf(carrying.Names[person], change.Allele.ToString(), words(change)))) continue;
                    alerts[(int)change.Grade]++;
                    marked[(int)change.Grade][person] = true;
                }
            for (var grade = 0; grade < marked.Length; grade++) told[grade].UnionWith(carrying.Names.Where((_, person) => marked[grade][person]));
        }
        return [.. Grades.Where(g => alerts[(int)g] > 0).Reverse().Select(g => (g, alerts[(int)g], told[(int)g].Count))];
    }

    private static bool IsCause(LoggedEvent logged) =>
        logged.Kind is AlertCodec.Prefix + "release" or AlertCodec.Prefix + "test-begun" or AlertCodec.Prefix + "watch" or AlertCodec.Prefix + "unwatch" or AlertCodec.Prefix + "grades" || logged.Kind.StartsWith("assess", StringComparison.Ordinal);

    private IReadOnlyList<AlertDraft> OfEvent(LoggedEvent logged, Moment moment)
    {
        if (logged.Kind == AlertCodec.Prefix + "release" && AlertCodec.Decode(logged).Event is ReleaseAccepted accepted)
        {
            using var at = Open(moment);
            AlertDraft[] unknown = accepted.Unrecognised == 0 ? [] : [Unrecognised(accepted)];
            if (at.Filters.Count == 0) return unknown;
            var (changes, release) = LastChanges(at, isCause: true);
            return [.. unknown, .. OfChanges(at, changes, release, null), .. Discordant(at, Assessed(at), null)];
        }
        if (logged.Kind == AlertCodec.Prefix + "test-begun" && AlertCodec.Decode(logged).Event is SelfTestBegun test)
            return [new AlertDraft { Trigger = WatchTriggers.None, Person = "", Allele = "", Change = "self-test " + test.Mark, Grade = Grade.Minor, IsSelfTest = true }];
        if (logged.Kind.StartsWith("assess", StringComparison.Ordinal) && sources.Assessments().FirstOrDefault(a => a.Event == logged.Number) is { } signed)
        {
            using var at = Open(moment);
            return at.Filters.Count == 0 ? [] : OfAssessment(at, signed);
        }
        return [];
    }

    /// <summary>For the directors: terms that no table has came with a release and were accepted.</summary>
    private static AlertDraft Unrecognised(ReleaseAccepted accepted) => new()
    {
        Trigger = WatchTriggers.None, Person = "", Allele = "", Grade = Grade.Major,
        Change = string.Create(CultureInfo.InvariantCulture, $"clinvar {accepted.Release} has {accepted.Unrecognised} alleles with unrecognised terms"),
    };

    /// <summary>What follows from samples that were loaded after a version, up to that of the moment.</summary>
    private IReadOnlyList<AlertDraft> Of(Moment moment, long after)
    {
        using var at = Open(moment);
        if (at.Filters.Count == 0) return [];
        var loaded = at.LoadedSince(after);
        if (loaded.Count == 0) return [];
        var (drafts, assessed) = (new Drafts(), Assessed(at));
        if (at.Book.Releases.Count > 0)
        {
            var (changes, release) = LastChanges(at, isCause: false);
            drafts.AddRange(OfChanges(at, changes, release, loaded));
            var changed = changes.Where(c => c.IsOfClass).ToDictionary(c => (c.Allele, c.Axis));
            var classed = new List<ClassChange>();
            foreach (var allele in Shelved(at.Book.Releases[^1].Release).Alleles())
                foreach (var axis in Axes)
                    if (allele.On(axis) is { Net: NetClass.Pathogenic } now) classed.Add(NewlySeen(allele, axis, now, at.Book.Grades));
            // Whoever watches for that change hears of the change; another watch would hear of neither.
            bool IsTold(WatchFilter watch, ClassChange seen) => changed.TryGetValue((seen.Allele, seen.Axis), out var change) && watch.Wants(WatchTriggers.Class, change);
            drafts.AddRange(at.Persons(WatchTriggers.NewlySeen, classed, loaded, c => $"newly-seen {Word(c.Axis)} {Word(c.To)}", IsTold));
        }
        drafts.AddRange(OfAssessed(at, assessed, loaded));
        drafts.AddRange(Frequencies(at, assessed, loaded, after));
        return drafts.ToList();
    }

    private IReadOnlyList<AlertDraft> OfChanges(At at, IReadOnlyList<ClassChange> changes, string release, List<string>? loaded)
    {
        var drafts = new Drafts();
        foreach (var (trigger, some, words) in ByTrigger(changes, release)) drafts.AddRange(at.Persons(trigger, some, loaded, words));
        return drafts.ToList();
    }

    private static IEnumerable<(WatchTriggers Trigger, IReadOnlyList<ClassChange> Changes, Func<ClassChange, string> Words)> ByTrigger(IReadOnlyList<ClassChange> changes, string release)
    {
        yield return (WatchTriggers.Class, [.. changes.Where(c => c.IsOfClass)], c => $"{PrefixOf(release)}{Word(c.Axis)} {Word(c.From)}>{Word(c.To)}");
        yield return (WatchTriggers.Review, [.. changes.Where(c => !c.IsOfClass)], c => $"{PrefixOf(release)}{Word(c.Axis)} {Words(c.Kinds)}");
    }

    private static string PrefixOf(string release) => $"clinvar {release} ";

    private IReadOnlyList<AlertDraft> OfAssessment(At at, SignedAssessment signed)
    {
        (var drafts, signed) = (new Drafts(), WithGenes(at, [signed])[0]);
        if (signed.Before != signed.Net) drafts.AddRange(at.Persons(WatchTriggers.Assessment, [ChangeOf(signed, at.Book.Grades)], null, c => string.Create(CultureInfo.InvariantCulture, $"assessment {signed.Event} {Word(c.From)}>{Word(c.To)}")));
        drafts.AddRange(Discordant(at, [signed], null));
        return drafts.ToList();
    }

    private IReadOnlyList<AlertDraft> OfAssessed(At at, List<SignedAssessment> assessed, List<string> loaded)
    {
        var drafts = new Drafts();
        var gravest = assessed.GroupBy(a => a.Allele).Select(g => g.MaxBy(a => Weight(a.Net))!);
        drafts.AddRange(at.Persons(WatchTriggers.AssessedCarried, [.. gravest.Select(a => ChangeOf(a with { Before = NetClass.Absent }, at.Book.Grades))], loaded, c => $"assessed-carried {Word(c.To)}"));
        drafts.AddRange(Discordant(at, assessed, loaded));
        return drafts.ToList();
    }

    private static int Weight(NetClass own) => own switch { NetClass.Pathogenic => 2, NetClass.Uncertain => 1, _ => 0 };

    /// <summary>Assessments that ClinVar contradicts: one says pathogenic, the other benign, or one of these and the other uncertain. Of several of an allele each is looked at.</summary>
    private IReadOnlyList<AlertDraft> Discordant(At at, IReadOnlyList<SignedAssessment> assessments, List<string>? loaded)
    {
        if (assessments.Count == 0 || at.Book.Releases.Count == 0 || !at.Filters.Any(f => (f.Watch.Triggers & WatchTriggers.Discordance) != 0)) return [];
        var (own, apart) = (assessments.ToLookup(a => a.Allele), new List<ClassChange>());
        foreach (var allele in Shelved(at.Book.Releases[^1].Release).Alleles())
            foreach (var signed in own[allele.Allele].Where(a => IsDiscordant(a.Net, allele.Germline.Net)).DistinctBy(a => a.Net))
                apart.Add(new ClassChange { Allele = allele.Allele, Axis = ClinVarAxis.Germline, From = signed.Net, To = allele.Germline.Net, Kinds = ChangeKinds.Sideways, Genes = allele.Genes, Ids = string.Join(',', allele.Ids), Grade = signed.Net == NetClass.Uncertain || allele.Germline.Net == NetClass.Uncertain ? Grade.Major : Grade.Critical });
        return at.Persons(WatchTriggers.Discordance, apart, loaded, c => $"discordant own {Word(c.From)} clinvar {Word(c.To)}");
    }

    private static bool IsDiscordant(NetClass own, NetClass clinvar) =>
        own != clinvar && IsOnScale(own) && IsOnScale(clinvar);

    private static bool IsOnScale(NetClass net) => net is NetClass.Pathogenic or NetClass.Uncertain or NetClass.Benign;

    /// <summary>Alleles of the release or of an assessment that samples just loaded carry, whose frequency was below a line and is not any more.</summary>
    private IReadOnlyList<AlertDraft> Frequencies(At at, List<SignedAssessment> assessed, List<string> loaded, long after)
    {
        var watches = at.Filters.Where(f => (f.Watch.Triggers & WatchTriggers.Frequency) != 0 && f.Watch.FrequencyLine > 0).ToList();
        if (watches.Count == 0) return [];
        var alleles = new SortedDictionary<Variant, string?>();
        foreach (var signed in assessed) alleles[signed.Allele] = signed.Genes;
        if (at.Book.Releases.Count > 0)
            foreach (var allele in Shelved(at.Book.Releases[^1].Release).Alleles())
                if (allele.Germline.Net is NetClass.Pathogenic or NetClass.Uncertain or NetClass.Conflicting) alleles[allele.Allele] = allele.Genes;
        var wanted = alleles.Where(a => watches.Any(w => w.Takes(a.Key, a.Value))).ToList();
        var carried = at.Carried(wanted.Select(w => w.Key), loaded);
        using var old = OpenSession(after);
        // What a purge took nobody can count: each is told then that is not below its line now, rather than none.
        using var before = old.Snapshot == after ? old.PrepareLookup(SampleChoice.All) : null;
        using var now = at.Session.PrepareLookup(SampleChoice.All);
        var drafts = new Drafts();
        foreach (var (allele, genes) in wanted.Where(w => carried.Contains(w.Key)))
        {
            var (was, becomes) = (before is null ? double.NegativeInfinity : Frequency(before, allele), Frequency(now, allele));
            foreach (var watch in watches.Where(w => w.Takes(allele, genes) && was < w.Watch.FrequencyLine && becomes >= w.Watch.FrequencyLine && Grade.Major >= w.Watch.Least))
                drafts.Add(new AlertDraft { Trigger = WatchTriggers.Frequency, Person = "", Allele = allele.ToString(), Change = string.Create(CultureInfo.InvariantCulture, $"frequency {watch.Watch.FrequencyLine}"), Grade = Grade.Major, Genes = genes ?? "", Watches = [watch.Watch.Name] });
        }
        return drafts.ToList();
    }

    private static double Frequency(AlleleLookup lookup, Variant allele)
    {
        lookup.Find(allele.Contig, allele.Start, Encoding.ASCII.GetBytes(allele.Ref), Encoding.ASCII.GetBytes(allele.Alt), out var figures);
        return figures.An == 0 ? 0 : (double)figures.Ac / figures.An;
    }

    /// <summary>
    /// What the release in force at a moment changed. The first changes nothing: what it has is found when samples are loaded. So it is for samples that are loaded when the
    /// release before is not kept any more; of a release that is a cause itself both must be there.
    /// </summary>
    private (IReadOnlyList<ClassChange> Changes, string Release) LastChanges(At at, bool isCause)
    {
        var releases = at.Book.Releases;
        var now = Shelved(releases[^1].Release);
        if (releases.Count == 1) return ([], releases[^1].Release.Release);
        var before = isCause ? Shelved(releases[^2].Release) : Kept(releases[^2].Release);
        if (before is null) return ([], releases[^1].Release.Release);
        var earlier = releases.SkipLast(2).Reverse().Select(r => Kept(r.Release)).TakeWhile(r => r is not null).Select(r => r!);
        return (ReleaseComparison.WithFlipFlops(ReleaseComparison.Run(before, now, at.Book.Grades), earlier), releases[^1].Release.Release);
    }

    /// <summary>The release as it was accepted, or an error: alerts of other bytes would be others.</summary>
    private ShelvedRelease Shelved(ReleaseAccepted accepted) => Kept(accepted) ?? throw new Warehouse.Engine.Storage.DamagedStoreException("annotations", $"the release {accepted.Release} of ClinVar is not there as it was accepted") { IsMissing = true };

    private ShelvedRelease? Kept(ReleaseAccepted accepted) => sources.Release(accepted.Release, accepted.Digest);

    /// <summary>What stands at a moment: one for each allele and condition, in the order of alleles.</summary>
    private List<SignedAssessment> Assessed(At at)
    {
        var standing = new Dictionary<(Variant, string), SignedAssessment>();
        foreach (var signed in sources.Assessments())
            if (signed.Event > at.Moment.Event) break;
            else if (signed.Net == NetClass.Absent) standing.Remove((signed.Allele, signed.Condition)); // it was taken back
            else standing[(signed.Allele, signed.Condition)] = signed;
        return WithGenes(at, [.. standing.Values.OrderBy(a => a.Allele).ThenBy(a => a.Event)]);
    }

    /// <summary>An assessment names no genes: they are those that the release in force has of its allele.</summary>
    private List<SignedAssessment> WithGenes(At at, List<SignedAssessment> assessments)
    {
        if (assessments.Count == 0 || at.Book.Releases.Count == 0 || Kept(at.Book.Releases[^1].Release) is not { } release) return assessments;
        var known = release.Of(assessments.Select(a => a.Allele));
        return assessments.ConvertAll(a => a with { Genes = a.Genes ?? (known.TryGetValue(a.Allele, out var entry) ? entry.Genes : null) });
    }

    private static ClassChange NewlySeen(ClinVarAllele allele, ClinVarAxis axis, Classification now, GradeTable grades)
    {
        var change = new ClassChange { Allele = allele.Allele, Axis = axis, From = NetClass.Absent, To = now.Net, ToStars = now.Stars, Kinds = ChangeKinds.Appeared, Genes = allele.Genes, Ids = string.Join(',', allele.Ids) };
        return change with { Grade = grades.Of(change) };
    }

    private static ClassChange ChangeOf(SignedAssessment signed, GradeTable grades)
    {
        var change = new ClassChange { Allele = signed.Allele, Axis = ClinVarAxis.Germline, From = signed.Before, To = signed.Net, Kinds = signed.Before == NetClass.Absent ? ChangeKinds.Appeared : ChangeKinds.Sideways, Genes = signed.Genes ?? "", AreGenesKnown = signed.Genes is not null };
        return change with { Grade = grades.Of(change) };
    }

    /// <summary>The log is read anew for a moment that is past alone; what it says now is read already.</summary>
    private At Open(Moment moment) => new(moment, moment.Event == now.Head ? now : new AlertBook(log, clock, moment.Event), OpenSession(moment.Version));

    private Session OpenSession(long version)
    {
        var options = new SessionOptions { Snapshot = version, Purpose = Purpose.Treatment, Shown = sources.Shown };
        try
        {
            return sources.Store.OpenSession(options);
        }
        catch (InputException e) when (e.Code == "purged-snapshot")
        {
            return sources.Store.OpenSession(options with { Snapshot = null }); // the newest has all that is not withdrawn
        }
    }

    private static string Word<T>(T member) where T : struct, Enum => Kebab(member.ToString());

    private static string Words(ChangeKinds kinds) => string.Join('+', kinds.ToString().Split(", ").Select(Kebab));

    private static string Kebab(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));

    /// <summary>Through which event the log, and which version of the store, a cause is judged by.</summary>
    internal sealed record Moment(long Event, long Version);

    /// <summary>Alerts by key: several watches that want the same one make one alert.</summary>
    private sealed class Drafts
    {
        private readonly Dictionary<string, AlertDraft> _byKey = new(StringComparer.Ordinal);

        internal void Add(AlertDraft draft)
        {
            var key = draft.Key;
            _byKey[key] = _byKey.TryGetValue(key, out var known) ? known with { Watches = [.. known.Watches.Union(draft.Watches).Order(StringComparer.Ordinal)] } : draft;
        }

        internal void AddRange(IEnumerable<AlertDraft> drafts)
        {
            foreach (var draft in drafts) Add(draft);
        }

        internal IReadOnlyList<AlertDraft> ToList() => [.. _byKey.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => d.Value)];
    }

    /// <summary>The log and the store as they were at a moment.</summary>
    private sealed class At : IDisposable
    {
        internal At(Moment moment, AlertBook book, Session session)
        {
            (Moment, Book, Session) = (moment, book, session);
            Filters = [.. book.Watches.Values.Select(w => new WatchFilter(w, session))];
            Samples = session.LoadedSamples();
        }

        internal Moment Moment { get; }

        internal AlertBook Book { get; }

        internal Session Session { get; }

        internal List<WatchFilter> Filters { get; }

        internal IReadOnlyList<LoadedSample> Samples { get; }

        /// <summary>Samples that came after a version, and those that have another person since: it is new of him, whatever they carry. The version itself may be purged.</summary>
        internal List<string> LoadedSince(long version) => [.. Samples.Where(s => s.Version > version || s.PersonVersion > version).Select(s => s.Name)];

        /// <summary>Which alleles somebody of some samples carries; null = of all.</summary>
        internal HashSet<Variant> Carried(IEnumerable<Variant> alleles, List<string>? samples)
        {
            using var lookup = Session.PrepareLookup(samples is null ? SampleChoice.All : new SampleChoice { Names = samples });
            return [.. alleles.Where(a => lookup.Find(a.Contig, a.Start, Encoding.ASCII.GetBytes(a.Ref), Encoding.ASCII.GetBytes(a.Alt), out _) == SeenState.Seen)];
        }

        /// <summary>Alerts over the persons who carry what changed, where a watch wants it.</summary>
        internal IReadOnlyList<AlertDraft> Persons(WatchTriggers trigger, IReadOnlyList<ClassChange> changes, List<string>? loaded, Func<ClassChange, string> words, Func<WatchFilter, ClassChange, bool>? unless = null)
        {
            using var carrying = Carrying(trigger, changes, loaded, unless);
            return carrying is null ? [] : [.. carrying.Drafts(trigger, changes, words)];
        }

        /// <summary>Who carries changes, for the watches of a trigger; null where there is no change or no such watch.</summary>
        internal Carrying? Carrying(WatchTriggers trigger, IReadOnlyList<ClassChange> changes, List<string>? loaded, Func<WatchFilter, ClassChange, bool>? unless = null)
        {
            var watches = Filters.Where(f => (f.Watch.Triggers & trigger) != 0).ToList();
            return watches.Count == 0 || changes.Count == 0 ? null : new Carrying(Session, Samples, watches, loaded) { Unless = unless };
        }

        public void Dispose() => Session.Dispose();
    }
}
