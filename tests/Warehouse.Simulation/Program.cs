using System.Globalization;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Simulation.Faults;

namespace Warehouse.Simulation;

/// <summary>
/// <c>soak …</c> runs a harness (<see cref="Harness"/>), <c>work</c> and <c>client</c> are processes of two of them, <c>race</c> is a writer that begins when it is told to. Otherwise it is a writer that a test can break from outside: creates a store in two folders when there is none, then commits a number of times and
/// prints each acknowledged version. Exit 5 when a commit failed; <c>refused</c> then tells that the process would write no more.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["soak", ..]) return Harness.Run(arguments.AsSpan(1));
        if (arguments is ["work", var root, var when]) return KillLoop.Work(root, tellsEarly: when == "early");
        if (arguments is ["client", var path, var files, var seed]) return HistoryClient.Work(path, files, int.Parse(seed, CultureInfo.InvariantCulture));
        if (arguments is ["race", var raced, var racedKeys]) return Race(DiskStorage.Open(raced), DiskStorage.Open(racedKeys));
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

    /// <summary>At each line tries to begin a commit and says whether it may; at the next line publishes it, if it may, and says the newest version.</summary>
    private static int Race(IStorage store, IStorage keys)
    {
        using var folder = StoreFolder.Open(store, keys, TimeProvider.System);
        while (Console.ReadLine() is not null)
        {
            Commit? commit = null;
            try
            {
                commit = folder.BeginCommit();
                Console.WriteLine("won");
            }
            catch (StoreBusyException)
            {
                Console.WriteLine("busy");
            }
            Console.ReadLine();
            using (commit)
            {
                commit?.SetPart("version", BitConverter.GetBytes(commit.Version));
                Console.WriteLine(commit?.Publish().Version ?? 0);
            }
        }
        return 0;
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
