namespace Warehouse.Engine.Release;

/// <summary>
/// Which figures are small enough to point at somebody (primary), and which others have to go so that these cannot be derived from a total
/// (complementary). Any thread.
/// <para>
/// Primary: a set whose carriers, or whose assessed non-carriers, are fewer than k, zero included; or where the carriers of one copy, the
/// homozygous, the missing or the copies of odd ploidies are some but fewer than k. The whole row is suppressed, since each of these follows
/// from what else a row shows.
/// </para>
/// <para>
/// Complementary, in a line of disjoint groups and their total: who subtracts the groups that are shown from the total has the sum of those
/// that are not, as if they were one group: the pool. The pool gets further groups until it holds one at least that was not small itself
/// (the stand-ins), is not small, and is large enough that every small group can have had any value of the band, the stand-ins what is left
/// and no less than k. What is asked of the pool is known to whoever sees the answer, and stand-ins are taken by the number of their people,
/// smallest first, never by their figures; so somebody who knows these rules and computes backwards learns no more. Where all groups do not
/// do, none is shown. The total is judged by itself, whether it is asked for or not, so that it does not matter which of the two comes first.
/// </para>
/// </summary>
public sealed class Suppression(ReleasePolicy policy)
{
    private readonly int _k = policy.K;

    /// <summary>Whether a set's figures are small.</summary>
    public bool IsSmall(in BaseCells cells) =>
        cells.Carriers < _k || cells.Ref < _k || IsFew(cells.One) || IsFew(cells.Hom) || IsFew(cells.Missing) || (cells.Excess != 0 && cells.Excess < _k);

    /// <summary>Which groups of a line are not shown.</summary>
    /// <param name="groups">Disjoint groups that make up the total.</param>
    /// <param name="isHidden">Gets the answer, one per group.</param>
    /// <returns>Whether the total is not shown.</returns>
    public bool Judge(ReadOnlySpan<BaseCells> groups, Span<bool> isHidden)
    {
        var (total, pool, small) = (default(BaseCells), default(BaseCells), 0);
        for (var i = 0; i < groups.Length; i++)
        {
            total += groups[i];
            isHidden[i] = IsSmall(groups[i]);
            if (!isHidden[i]) continue;
            pool += groups[i];
            small++;
        }
        if (IsSmall(total)) return true; // never shown, by no call: nothing can be subtracted from it
#if !PLANTED_PRIMARY_ONLY
        if (small > 0) Complement(groups, isHidden, pool, small);
#endif
        return false;
    }

    /// <summary>What is shown of a set that is not hidden.</summary>
    public ReleasedRow Show(in BaseCells cells) => new(
        IsBanded: false, cells.People, (int)Round(cells.Carriers, policy.RoundTo), (int)Round(cells.Hom, policy.RoundTo), Round(cells.Ac, policy.RoundTo), Round(cells.An, policy.RoundAnTo));

    /// <summary>What is shown of a set that is hidden.</summary>
    public static ReleasedRow Banded => new(IsBanded: true, 0, 0, 0, 0, 0);

    private void Complement(ReadOnlySpan<BaseCells> groups, Span<bool> isHidden, BaseCells pool, int small)
    {
        var last = 0;
        for (var standIns = 0; standIns == 0 || !IsSafe(pool, (small * (_k - 1)) + (standIns * _k), last); standIns++)
        {
            var next = -1;
            for (var i = 0; i < groups.Length; i++)
                if (!isHidden[i] && (next < 0 || groups[i].People < groups[next].People)) next = i;
            if (next < 0) return; // all are hidden
            isHidden[next] = true;
            pool += groups[next];
            last = groups[next].People;
        }
    }

    /// <summary>Whether every small group can have had any value of the band, and the last stand-in whatever is left.</summary>
    /// <param name="pool">The hidden groups together.</param>
    /// <param name="room">What they hold at most when each small one is at the upper end of the band and each stand-in at its least.</param>
    /// <param name="lastPeople">People of the last stand-in: all carriers and all missing of the pool must find room in it beside k others.</param>
    private bool IsSafe(in BaseCells pool, int room, int lastPeople) =>
        !IsSmall(pool) && pool.Carriers >= room && HasRoom(pool.One, room) && HasRoom(pool.Hom, room) && HasRoom(pool.Missing, room) && HasRoom(pool.Excess, room)
        && lastPeople - pool.Carriers - pool.Missing >= _k;

    private static bool HasRoom(long count, int room) => count == 0 || count >= room;

    private bool IsFew(int count) => count > 0 && count < _k;

    private static long Round(long value, int step) => (value + (step / 2)) / step * step;
}
