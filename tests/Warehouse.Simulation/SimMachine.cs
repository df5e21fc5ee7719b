using Warehouse.Primitives;

namespace Warehouse.Simulation;

/// <summary>What happens to one operation instead of what was asked.</summary>
public enum SimFault
{
    /// <summary>It fails with an error number; a failed write has written a part.</summary>
    Error,

    /// <summary>A write or read stops after a part of its bytes and fails.</summary>
    Short,

    /// <summary>It does not happen, and none after it: the process is gone. A cut write has written a part.</summary>
    Crash,

    /// <summary>A sync says that it is done and does nothing.</summary>
    LostSync,

    /// <summary>A read gives one wrong bit; the next read gives the right one.</summary>
    FlippedRead,

    /// <summary>A write puts one wrong bit down.</summary>
    FlippedWrite,

    /// <summary>A write lands elsewhere in the same file, over what was there; where it should be are zeros.</summary>
    MisdirectedWrite,

    /// <summary>It takes a million times as long.</summary>
    Stall,
}

/// <summary>
/// One simulated computer: its disks share a count of operations, the faults to come, a clock and the power switch. Everything is
/// determined by the calls and the seeds given, but for the random names that a store gives to its files. Thread-safe.
/// </summary>
public sealed class SimMachine
{
    private readonly Dictionary<long, (SimFault Kind, int Errno, int Seed)> _plan = [];
    private readonly Dictionary<long, (SimFault Kind, int Errno, int Seed)> _changePlan = [];
    private readonly Dictionary<string, long> _counts = [];
    private (SimFault Kind, int Errno, int Seed) _met;
    private bool _isDown;

    /// <summary>A machine whose clock starts in 2026.</summary>
    public SimMachine() => Clock = new SimClock(this);

    /// <summary>Operations so far, on all disks.</summary>
    public long Operations { get; private set; }

    /// <summary>Those of them that change something, syncs among them.</summary>
    public long Changes { get; private set; }

    /// <summary>Time that they took: 1 for asking, 10 for a read, 20 for a write, 1,000 for a sync.</summary>
    public long Ticks { get; private set; }

    /// <summary>Shows <see cref="Ticks"/>, as microseconds.</summary>
    public TimeProvider Clock { get; }

    /// <summary>True after a failed sync, until the next start.</summary>
    public bool IsPoisoned { get; private set; }

    /// <summary>Called before each operation that changes something, with the disks as they are; it may take copies.</summary>
    public Action? BeforeChange { get; set; }

    /// <summary>Gets the name of every operation from now on, when it is set.</summary>
    public List<string>? Trace { get; set; }

    internal Lock Gate { get; } = new();

    /// <summary>Number of starts; a lock lives no longer than its start.</summary>
    internal int Starts { get; private set; }

    internal bool IsDown => _isDown;

    /// <summary>Its disks, in the order in which they were put in.</summary>
    public List<SimDisk> Disks { get; } = [];

    /// <summary>How often an operation was asked for.</summary>
    public long CountOf(string operation) => _counts.GetValueOrDefault(operation);

    /// <summary>The operation with this number (from 0) meets a fault.</summary>
    /// <param name="operation">Its number.</param>
    /// <param name="fault">What happens.</param>
    /// <param name="errno">Of an error.</param>
    /// <param name="seed">Decides how much of a write is written, which bit is wrong, and where a write lands.</param>
    public void Plan(long operation, SimFault fault, int errno = DurableException.DeviceError, int seed = 0) => _plan[operation] = (fault, errno, seed);

    /// <summary>The same, counted over those that change something.</summary>
    public void PlanChange(long change, SimFault fault, int errno = DurableException.DeviceError, int seed = 0) => _changePlan[change] = (fault, errno, seed);

    /// <summary>The operation with this number (from 0) fails once with an error.</summary>
    public void FailAt(long operation, int errno) => Plan(operation, SimFault.Error, errno);

    /// <summary>The operation with this number (from 0) does not happen, and none after it: the process is gone.</summary>
    public void CrashAt(long operation) => Plan(operation, SimFault.Crash);

