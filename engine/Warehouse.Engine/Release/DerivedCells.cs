namespace Warehouse.Engine.Release;

/// <summary>
/// What can be computed from the figures of several cohorts of one variant: each sum and difference of them (every cohort once at most) that is
/// the figure of a set of people, as a difference of nested cohorts is, or of three by inclusion and exclusion. Depends on the members alone,
/// so it is found once for a list of cohorts and used for every variant. At most <see cref="ReleasePolicy.MaxSetsOfVariant"/> cohorts: 3 to
/// the power of 8 sums. Any thread.
/// </summary>
internal static class DerivedCells
{
    /// <summary>The sums in which the last of the cohorts takes part, with one other at least: a factor of -1, 0 or 1 for each.</summary>
    internal static IReadOnlyList<sbyte[]> Of(IReadOnlyList<CohortSet> cohorts)
    {
        var patterns = PatternsOf(cohorts);
        var (found, factors) = (new List<sbyte[]>(), new sbyte[cohorts.Count]);
        var sums = 1;
        for (var i = 0; i < cohorts.Count; i++) sums *= 3;
        for (var number = 0; number < sums; number++)
        {
            var (rest, taken) = (number, 0);
            for (var i = 0; i < factors.Length; i++, rest /= 3)
            {
                factors[i] = (sbyte)((rest % 3) - 1);
                if (factors[i] != 0) taken++;
            }
            if (taken > 1 && factors[^1] != 0 && IsOfASet(patterns, factors)) found.Add((sbyte[])factors.Clone());
        }
        return found;
    }

    /// <summary>The figures of one sum.</summary>
    internal static BaseCells Sum(ReadOnlySpan<BaseCells> cells, ReadOnlySpan<sbyte> factors)
    {
        var sum = default(BaseCells);
        for (var i = 0; i < factors.Length; i++)
        {
            if (factors[i] > 0) sum += cells[i];
            if (factors[i] < 0) sum -= cells[i];
        }
        return sum;
    }

    /// <summary>Which combinations of membership occur: bit i is cohort i.</summary>
    private static List<int> PatternsOf(IReadOnlyList<CohortSet> cohorts)
    {
        var seen = new bool[1 << cohorts.Count];
        for (var sample = 0; sample < cohorts[0].Samples; sample++)
        {
            var pattern = 0;
            for (var i = 0; i < cohorts.Count; i++)
                if (cohorts[i].Has(sample)) pattern |= 1 << i;
            seen[pattern] = true;
        }
        return [.. Enumerable.Range(1, seen.Length - 1).Where(p => seen[p])];
    }

    private static bool IsOfASet(List<int> patterns, sbyte[] factors)
    {
        var isEmpty = true;
        foreach (var pattern in patterns)
        {
            var times = 0;
            for (var i = 0; i < factors.Length; i++)
                if ((pattern >> i & 1) != 0) times += factors[i];
            if (times is not (0 or 1)) return false;
            isEmpty &= times == 0;
        }
        return !isEmpty;
    }
}
