using Warehouse.Engine.Manifests;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    /// <summary>Reads every byte of the store and its keys, and every block of every segment; names what is damaged.</summary>
    public IEnumerable<VerifyFinding> Verify(IProgress<WorkProgress>? progress = null, CancellationToken stop = default) => _folder.Verify(progress, stop);
}