    /// <summary>
    /// Cuts the power and starts again. Without a seed everything that was not synced is lost; with one see <see cref="PowerLoss"/>.
    /// </summary>
    public void PowerCycle(int? seed = null)
    {
        var loss = seed is { } s ? new PowerLoss(new Random(s), OldestPending(), Operations) : PowerLoss.Total;
        foreach (var disk in Disks) disk.LosePower(loss);
        Restart();
    }

    /// <summary>Ends the process and starts another: the disks keep what they were given, synced or not.</summary>
    public void Restart()
    {
        _plan.Clear();
        _changePlan.Clear();
        (_isDown, IsPoisoned) = (false, false);
        Starts++;
        foreach (var disk in Disks) disk.DropLocks();
    }

    /// <summary>Another machine with the same disks after a power cut now; this one goes on.</summary>
    public SimMachine Cut(Random chance)
    {
        var loss = new PowerLoss(chance, OldestPending(), Operations);
        var image = new SimMachine { Ticks = Ticks, Operations = Operations };
        foreach (var disk in Disks) disk.CopyTo(image).LosePower(loss);
        return image;
    }

    /// <summary>Another machine with the same disks, what is not synced included, and no process; this one goes on.</summary>
    public SimMachine Copy()
    {
        var copy = new SimMachine { Ticks = Ticks, Operations = Operations };
        foreach (var disk in Disks) disk.CopyTo(copy);
        return copy;
    }

    /// <summary>Counts an operation and lets it happen, fail or end the process.</summary>
    /// <param name="operation">Its name.</param>
    /// <param name="isPromise">Refused after a failed sync.</param>
    /// <param name="isSync">A failure poisons.</param>
    /// <returns>A fault that the disk itself has to act out, or null.</returns>
    internal SimFault? Step(string operation, bool isPromise = false, bool isSync = false)
    {
        if (_isDown) throw new SimCrashException();
        var isChange = IsChange(operation);
        if (isChange) BeforeChange?.Invoke();
        var number = Operations++;
        Trace?.Add(operation);
        _counts[operation] = CountOf(operation) + 1;
        Ticks += isSync ? 1000 : operation switch { "pread" => 10, "pwrite" => 20, _ => 1 };
        var isPlanned = _plan.TryGetValue(number, out var fault) || (isChange && _changePlan.TryGetValue(Changes, out fault));
        if (isChange) Changes++;
        if (isPlanned) _met = fault;
        if (isPlanned && fault.Kind == SimFault.Crash)
        {
            _isDown = true;
            throw new SimCrashException();
        }
        if ((isSync || isPromise) && IsPoisoned) throw new DurableException(operation + " refused after a failed sync", DurableException.DeviceError);
        if (!isPlanned) return null;
        if (fault.Kind == SimFault.Stall) Ticks += 1_000_000_000;
        if (fault.Kind is not (SimFault.Error or SimFault.Short)) return fault.Kind;
        IsPoisoned |= isSync;
        throw new DurableException(operation, fault.Kind == SimFault.Short && operation == "pread" ? 0 : fault.Errno);
    }

    /// <summary>Whether an operation changes something: without it the disks stay as they are.</summary>
    internal static bool IsChange(string operation) => operation is not ("statx" or "opendir" or "pread" or "flock" or "open");

    /// <summary>How many bytes of a failed or cut transfer were moved.</summary>
    internal int PartOf(int bytes) => _met.Seed == 0 ? bytes / 2 : new Random(_met.Seed).Next(bytes + 1);

    /// <summary>A choice of the fault that was met last.</summary>
    internal int Choose(int count) => count == 0 ? 0 : new Random(_met.Seed).Next(count);

    private long OldestPending() => Disks.Count == 0 ? Operations : Disks.Min(d => d.OldestPending(Operations));

    private sealed class SimClock(SimMachine machine) : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Start.AddMicroseconds(machine.Ticks);
    }
}

/// <summary>The simulated process is gone; nothing in it may catch this and go on.</summary>
public sealed class SimCrashException : Exception;
