namespace Warehouse.Engine.Query;

/// <summary>
/// Samples whose states on a contig are decided by the same sources: no sample of a family has data in a source outside it.
/// The family of the samples without any source has none. Immutable.
/// </summary>
internal sealed class Family
{
    private (Source Source, int Local)[][]? _parts;

    private Family(Source[] sources, int[] slots, Selection selection)
    {
        (Sources, Slots) = (sources, slots);
        Classes = [.. slots.CountBy(slot => selection.ClassOf[slot]).Select(c => (c.Key, c.Value))];
    }

    public Source[] Sources { get; }

    public int[] Slots { get; }

    /// <summary>Number of slots per class of the selection.</summary>
    public (int Class, int Count)[] Classes { get; }

    /// <summary>Per slot of <see cref="Slots"/> the local samples that are its parts, in the order in which they were loaded.</summary>
    public (Source Source, int Local)[][] Parts => _parts ??= FindParts();

    private (Source Source, int Local)[][] FindParts()
    {
        var parts = Slots.ToDictionary(slot => slot, _ => new List<(Source Source, int Local)>());
        foreach (var source in Sources)
            for (var local = 0; local < source.SlotOf.Length; local++)
                if (source.SlotOf[local] is >= 0 and var slot) parts[slot].Add((source, local));
        return [.. Slots.Select(slot => parts[slot].OrderBy(p => p.Source.Segment.Ordinals[p.Local]).ToArray())];
    }

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
