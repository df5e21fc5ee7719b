using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Query;

/// <summary>
/// Blocks that questions in any order have opened, with the counts of their columns, for the next that needs them: at most so many, those
/// opened first go first. What is kept holds its decoded columns, beside what the pool of the store keeps. One thread.
/// </summary>
/// <param name="most">Blocks kept.</param>
internal sealed class KeptBlocks(int most)
{
    private readonly Dictionary<BlockInfo, OpenBlock> _blocks = [];
    private readonly Queue<BlockInfo> _order = new();

    /// <summary>A block, opened now or before.</summary>
    public OpenBlock Open(Segment segment, BlockInfo info)
    {
        if (_blocks.TryGetValue(info, out var open)) return open;
        while (_blocks.Count >= most) _blocks.Remove(_order.Dequeue());
        _order.Enqueue(info);
        return _blocks[info] = new OpenBlock(segment.BlockOf(info));
    }

    /// <summary>Lets all go: after damage, what it stopped in may be half read.</summary>
    public void Clear()
    {
        _blocks.Clear();
        _order.Clear();
    }
}
