using Warehouse.Engine.Release;

namespace Warehouse.Tests.Release;

/// <summary>
/// Somebody who knows everything but the hidden figures: the sizes of the groups, what is shown, and the rules. He goes through all tables of
/// integers that agree with what is shown, and keeps those from which the rules would have made the same answer.
/// </summary>
internal static class TableAttack
{
    /// <summary>A rule that says which groups of a line are hidden (filling the span), and whether the total is.</summary>
    internal delegate bool Rule(ReadOnlySpan<BaseCells> groups, Span<bool> isHidden);

    /// <summary>Diploid groups without missing calls: people, carriers of one copy, homozygous ones.</summary>
    internal static BaseCells Cells(int people, int one, int hom) => new(people - one - hom, one, hom, 0, one + (2L * hom), 2L * people);

    /// <summary>The values of carriers that a hidden group can have had, for each group; null where it is shown.</summary>
    /// <param name="groups">The table.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="knowsRule">Whether he computes backwards; otherwise he only adds up.</param>
    internal static HashSet<int>?[] Feasible(BaseCells[] groups, Rule rule, bool knowsRule)
    {
        var isHidden = new bool[groups.Length];
        var isTotalHidden = rule(groups, isHidden);
        var hidden = Enumerable.Range(0, groups.Length).Where(i => isHidden[i]).ToArray();
        var found = groups.Select((_, i) => isHidden[i] ? new HashSet<int>() : null).ToArray();
        var table = (BaseCells[])groups.Clone();
        var again = new bool[groups.Length];
        var hasHom = groups.Any(g => g.Hom > 0);
        Fill(0, isTotalHidden ? null : hidden.Sum(i => groups[i].One), isTotalHidden ? null : hidden.Sum(i => groups[i].Hom));
        return found;

        void Fill(int at, int? one, int? hom)
        {
            if (at == hidden.Length)
            {
                if (one is not (null or 0) || hom is not (null or 0)) return;
                if (knowsRule && (rule(table, again) != isTotalHidden || !again.AsSpan().SequenceEqual(isHidden))) return;
                foreach (var i in hidden) found[i]!.Add(table[i].Carriers);
                return;
            }
            var people = groups[hidden[at]].People;
            var isLast = at == hidden.Length - 1;
            for (var h = isLast && hom is { } allHom ? allHom : 0; h <= (hasHom ? Math.Min(people, hom ?? people) : 0); h++)
            {
                for (var o = isLast && one is { } allOne ? allOne : 0; o <= Math.Min(people - h, one ?? people); o++)
                {
                    table[hidden[at]] = Cells(people, o, h);
                    Fill(at + 1, one - o, hom - h);
                }
            }
        }
    }

    /// <summary>Whether every hidden group has k possible values or the whole band, as far as its people allow.</summary>
    internal static bool IsSafe(HashSet<int>?[] feasible, BaseCells[] groups, int k)
    {
        for (var i = 0; i < groups.Length; i++)
        {
            if (feasible[i] is not { } values) continue;
            var isWholeBand = Enumerable.Range(0, Math.Min(k, groups[i].People + 1)).All(values.Contains);
            if (values.Count < k && !isWholeBand) return false;
        }
        return true;
    }
}
