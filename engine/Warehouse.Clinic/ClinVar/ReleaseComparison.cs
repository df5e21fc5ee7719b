using Warehouse.Clinic.Alerts;

namespace Warehouse.Clinic.ClinVar;

/// <summary>
/// What changed between two releases, by net class: a walk over both in the order of alleles. An allele is found by what it is, not by the id of
/// its record, so a record that was merged, split or renumbered is no change of class. Any thread.
/// </summary>
public static class ReleaseComparison
{
    private static readonly ClinVarAxis[] Axes = Enum.GetValues<ClinVarAxis>();

    /// <summary>The changes in the order of alleles, then axes.</summary>
    /// <param name="before">The earlier release, one entry an allele, in order.</param>
    /// <param name="after">The later one.</param>
    /// <param name="grades">By what they are graded.</param>
    public static IReadOnlyList<ClassChange> Run(ReleaseSource before, ReleaseSource after, GradeTable grades) => Run(Pairs(before(), after()), left => IdsThere(after, left), grades);

    /// <summary>The same of two releases of a store, where entries that are equal are not made.</summary>
    public static IReadOnlyList<ClassChange> Run(ShelvedRelease before, ShelvedRelease after, GradeTable grades) =>
        before.Rows is { } olds && after.Rows is { } nows ? Run(ClinVarShelf.Differences(olds, nows), left => ClinVarShelf.IdsThere(nows, left), grades) : Run(before.Alleles, after.Alleles, grades);

    private static IReadOnlyList<ClassChange> Run(IEnumerable<(ClinVarAllele? Old, ClinVarAllele? Now)> pairs, Func<HashSet<string>, HashSet<string>> idsThere, GradeTable grades)
    {
        var (changes, moved, left) = (new List<ClassChange>(), new List<(int At, IReadOnlyList<string> Ids)>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var (old, now) in pairs)
        {
            var isMoved = old is not null && now is not null && !SameIds(old, now);
            if (isMoved) left.UnionWith(old!.Ids.Except(now!.Ids));
            foreach (var axis in Axes)
            {
                if (ChangeOf(old, now, axis) is not { } change) continue;
                if (isMoved && axis == ClinVarAxis.Germline) moved.Add((changes.Count, old!.Ids));
                changes.Add(change with { Grade = grades.Of(change) });
            }
        }
        if (moved.Count == 0) return changes;
        // Which ids stand for other alleles now is known only at the end, and matters only where one has left its allele.
        var there = left.Count > 0 ? idsThere(left) : left;
        foreach (var (at, ids) in moved)
        {
            var change = WithRecords(changes[at], ids, there);
            changes[at] = change with { Grade = grades.Of(change) };
        }
        changes.RemoveAll(c => c.Kinds == ChangeKinds.None);
        return changes;
    }

    /// <summary>Marks changes of class that only undo the change before: those whose class, before it became what it was, was what it is now.</summary>
    /// <param name="changes">Changes in the order of alleles.</param>
    /// <param name="earlier">Releases before the two that were compared, the newest first; as many are read as are needed.</param>
    public static IReadOnlyList<ClassChange> WithFlipFlops(IReadOnlyList<ClassChange> changes, IEnumerable<ShelvedRelease> earlier)
    {
        var marked = changes.ToArray();
        var open = Enumerable.Range(0, marked.Length).Where(i => marked[i].IsOfClass).ToList();
        foreach (var release in earlier)
        {
            if (open.Count == 0) break;
            var known = release.Of(open.Select(i => marked[i].Allele));
            open.RemoveAll(i =>
            {
                var net = known.TryGetValue(marked[i].Allele, out var allele) ? allele.On(marked[i].Axis).Net : NetClass.Absent;
                if (net == marked[i].From) return false; // it was that already: look further back
                if (net == marked[i].To) marked[i] = marked[i] with { Kinds = marked[i].Kinds | ChangeKinds.FlipFlop };
                return true;
            });
        }
        return marked;
    }

