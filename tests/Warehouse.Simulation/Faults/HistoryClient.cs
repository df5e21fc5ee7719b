using System.Diagnostics;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;

namespace Warehouse.Simulation.Faults;

/// <summary>One user of a store that others use too: changes it, asks it, keeps a session open and asks that again. Tells all that it did.</summary>
/// <param name="open">Opens the store.</param>
/// <param name="files">Where its input files are.</param>
/// <param name="client">Its number; also the seed of what it does.</param>
internal sealed class HistoryClient(Func<(VariantStore Store, IStorage Disk, IStorage Keys)> open, SampleFiles files, int client)
{
    private const int Steps = 16, Shared = 6, MostBusy = 10_000;

    private readonly Random _chance = new(client);
    private readonly List<HistoryEvent> _events = [];
    private int _nextSample, _nextEdition;

    /// <summary>Opens its only session once and says of it what it would say of a new one; the check must see it.</summary>
    internal bool IsStale { get; init; }

    /// <summary>A client in a process of its own: prints what it did.</summary>
    internal static int Work(string path, string folder, int client)
    {
        Directory.CreateDirectory(folder);
        var one = new HistoryClient(() => (VariantStore.Open(path), DiskStorage.Open(path), DiskStorage.Open(path + ".keys")), new SampleFiles(folder), client);
        foreach (var done in one.Run()) Console.WriteLine(done);
        return 0;
    }

    /// <summary>What the client did and saw. A failure to open or to close ends it and is one of its events, like every other.</summary>
    internal IReadOnlyList<HistoryEvent> Run()
    {
        var begin = Stopwatch.GetTimestamp();
        try
        {
            Live();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _events.Add(new HistoryEvent(client, EventKind.Failed, begin, Stopwatch.GetTimestamp(), 0, $"{e.GetType().Name}: {e.Message}".ReplaceLineEndings(" ")));
        }
        return _events;
    }

    private void Live()
    {
        var (store, disk, keys) = open();
        using (store)
        {
            Session? held = null;
            var busy = 0;
            for (var step = 0; step < Steps; step++)
            {
                if (_chance.Next(5) < 2)
                {
                    // Who meets another writer tries again: else the first to write has the store for itself, and nothing happens side by side.
                    // The pause is how a client behaves that is told "try again later"; the lock gives no event, and nothing is asserted of it.
                    for (var change = Draw(); !Change(change, store, disk, keys) && busy < MostBusy; busy++) Thread.Sleep(_chance.Next(3));
                }
                else if (held is not null && (IsStale || _chance.Next(2) == 0)) Ask(held, IsStale ? EventKind.Opened : EventKind.AskedAgain, Stopwatch.GetTimestamp());
                else
                {
                    held?.Dispose();
                    var begin = Stopwatch.GetTimestamp();
                    held = Try(begin, () => store.OpenSession());
                    if (held is not null) Ask(held, EventKind.Opened, begin);
                }
            }
            held?.Dispose();
        }
    }

    /// <summary>False when another writer was met.</summary>
    private bool Change(Change change, VariantStore store, IStorage disk, IStorage keys)
    {
        var begin = Stopwatch.GetTimestamp();
        var kind = EventKind.Done;
        var version = 0L;
        try
        {
            version = change.Do(store, disk, keys, files);
        }
        catch (StoreBusyException)
        {
            kind = EventKind.Busy;
        }
        catch (InputException)
        {
            kind = EventKind.Refused;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _events.Add(new HistoryEvent(client, EventKind.Failed, begin, Stopwatch.GetTimestamp(), 0, $"{change}: {e.GetType().Name}: {e.Message}".ReplaceLineEndings(" ")));
            return true;
        }
        _events.Add(new HistoryEvent(client, kind, begin, Stopwatch.GetTimestamp(), version, change.ToString()));
        return kind != EventKind.Busy;
    }

    /// <summary>Samples of its own, and some that the others want too.</summary>
    private Change Draw()
    {
        var own = FormattableString.Invariant($"s{(client * 1000L) + _nextSample}");
        var shared = FormattableString.Invariant($"s{_chance.Next(Shared)}");
        switch (_chance.Next(8))
        {
            case 0 or 1 or 2:
                _nextSample++;
                return new Change(ChangeKind.Ingest, SampleFiles.NameOf(0, own));
            case 3 or 4:
                return new Change(ChangeKind.Ingest, SampleFiles.NameOf((client * 100L) + _nextEdition++, shared));
            case 5:
                return new Change(ChangeKind.Withdraw, shared);
            case 6:
                return new Change(ChangeKind.Compact);
            default:
                return new Change(ChangeKind.Collect);
        }
    }

    private void Ask(Session session, EventKind kind, long begin)
    {
        if (Try(begin, () => HistoryCheck.Flat(StoreState.Empty.AnswersOf(session))) is { } answers)
            _events.Add(new HistoryEvent(client, kind, begin, Stopwatch.GetTimestamp(), session.Snapshot, answers));
    }

    private T? Try<T>(long begin, Func<T> ask) where T : class
    {
        try
        {
            return ask();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _events.Add(new HistoryEvent(client, EventKind.Failed, begin, Stopwatch.GetTimestamp(), 0, $"{e.GetType().Name}: {e.Message}".ReplaceLineEndings(" ")));
            return null;
        }
    }
}
