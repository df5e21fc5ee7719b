using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// Clients side by side on one store, in threads and, in every eighth run, in processes of their own; what they did is held against one
/// order of changes by <see cref="HistoryCheck"/>. A run is one store with its clients.
/// </summary>
public static class HistoryRun
{
    private const int Clients = 4, ProcessesEvery = 8;

    /// <summary>Runs from a seed on until it is enough. The seed says what each client does, not how they interleave.</summary>
    public static Outcome Run(int seed, Func<long, bool> isEnough) => Run(seed, isEnough, over: null, isStale: false);

    /// <summary>The same with other storage, or with a client that shows an old session as new: the check must see it. Threads only.</summary>
    public static Outcome Run(int seed, Func<long, bool> isEnough, Func<IStorage, IStorage>? over, bool isStale)
    {
        var (runs, failures) = (0L, new List<string>());
        for (; !isEnough(runs) && failures.Count < Outcome.MostFailures; seed++, runs++)
        {
            var folder = Directory.CreateTempSubdirectory("warehouse-history-");
            try
            {
                var path = Path.Combine(folder.FullName, "store");
                VariantStore.Create(new CreateOptions { Path = path, Assembly = "toy1" }).Dispose();
                var events = runs % ProcessesEvery == ProcessesEvery - 1 && over is null && !isStale ? InProcesses(path, folder.FullName, seed) : InThreads(path, folder.FullName, seed, over, isStale);
                if (Quarrel(events, path) is { } quarrel) failures.Add(FormattableString.Invariant($"history, seed {seed}: {quarrel}"));
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        return new Outcome(runs, failures);
    }

    private static string? Quarrel(List<HistoryEvent> events, string path)
    {
        try
        {
            using var store = VariantStore.Open(path);
            var finding = store.Verify().Where(f => f.Kind != FindingKind.Surplus).Select(f => f.File + " " + f.Problem).FirstOrDefault();
            return HistoryCheck.Quarrel(events, store.Version) ?? finding;
        }
        catch (StoreException e)
        {
            return e.Message;
        }
    }

    private static List<HistoryEvent> InThreads(string path, string folder, int seed, Func<IStorage, IStorage>? over, bool isStale)
    {
        (VariantStore, IStorage, IStorage) Open()
        {
            var (disk, keys) = (Storage(path), Storage(path + ".keys"));
            return (VariantStore.Over(StoreFolder.Open(disk, keys, TimeProvider.System)), disk, keys);
        }

        IStorage Storage(string at) => over is null ? DiskStorage.Open(at) : over(DiskStorage.Open(at));

        var results = new IReadOnlyList<HistoryEvent>[Clients];
        var threads = Enumerable.Range(0, Clients).Select(i => new Thread(() =>
        {
            var own = Directory.CreateDirectory(Path.Combine(folder, FormattableString.Invariant($"files{i}"))).FullName;
            results[i] = new HistoryClient(Open, new SampleFiles(own), (seed * Clients) + i + 1) { IsStale = isStale && i == 0 }.Run();
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return [.. results.SelectMany(r => r)];
    }

    private static List<HistoryEvent> InProcesses(string path, string folder, int seed)
    {
        var processes = Enumerable.Range(0, 2).Select(i =>
            SimProcess.Start("client", path, Path.Combine(folder, FormattableString.Invariant($"files{i}")), FormattableString.Invariant($"{(seed * Clients) + i + 1}"))).ToList();
        var output = processes.Select(p => (Out: p.StandardOutput.ReadToEndAsync(), Error: p.StandardError.ReadToEndAsync())).ToList();
        var events = new List<HistoryEvent>();
        foreach (var (text, error) in output)
        {
            events.AddRange(text.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(HistoryEvent.Parse));
            if (error.Result.Length > 0) events.Add(new HistoryEvent(0, EventKind.Failed, 0, 0, 0, error.Result));
        }
        foreach (var process in processes)
        {
            process.WaitForExit();
            process.Dispose();
        }
        return events;
    }
}
