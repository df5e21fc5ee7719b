namespace Warehouse.Engine.Query;

/// <summary>
/// Samples whose states on a contig are decided by the same sources: no sample of a family has data in a source outside it.
/// The family of the samples without any source has none. Immutable.
/// </summary>
internal sealed class Family
{
    private Family(Source[] sources, int[] slots, Selection selection)
    {
        (Sources, Slots) = (sources, slots);
        var classes = new Dictionary<(int, Sex, bool, int), int>();
        var sets = new List<int[]>();
        foreach (var slot in slots)
        {
            var callable = sets.FindIndex(s => s.AsSpan().SequenceEqual(selection.CallableOf[slot]));
            if (callable < 0)
            {
                callable = sets.Count;
                sets.Add(selection.CallableOf[slot]);
            }
            var key = (selection.GroupOf[slot], selection.SexOf[slot], selection.Assumed[slot], callable);
            classes[key] = classes.GetValueOrDefault(key) + 1;
        }
        Classes = [.. classes.Select(c => (c.Key.Item1, c.Key.Item2, c.Key.Item3, sets[c.Key.Item4], c.Value))];
    }

    public Source[] Sources { get; }

    public int[] Slots { get; }

    /// <summary>Slots counted by all that their state depends on where they have no data of their own.</summary>
    public (int Group, Sex Sex, bool Assumed, int[] Callables, int Count)[] Classes { get; }

    /// <summary>Partitions the slots of a selection.</summary>
    public static Family[] Group(Source[] sources, Selection selection)
    {
        var owner = new int[selection.SlotCount];
        owner.AsSpan().Fill(-1);
        var root = Enumerable.Range(0, sources.Length).ToArray();
        int Root(int i)
        {
            while (root[i] != i) i = root[i] = root[root[i]];
            return i;
        }
        for (var i = 0; i < sources.Length; i++)
            foreach (var slot in sources[i].SlotOf)
            {
                if (slot < 0) continue;
                if (owner[slot] < 0) owner[slot] = i;
                else root[Root(i)] = Root(owner[slot]);
            }
        var slots = new Dictionary<int, List<int>>();
        for (var slot = 0; slot < owner.Length; slot++)
        {
            var key = owner[slot] < 0 ? -1 : Root(owner[slot]);
            if (!slots.TryGetValue(key, out var list)) slots.Add(key, list = []);
            list.Add(slot);
        }
        return [.. slots.Select(s => new Family(s.Key < 0 ? [] : [.. sources.Where(x => Root(x.Index) == s.Key && x.SlotCount > 0)], [.. s.Value], selection))];
    }
}
