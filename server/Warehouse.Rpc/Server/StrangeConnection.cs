namespace Warehouse.Rpc.Server;

/// <summary>A connection on which nobody has been known yet: it has a place of strangers, for a time, and loses both with the first call that is known. Any thread.</summary>
internal sealed class StrangeConnection : IDisposable
{
    private readonly IDisposable _place;
    private readonly ITimer _timer;

    public StrangeConnection(IDisposable place, Action close, TimeSpan time, TimeProvider clock)
    {
        _place = place;
        _timer = clock.CreateTimer(_ =>
        {
            place.Dispose(); // before whoever is at its other end can know
            close();
        }, null, time, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Somebody is known on it, or it has ended.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _place.Dispose();
    }
}
