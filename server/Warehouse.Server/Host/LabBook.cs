using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Storage;

namespace Warehouse.Server.Host;

/// <summary>
/// What the laboratory says of alleles, by an instance of the store of its own: reading a long event log keeps no other call waiting. What was read stays for the
/// next question. After a failure of the store the instance is opened anew. Any thread; one question at a time.
/// </summary>
/// <param name="open">Opens the store once more.</param>
internal sealed class LabBook(Func<VariantStore> open) : IDisposable
{
    private readonly Lock _gate = new();
    private VariantStore? _store;
    private AssessmentDesk? _desk;

    /// <summary>Asks, or changes: an event that was appended is durable on return.</summary>
    public T Ask<T>(Func<AssessmentDesk, VariantStore, T> question)
    {
        lock (_gate)
        {
            _store ??= open();
            try
            {
                return question(_desk ??= new AssessmentDesk(_store), _store);
            }
            catch (Exception e) when (e is StoreException or IOException)
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
        (_store, _desk) = (null, null);
    }
}
