using System.Collections.Concurrent;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Calls;

/// <summary>
/// Room for one caller: calls at a time, and for a person calls per second. The room of all together is the listener's. A caller that is over is
/// refused at once; nothing waits. Any thread.
/// </summary>
internal sealed class Admission(TimeProvider clock)
{
    /// <summary>Calls at a time of a person, and of a machine.</summary>
    public const int PersonCalls = 8, ServiceCalls = 256;

    /// <summary>Calls per second of a person, and how many of them may come at once.</summary>
    public const int PersonRate = 20, PersonBurst = 100;

    /// <summary>Rules that refuse: too many at a time, and too many in a time.</summary>
    public const string TooManyRule = "caller-limit", TooFastRule = "caller-rate";

    // Callers that are gone stay known: a few hundred bytes each, and as many as credentials were issued.
    private readonly ConcurrentDictionary<string, Room> _rooms = new(StringComparer.Ordinal);

    /// <summary>Takes room; dispose to give it back. Throws RESOURCE_EXHAUSTED when there is none.</summary>
    public IDisposable Enter(Caller caller)
    {
        var room = _rooms.GetOrAdd(caller.Id, static (_, from) => new Room(from), clock);
        if (room.TryEnter(caller.IsService) is { } rule) throw Refusals.Exhausted(rule);
        return room;
    }

    private sealed class Room(TimeProvider clock) : IDisposable
    {
        private readonly Lock _gate = new();
        private int _running;
        private double _tokens = PersonBurst;
        private long _filledAt = clock.GetTimestamp();

        /// <summary>The rule that refuses; null = there is room, and it is taken.</summary>
        public string? TryEnter(bool isService)
        {
            lock (_gate)
            {
                if (_running >= (isService ? ServiceCalls : PersonCalls)) return TooManyRule;
                if (!isService)
                {
                    _tokens = Math.Min(PersonBurst, _tokens + (clock.GetElapsedTime(_filledAt).TotalSeconds * PersonRate));
                    _filledAt = clock.GetTimestamp();
                    if (_tokens < 1) return TooFastRule;
                    _tokens--;
                }
                _running++;
                return null;
            }
        }

        public void Dispose()
        {
            lock (_gate) _running--;
        }
    }
}

/// <summary>So many of one kind at a time, over all callers. A further one is refused at once. Any thread.</summary>
internal sealed class Places(int most, string rule)
{
    private int _taken;

    /// <summary>Takes a place; dispose to give it back. Throws RESOURCE_EXHAUSTED when there is none.</summary>
    public IDisposable Enter()
    {
        if (Interlocked.Increment(ref _taken) <= most) return new Place(this);
        Interlocked.Decrement(ref _taken);
        throw Refusals.Exhausted(rule);
    }

    private sealed class Place(Places of) : IDisposable
    {
        private int _isGiven;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGiven, 1) == 0) Interlocked.Decrement(ref of._taken);
        }
    }
}
