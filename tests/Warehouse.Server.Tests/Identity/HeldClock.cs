using Warehouse.Units;

namespace Warehouse.Server.Tests.Identity;

/// <summary>A clock of which timers of some lengths go off when they are told to; for whoever measures, the longest of them has gone by then.</summary>
internal sealed class HeldClock(params TimeSpan[] lengths) : TimeProvider
{
    private readonly List<Held> _held = [];
    private readonly Changes _begun = new();
    private long _passed;

    /// <summary>Lengths of the timers that are set, shortest first.</summary>
    public IEnumerable<TimeSpan> Set
    {
        get
        {
            lock (_held) return [.. _held.Where(h => !h.IsOver).Select(h => h.Length).Order()];
        }
    }

    /// <summary>Done once so many timers of those lengths are set, or were.</summary>
    public Task HeldAsync(int count) => _begun.UntilAsync(() => Begun >= count);

    /// <summary>How many timers of those lengths are set, or were.</summary>
    public int Begun
    {
        get
        {
            lock (_held) return _held.Count;
        }
    }

    public override long GetTimestamp() => base.GetTimestamp() + Volatile.Read(ref _passed);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (!lengths.Contains(dueTime) || period != Timeout.InfiniteTimeSpan) return base.CreateTimer(callback, state, dueTime, period);
        var held = new Held(dueTime, () => callback(state));
        lock (_held) _held.Add(held);
        _begun.Tell();
        return held;
    }

    public void Fire()
    {
        Interlocked.Add(ref _passed, (long)(lengths.Max().TotalSeconds * TimestampFrequency));
        Held[] due;
        lock (_held) due = [.. _held];
        foreach (var held in due) held.Fire();
    }

    private sealed class Held(TimeSpan length, Action callback) : ITimer
    {
        private volatile bool _isOver;

        public TimeSpan Length => length;

        public bool IsOver => _isOver;

        public void Fire()
        {
            if (!_isOver) callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => _isOver = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
