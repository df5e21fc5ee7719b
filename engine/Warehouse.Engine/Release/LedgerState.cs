using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Release;

/// <summary>A set of one variant that was answered to a project.</summary>
/// <param name="Set">Number of the set.</param>
/// <param name="IsExact">Its figures were shown; otherwise it was banded.</param>
/// <param name="Units">What it cost.</param>
/// <param name="Cells">The figures, where they were shown.</param>
internal readonly record struct AnsweredSet(int Set, bool IsExact, int Units, BaseCells Cells);

/// <summary>A set of one variant of which a project was told whether its carriers are k or more.</summary>
/// <param name="Set">Number of the set.</param>
/// <param name="K">The k of that time.</param>
/// <param name="IsReached">Whether they are.</param>
internal readonly record struct ToldPresence(int Set, int K, bool IsReached);

/// <summary>What one project was told in the current epoch. One thread.</summary>
internal sealed class ProjectState(int samples)
{
    private readonly Dictionary<VariantHash, AnsweredSet[]> _answers = [];
    private readonly Dictionary<VariantHash, ToldPresence[]> _presences = [];

    internal AtomGuard Guard => field ??= new AtomGuard(samples);

    internal Budget Budget { get; } = new();

    /// <summary>The day (UTC, days since 0001-01-01) of the last refusal, the refusals of that day, and whether they locked the project.</summary>
    internal (int Day, int Refusals, bool IsLocked) Record { get; set; }

    internal ReadOnlySpan<AnsweredSet> AnswersOf(VariantHash variant) => _answers.TryGetValue(variant, out var answers) ? answers : [];

    internal void Add(VariantHash variant, ReadOnlySpan<AnsweredSet> answers) => _answers[variant] = [.. AnswersOf(variant), .. answers];

    internal ReadOnlySpan<ToldPresence> PresencesOf(VariantHash variant) => _presences.TryGetValue(variant, out var told) ? told : [];

    internal void Add(VariantHash variant, ToldPresence told) => _presences[variant] = [.. PresencesOf(variant), told];
}

/// <summary>
/// What the ledger says, in memory: sets of people of the current epoch, numbered in the order in which they came, and the projects. Changed by
/// <see cref="LedgerRecord"/> alone, so that reading the ledger again gives the same. One thread.
/// </summary>
internal sealed class LedgerState
{
    private readonly Dictionary<Digest, int> _numbers = [];
    private readonly List<CohortSet> _sets = [];

    internal LedgerState(long epoch, int samples) => (Epoch, Samples) = (epoch, samples);

    /// <summary>Number of the epoch; 0 = none was opened yet.</summary>
    internal long Epoch { get; }

    /// <summary>Samples of the epoch.</summary>
    internal int Samples { get; }

    internal Dictionary<string, ProjectState> Projects { get; } = new(StringComparer.Ordinal);

    /// <summary>All projects together.</summary>
    internal Budget Shared { get; } = new();

    /// <summary>Sets so far.</summary>
    internal int SetCount => _sets.Count;

    internal CohortSet SetOf(int number) => _sets[number];

    /// <summary>Number of a set, or -1.</summary>
    internal int NumberOf(CohortSet set) => _numbers.GetValueOrDefault(set.Digest, -1);

    /// <summary>Number of a set, which is added when it is new.</summary>
    internal int Add(CohortSet set)
    {
        if (_numbers.TryGetValue(set.Digest, out var known)) return known;
        _numbers.Add(set.Digest, _sets.Count);
        _sets.Add(set);
        return _sets.Count - 1;
    }

    internal ProjectState ProjectOf(string name) => Projects.TryGetValue(name, out var known) ? known : Projects[name] = new ProjectState(Samples);

    /// <summary>The state of a new epoch: nothing was answered in it; locks and the refusals of the day stay.</summary>
    internal LedgerState Next(long epoch, int samples)
    {
        var next = new LedgerState(epoch, samples);
        foreach (var (name, project) in Projects)
            if (project.Record != default) next.ProjectOf(name).Record = project.Record;
        return next;
    }
}
