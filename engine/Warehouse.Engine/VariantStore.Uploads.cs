using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    /// <summary>
    /// Loads a batch that somebody sent, in one commit, or none of it. He brings new samples with their rows of the sheet, and more data of samples that
    /// he sees at the level record, by what is in force at the commit, or that he alone has loaded; nothing else is changed (I4).
    /// </summary>
    /// <param name="sender">Who sends, for which purpose, on whose behalf; its level of detail does not matter.</param>
    /// <param name="request">The batch, with its mark.</param>
    /// <param name="progress">Gets bytes read.</param>
    /// <param name="stop">Cancels.</param>
    /// <exception cref="InputException">A file, sheet or BED cannot be understood, or goes beyond what he may change; nothing was committed.</exception>
    public IngestReceipt IngestFrom(SessionOptions sender, IngestRequest request, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        if (sender.Caller is null || request.Mark is null || request.Replace) throw new ArgumentException("a batch has a sender and a mark, and replaces nothing");
        return Load(request, sender, progress, stop);
    }

    /// <summary>The batch that was marked by a key (<see cref="IngestRequest.Mark"/>); null when the store has none.</summary>
    /// <exception cref="DamagedStoreException">What tells cannot be read.</exception>
    public MarkedBatch? FindBatch(string key)
    {
        _folder.Refresh();
        try
        {
            return BatchMarks.Find(ReadPart(BatchMarks.PartOf(key)), key);
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException(BatchMarks.PartOf(key), bad.Message, bad);
        }
    }

    private SenderBounds BoundsOfSender(SessionOptions sender)
    {
        var (scope, digest) = (BoundsOf(sender with { Detail = Detail.Record }), BatchSenders.DigestOf(sender.Caller!.Id));
        var part = BatchSenders.PartOf(digest);
        try
        {
            return new SenderBounds(Catalog(), scope.Sees, BatchSenders.VersionsOf(ReadPart(part), digest)) { HidesNothing = scope.HidesNothing };
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException(part, bad.Message, bad);
        }
    }

    private void MarkSender(Commit commit, Caller caller)
    {
        var digest = BatchSenders.DigestOf(caller.Id);
        var part = BatchSenders.PartOf(digest);
        commit.SetPart(part, BatchSenders.With(ReadPart(part), digest, commit.Version));
    }
}
