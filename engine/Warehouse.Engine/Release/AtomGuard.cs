using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Release;

/// <summary>
/// Which cohorts one project may have answers of in one epoch. The cohorts answered so far cut all people into atoms; a further cohort is
/// admitted when it takes from each atom nobody, everybody, or at least k with at least k left. So every sum and difference of answers, in
/// whatever number, is over whole atoms, and none is of fewer than k people. The atom of those whom no cohort has had yet is in no sum, so that
/// any number of them may be left: how many there are, the project does not learn (I4). What is decided depends on who is in the cohorts alone, never
/// on genotypes: a refusal tells nothing of these. One thread; 4 bytes per sample.
/// </summary>
public sealed class AtomGuard
{
    /// <summary>Number of the atom of those whom no cohort has had.</summary>
    private const int Unasked = 0;

    private readonly HashSet<Digest> _admitted = [];
    private int[] _atoms;
    private List<int> _sizes;

    /// <summary>All people are one atom, of which nobody was asked.</summary>
    public AtomGuard(int samples) => (_atoms, _sizes) = (new int[samples], [samples]);

    /// <summary>Cohorts admitted so far.</summary>
    public int Count => _admitted.Count;

    /// <summary>Number of the atom of each sample.</summary>
    internal ReadOnlySpan<int> Atoms => _atoms;

    /// <summary>Whether a cohort was admitted before; asking again changes nothing.</summary>
    public bool Has(CohortSet cohort) => _admitted.Contains(cohort.Digest);

    /// <summary>Admits cohorts, one after the other, or none of them; the caller makes that durable before anything is answered.</summary>
    /// <param name="cohorts">The cohorts.</param>
    /// <param name="k">People that may not be told apart, at least; 1 admits everything.</param>
    /// <returns>False when one of them would isolate fewer than k people; then nothing has changed.</returns>
    /// <exception cref="ArgumentException">A cohort is of another epoch.</exception>
    public bool TryAdmit(IReadOnlyList<CohortSet> cohorts, int k)
    {
        if (After(cohorts, k) is not { } after) return false;
        (_atoms, _sizes) = after;
        foreach (var cohort in cohorts) _admitted.Add(cohort.Digest);
        return true;
    }

    /// <summary>Whether <see cref="TryAdmit"/> would; changes nothing.</summary>
    public bool Admits(IReadOnlyList<CohortSet> cohorts, int k) => cohorts.All(Has) || After(cohorts, k) is not null;

    private (int[] Atoms, List<int> Sizes)? After(IReadOnlyList<CohortSet> cohorts, int k)
    {
        var after = (Atoms: _atoms, Sizes: _sizes);
        foreach (var cohort in cohorts)
        {
            if (Has(cohort)) continue;
            if (cohort.Samples != _atoms.Length) throw new ArgumentException("the cohort is not of this epoch", nameof(cohorts));
            if (Split(cohort, after, k) is not { } split) return null;
            after = split;
        }
        return after;
    }

    private (int[] Atoms, List<int> Sizes)? Split(CohortSet cohort, (int[] Atoms, List<int> Sizes) before, int k)
    {
        var (atoms, sizes) = before;
        var inside = new int[sizes.Count];
        for (var sample = 0; sample < atoms.Length; sample++)
            if (cohort.Has(sample)) inside[atoms[sample]]++;
        var (next, after) = (new int[sizes.Count], new List<int>(sizes));
        for (var atom = 0; atom < inside.Length; atom++)
        {
            var (taken, left) = (inside[atom], sizes[atom] - inside[atom]);
#if !PLANTED_ATOMS_UNGUARDED
            if ((taken > 0 && taken < k) || (taken > 0 && left > 0 && left < k && atom != Unasked)) return null;
#endif
            next[atom] = atom;
            if (taken == 0 || (left == 0 && atom != Unasked)) continue;
            next[atom] = after.Count;
            after[atom] = left;
            after.Add(taken);
        }
        var split = new int[atoms.Length];
        for (var sample = 0; sample < atoms.Length; sample++) split[sample] = cohort.Has(sample) ? next[atoms[sample]] : atoms[sample];
        return (split, after);
    }
}
