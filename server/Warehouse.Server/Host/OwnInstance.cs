using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Host;

/// <summary>
/// An instance of the store of its own, and what was read of it, which stays for the next question: reading a long event log keeps no other call waiting. Opened when it
/// is first asked. After a failure that is not the asker's own both are made anew, so nothing half read is gone on with. Any thread; one question at a time.
/// </summary>
/// <param name="open">Opens the store once more.</param>
/// <param name="read">Begins to read it.</param>
internal sealed class OwnInstance<T>(Func<VariantStore> open, Func<VariantStore, T> read) : IDisposable
    where T : class
{
    private readonly Lock _gate = new();
    private VariantStore? _store;
    private T? _read;

    /// <summary>Asks, or changes: an event that was appended is durable on return.</summary>
    public TAnswer Ask<TAnswer>(Func<T, VariantStore, TAnswer> question)
    {
        lock (_gate)
        {
            try
            {
                _store ??= open();
                return question(_read ??= read(_store), _store);
            }
            catch (Exception e) when (e is not (InputException or AccessRefusedException or RpcException or OperationCanceledException))
            {
                LetGo();
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate) LetGo();
    }

    private void LetGo()
    {
        _store?.Dispose();
        (_store, _read) = (null, null);
    }
}
