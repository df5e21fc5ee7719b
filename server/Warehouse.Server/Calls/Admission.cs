using System.Collections.Concurrent;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Calls;

/// <summary>
/// Room for one caller: calls at a time, calls per second where he has a rate, and what they may have scanned in a minute. The room of all together is the
/// listener's. A caller that is over is refused at once; nothing waits. Any thread.
/// </summary>
internal sealed class Admission(TimeProvider clock, LimitConfiguration limits)
{
    /// <summary>Rules that refuse: too many at a time, too many in a time, and too much scanned in a minute.</summary>
    public const string TooManyRule = "caller-limit", TooFastRule = "caller-rate", TooMuchRule = "scan-units";

    private readonly RoomLimits _person = new(limits.Person.Calls, (limits.Person.CallsPerSecond, limits.Person.Burst), limits.Person.ScanUnitsPerMinute), _service = new(limits.Service.Calls, null, limits.Service.ScanUnitsPerMinute);

    // Callers that are gone stay known: a few hundred bytes each, and as many as credentials were issued.
    private readonly ConcurrentDictionary<string, Room> _rooms = new(StringComparer.Ordinal);

    /// <summary>Takes room, to be disposed of to give it back, with what the caller may have scanned over all his calls. Throws RESOURCE_EXHAUSTED when there is none.</summary>
    public (IDisposable Room, ScanAllowance Allowance) Enter(Caller caller)
    {
        var room = RoomOf(caller);
        if (room.TryEnter() is { } rule) throw Refusals.Exhausted(rule);
        return (room, room.Allowance);
    }

    private Room RoomOf(Caller caller) =>
        _rooms.TryGetValue(caller.Id, out var known) ? known : _rooms.GetOrAdd(caller.Id, static (_, from) => new Room(from.Limits, from.Clock), (Limits: caller.IsService ? _service : _person, Clock: clock));

    private readonly record struct RoomLimits(int Calls, (int PerSecond, int Burst)? Rate, long ScanUnits);

    private sealed class Room(RoomLimits limits, TimeProvider clock) : IDisposable
    {
        private readonly Lock _gate = new();
        private int _running;
        private double _tokens = limits.Rate?.Burst ?? 0;
        private long _filledAt = clock.GetTimestamp();

        public ScanAllowance Allowance { get; } = new(limits.ScanUnits, clock);

        /// <summary>The rule that refuses; null = there is room, and it is taken.</summary>
        public string? TryEnter()
        {
            lock (_gate)
            {
                if (_running >= limits.Calls) return TooManyRule;
                if (limits.Rate is var (rate, burst))
                {
                    _tokens = Math.Min(burst, _tokens + (clock.GetElapsedTime(_filledAt).TotalSeconds * rate));
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
