using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Warehouse.Server.Identity;

/// <summary>
/// Names that may be used once, each until it ends by itself. Nothing is forgotten before: that would be to take it twice. Who has used up his share is
/// refused, and when all together have filled it whoever has more than a small part; so nobody keeps others out. Of a name, which is the client's and as long
/// as it likes, 128 bits of its SHA-256 are kept (I11). Any thread.
/// </summary>
/// <param name="capacity">Names that are remembered, of all; those who have few may go over it, to twice as many.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class ReplayCache(int capacity, TimeProvider clock)
{
    /// <summary>Part of the capacity that one may use, and the part that he may use when it is full.</summary>
    private const int Share = 8, SmallShare = 1000;

    private readonly ConcurrentDictionary<UInt128, (DateTimeOffset Until, Owner Of)> _used = new();
    private readonly ConcurrentDictionary<string, Owner> _owners = new(StringComparer.Ordinal);
    private readonly Lock _sweeping = new();
    private long _sweptAt = clock.GetTimestamp();
    private int _count;

    /// <summary>Uses a name. False when it was used before, or when there is no room for another one of whoever uses it.</summary>
    /// <param name="owner">Who uses it.</param>
    /// <param name="name">The name.</param>
    /// <param name="until">When it ends.</param>
    public bool TryUse(string owner, string name, DateTimeOffset until)
    {
        var of = _owners.GetOrAdd(owner, static _ => new());
        if (!HasRoom(of))
        {
            Sweep();
            of = _owners.GetOrAdd(owner, static _ => new());
            if (!HasRoom(of)) return false;
        }
        // What has ended by itself may not have been swept yet; it is refused for its time, not here.
        if (!_used.TryAdd(BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))), (until, of))) return false;
        Interlocked.Increment(ref of.Count);
        Interlocked.Increment(ref _count);
        return true;
    }

    private bool HasRoom(Owner of)
    {
        var (own, all) = (Volatile.Read(ref of.Count), Volatile.Read(ref _count));
        return all < capacity ? own < Math.Max(1, capacity / Share) : all < 2 * capacity && own < Math.Max(1, capacity / SmallShare);
    }

    /// <summary>Forgets what has ended, at most once a second.</summary>
    private void Sweep()
    {
        lock (_sweeping)
        {
            if (clock.GetElapsedTime(_sweptAt) < TimeSpan.FromSeconds(1)) return;
            _sweptAt = clock.GetTimestamp();
            var now = clock.GetUtcNow();
            foreach (var (name, (until, of)) in _used)
            {
                if (until >= now || !_used.TryRemove(name, out _)) continue;
                Interlocked.Decrement(ref of.Count);
                Interlocked.Decrement(ref _count);
            }
            // One that another thread has in hand meanwhile counts on for itself: it had nothing.
            foreach (var (owner, of) in _owners)
                if (Volatile.Read(ref of.Count) == 0) _owners.TryRemove(KeyValuePair.Create(owner, of));
        }
    }

    private sealed class Owner
    {
        public int Count;
    }
}