    /// <summary>Those of some ids that a release has.</summary>
    private static HashSet<string> IdsThere(ReleaseSource release, HashSet<string> sought)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        foreach (var allele in release())
            foreach (var id in allele.Ids)
                if (sought.Contains(id)) there.Add(id);
        return there;
    }

    /// <summary>The same allele of both, null where one does not have it.</summary>
    internal static IEnumerable<(ClinVarAllele? Old, ClinVarAllele? Now)> Pairs(IEnumerable<ClinVarAllele> before, IEnumerable<ClinVarAllele> after)
    {
        using var olds = before.GetEnumerator();
        using var nows = after.GetEnumerator();
        var (hasOld, hasNow) = (olds.MoveNext(), nows.MoveNext());
        while (hasOld || hasNow)
        {
            var order = !hasOld ? 1 : !hasNow ? -1 : olds.Current.Allele.CompareTo(nows.Current.Allele);
            yield return (order <= 0 ? olds.Current : null, order >= 0 ? nows.Current : null);
            if (order <= 0) hasOld = olds.MoveNext();
            if (order >= 0) hasNow = nows.MoveNext();
        }
    }

    private static ClassChange? ChangeOf(ClinVarAllele? old, ClinVarAllele? now, ClinVarAxis axis)
    {
        var (from, to) = (old?.On(axis) ?? Classification.None, now?.On(axis) ?? Classification.None);
        var kinds = from.Net != to.Net ? OfClass(from.Net, to.Net) : from.Stars != to.Stars ? ChangeKinds.Stars : ChangeKinds.None;
        var isMoved = false;
        if (axis == ClinVarAxis.Germline && old is not null && now is not null)
        {
            if (from.Net == to.Net && from.Net != NetClass.Absent && !SameConditions(old.Conditions, now.Conditions)) kinds |= ChangeKinds.MovedCondition;
            isMoved = !SameIds(old, now);
        }
        if (kinds == ChangeKinds.None && !isMoved) return null;
        var allele = (now ?? old)!;
        return new ClassChange
        {
            Allele = allele.Allele, Axis = axis, From = from.Net, To = to.Net, FromStars = from.Stars, ToStars = to.Stars, Kinds = kinds,
            Genes = GenesOf(old?.Genes ?? "", now?.Genes ?? ""), Ids = string.Join(',', allele.Ids),
        };
    }

    /// <summary>Those of the later release, and behind them those that only the earlier one has: a symbol that was changed is watched by its old name too.</summary>
    private static string GenesOf(string old, string now) =>
        old == now || old.Length == 0 ? now : now.Length == 0 ? old : string.Join('|', WatchFilter.GenesOf(now).Union(WatchFilter.GenesOf(old), StringComparer.OrdinalIgnoreCase));

    /// <summary>Says of a change on the germline axis whether the records of the allele, which had other ids before, were merged into others, or parted.</summary>
    private static ClassChange WithRecords(ClassChange change, IReadOnlyList<string> before, HashSet<string> there)
    {
        var (now, kinds) = (change.Ids.Split(',', StringSplitOptions.RemoveEmptyEntries), ChangeKinds.None);
        foreach (var id in before)
            if (!now.Contains(id)) kinds |= there.Contains(id) ? ChangeKinds.Split : ChangeKinds.Merged;
        if (kinds == ChangeKinds.None && now.Length > before.Count) kinds = ChangeKinds.Split;
        return change with { Kinds = change.Kinds | kinds };
    }

    private static bool SameIds(ClinVarAllele old, ClinVarAllele now) => old.Ids.SequenceEqual(now.Ids);

    private static ChangeKinds OfClass(NetClass from, NetClass to)
    {
        if (from == NetClass.Absent) return ChangeKinds.Appeared;
        if (to == NetClass.Absent) return ChangeKinds.Retracted;
        var kinds = to == NetClass.Conflicting ? ChangeKinds.ConflictBegun : from == NetClass.Conflicting ? ChangeKinds.ConflictEnded : ChangeKinds.None;
        return (Severity(from), Severity(to)) switch
        {
            ({ } f, { } t) when t > f => kinds | ChangeKinds.Upgrade,
            ({ } f, { } t) when t < f => kinds | ChangeKinds.Downgrade,
            _ => kinds == ChangeKinds.None ? ChangeKinds.Sideways : kinds,
        };
    }

    private static int? Severity(NetClass net) => net switch
    {
        NetClass.Benign => 0,
        NetClass.Uncertain or NetClass.Conflicting => 1,
        NetClass.Risk or NetClass.Potential => 2,
        NetClass.Pathogenic => 3,
        _ => null,
    };

    /// <summary>The order and repetition of conditions is of no meaning.</summary>
    private static bool SameConditions(string one, string other) =>
        one == other || one.Split(['|', ';', ',']).ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(other.Split(['|', ';', ',']));
}

/// <summary>A release: one entry an allele, in the order of alleles, as often as it is asked for.</summary>
public delegate IEnumerable<ClinVarAllele> ReleaseSource();
