using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// Power cuts at every moment (I1, I2, I3; F1 to F5, F11). A store is changed at random: loads, replacements, withdrawals, cohorts,
/// compactions, collections, with kills, power cuts and failing calls among them. Before each operation that changes a disk some images are
/// taken of what a power cut would leave (of a quarter of them, by chance), and each is opened and held against the <see cref="Ledger"/>; of some every byte is read, and
/// some go on: another load, a power cut that keeps nothing, a compaction. A run of the harness is one image.
/// </summary>
public sealed class CrashStates
{
    private const int ChangesPerSeed = 10;

    private readonly SampleFiles _files;
    private readonly Func<string, bool>? _losesSync;
    private readonly int _seed;
    private readonly Random _chance;
    private readonly Workload _workload;
    private readonly Ledger _ledger = new();
    private readonly List<string> _failures;
    private readonly SimHost _host = SimHost.Create();
    private readonly List<string> _done = [];
    private VariantStore _store;
    private long _runs;

    private CrashStates(SampleFiles files, int seed, Func<string, bool>? losesSync, List<string> failures)
    {
        (_files, _seed, _losesSync, _failures, _chance) = (files, seed, losesSync, failures, new Random(seed));
        _workload = new Workload(_chance);
        _host.Disk.LosesSync = losesSync;
        _host.Keys.LosesSync = losesSync is null ? null : name => losesSync("keys/" + name);
        _store = _host.Open();
    }

    /// <summary>Runs seeds from one on until it is enough.</summary>
    /// <param name="seed">The first seed.</param>
    /// <param name="isEnough">Whether so many images are enough.</param>
    public static Outcome Run(int seed, Func<long, bool> isEnough) => Run(seed, isEnough, losesSync: null);

    /// <summary>The same on disks that lose the syncs of some names, those of the key folder with <c>keys/</c> before them: the harness must see it.</summary>
    public static Outcome Run(int seed, Func<long, bool> isEnough, Func<string, bool>? losesSync)
    {
        var folder = Directory.CreateTempSubdirectory("warehouse-crash-");
        try
        {
            var failures = new List<string>();
            var runs = 0L;
            for (; !isEnough(runs) && failures.Count < Outcome.MostFailures; seed++)
            {
                var one = new CrashStates(new SampleFiles(folder.FullName), seed, losesSync, failures);
                one.RunSeed();
                runs += one._runs;
            }
            return new Outcome(runs, failures);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private void RunSeed()
    {
        try
        {
            for (var i = 0; i < ChangesPerSeed && _failures.Count < Outcome.MostFailures; i++) Change();
        }
        catch (Exception e)
        {
            Fail("the run itself", e);
        }
        finally
        {
            _store.Dispose();
        }
    }

    /// <summary>One change, which half of the time meets a fault; then the process is another.</summary>
    private void Change()
    {
        var change = _workload.Next(_ledger.State);
        _done.Add(change.ToString());
        _ledger.Begin(change);
        var end = (Ending)_chance.Next(8);
        if (end <= Ending.FullDisk)
        {
            var fault = end is Ending.Killed or Ending.PowerCut ? SimFault.Crash : SimFault.Error;
            var (errno, seed) = (end == Ending.FullDisk ? DurableException.NoSpace : DurableException.DeviceError, _chance.Next(1, int.MaxValue));
            if (_chance.Next(4) == 0) _host.Machine.Plan(_host.Machine.Operations + _chance.Next(120), fault, errno, seed);
            else _host.Machine.PlanChange(_host.Machine.Changes + _chance.Next(40), fault, errno, seed);
        }
        _host.Machine.BeforeChange = CheckSomeImages;
        try
        {
            _ledger.Acknowledge(_host.Do(change, _store, _files));
            CheckImage();
            if (end > Ending.FullDisk) return;
        }
        catch (Exception e) when (e is SimCrashException or IOException && end <= Ending.FullDisk)
        {
            _done.Add(FormattableString.Invariant($"{end} before operation {_host.Machine.Operations}: {e.Message}"));
        }
        finally
        {
            _host.Machine.BeforeChange = null;
        }
        StartAgain(end == Ending.PowerCut);
    }

    private void StartAgain(bool afterPowerCut)
    {
        _store.Dispose();
        if (afterPowerCut) _host.Machine.PowerCycle(_chance.Next());
        else _host.Machine.Restart();
        _store = _host.Open();
        if (_ledger.Quarrel(_store, isThorough: true) is { } quarrel) throw new HarnessException(quarrel);
        _ledger.Settle(_store.Version);
    }

    private void CheckSomeImages()
    {
        if (_failures.Count < Outcome.MostFailures && _chance.Next(4) == 0) CheckImage();
    }

    private void CheckImage()
    {
        _runs++;
        var chance = new Random(unchecked((_seed * 1_000_003) + (int)_host.Machine.Operations));
        try
        {
            var image = new SimHost(_host.Machine.Cut(chance));
            var ledger = _ledger.Copy();
            using (var store = image.Open())
            {
                if (ledger.Quarrel(store, isThorough: chance.Next(16) == 0) is { } quarrel) throw new HarnessException(quarrel);
                ledger.Settle(store.Version);
                if (chance.Next(24) != 0) return;
                var next = new Change(ChangeKind.Ingest, SampleFiles.NameOf(0, "s999"));
                ledger.Begin(next);
                ledger.Acknowledge(image.Do(next, store, _files));
            }
            image.Machine.PowerCycle();
            using var again = image.Open();
            again.Compact();
            ledger.Begin(new Change(ChangeKind.Compact));
            ledger.Acknowledge(again.Version);
            if (ledger.Quarrel(again, isThorough: true) is { } late) throw new HarnessException("gone on with: " + late);
            // What a stop leaves of the event log, its next append removes.
            if (again.Verify().Where(f => !(f.Kind == FindingKind.Surplus && f.File.StartsWith(SealedFormat.EventFolder + "/", StringComparison.Ordinal))).Select(f => f.File + " " + f.Problem).FirstOrDefault() is { } left) throw new HarnessException("gone on with: " + left);
        }
        catch (Exception e)
        {
            Fail(FormattableString.Invariant($"image at operation {_host.Machine.Operations}"), e);
        }
    }

    private void Fail(string where, Exception e)
    {
        var kind = e is HarnessException ? "" : e.GetType().Name + ": ";
        _failures.Add(string.Create(CultureInfo.InvariantCulture, $"crash states, seed {_seed}, {where}, after [{string.Join("; ", _done)}]: {kind}{e.Message}"));
    }

    private enum Ending
    {
        Killed,
        PowerCut,
        DeviceError,
        FullDisk,
    }
}
