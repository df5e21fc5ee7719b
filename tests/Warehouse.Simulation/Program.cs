using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Simulation.Faults;

namespace Warehouse.Simulation;

/// <summary>
/// A writer that a test can break from outside: creates a store in two folders when there is none, then commits a number of times and
/// prints each acknowledged version. Exit 5 when a commit failed; <c>refused</c> then tells that the process would write no more.
/// </summary>
internal static class Program
{
    /// <summary>The harnesses by name: each runs from a seed until it is told that its runs are enough.</summary>
    private static readonly Dictionary<string, Func<int, Func<long, bool>, Outcome>> Harnesses = new()
    {
        ["crash"] = CrashStates.Run,
        ["fault"] = FaultLoop.Run,
    };

    private static int Main(string[] arguments)
    {
        if (arguments is ["soak", ..]) return Soak(arguments);
        var (store, keys, count) = (DiskStorage.OpenOrCreate(arguments[0]), DiskStorage.OpenOrCreate(arguments[1]), int.Parse(arguments[2], CultureInfo.InvariantCulture));
        try
        {
            using var folder = store.List("").Count == 0
                ? StoreFolder.Create(store, keys, StoreIdentity.New("GRCh38", default, TimeProvider.System), TimeProvider.System)
                : StoreFolder.Open(store, keys, TimeProvider.System);
            Console.WriteLine(folder.Current.Version);
            for (var i = 0; i < count; i++) Console.WriteLine(Commit(folder));
            return 0;
        }
        catch (IOException e)
        {
            Console.Error.WriteLine(e.Message);
            Console.WriteLine(IsRefused(store, keys) ? "refused" : "goes on");
            return 5;
        }
    }

    /// <summary>soak HARNESS --minutes N --seed S: prints runs, failures, the seed and the bound as one line, and each failure.</summary>
    private static int Soak(string[] arguments)
    {
        if (arguments is not ["soak", var name, "--minutes", var minutes, "--seed", var seedText] || !Harnesses.TryGetValue(name, out var run))
        {
            Console.Error.WriteLine("soak HARNESS --minutes N --seed S; harnesses: " + string.Join(' ', Harnesses.Keys));
            return 2;
        }
        var seed = int.Parse(seedText, CultureInfo.InvariantCulture);
        var (clock, length) = (Stopwatch.StartNew(), TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)));
        var outcome = run(seed, _ => clock.Elapsed >= length);
        foreach (var failure in outcome.Failures) Console.Error.WriteLine(failure);
        var bound = outcome.Failures.Count > 0 || outcome.Runs == 0 ? "-" : (3.0 / outcome.Runs).ToString("g2", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{outcome.Runs}\t{outcome.Failures.Count}\t{seed}\t{bound}"));
        return outcome.Failures.Count == 0 ? 0 : 1;
    }

    private static long Commit(StoreFolder folder)
    {
        using var commit = folder.BeginCommit();
        using var writer = commit.CreateFile(1);
        writer.Write(BitConverter.GetBytes(commit.Version));
        commit.Add(writer.Complete());
        commit.SetPart("version", BitConverter.GetBytes(commit.Version));
        return commit.Publish().Version;
    }

    private static bool IsRefused(IStorage store, IStorage keys)
    {
        try
        {
            using var folder = StoreFolder.Open(store, keys, TimeProvider.System);
            Commit(folder);
            return false;
        }
        catch (StorePoisonedException)
        {
            return true;
        }
        catch (StoreException)
        {
            return store.IsPoisoned; // creation never finished: nothing to open
        }
    }
}
