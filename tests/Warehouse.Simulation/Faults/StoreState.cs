using System.Collections.Immutable;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Query;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// What a version of the store must answer, worked out from the changes alone: the oracle of all harnesses here. It shares no code with the
/// engine's counting. Immutable.
/// </summary>
internal sealed record StoreState
{
    private static readonly ImmutableSortedDictionary<string, string> NoFiles = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>The store as it was created.</summary>
    internal static StoreState Empty { get; } = new();

    /// <summary>Samples that were ever loaded and not withdrawn, and the file that holds of each.</summary>
    internal ImmutableSortedDictionary<string, string> Samples { get; private init; } = NoFiles;

    internal ImmutableSortedSet<string> Withdrawn { get; private init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    internal ImmutableSortedDictionary<string, ImmutableArray<string>> Cohorts { get; private init; } = ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal);

    /// <summary>Releases of annotations that were ever loaded: edition, version of the load, version of the retirement or 0.</summary>
    internal ImmutableList<(int Edition, long From, long Until)> Releases { get; private init; } = [];

    /// <summary>The oldest version that can be asked.</summary>
    internal long PurgedBefore { get; private init; }

    /// <summary>The state after a change; null when the change must be refused.</summary>
    /// <param name="change">The change.</param>
    /// <param name="version">The newest version before it.</param>
    internal StoreState? After(Change change, long version)
    {
        switch (change.Kind)
        {
            case ChangeKind.Ingest or ChangeKind.Replace:
                var added = change.Names.SelectMany(f => SampleFiles.SamplesOf(f).Select(s => KeyValuePair.Create(s, f))).ToList();
                if (added.Any(a => Withdrawn.Contains(a.Key) || (change.Kind == ChangeKind.Ingest && Samples.ContainsKey(a.Key)))) return null;
                return this with { Samples = Samples.SetItems(added) };
            case ChangeKind.Withdraw:
                return change.Names.All(Samples.ContainsKey) ? this with { Samples = Samples.RemoveRange(change.Names), Withdrawn = Withdrawn.Union(change.Names) } : null;
            case ChangeKind.Cohort:
                return change.Names.Skip(1).All(Samples.ContainsKey) ? this with { Cohorts = Cohorts.SetItem(change.Names[0], [.. change.Names.Skip(1)]) } : null;
            case ChangeKind.Annotate:
                var edition = int.Parse(change.Names[0], CultureInfo.InvariantCulture);
                return Releases.Exists(r => r.Edition == edition) ? null : this with { Releases = Releases.Add((edition, version + 1, 0)) };
            case ChangeKind.Retire:
                var at = Releases.FindIndex(r => r.Until == 0 && r.Edition == int.Parse(change.Names[0], CultureInfo.InvariantCulture));
                return at < 0 ? null : this with { Releases = Releases.SetItem(at, Releases[at] with { Until = version + 1 }) };
            case ChangeKind.Purge:
                return this with { PurgedBefore = Math.Max(PurgedBefore, version) };
            default:
                return this;
        }
    }

    /// <summary>The same as a later version sees it: nobody who was withdrawn since is in it.</summary>
    internal StoreState SeenFrom(StoreState later) => this with { Samples = Samples.RemoveRange(later.Withdrawn) };

    /// <summary>All answers as text.</summary>
    internal string Answers()
    {
        var lines = Figures("all", Samples.Keys);
        foreach (var (name, members) in Cohorts) lines += Figures(name, members.Where(Samples.ContainsKey));
        return lines;
    }

    /// <summary>The same, as a session of the store gives it. The cohorts asked are those that the oracle has: one too few is an error.</summary>
    internal string AnswersOf(Session session)
    {
        var lines = FiguresOf(session, "all", SampleChoice.All);
        foreach (var name in Cohorts.Keys) lines += FiguresOf(session, name, new SampleChoice { Cohort = name });
        return lines;
    }

    /// <summary>What else the newest version must say of itself; null when it does.</summary>
    internal string? Quarrel(VariantStore store)
    {
        var cohorts = string.Join(' ', store.Cohorts().Select(c => $"{c.Name}:{c.Samples}"));
        var expected = string.Join(' ', Cohorts.Select(c => $"{c.Key}:{c.Value.Count(Samples.ContainsKey)}"));
        if (cohorts != expected) return $"its cohorts are [{cohorts}], not [{expected}]";
        if (ReleaseQuarrel(store) is { } quarrel) return quarrel;
        using var session = store.OpenSession();
        var (said, right) = (AnswersOf(session), Answers());
        return said == right ? null : $"it answers\n{said}not\n{right}";
    }

    /// <summary>What is wrong with the releases of annotations and with what those in force say.</summary>
    private string? ReleaseQuarrel(VariantStore store)
    {
        if (Releases.Count == 0) return null;
        var found = string.Join(' ', store.AnnotationReleases().Select(r => FormattableString.Invariant($"{r.Date.DayNumber - SampleFiles.DateOf(0).DayNumber}:{r.FromVersion}:{r.UntilVersion}")));
        var expected = string.Join(' ', Releases.Select(r => FormattableString.Invariant($"{r.Edition}:{r.From}:{r.Until}")));
        if (found != expected) return $"its releases of annotations are [{found}], not [{expected}]";
        foreach (var (edition, _, _) in Releases.Where(r => r.Until == 0))
        {
            using var reader = store.OpenAnnotations(FormattableString.Invariant($"{SampleFiles.Source}@{SampleFiles.DateOf(edition):yyyy-MM-dd}"));
            var field = reader.FieldOf("SAYS");
            var says = reader.Blocks().SelectMany(b => Enumerable.Range(0, b.Count).Select(row => $"{b.VariantOf(row)} {b.Column(field).StringOf(b.Column(field).Codes[row])}"));
            if (!says.SequenceEqual(SampleFiles.SaidBy(edition))) return $"release {edition} says something else";
        }
        return null;
    }

    private static string Figures(string name, IEnumerable<string> samples, IReadOnlyDictionary<string, string> files)
    {
        var doses = samples.Select(s => SampleFiles.DosesOf(s, files[s])).ToList();
        return string.Concat(Enumerable.Range(0, SampleFiles.Sites).Select(site =>
            FormattableString.Invariant($"{name} {SampleFiles.Alleles[site]} {doses.Sum(d => d[site])} {2 * doses.Count} {doses.Count(d => d[site] == 2)} {doses.Count}\n")));
    }

    private static string FiguresOf(Session session, string name, SampleChoice samples) =>
        string.Concat(session.Frequencies(new FrequencyRequest { Variants = SampleFiles.Alleles, Samples = samples })
            .Select((r, site) => FormattableString.Invariant($"{name} {SampleFiles.Alleles[site]} {r.Figures.Ac} {r.Figures.An} {r.Figures.NHomAlt} {r.Figures.NSamples}\n")));

    private string Figures(string name, IEnumerable<string> samples) => Figures(name, samples, Samples);
}
