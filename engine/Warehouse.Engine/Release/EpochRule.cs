using System.Numerics;

namespace Warehouse.Engine.Release;

/// <summary>A registered cohort over time.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Released">Members at each earlier epoch, oldest first; null where it was not registered. One per epoch, the same for all cohorts.</param>
/// <param name="Now">Members as they would be at the new epoch; null when it is registered no more.</param>
public sealed record CohortHistory(string Name, IReadOnlyList<CohortSet?> Released, CohortSet? Now);

/// <summary>What the rule says.</summary>
/// <param name="MayOpen">A new epoch may be opened.</param>
/// <param name="Blocking">Names of the cohorts that do not let it, in the order given: people joined or left since some epoch who are too few.</param>
public sealed record EpochJudgement(bool MayOpen, IReadOnlyList<string> Blocking);

/// <summary>
/// When a new release epoch may be opened. Who has the answers of two epochs can subtract them; so since each earlier epoch, not since the last
/// one alone, the people who joined a cohort and those who left it must be none or at least k, and of those whose membership changed each
/// combination of cohorts before and after must be of at least k people. Pure functions of the members; sample numbers mean the same person in
/// all epochs (samples that came later are behind). Any thread.
/// </summary>
public static class EpochRule
{
    /// <summary>Cohorts that are judged together.</summary>
    public const int MaxCohorts = 64;

    /// <summary>Whether an epoch with the members as they are now may be opened.</summary>
    /// <exception cref="ArgumentException">More than <see cref="MaxCohorts"/> cohorts, or histories of different length.</exception>
    public static EpochJudgement Judge(IReadOnlyList<CohortHistory> cohorts, int k)
    {
        if (cohorts.Count > MaxCohorts) throw new ArgumentException("too many registered cohorts", nameof(cohorts));
        if (cohorts.Count == 0) return new EpochJudgement(true, []);
        var epochs = cohorts[0].Released.Count;
        if (cohorts.Any(c => c.Released.Count != epochs)) throw new ArgumentException("every cohort needs an entry for each epoch", nameof(cohorts));
        var blocking = 0UL;
        var now = MaskOf(cohorts, c => c.Now);
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var at = epoch;
            var then = MaskOf(cohorts, c => c.Released[at]);
            var changes = new Dictionary<(ulong Then, ulong Now), int>();
            for (var sample = 0; sample < Math.Max(then.Length, now.Length); sample++)
            {
                var change = (sample < then.Length ? then[sample] : 0, sample < now.Length ? now[sample] : 0);
                if (change.Item1 != change.Item2) changes[change] = changes.GetValueOrDefault(change) + 1;
            }
            foreach (var ((before, after), people) in changes)
                if (people < k) blocking |= before ^ after;
        }
        return new EpochJudgement(blocking == 0, [.. cohorts.Where((_, i) => (blocking >> i & 1) != 0).Select(c => c.Name)]);
    }

    /// <summary>Whether a cohort answers "suppressed" until the next epoch: somebody in it has been withdrawn since it was opened.</summary>
    /// <param name="cohort">Members at the epoch.</param>
    /// <param name="withdrawn">Samples withdrawn since.</param>
    public static bool IsWithdrawn(CohortSet cohort, CohortSet withdrawn) => cohort.Meets(withdrawn);

    private static ulong[] MaskOf(IReadOnlyList<CohortHistory> cohorts, Func<CohortHistory, CohortSet?> pick)
    {
        var masks = new ulong[cohorts.Max(c => pick(c)?.Samples ?? 0)];
        for (var i = 0; i < cohorts.Count; i++)
        {
            if (pick(cohorts[i]) is not { } members) continue;
            for (var word = 0; word < members.Words.Length; word++)
                for (var bits = members.Words[word]; bits != 0; bits &= bits - 1) masks[(word * 64) + BitOperations.TrailingZeroCount(bits)] |= 1UL << i;
        }
        return masks;
    }
}
