namespace Warehouse.Server.Tests.Identity;

/// <summary>A clock whose waits are short, for those that a provider prescribes; it may be ahead.</summary>
internal sealed class HurriedClock(TimeSpan ahead = default) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, dueTime / 50, period);
}
