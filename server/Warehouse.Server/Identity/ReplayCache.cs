using System.Collections.Concurrent;

namespace Warehouse.Server.Identity;

/// <summary>Names that may be used once, each until it ends by itself. When it is full nothing is taken: to forget would be to take something twice. Any thread.</summary>
internal sealed class ReplayCache(int capacity, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _used = new(StringComparer.Ordinal);
    private long _sweptAt = clock.GetTimestamp();

    /// <summary>Uses a name. False when it was used before, or when too many are remembered.</summary>
    public bool TryUse(string name, DateTimeOffset until)
    {
        if (_used.Count >= capacity && !Sweep()) return false;
        if (_used.TryAdd(name, until)) return true;
        // What has ended by itself may not have been swept yet; it is refused for its time, not here.
        return false;
    }

    /// <summary>Forgets what has ended, at most once a second.</summary>
    private bool Sweep()
    {
        var at = Volatile.Read(ref _sweptAt);
        if (clock.GetElapsedTime(at) < TimeSpan.FromSeconds(1) || Interlocked.CompareExchange(ref _sweptAt, clock.GetTimestamp(), at) != at) return _used.Count < capacity;
        var now = clock.GetUtcNow();
        foreach (var (name, until) in _used)
            if (until < now) _used.TryRemove(name, out _);
        return _used.Count < capacity;
    }
}
