namespace Warehouse.Engine.Audit;

/// <summary>
/// When somebody last signed the audit log off (C12). Reads backwards, once as far as is asked for and then what came since alone. One thread.
/// </summary>
/// <param name="open">Opens the log for reading.</param>
public sealed class LastReview(Func<AuditReader> open)
{
    private long _lookedTo;
    private DateTimeOffset? _reviewed;

    /// <summary>Whether nobody has signed off since a time although there was something to look at: an entry before it.</summary>
    /// <exception cref="Warehouse.Engine.Storage.StoreException">The log is not there, or damaged.</exception>
    public bool IsOlderThan(DateTimeOffset time)
    {
        var (size, reviewed, earliest) = open().LastReviewed(_lookedTo, time);
        // What was not looked at is older than the time, and so is whatever review stands there; in a log that is empty nobody is late.
        _reviewed = reviewed ?? _reviewed ?? earliest;
        _lookedTo = size;
        return _reviewed < time;
    }
}
