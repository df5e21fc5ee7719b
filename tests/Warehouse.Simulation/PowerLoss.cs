namespace Warehouse.Simulation;

/// <summary>
/// Which of the things that were not synced a power cut leaves. One of four ways, by chance: none; all; those before a moment, as a
/// journal would (names only: content comes in any order); or each name and each page by itself, in any order. Pages are of 512 or of
/// 4,096 bytes. Bytes that a failed sync gave up are never there.
/// </summary>
internal sealed class PowerLoss
{
    private readonly Random? _chance;
    private readonly Way _way;
    private readonly long _moment;
    private readonly double _share;

    /// <summary>Draws the way.</summary>
    /// <param name="chance">The dice.</param>
    /// <param name="oldest">The first operation of which something is not synced.</param>
    /// <param name="now">The operation to come.</param>
    internal PowerLoss(Random chance, long oldest, long now)
    {
        _chance = chance;
        _way = (Way)chance.Next(4);
        PageBytes = chance.Next(2) == 0 ? 512 : 4096;
        _share = chance.NextDouble();
        _moment = chance.NextInt64(oldest, now + 1);
    }

    private PowerLoss() => (_way, PageBytes) = (Way.None, 512);

    private enum Way
    {
        None,
        All,
        UpToAMoment,
        Scattered,
    }

    /// <summary>Nothing that was not synced stays.</summary>
    internal static PowerLoss Total { get; } = new();

    internal int PageBytes { get; }

    /// <summary>How many of the changes of one name, made by these operations one after the other, are on the platter.</summary>
    internal int Changes(IReadOnlyList<long> made) => _way switch
    {
        Way.None => 0,
        Way.All => made.Count,
        Way.UpToAMoment => made.Count(at => at < _moment),
        _ => Happens() ? _chance!.Next(made.Count) + 1 : 0,
    };

    /// <summary>The length of a file of which so many bytes are durable and so many were written.</summary>
    internal int Length(int kept, int seen) => _way switch
    {
        Way.None => kept,
        Way.All => seen,
        _ => _chance!.Next(3) switch { 0 => kept, 1 => seen, _ => _chance.Next(Math.Min(kept, seen), Math.Max(kept, seen) + 1) },
    };

    /// <summary>Whether one page is the new one.</summary>
    internal bool HasPage() => _way switch { Way.None => false, Way.All => true, Way.UpToAMoment => _chance!.Next(2) == 0, _ => Happens() };

    private bool Happens() => _chance!.NextDouble() < _share;
}
