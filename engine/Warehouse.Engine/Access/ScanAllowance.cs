namespace Warehouse.Engine.Access;

/// <summary>The allowance of whoever asks is used up: the question ends here, and is to be asked again later.</summary>
/// <param name="retryAfter">When there is an allowance again.</param>
public sealed class ScanAllowanceException(TimeSpan retryAfter) : Exception("more is scanned than is allowed in a minute")
{
    /// <summary>Time after which there is an allowance again.</summary>
    public TimeSpan RetryAfter => retryAfter;
}

/// <summary>
/// How much one principal may have scanned in a minute, over all his calls. A unit is one sample by one variant row. What is charged follows from what he
/// sees and asks, never from what lies in the store besides (I4): the rows that are looked at for him, and the samples that he sees of those he chose. Rows are
/// those of what he sees where he asks, also the ones that his answer leaves out, as by a least AC. A minute begins with its first charge and its allowance is
/// whole at once, so that where a question ends follows from that alone, and not from how long it took. A failure leaves what was charged. Any thread.
/// </summary>
public sealed class ScanAllowance
{
    /// <summary>Samples of a row whose unit is one where an allele is only looked up: the bits of a word, which are counted at once.</summary>
    public const int SamplesOfLookUpUnit = 64;

    /// <summary>Units of a row below the level record, where not even the number of samples is told.</summary>
    public const int ReleasedRowUnits = 1024;

    /// <summary>Units of a search through everything for an identifier, found or not: how many rows there are is not told by it.</summary>
    public const int SearchUnits = 10_000_000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly long _unitsPerMinute;
    private readonly TimeProvider _clock;
    private long _begunAt, _left;

    /// <summary>A whole allowance.</summary>
    /// <param name="unitsPerMinute">Units of a minute.</param>
    /// <param name="clock">Tells when it is over.</param>
    public ScanAllowance(long unitsPerMinute, TimeProvider clock) => (_unitsPerMinute, _left, _clock) = (unitsPerMinute, unitsPerMinute, clock);

    /// <summary>Charges for rows of one price as far as the allowance goes.</summary>
    /// <param name="rows">Rows, 0 or more.</param>
    /// <param name="unitsOfRow">Price of each, 1 or more.</param>
    /// <returns>For how many of them it was enough. One that is dearer than the whole allowance is the only one of its minute.</returns>
    public long Take(long rows, long unitsOfRow)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(unitsOfRow, 1);
        if (rows == 0) return 0;
        lock (_gate)
        {
            if (_left < _unitsPerMinute && _clock.GetElapsedTime(_begunAt) >= Minute) _left = _unitsPerMinute;
            var isFresh = _left == _unitsPerMinute;
            if (isFresh) _begunAt = _clock.GetTimestamp();
            var taken = Math.Min(rows, _left / unitsOfRow);
            if (taken == 0 && isFresh) taken = 1;
            _left = Math.Max(0, _left - (taken * unitsOfRow));
            return taken;
        }
    }

    /// <summary>Charges for all of something, or for nothing of it.</summary>
    /// <param name="units">Units, 1 or more.</param>
    /// <exception cref="ScanAllowanceException">It is not enough.</exception>
    public void TakeWhole(long units)
    {
        if (Take(1, units) == 0) throw Over();
    }

    /// <summary>Says that it is used up.</summary>
    public ScanAllowanceException Over()
    {
        lock (_gate) return new(TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerSecond, (Minute - _clock.GetElapsedTime(_begunAt)).Ticks)));
    }
}
