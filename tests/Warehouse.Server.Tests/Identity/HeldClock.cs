using Warehouse.Units;

namespace Warehouse.Server.Tests.Identity;

/// <summary>A clock of which timers of one length go off when they are told to.</summary>
internal sealed class HeldClock(TimeSpan length) : TimeProvider
{
    private readonly List<Held> _held = [];
    private readonly Changes _begun = new();

    /// <summary>Done once so many timers of that length are set.</summary>
    public Task HeldAsync(int count) => _begun.UntilAsync(() => Count >= count);

    private int Count
    {
        get
        {
            lock (_held) return _held.Count;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != length || period != Timeout.InfiniteTimeSpan) return base.CreateTimer(callback, state, dueTime, period);
        var held = new Held(() => callback(state));
        lock (_held) _held.Add(held);
        _begun.Tell();
        return held;
    }

    public void Fire()
    {
        lock (_held)
        {
            foreach (var held in _held) held.Fire();
        }
    }

    private sealed class Held(Action callback) : ITimer
    {
        private volatile bool _isOver;

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
