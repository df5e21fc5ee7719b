namespace Warehouse.Server.Tests.Identity;

/// <summary>A clock that stands until it is moved. It begins now, since certificates of foreign programs know no other time.</summary>
internal sealed class FakeClock : TimeProvider
{
    private DateTimeOffset _now = System.GetUtcNow();
    private TimeSpan _back;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.Ticks + _back.Ticks;

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by) => _now += by;

    /// <summary>Somebody sets the clock back: the time that goes by goes on.</summary>
    public void SetBack(TimeSpan by)
    {
        _back += by;
        _now -= by;
    }

    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Moves so far that whatever is looked at again every few seconds is.</summary>
    public void PassCheck() => Advance(TimeSpan.FromSeconds(6));
}
