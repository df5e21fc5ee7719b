namespace Warehouse.Simulation.Faults;

/// <summary>
/// Whether what several clients of one store did and saw can be explained by one order of changes: no version has two writers; each change
/// was right where it stands, and stands between its begin and its end; each answer is that of one version, not older than what was known to
/// all when it was asked for, nor newer than what anyone had begun; a session keeps its answers (I2, F16).
/// </summary>
internal static class HistoryCheck
{
    /// <summary>What cannot be explained, or null.</summary>
    /// <param name="events">All that was done, in any order.</param>
    /// <param name="newest">The newest version of the store afterwards.</param>
    internal static string? Quarrel(IReadOnlyList<HistoryEvent> events, long newest)
    {
        if (events.FirstOrDefault(e => e.Kind == EventKind.Failed) is { } failed) return $"client {failed.Client}: {failed.Text}";
        var commits = events.Where(e => e.Kind == EventKind.Done && e.Change.Commits).OrderBy(e => e.Version).ToList();
        for (var i = 1; i < commits.Count; i++)
            if (commits[i].Version == commits[i - 1].Version) return $"version {commits[i].Version} was acknowledged to two writers: {commits[i - 1]} and {commits[i]}";
        if (commits.Count > 0 && commits[^1].Version > newest) return $"version {commits[^1].Version} was acknowledged, the store shows {newest}";
        var byVersion = commits.ToDictionary(e => e.Version);
        var merges = events.Count(e => !(e.Kind is EventKind.Opened or EventKind.AskedAgain) && e.Change is { MayCommit: true, Commits: false });
        if (newest - 1 - commits.Count > merges) return $"{newest - 1 - commits.Count} versions have no writer, but there were {merges} compactions";

        List<StoreState> states = [StoreState.Empty, StoreState.Empty];
        for (var version = 2L; version <= newest; version++)
        {
            if (!byVersion.TryGetValue(version, out var commit)) states.Add(states[^1]);
            else if (states[^1].After(commit.Change, version - 1) is { } next) states.Add(next);
            else return $"version {version} holds a change that had to be refused: {commit}";
        }
        return OrderQuarrel(commits) ?? events.Select(e => EventQuarrel(e, events, states)).FirstOrDefault(q => q is not null);
    }

    private static string? OrderQuarrel(List<HistoryEvent> commits)
    {
        for (var later = 1; later < commits.Count; later++)
            for (var earlier = 0; earlier < later; earlier++)
                if (commits[later].End < commits[earlier].Begin) return $"versions are out of order: {commits[later]} ended before {commits[earlier]} began";
        return null;
    }

    private static string? EventQuarrel(HistoryEvent one, IReadOnlyList<HistoryEvent> all, List<StoreState> states)
    {
        // What had been told to anybody before this began, and what could be there when it ended.
        var told = all.Where(e => e.End < one.Begin && e.Kind is EventKind.Done or EventKind.Opened).Select(e => e.Version).DefaultIfEmpty(1).Max();
        var possible = one.Kind == EventKind.Done ? one.Version : all.Where(e => e.Kind == EventKind.Done && e.Begin < one.End).Select(e => e.Version).DefaultIfEmpty(1).Max();
        switch (one.Kind)
        {
            case EventKind.Refused:
                // A version that a compaction made may be known before any change of that number ended.
                for (var version = told; version <= Math.Max(told, possible); version++)
                    if (states[(int)version].After(one.Change, version) is null) return null;
                return $"refused, but right in every version from {told} to {possible}: {one}";
            case EventKind.Done when one.Version < told && one.Change.Commits:
                return $"acknowledged as a version older than {told}, which was known: {one}";
            case EventKind.Opened when one.Version < told:
                return $"a session shows a version older than {told}, which was known: {one}";
            case EventKind.Opened when one.Version > possible && all.Any(e => e.Kind == EventKind.Done && e.Change.Commits && e.Version == one.Version):
                return $"a session shows a version before its writer began: {one}";
            case EventKind.Opened or EventKind.AskedAgain:
                if (one.Version >= states.Count) return $"a session shows a version that never was: {one}";
                var right = Flat(states[(int)one.Version].Answers());
                return one.Text == right ? null : $"the answers are not those of their version: {one}, not {right}";
            default:
                return null;
        }
    }

    /// <summary>Answers on one line.</summary>
    internal static string Flat(string answers) => answers.Replace('\n', ';');
}
