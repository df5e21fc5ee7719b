using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Host;

/// <summary>
/// Watches and alerts of the store that is served, for calls, by an instance of its own (<see cref="OwnInstance{T}"/>), whose log is read on and never anew. What it is
/// asked for is short: a recipient's inbox, an acknowledgement; runs have instances of their own (<see cref="AlertRounds"/>). Any thread.
/// </summary>
/// <param name="open">Opens the store once more.</param>
/// <param name="callers">Callers of whom more is known than their id, though they are not here.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class AlertHost(Func<VariantStore> open, Func<IEnumerable<Caller>> callers, TimeProvider clock) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly OwnInstance<AlertBook> _own = new(open, store => new AlertBook(store.Events, clock));
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Whoever runs the server: he sees everything, and in his name alerts are raised, as when he runs them himself.</summary>
    public static string Owner { get; } = AccessActor.Owner(Environment.UserName is { Length: > 0 } name ? name : "unknown").Id;

    /// <summary>Whether the server stops: who follows is let go.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Called when something was changed by a call.</summary>
    public Action? Wake { get; set; }

    /// <summary>Done when alerts may have changed. Taken before alerts are looked at, so that no change is missed between.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate) return _changed.Task;
        }
    }

    /// <summary>What alerts follow from, over an instance of the store.</summary>
    public AlertSources Over(VariantStore store, Action<string>? shown = null)
    {
        var assessments = new Lazy<IReadOnlyList<SignedAssessment>>(() => OwnAssessments.Of(store.Events, store.Assembly));
        return new AlertSources { Store = store, Release = (date, digest) => ClinVarShelf.Find(store, date, digest), Assessments = () => assessments.Value, Callers = callers, Shown = shown };
    }

    /// <summary>Asks the log and the store.</summary>
    public T Ask<T>(Func<AlertSources, AlertBook, T> question) => _own.Ask((book, store) =>
    {
        store.Policy(); // looks for what others have committed
        book.Refresh();
        return question(Over(store), book);
    });

    /// <summary>Names persons to the audit log of a call, before what it changes about them is begun.</summary>
    public void Name(IEnumerable<string> persons, Action<string> shown) => Ask((sources, _) =>
    {
        sources.Name(persons, shown);
        return 0;
    });

    /// <summary>Asks for somebody who is here.</summary>
    public T Ask<T>(Caller caller, Func<AlertDesk, T> question) => Ask((sources, book) =>
    {
        using var desk = new AlertDesk(sources, book, caller, Owner);
        return question(desk);
    });

    /// <summary>The same of what changes something: who follows is told, and a run is due.</summary>
    public T Change<T>(Func<AlertSources, AlertBook, T> change) => Changes(Ask(change));

    /// <summary>The same by somebody who is here.</summary>
    public T Change<T>(Caller caller, Func<AlertDesk, T> change) => Changes(Ask(caller, change));

    /// <summary>Tells who follows that alerts may have changed.</summary>
    public void Tell()
    {
        lock (_gate)
        {
            _changed.TrySetResult();
            _changed = NewSignal();
        }
    }

    /// <summary>Lets those go who follow.</summary>
    public void Stop()
    {
        IsStopping = true;
        Tell();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _own.Dispose();
    }

    private T Changes<T>(T result)
    {
        Tell();
        Wake?.Invoke();
        return result;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
