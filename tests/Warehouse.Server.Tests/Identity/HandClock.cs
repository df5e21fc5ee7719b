using Warehouse.Units;

namespace Warehouse.Server.Tests.Identity;

/// <summary>A clock that stands until it is moved, and whose timers go off when they are told to and their time has come. Any thread.</summary>
/// <param name="isHeld">Which timers these are, by what they are about; all others go by the time of the machine. Null = all are.</param>
internal sealed class HandClock(Func<object?, bool>? isHeld = null) : TimeProvider
{
    private readonly FakeClock _clock = new();
    private readonly List<Hand> _hands = [];
    private readonly Changes _set = new();

    /// <summary>How many timers are set.</summary>
    public int Set
    {
        get
        {
            lock (_hands) return _hands.Count(h => h.IsSet);
        }
    }

    /// <summary>Done once so many timers are set.</summary>
    public Task SetAsync(int count) => _set.UntilAsync(() => Set >= count);

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    /// <summary>Lets time pass; nothing goes off by that.</summary>
    public void Pass(TimeSpan time) => _clock.Advance(time);

    /// <summary>Whatever is due goes off, here.</summary>
    public void Fire()
    {
        List<Hand> hands;
        lock (_hands) hands = [.. _hands];
        foreach (var hand in hands) hand.FireWhenDue();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (isHeld?.Invoke(state) == false) return base.CreateTimer(callback, state, dueTime, period);
        var hand = new Hand(() => callback(state), this);
        lock (_hands) _hands.Add(hand);
        hand.Change(dueTime, period);
        return hand;
    }

    private sealed class Hand(Action callback, HandClock clock) : ITimer
    {
        private readonly Lock _gate = new();
        private DateTimeOffset? _due;
        private TimeSpan _period;

        public bool IsSet
        {
            get
            {
                lock (_gate) return _due is not null;
            }
        }

        public void FireWhenDue()
        {
            lock (_gate)
            {
                if (_due > clock.GetUtcNow() || _due is null) return;
                _due = _period > TimeSpan.Zero ? _due + _period : null;
                callback();
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate) (_due, _period) = (dueTime == Timeout.InfiniteTimeSpan ? null : clock.GetUtcNow() + dueTime, period);
            clock._set.Tell();
            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
