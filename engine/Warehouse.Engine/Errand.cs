namespace Warehouse.Engine;

/// <summary>
/// A piece of work for a thread of the pool. Whoever needs it done does it himself when nobody has begun it, and waits only for
/// one who has: so nobody stands idle behind work that waits for its turn. Started once, done once; any thread.
/// </summary>
internal sealed class Errand : IThreadPoolWorkItem
{
    private readonly Task _work;
    private int _begun;

    private Errand(Action work) => _work = new Task(work);

    /// <summary>What is done already.</summary>
    public static Errand None { get; } = Done();

    /// <summary>True when it has been done, well or badly.</summary>
    public bool IsDone => _work.IsCompleted;

    /// <summary>Leaves the work to whoever is free first.</summary>
    public static Errand Start(Action work)
    {
        var errand = new Errand(work);
        ThreadPool.UnsafeQueueUserWorkItem(errand, preferLocal: false);
        return errand;
    }

    /// <summary>Does the work here if nobody has begun it.</summary>
    public bool TryDo()
    {
        if (_begun != 0 || Interlocked.Exchange(ref _begun, 1) != 0) return false;
        _work.RunSynchronously(TaskScheduler.Default);
        return true;
    }

    /// <summary>The work is done when this returns; what it threw comes out here.</summary>
    public void Finish()
    {
        TryDo();
        _work.GetAwaiter().GetResult();
    }

    /// <summary>Waits for the work if somebody has begun it, else sees to it that nobody does. What it threw is not told.</summary>
    public void Abandon()
    {
        if (Interlocked.Exchange(ref _begun, 1) != 0) ((IAsyncResult)_work).AsyncWaitHandle.WaitOne();
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => TryDo();

    private static Errand Done()
    {
        var errand = new Errand(() => { });
        errand.TryDo();
        return errand;
    }
}
