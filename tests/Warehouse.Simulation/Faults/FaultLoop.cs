using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// Every operation of a change meets a fault, one after the other, until the change goes through unharmed (F1 to F3, F6, F7): it fails, is
/// cut short, writes a wrong bit or to a wrong place, or the process ends there. What is left is opened and held against the
/// <see cref="Ledger"/>; then the change is made again where it is missing, and must hold. A run is one fault.
/// </summary>
public sealed class FaultLoop
{
    private readonly SampleFiles _files;
    private readonly SimHost _before;
    private readonly Ledger _promised;
    private readonly List<string> _failures = [];
    private readonly int _seed;
    private Func<string, bool>? _losesSync;
    private long _runs;

    private FaultLoop(string folder, int batch, int seed)
    {
        (_files, _seed, _before, _promised) = (new SampleFiles(folder), seed, SimHost.Create(), new Ledger());
        using var store = _before.Open();
        // Two loads, a cohort, a replacement and a withdrawal: there is something to merge, to drop and to collect.
        Change[] history =
        [
            new(ChangeKind.Ingest, Files(0, batch)), new(ChangeKind.Ingest, SampleFiles.NameOf(0, "s900", "s901")), new(ChangeKind.Cohort, "x", "s0", "s900"),
            new(ChangeKind.Replace, SampleFiles.NameOf(1, "s0")), new(ChangeKind.Withdraw, "s901"), new(ChangeKind.Annotate, "0"), new(ChangeKind.Annotate, "1"), new(ChangeKind.Log, "0", "2"), new(ChangeKind.Assess, "1"), new(ChangeKind.Index),
        ];
        foreach (var change in history)
        {
            _promised.Begin(change);
            _promised.Acknowledge(_before.Do(change, store, _files));
        }
    }

    /// <summary>All changes and faults of a batch size, every operation.</summary>
    /// <param name="batch">Files of a load.</param>
    /// <param name="seed">Decides which bits are wrong, where writes are cut and what a power cut keeps.</param>
    public static Outcome Exhaust(int batch, int seed) => Exhaust(batch, seed, losesSync: null);

    /// <summary>The same on a disk that loses the syncs of some names of the store: the loop must see it.</summary>
    public static Outcome Exhaust(int batch, int seed, Func<string, bool>? losesSync) => In(folder =>
    {
        var loop = new FaultLoop(folder, batch, seed) { _losesSync = losesSync };
        foreach (var change in loop.Changes(batch))
        {
            var operations = loop.Rehearse(change);
            foreach (var fault in Enum.GetValues<SimFault>())
            {
                for (var at = 0; at < operations.Count && loop._failures.Count < Outcome.MostFailures; at++)
                    if (IsMeant(fault, operations[at]) && !loop.RunOne(change, fault, at)) throw new HarnessException($"{change} went through before its operation {at}");
                if (loop.RunOne(change, fault, operations.Count)) throw new HarnessException($"{change} needed more than {operations.Count} operations");
            }
        }
        return new Outcome(loop._runs, loop._failures);
    });

    /// <summary>Batch sizes, changes, faults and operations drawn from one seed after the other.</summary>
    /// <param name="seed">The first seed.</param>
    /// <param name="isEnough">Whether so many faults are enough.</param>
    public static Outcome Run(int seed, Func<long, bool> isEnough) => In(folder =>
    {
        var (runs, failures) = (0L, new List<string>());
        for (; !isEnough(runs) && failures.Count < Outcome.MostFailures; seed++)
        {
            var chance = new Random(seed);
            var batch = chance.Next(1, 70);
            var loop = new FaultLoop(folder, batch, seed);
            for (var i = 0; i < 100; i++)
            {
                var changes = loop.Changes(batch).ToList();
                loop.RunOne(changes[chance.Next(changes.Count)], (SimFault)chance.Next((int)SimFault.Stall + 1), chance.Next(250));
            }
            runs += loop._runs;
            failures.AddRange(loop._failures);
        }
        return new Outcome(runs, failures);
    });

    /// <summary>Whether a fault can happen to an operation and leave something that no other leaves. A lost sync breaks a promise of the disk: see the crash states.</summary>
    private static bool IsMeant(SimFault fault, string operation) => fault switch
    {
        SimFault.Error => true,
        SimFault.Crash => SimMachine.IsChange(operation),
        SimFault.Short => operation is "pread" or "pwrite",
        SimFault.FlippedRead => operation == "pread",
        SimFault.FlippedWrite or SimFault.MisdirectedWrite => operation == "pwrite",
        _ => false,
    };

