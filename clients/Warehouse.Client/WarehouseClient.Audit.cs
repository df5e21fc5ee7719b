using Warehouse.Protocol.V1;

namespace Warehouse.Client;

// The log of who asked what, for auditors. Asking is in it too.
public sealed partial class WarehouseClient
{
    /// <summary>Entries that match, oldest first, as they are hashed.</summary>
    /// <param name="request">What is wanted; its purpose of use is operations unless it has its own.</param>
    /// <param name="stop">Gives the question up.</param>
    public IAsyncEnumerable<AuditEntry> AuditEntriesAsync(AuditSearchRequest? request = null, CancellationToken stop = default)
    {
        var asked = request?.Clone() ?? new AuditSearchRequest();
        asked.Asking ??= ForOperations.ToWire();
        return _caller.ReadAsync(how => _audit.Search(asked, how), ForOperations, stop);
    }

    /// <summary>That an entry is in the log, and that the log begins with that of an older checkpoint. Whoever trusts nobody checks it himself.</summary>
    /// <param name="index">Of the entry, 0-based.</param>
    /// <param name="since">An older checkpoint, as it was given; null = none.</param>
    /// <param name="stop">Gives the question up.</param>
    public Task<AuditProof> AuditProofAsync(long index, string? since = null, CancellationToken stop = default)
    {
        var request = new AuditProofRequest { Asking = ForOperations.ToWire(), Sequence = index, Since = since ?? "" };
        return _caller.AskAsync(how => _audit.ProveAsync(request, how), ForOperations, stop);
    }

    /// <summary>The newest signed checkpoint: kept elsewhere, it shows later what was cut off.</summary>
    public Task<AuditCheckpoint> AuditCheckpointAsync(CancellationToken stop = default)
    {
        var request = new AuditCheckpointRequest { Asking = ForOperations.ToWire() };
        return _caller.AskAsync(how => _audit.CheckpointAsync(request, how), ForOperations, stop);
    }

    /// <summary>Signs off that the entries so far were looked through.</summary>
    /// <param name="remark">No data of persons in it.</param>
    /// <param name="stop">Gives it up; it may be signed all the same.</param>
    /// <returns>The index of the entry that says so.</returns>
    public async Task<long> SignOffAuditAsync(string remark, CancellationToken stop = default)
    {
        var request = new AuditReviewRequest { Asking = ForOperations.ToWire(), Remark = remark };
        return (await _caller.ChangeAsync(how => _audit.ReviewAsync(request, how), ForOperations, stop).ConfigureAwait(false)).Sequence;
    }
}
