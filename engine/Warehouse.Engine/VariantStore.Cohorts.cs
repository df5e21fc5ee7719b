using Warehouse.Engine.Catalog;
using Warehouse.Engine.Query;
using Warehouse.Engine.Samples;
using Warehouse.Primitives;

namespace Warehouse.Engine;

/// <summary>Facts of a cohort.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Manifest version that set it.</param>
/// <param name="Samples">Members that are not withdrawn.</param>
/// <param name="Where">Its expression, or null for a list.</param>
public sealed record CohortInfo(string Name, long Version, int Samples, string? Where);

public sealed partial class VariantStore
{
    /// <summary>Longest cohort name.</summary>
    public const int MaxCohortName = 100;

    /// <summary>Sets a cohort to a list of samples or to those that an expression over the sheet selects now. Exactly one of the two is given.</summary>
    /// <exception cref="InputException">A bad name, an unknown sample or column, or an expression that does not parse.</exception>
    public CohortInfo SetCohort(string name, IReadOnlyList<string>? samples, string? where) => SetCohort(name, samples, where, by: null);

    /// <summary>
    /// The same of what a session sees: other samples are not there (I4), and an expression is over columns that may name groups. A cohort that
    /// the name has is replaced, whoever made it: who may use which name is for the caller to decide. One that a grant opens gets no further members
    /// by this, and no other rule that could find some later: what two people granted, one does not widen.
    /// </summary>
    /// <exception cref="InputException">As above, or no sample that the session sees is selected.</exception>
    /// <exception cref="Access.AccessRefusedException">Rule <c>cohort-granted</c>. Whether it is goes by members that the session sees and by the policy alone: of those that it does not see, none joins.</exception>
    public CohortInfo SetCohort(string name, IReadOnlyList<string>? samples, string? where, Session? by)
    {
        if (name.Length is 0 or > MaxCohortName || name.Any(c => !(char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.')))
            throw new InputException("cohort-name", $"a cohort name has 1 to {MaxCohortName} letters, digits, _ - or .", InputPlace.None);
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        var catalog = Catalog();
        Func<int, bool> sees = by is null ? _ => true : by.Granted.Scope.Sees;
        var members = where is null ? Members(catalog, samples!, sees) : Select(catalog, where, sees, by is not null);
        if (by is not null && PolicyNow().Following(name, NowUtc).Any())
        {
            var now = catalog.Cohorts.FirstOrDefault(c => c.Name == name && c.UntilVersion == 0);
            if (members.Except(now?.Samples ?? []).Any() || (where is not null && where != now?.Where)) throw Access.AccessRefusedException.CohortGranted();
        }
        return Put(commit, catalog, (name, where), members, by);
    }

    /// <summary>Evaluates a cohort's expression again.</summary>
    /// <exception cref="InputException">Unknown, or a fixed list.</exception>
    public CohortInfo RefreshCohort(string name) => RefreshCohort(name, by: null);

    /// <summary>
    /// The same of what a session sees: a cohort of which it sees no member is not there. The rule is the cohort's own, which was there when a grant on it was approved, so this may
    /// bring further members where <see cref="SetCohort(string, IReadOnlyList{string}?, string?, Session?)"/> may not.
    /// </summary>
    /// <exception cref="InputException">As above, or no sample that the session sees is selected.</exception>
    public CohortInfo RefreshCohort(string name, Session? by)
    {
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        var catalog = Catalog();
        var cohort = Current(catalog, name);
        if (by is not null && !cohort.Samples.Any(by.Granted.Scope.Sees)) throw Selection.UnknownCohort(name);
        if (cohort.Where is not { } where) throw new InputException("cohort-fixed", $"cohort {name} is a fixed list; set it again with --samples-file", InputPlace.None);
        return Put(commit, catalog, (name, where), Select(catalog, where, by is null ? _ => true : by.Granted.Scope.Sees, by is not null), by);
    }

    private CohortInfo Put(Manifests.Commit commit, StoreCatalog catalog, (string Name, string? Where) of, int[] members, Session? by)
    {
        if (by is not null && members.Length == 0) throw new InputException("cohort-empty", "no sample is selected", InputPlace.None);
        var entry = new CohortEntry { Name = of.Name, FromVersion = commit.Version, UntilVersion = 0, Where = of.Where, Samples = members };
        var cohorts = catalog.Cohorts.Select(c => c.Name == of.Name && c.UntilVersion == 0 ? Ended(c, commit.Version) : c).Append(entry).ToList();
        Publish(commit, catalog with { Cohorts = cohorts });
        by?.ShowsFew(members); // how many a rule finds says of a few whether they meet it
        return Describe(Catalog(), entry);
    }

    /// <summary>Names of the members of a cohort that are not withdrawn, in store order.</summary>
    /// <exception cref="InputException">Unknown.</exception>
    public IReadOnlyList<string> CohortMembers(string name)
    {
        _folder.Refresh();
        var catalog = Catalog();
        return [.. Current(catalog, name).Samples.Select(s => catalog.Samples[s]).Where(s => s.WithdrawnVersion == 0).Select(s => s.Name)];
    }

    /// <summary>All cohorts in force, by name.</summary>
    public IReadOnlyList<CohortInfo> Cohorts()
    {
        _folder.Refresh();
        var catalog = Catalog();
        return [.. catalog.Cohorts.Where(c => c.UntilVersion == 0).OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => Describe(catalog, c))];
    }

    /// <summary>The version that set a cohort last; 0 = there is none.</summary>
    internal long CohortVersion(string name) => Catalog().Cohort(name, long.MaxValue)?.FromVersion ?? 0;

    private static CohortEntry Current(StoreCatalog catalog, string name) =>
        catalog.Cohorts.FirstOrDefault(c => c.Name == name && c.UntilVersion == 0) ?? throw new InputException("unknown-cohort", $"there is no cohort {name}", InputPlace.None);

    private static CohortEntry Ended(CohortEntry cohort, long version) => new()
    {
        Name = cohort.Name, FromVersion = cohort.FromVersion, UntilVersion = version, Where = cohort.Where, Samples = cohort.Samples,
    };

    private static CohortInfo Describe(StoreCatalog catalog, CohortEntry cohort) =>
        new(cohort.Name, cohort.FromVersion, cohort.Samples.Count(s => catalog.Samples[s].WithdrawnVersion == 0), cohort.Where);

    private static int[] Members(StoreCatalog catalog, IReadOnlyList<string> names) => Members(catalog, names, static _ => true);

    private static int[] Members(StoreCatalog catalog, IReadOnlyList<string> names, Func<int, bool> sees)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < catalog.Samples.Count; i++)
            if (catalog.Samples[i].WithdrawnVersion == 0 && sees(i)) index.Add(catalog.Samples[i].Name, i);
        var members = new SortedSet<int>();
        for (var line = 0; line < names.Count; line++)
            members.Add(index.TryGetValue(names[line], out var sample) ? sample : throw new InputException("unknown-sample", "the store has no sample of this name", new InputPlace("samples", line + 1, 0, "")));
        return [.. members];
    }

