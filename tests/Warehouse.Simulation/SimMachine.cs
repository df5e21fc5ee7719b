using Warehouse.Primitives;

namespace Warehouse.Simulation;

/// <summary>
/// One simulated computer: its disks share a count of operations, a fault to come, and the power switch. Everything is determined by
/// the calls and the seeds given, so a failing run can be repeated. Thread-safe.
/// </summary>
public sealed class SimMachine
{
    private long _failAt = -1, _crashAt = -1;
    private int _errno;
    private bool _isDown;

    internal Lock Gate { get; } = new();

    /// <summary>Operations so far, on all disks.</summary>
    public long Operations { get; private set; }

    /// <summary>True after a failed sync, until the next start.</summary>
    public bool IsPoisoned { get; private set; }

    /// <summary>Number of starts; a lock lives no longer than its start.</summary>
    internal int Starts { get; private set; }

    internal bool IsDown => _isDown;

    internal List<SimDisk> Disks { get; } = [];

    /// <summary>The operation with this number (from 0) fails once with an error.</summary>
    public void FailAt(long operation, int errno) => (_failAt, _errno) = (operation, errno);

    /// <summary>The operation with this number (from 0) does not happen, and none after it: the process is gone.</summary>
    public void CrashAt(long operation) => _crashAt = operation;

    /// <summary>
    /// Cuts the power and starts again. Without a seed everything that was not synced is lost; with one each unsynced file
    /// and name is by chance kept, lost, or, for content, torn at 512 bytes.
    /// </summary>
    public void PowerCycle(int? seed = null)
    {
        var chance = seed is { } s ? new Random(s) : null;
        foreach (var disk in Disks) disk.LosePower(chance);
        Restart();
    }

    /// <summary>Ends the process and starts another: the disks keep what they were given, synced or not.</summary>
    public void Restart()
    {
        (_failAt, _crashAt, _isDown, IsPoisoned) = (-1, -1, false, false);
        Starts++;
        foreach (var disk in Disks) disk.DropLocks();
    }

    /// <summary>Counts an operation and lets it happen, fail or end the process.</summary>
    /// <param name="operation">Its name.</param>
    /// <param name="isPromise">Refused after a failed sync.</param>
    /// <param name="isSync">A failure poisons.</param>
    internal void Step(string operation, bool isPromise = false, bool isSync = false)
    {
        if (_isDown) throw new SimCrashException();
        var number = Operations++;
        if (number == _crashAt)
        {
            _isDown = true;
            throw new SimCrashException();
        }
        if ((isSync || isPromise) && IsPoisoned) throw new DurableException(operation + " refused after a failed sync", DurableException.DeviceError);
        if (number != _failAt) return;
        IsPoisoned |= isSync;
        throw new DurableException(operation, _errno);
    }
}

/// <summary>The simulated process is gone; nothing in it may catch this and go on.</summary>
public sealed class SimCrashException : Exception;
