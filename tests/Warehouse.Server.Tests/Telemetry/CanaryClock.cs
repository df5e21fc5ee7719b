namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// A clock whose reading fails when it is told to, in whatever layer of a call reads it. It is read by nearly all of them, so the n-th reading of a call is a failure in
/// another place for each n. It runs faster than time where it is moved.
/// </summary>
internal sealed class CanaryClock : TimeProvider
{
    private TimeSpan _ahead;

    /// <summary>Its failure.</summary>
    public CanaryFault Fault { get; } = new();

    public override DateTimeOffset GetUtcNow()
    {
        Fault.Meet("clock");
        return base.GetUtcNow() + _ahead;
    }

    public override long GetTimestamp()
    {
        Fault.Meet("clock");
        return base.GetTimestamp() + (long)(_ahead.TotalSeconds * TimestampFrequency);
    }

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan by) => _ahead += by;
}
