using Warehouse.Engine;

namespace Warehouse.Server.Identity;

/// <summary>
/// What files say, read again when it is used and the last look is <see cref="Authenticated.CheckEvery"/> old. What cannot be read then leaves what was
/// read before in force: a file that is being replaced is no reason to forget it. Any thread.
/// </summary>
internal sealed class Watched<T> where T : class
{
    private readonly Func<T> _read;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private volatile T _value;
    private long _lookedAt;

    /// <summary>Reads for the first time: what that throws, this throws.</summary>
    public Watched(Func<T> read, TimeProvider clock) => (_read, _clock, _lookedAt, _value) = (read, clock, clock.GetTimestamp(), read());

    /// <summary>What was read within the last seconds.</summary>
    public T Value => _clock.GetElapsedTime(Volatile.Read(ref _lookedAt)) < Authenticated.CheckEvery ? _value : Look(atOnce: false);

    /// <summary>Reads now.</summary>
    public T ReadNow() => Look(atOnce: true);

    private T Look(bool atOnce)
    {
        lock (_gate)
        {
            if (!atOnce && _clock.GetElapsedTime(_lookedAt) < Authenticated.CheckEvery) return _value;
            Volatile.Write(ref _lookedAt, _clock.GetTimestamp());
            try
            {
                _value = _read();
            }
            catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException)
            {
                // As the summary says.
            }
            return _value;
        }
    }
}
