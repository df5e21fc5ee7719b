using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Warehouse.Server.Identity;

/// <summary>
/// Names that may be used once, each until it ends by itself. When it is full nothing is taken: to forget would be to take something twice. Of a name,
/// which is the client's and as long as it likes, 128 bits of its SHA-256 are kept (I11). Any thread.
/// </summary>
internal sealed class ReplayCache(int capacity, TimeProvider clock)
{
    private readonly ConcurrentDictionary<UInt128, DateTimeOffset> _used = new();
    private long _sweptAt = clock.GetTimestamp();

    /// <summary>Uses a name. False when it was used before, or when too many are remembered.</summary>
    public bool TryUse(string name, DateTimeOffset until)
    {
        if (_used.Count >= capacity && !Sweep()) return false;
        if (_used.TryAdd(BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))), until)) return true;
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
