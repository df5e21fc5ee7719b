namespace Warehouse.Engine.Release;

/// <summary>What is told of carriers where figures are not.</summary>
public enum Presence
{
    /// <summary>Fewer than k people carry it, which may be nobody.</summary>
    Fewer,

    /// <summary>K people or more carry it.</summary>
    Reached,

    /// <summary>Not told, whatever it is: an answer about other people, some of whom are the same, was given before.</summary>
    Withheld,
}

/// <summary>Of some variants, whether k people carry them.</summary>
/// <param name="Answered">How many of the variants asked for, from the first on, are answered.</param>
/// <param name="States">One per answered variant.</param>
/// <param name="Stopped">The rule at which it stopped before the next variant; None when all are answered.</param>
public sealed record PresenceBatch(int Answered, Presence[] States, ReleaseRule Stopped);

/// <summary>
/// The level exists: carriers alone decide, since nothing else is shown that could be small. Of one variant a project then knows figures of some
/// sets, and of others on which side of k they are. A set of the second kind shares nobody with any other set of which it knows something: so
/// nothing but that one bit is known of these people's carriers, and no sum, difference or ladder of sets around k tells more.
/// <list type="bullet">
/// <item>What follows from what was told before is told, for nothing: a set within one that has fewer, or around one that has k.</item>
/// <item>Else, where somebody of the set is in another one of which something was told, it is withheld; and figures of a set are banded in the
/// same case (<see cref="IsBesidePresence"/>). A set that was banded tells nothing, so it keeps nothing back.</item>
/// <item>Withheld follows from members and earlier answers alone, never from the genotypes asked for: it tells nothing of these.</item>
/// <item>Either answer costs what the dearest one does: the cost may not tell how many beyond k there are.</item>
/// </list>
/// </summary>
public sealed partial class ReleaseCall
{
    /// <summary>What the project was told of one variant.</summary>
    private readonly ref struct Told(ReadOnlySpan<AnsweredSet> answers, ReadOnlySpan<ToldPresence> presences)
    {
        public ReadOnlySpan<AnsweredSet> Answers { get; } = answers;

        public ReadOnlySpan<ToldPresence> Presences { get; } = presences;
    }

    /// <summary>
    /// Says of variants whether k people of the cohort carry them; the charge is durable by then (I8). Of a question without groups. Waits for the disk without a thread;
    /// <paramref name="cells"/> is read before it returns.
    /// </summary>
    /// <param name="variants">Keys of normalised variants, one spelling for each.</param>
    /// <param name="cells">Figures of the cohort, one per variant.</param>
    /// <exception cref="ArgumentException">Too many variants, or figures that are not of the cohort.</exception>
    /// <exception cref="InvalidOperationException">The question has groups.</exception>
    /// <exception cref="LedgerRefusedException">The ledger cannot be written: nothing is released.</exception>
    public Task<PresenceBatch> TellAsync(IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells)
    {
        var (batch, done, mustWrite) = DecidePresence(variants, cells);
        if (mustWrite) _ = Task.Run(_releaser.Ledger.Write);
        return WaitFor(batch, done);
    }

    private (PresenceBatch Batch, Task Done, bool MustWrite) DecidePresence(IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells)
    {
        if (_request.Groups.Count > 0) throw new InvalidOperationException("presence is told of a cohort, not of groups");
        Check(variants, cells);
        var (figures, told) = (cells.ToArray(), new List<(VariantHash Variant, bool IsReached)>());
        var units = _request.Policy.UnitsOf(_people[0], carriers: null);
        return Decide(
            variants, static rule => new PresenceBatch(0, [], rule), (hashes, project) => TellEach(hashes, figures, project, told), static batch => batch.Stopped,
            () => told.Count > 0 ? new PresenceRecord(_request.Project, _sets[0], _request.Policy.K, units, told) : null);
    }

    private PresenceBatch TellEach(VariantHash[] hashes, BaseCells[] figures, ProjectState project, List<(VariantHash Variant, bool IsReached)> newly)
    {
        var states = new Presence[hashes.Length];
        for (var v = 0; v < hashes.Length; v++)
        {
            if (Find(project.AnswersOf(hashes[v]), _sets[0]) is { IsExact: true } shown && shown.Cells != figures[v]) return new PresenceBatch(v, states[..v], ReleaseRule.FiguresChanged);
            var isReached = figures[v].Carriers >= _request.Policy.K;
            var told = new Told(project.AnswersOf(hashes[v]), project.PresencesOf(hashes[v]));
            if (Before(told) is { } before)
            {
                // Told under other rules of counting, it need not hold under these: then nothing is said rather than what is wrong (I3).
                states[v] = before == (isReached ? Presence.Reached : Presence.Fewer) ? before : Presence.Withheld;
                continue;
            }
            if (!HasLeft(project, 0, hashes[v])) return new PresenceBatch(v, states[..v], ReleaseRule.OverBudget);
            newly.Add((hashes[v], isReached));
            PresenceRecord.Apply((hashes[v], new ToldPresence(_sets[0], _request.Policy.K, isReached)), _request.Policy.UnitsOf(_people[0], carriers: null), project, _state.Shared);
            states[v] = isReached ? Presence.Reached : Presence.Fewer;
        }
        return new PresenceBatch(hashes.Length, states, ReleaseRule.None);
    }

    /// <summary>What earlier answers make of it: what follows from them, or that it is withheld; null = they are of other people.</summary>
    private Presence? Before(Told told)
    {
        var (cohort, k, isBeside) = (_state.SetOf(_sets[0]), _request.Policy.K, false);
        foreach (var answer in told.Answers)
        {
            if (!answer.IsExact) continue;
            var (set, carriers) = (_state.SetOf(answer.Set), answer.Cells.Carriers);
            var both = set.CountBoth(cohort);
            if (carriers >= k && both == set.People) return Presence.Reached;
            if (carriers < k && both == cohort.People) return Presence.Fewer;
            isBeside |= both > 0;
        }
#if !PLANTED_PRESENCE_UNGUARDED
        foreach (var one in told.Presences)
        {
            var set = _state.SetOf(one.Set);
            var both = set.CountBoth(cohort);
            if (one.IsReached && one.K >= k && both == set.People) return Presence.Reached;
            if (!one.IsReached && one.K <= k && both == cohort.People) return Presence.Fewer;
            isBeside |= both > 0;
        }
#endif
        return isBeside ? Presence.Withheld : null;
    }

    /// <summary>Whether somebody of a set is in another one of which the project knows on which side of k it is, and no figures: then the set's are not shown.</summary>
    private bool IsBesidePresence(int number, Told told)
    {
#if !PLANTED_PRESENCE_UNGUARDED
        foreach (var one in told.Presences)
        {
            if (one.Set == number || Find(told.Answers, one.Set) is { IsExact: true }) continue;
            if (_state.SetOf(one.Set).CountBoth(_state.SetOf(number)) > 0) return true;
        }
#endif
        return false;
    }
}
