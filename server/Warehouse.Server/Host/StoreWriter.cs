using Warehouse.Engine;
using Warehouse.Engine.Storage;

namespace Warehouse.Server.Host;

/// <summary>
/// Changes of the store by this server: one at a time, each by an instance of its own, so that no reader waits for it. What it published is
/// known to <see cref="StoreHost"/> when it returns. Any thread.
/// </summary>
/// <param name="host">Who reads.</param>
/// <param name="open">Opens the store once more.</param>
internal sealed class StoreWriter(StoreHost host, Func<VariantStore> open) : IDisposable
{
    /// <summary>Time that a small change waits for the one before it.</summary>
    public static readonly TimeSpan SmallChangeWaits = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Changes the store.</summary>
    /// <param name="change">Does it; nothing of the store may leave it.</param>
    /// <param name="wait">How long it waits for its turn.</param>
    /// <param name="stop">Gives up waiting.</param>
    /// <exception cref="StoreBusyException">Its turn did not come, or another process writes.</exception>
    public T Write<T>(Func<VariantStore, T> change, TimeSpan wait, CancellationToken stop)
    {
        if (!_one.Wait(wait, stop)) throw new StoreBusyException("another change is being made");
        try
        {
            using var store = open();
            return change(store);
        }
        finally
        {
            _one.Release();
            host.LookNow();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();
}