    private static string[] Files(int first, int count) => [.. Enumerable.Range(first, count).Select(i => SampleFiles.NameOf(0, $"s{i}"))];

    private static Outcome In(Func<string, Outcome> run)
    {
        var folder = Directory.CreateTempSubdirectory("warehouse-fault-");
        try
        {
            return run(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private IEnumerable<Change> Changes(int batch) =>
    [
        new(ChangeKind.Ingest, Files(100, batch)), new(ChangeKind.Replace, SampleFiles.NameOf(2, "s0")), new(ChangeKind.Withdraw, "s900"),
        new(ChangeKind.Cohort, "x", "s0"), new(ChangeKind.Compact), new(ChangeKind.Purge), new(ChangeKind.Collect), new(ChangeKind.Rotate),
        new(ChangeKind.Annotate, "2"), new(ChangeKind.Retire, "0"), new(ChangeKind.Log, "1", "3"), new(ChangeKind.Assess, "2"), new(ChangeKind.Index),
    ];

    /// <summary>The operations of a change that nothing disturbs.</summary>
    private List<string> Rehearse(Change change)
    {
        var host = new SimHost(_before.Machine.Copy());
        using var store = host.Open();
        host.Machine.Trace = [];
        host.Do(change, store, _files);
        return host.Machine.Trace;
    }

    /// <summary>False when the change needed fewer operations than that.</summary>
    private bool RunOne(Change change, SimFault fault, int at)
    {
        var host = new SimHost(_before.Machine.Copy());
        host.Disk.LosesSync = _losesSync;
        var ledger = _promised.Copy();
        var store = host.Open();
        var number = host.Machine.Operations + at;
        host.Machine.Plan(number, fault, at % 3 == 0 ? DurableException.NoSpace : DurableException.DeviceError, (_seed * 65_537) + at + 1);
        ledger.Begin(change);
        try
        {
            try
            {
                ledger.Acknowledge(host.Do(change, store, _files));
                if (host.Machine.Operations <= number) return false;
            }
            catch (Exception e) when (e is IOException or SimCrashException)
            {
                // What it left is looked at now.
            }
            finally
            {
                store.Dispose();
            }
            _runs++;
            Check(host, ledger, change, fault, at);
        }
        catch (Exception e)
        {
            _failures.Add(FormattableString.Invariant($"fault loop, seed {_seed}, {(change.ToString() is { Length: > 60 } text ? text[..60] + "…" : change)}, {fault} at its operation {at}: {(e is HarnessException ? "" : e.GetType().Name + ": ")}{e.Message}"));
        }
        return true;
    }

    private void Check(SimHost host, Ledger ledger, Change change, SimFault fault, int at)
    {
        // The disk broke the bytes that it was given, or its promise: what was acknowledged may be lost, but never in silence.
        var isDiskAtFault = fault is SimFault.FlippedWrite or SimFault.MisdirectedWrite or SimFault.LostSync;
        var turn = at + _seed;
        if (turn % 2 == 0) host.Machine.Restart();
        else host.Machine.PowerCycle(turn % 4 == 1 ? null : (_seed * 31) + at);
        try
        {
            using var store = host.Open();
            if (ledger.Quarrel(store, isThorough: isDiskAtFault || turn % 3 == 0) is { } quarrel)
            {
                if (isDiskAtFault && quarrel.StartsWith("verify: ", StringComparison.Ordinal)) return;
                throw new HarnessException(quarrel);
            }
            ledger.Settle(store.Version);
            if (isDiskAtFault || turn % 5 > 1) return; // of a disk at fault what is not named yet may still be broken
            if (ledger.State == _promised.State && (change.Commits || (change.Kind == ChangeKind.Log && ledger.Events == _promised.Events))) Again(host, ledger, store, change);
            Again(host, ledger, store, new Change(ChangeKind.Compact));
            host.Machine.PowerCycle();
            using var last = host.Open();
            if (ledger.Quarrel(last, isThorough: true) is { } late) throw new HarnessException("gone on with: " + late);
        }
        catch (DamagedStoreException) when (isDiskAtFault)
        {
            // Found, as it must be.
        }
    }

    private void Again(SimHost host, Ledger ledger, Engine.VariantStore store, Change change)
    {
        ledger.Begin(change);
        ledger.Acknowledge(host.Do(change, store, _files));
    }
}