    private static int[] Select(StoreCatalog catalog, string where, Func<int, bool> sees, bool onlyGroups)
    {
        var filter = SampleFilter.Parse(where);
        var sheets = catalog.SheetAt(long.MaxValue);
        // A column that nobody in sight has is not there; one of class PHI could tell who a sample is of.
        var columns = onlyGroups
            ? sheets.Where(s => sees(s.Key)).SelectMany(s => s.Value.Keys).Distinct().Where(c => SheetColumn.Known.TryGetValue(c, out var known) ? known >= DataClass.Aggregate : catalog.Columns.GetValueOrDefault(c))
            : catalog.Columns.Keys;
        filter.CheckColumns([.. columns.Append(SheetColumn.Sample)]);
        var members = new List<int>();
        for (var sample = 0; sample < catalog.Samples.Count; sample++)
        {
            if (catalog.Samples[sample].WithdrawnVersion != 0 || !sees(sample)) continue;
            var values = sheets.TryGetValue(sample, out var known) ? new Dictionary<string, string>(known) : [];
            values[SheetColumn.Sample] = catalog.Samples[sample].Name;
            if (filter.Matches(values)) members.Add(sample);
        }
        return [.. members];
    }

    /// <summary>Withdraws samples: from this commit on no answer about any snapshot has them. Compaction then removes their bytes. Returns the version.</summary>
    /// <exception cref="InputException">An unknown name; nothing was withdrawn.</exception>
    public long Withdraw(IReadOnlyList<string> names)
    {
        if (names.Count == 0) throw new InputException("no-samples", "no sample is named", InputPlace.None);
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        var catalog = Catalog();
        var members = Members(catalog, names);
        var samples = catalog.Samples.ToArray();
        foreach (var sample in members) samples[sample] = samples[sample] with { WithdrawnVersion = commit.Version };
        foreach (var (name, content) in SketchPart.Without(ReadPart, members)) commit.SetPart(name, content);
        Publish(commit, catalog with { Samples = samples });
        return Version;
    }

    /// <summary>Snapshots that can be asked, oldest first: version, commit time, samples in force then.</summary>
    /// <param name="asks">Counts the samples that this session sees alone (I4); null = all.</param>
    public IReadOnlyList<(long Version, DateTimeOffset CreatedUtc, int Samples)> Snapshots(Session? asks = null)
    {
        asks?.BeginUncounted();
        _folder.Refresh();
        var catalog = Catalog();
        // Counted, not listed from the folder: a manifest that is gone is damage, not one snapshot fewer (I3).
        return [.. Versions(Math.Max(1, catalog.PurgedBefore), Version).Select(v => (v, _folder.PublishedUtc(v), Count(v)))];

        int Count(long version)
        {
            var samples = catalog.Ordinals.Where(o => o.InForce(version) && catalog.Samples[o.Sample].WithdrawnVersion == 0 && asks?.Granted.Scope.Sees(o.Sample) != false).Select(o => o.Sample).ToHashSet();
            asks?.ShowsFew(samples); // of a few it says since when they are there
            return samples.Count;
        }
    }

    /// <summary>How many samples the newest version names, those withdrawn too.</summary>
    public int SampleCount => Catalog().Samples.Count;

    /// <summary>Names of samples by their number, from one on, withdrawn ones too: for who has to know them, to keep them from being told. One that cannot be read is left out: nobody can tell it.</summary>
    /// <param name="first">Number of the first.</param>
    public IEnumerable<Phi<string>> SampleNames(int first = 0) => Paged<SampleEntry>.Once(Catalog().Samples, first, met => Damage.TextOf(met) is not null).Select(s => Phi.Of(s.Name));

    private static IEnumerable<long> Versions(long first, long last)
    {
        for (var version = first; version <= last; version++) yield return version;
    }
}
