using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Manifests;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// What was promised, kept outside the store: the state of every version that can be there, and up to which of them a promise was given.
/// I1 and I2: a store must have at least the promised version, no other than one of these, and answer as its state says.
/// </summary>
internal sealed class Ledger
{
    private readonly List<StoreState> _states = [StoreState.Empty, StoreState.Empty]; // by version; 0 is none
    private readonly EventLedger _events = new();
    private Change? _open;

    /// <summary>The newest version that was acknowledged.</summary>
    internal long Promised { get; private set; } = 1;

    /// <summary>The newest version that can be there.</summary>
    internal long Newest => _states.Count - 1;

    /// <summary>What the newest version can hold.</summary>
    internal StoreState State => _states[^1];

    internal StoreState StateOf(long version) => _states[(int)version];

    /// <summary>A change begins: its version can be there from now on.</summary>
    internal void Begin(Change change)
    {
        _open = change;
        _events.Begin(change);
        if (change.MayCommit) _states.Add(State.After(change, Newest) ?? throw new InvalidOperationException($"the workload drew a change that must be refused: {change}"));
    }

    /// <summary>The change was acknowledged with a version.</summary>
    internal void Acknowledge(long version)
    {
        var expected = _open!.Commits || (_open.MayCommit && version == Newest) ? Newest : _open.MayCommit ? Newest - 1 : Newest;
        if (version != expected) throw new HarnessException($"{_open} was acknowledged as version {version}, expected {expected}");
        _events.Acknowledge();
        Settle(version);
        Promised = version;
    }

    /// <summary>How many events were promised.</summary>
    internal int Events => _events.Count;

    /// <summary>The process that wrote is gone and the store shows this version: newer ones never came to be. Of events, what the last quarrel has seen is there.</summary>
    internal void Settle(long version)
    {
        while (Newest > version) _states.RemoveAt(_states.Count - 1);
        _events.Settle();
        _open = null;
    }

    internal Ledger Copy()
    {
        var copy = new Ledger { Promised = Promised, _open = _open };
        copy._states.Clear();
        copy._states.AddRange(_states);
        copy._events.Take(_events);
        return copy;
    }

    /// <summary>What is wrong with a store, or null.</summary>
    /// <param name="store">The store.</param>
    /// <param name="isThorough">Also reads every byte, and asks an older snapshot.</param>
    internal string? Quarrel(VariantStore store, bool isThorough)
    {
        if (store.Version < Promised) return $"version {Promised} was acknowledged, the store shows {store.Version}";
        if (store.Version > Newest) return $"the store shows version {store.Version}, which nobody wrote";
        var state = StateOf(store.Version);
        if (state.Quarrel(store) is { } quarrel) return $"version {store.Version}: {quarrel}";
        if (_events.Quarrel(store, isThorough) is { } unsaid) return unsaid;
        if (!isThorough) return null;
        if (store.Verify().Where(f => f.Kind != FindingKind.Surplus).Select(f => $"{f.File} {f.Problem}").FirstOrDefault() is { } finding) return "verify: " + finding;
        for (var version = Math.Max(1, state.PurgedBefore); version < store.Version; version += 3)
        {
            var then = StateOf(version).SeenFrom(state);
            using var session = store.OpenSession(new SessionOptions { Snapshot = version });
            var (said, right) = (then.AnswersOf(session), then.Answers());
            if (said != right) return $"snapshot {version} of {store.Version} answers\n{said}not\n{right}";
        }
        return null;
    }
}

/// <summary>A harness found that a promise was broken.</summary>
public sealed class HarnessException(string message, Exception? inner = null) : Exception(message, inner);
