using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Storage;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// Real processes that change real stores and are killed at random moments (F1, F2, F4). The <see cref="Ledger"/> is here, outside of both.
/// One process works on several stores at once, so that its start is paid once; a run is one store whose writer was killed.
/// </summary>
public sealed class KillLoop
{
    private const int Stores = 4, ChangesPerLife = 3, LivesPerStore = 15, MostFileEvents = 250;

    private readonly string _root;
    private readonly Random _chance;
    private readonly bool _tellsEarly;
    private readonly Ledger[] _ledgers = [.. Enumerable.Range(0, Stores).Select(_ => new Ledger())];
    private readonly Workload[] _workloads;

    private KillLoop(string root, int seed, bool tellsEarly)
    {
        (_root, _tellsEarly, _chance) = (root, tellsEarly, new Random(seed));
        _workloads = [.. _ledgers.Select(_ => new Workload(_chance))];
        for (var i = 0; i < Stores; i++) VariantStore.Create(new CreateOptions { Path = PathOf(root, i), Assembly = "toy1" }).Dispose();
    }

    /// <summary>Kills until it is enough.</summary>
    /// <param name="seed">The first seed: of what is done and when it ends. What the processes have done by then is theirs.</param>
    /// <param name="isEnough">Whether so many stores are enough.</param>
    public static Outcome Run(int seed, Func<long, bool> isEnough) => Run(seed, isEnough, tellsEarly: false);

    /// <summary>The same with a writer that says that a change is done before it does it: the loop must see it.</summary>
    public static Outcome Run(int seed, Func<long, bool> isEnough, bool tellsEarly)
    {
        var (runs, failures) = (0L, new List<string>());
        for (; !isEnough(runs) && failures.Count < Outcome.MostFailures; seed++)
        {
            var folder = Directory.CreateTempSubdirectory("warehouse-kill-");
            try
            {
                var loop = new KillLoop(folder.FullName, seed, tellsEarly);
                for (var life = 0; life < LivesPerStore && !isEnough(runs) && failures.Count < Outcome.MostFailures; life++)
                {
                    loop.RunLife();
                    for (var i = 0; i < Stores; i++, runs++)
                        if (loop.Check(i) is { } quarrel) failures.Add(FormattableString.Invariant($"kill loop, seed {seed}, life {life}, store {i}: {quarrel}"));
                }
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        return new Outcome(runs, failures);
    }

    /// <summary>The process that is killed: reads lines of a store's number and a change, does each store's in their order, and says which are done.</summary>
    public static int Work(string root, bool tellsEarly)
    {
        var files = new SampleFiles(Path.Combine(root, "files"));
        var queues = Enumerable.Range(0, Stores).Select(_ => new List<Change>()).ToArray();
        while (Console.ReadLine() is { Length: > 0 } line) queues[line[0] - '0'].Add(Change.Parse(line[2..]));
        Console.WriteLine("ready");
        var threads = queues.Select((queue, i) => new Thread(() =>
        {
            using var store = VariantStore.Open(PathOf(root, i));
            var (disk, keys) = (DiskStorage.Open(PathOf(root, i)), DiskStorage.Open(PathOf(root, i) + ".keys"));
            foreach (var change in queue)
            {
                if (tellsEarly && change.Commits) Console.WriteLine(FormattableString.Invariant($"{i} {store.Version + 1}"));
                var version = change.Do(store, disk, keys, files);
                if (!tellsEarly || !change.Commits) Console.WriteLine(FormattableString.Invariant($"{i} {version}"));
            }
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return 0;
    }

    private static string PathOf(string root, int store) => Path.Combine(root, store.ToString(CultureInfo.InvariantCulture));

    /// <summary>One process: a few changes for each store, and a kill in the middle of them.</summary>
    private void RunLife()
    {
        Directory.CreateDirectory(Path.Combine(_root, "files"));
        var planned = new Queue<Change>[Stores];
        using var process = SimProcess.Start("work", _root, _tellsEarly ? "early" : "late");
        using var files = new FileSystemWatcher(_root) { IncludeSubdirectories = true };
        for (var i = 0; i < Stores; i++)
        {
            planned[i] = new Queue<Change>();
            var state = _ledgers[i].State;
            for (var n = 0; n < ChangesPerLife; n++)
            {
                var change = _workloads[i].Next(state);
                if (change.Kind is ChangeKind.Ingest or ChangeKind.Replace)
                    foreach (var file in change.Names) new SampleFiles(Path.Combine(_root, "files")).PathOf(file);
                if (change.Kind == ChangeKind.Annotate) new SampleFiles(Path.Combine(_root, "files")).ReleaseOf(int.Parse(change.Names[0], CultureInfo.InvariantCulture));
                state = state.After(change, 0)!;
                planned[i].Enqueue(change);
                process.StandardInput.WriteLine(FormattableString.Invariant($"{i} {change}"));
            }
        }
        // The kill comes in the midst of what is written, after so many files were made, changed, renamed and deleted: on a busy machine too. A writer that does less ends by itself.
        var left = _chance.Next(MostFileEvents);
        files.Created += Count;
        files.Changed += Count;
        files.Deleted += Count;
        files.Renamed += Count;
        files.EnableRaisingEvents = true;
        process.StandardInput.WriteLine();
        process.StandardInput.Flush();
        var error = process.StandardError.ReadToEndAsync();
        if (process.StandardOutput.ReadLine() != "ready") throw new HarnessException("the writer did not start: " + error.Result);
        for (var i = 0; i < Stores; i++) _ledgers[i].Begin(planned[i].Dequeue());
        while (process.StandardOutput.ReadLine() is { } line) Heard(line, planned);
        process.WaitForExit();
        if (error.Result.Length > 0) throw new HarnessException("the writer failed: " + error.Result);

        void Count(object sender, FileSystemEventArgs file)
        {
            if (Interlocked.Decrement(ref left) != -1) return;
            try
            {
                process.Kill();
            }
            catch (InvalidOperationException)
            {
                // It has ended, and was told of late.
            }
        }
    }

    /// <summary>A store's number and the version that its writer says is done.</summary>
    private void Heard(string line, Queue<Change>[] planned)
    {
        var words = line.Split(' ').Select(w => int.Parse(w, CultureInfo.InvariantCulture)).ToArray();
        _ledgers[words[0]].Acknowledge(words[1]);
        if (planned[words[0]].TryDequeue(out var next)) _ledgers[words[0]].Begin(next);
    }

    private string? Check(int i)
    {
        try
        {
            using var store = VariantStore.Open(PathOf(_root, i));
            var quarrel = _ledgers[i].Quarrel(store, isThorough: _chance.Next(4) == 0);
            _ledgers[i].Settle(store.Version);
            return quarrel;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return e.Message;
        }
    }
}

/// <summary>Another process of this program.</summary>
internal static class SimProcess
{
    internal static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet")
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["DOTNET_TieredPGO"] = "0"; // it lives for a moment
        start.ArgumentList.Add(typeof(SimProcess).Assembly.Location);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
