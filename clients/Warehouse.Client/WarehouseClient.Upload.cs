using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

/// <summary>A release of annotations that is sent to a server.</summary>
public sealed record ReleaseUpload
{
    /// <summary>Name of the source: <c>clinvar</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Day of the release.</summary>
    public required DateOnly Date { get; init; }

    /// <summary>Text of the mapping by which it is read; null = the built-in one of the source, else all that the header of a VCF declares.</summary>
    public string? Mapping { get; init; }

    /// <summary>Leave out records that are not understood or differ from the reference, while they are few, instead of refusing the file.</summary>
    public bool SkipBadRecords { get; init; }

    /// <summary>Hears how far it is: bytes of the file that have come to the server, then, true, those that were read there; of all.</summary>
    public Action<bool, long, long>? Progress { get; init; }
}

/// <summary>Files that are sent to a server.</summary>
public sealed partial class WarehouseClient
{
    private const int UploadPieceBytes = 256 << 10;

    private Ingest.IngestClient IngestService => new(_channel);

    /// <summary>
    /// Loads a release of annotations; data stewards and lab directors. What was sent before a connection broke, or by a process that was stopped within the last
    /// hour, is not sent again, and a release that the server has already changes nothing. Given up, the release is there whole or not at all.
    /// </summary>
    /// <param name="file">The file: VCF, or a table that the mapping describes, as it is or compressed. Read twice from its beginning.</param>
    /// <param name="release">What it is.</param>
    /// <param name="ask">What the question says beside; null = as the client says.</param>
    /// <param name="stop">Gives it up.</param>
    /// <exception cref="WarehouseException">Refused; <see cref="WarehouseException.Fault"/> says what is wrong with the file.</exception>
    public async Task<LoadedRelease> LoadAnnotationsAsync(Stream file, ReleaseUpload release, AskOptions? ask = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(release);
        if (!file.CanSeek) throw WarehouseException.Usage("upload-pipe", "what is sent to a server is read twice: a file, not a pipe");
        ask ??= _options.Ask;
        var date = release.Date.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var batch = new Batch { Asking = ask.ToWire(), Release = new ReleaseFile { Source = release.Source, Date = date, SkipBadRecords = release.SkipBadRecords } };
        using var mapping = release.Mapping is { } text ? new MemoryStream(Encoding.UTF8.GetBytes(text)) : null;
        Stream[] files = mapping is null ? [file] : [file, mapping];
        foreach (var each in files)
        {
            each.Position = 0;
            batch.Files.Add(new BatchFile { Length = each.Length, Sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(each, stop).ConfigureAwait(false)) });
        }
        // The name follows from all of it, so that whoever asks for the same again goes on with it.
        var named = string.Join(' ', (string[])[release.Source, date, release.SkipBadRecords ? "skip" : "refuse", .. batch.Files.Select(f => f.Sha256)]);
        batch.Id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(named)));
        FileFault? fault = null;
        try
        {
            return await _caller.RepeatAsync(cameFurther => SendReleaseAsync(batch, files, (status, further) =>
            {
                fault = status.Fault ?? fault;
                if (further) cameFurther();
                if (status.Received.Count > 0) release.Progress?.Invoke(status.State == BatchState.Loading, status.State == BatchState.Loading ? status.BytesRead : status.Received[0], batch.Files[0].Length);
            }, ask, stop), held: "batch-loading", stop).ConfigureAwait(false);
        }
        catch (WarehouseException e) when (fault is not null && e.InnerException is RpcException failure)
        {
            throw WarehouseException.Of(failure, fault);
        }
    }

    /// <summary>One attempt: from where the server says that it goes on.</summary>
    private async Task<LoadedRelease> SendReleaseAsync(Batch batch, Stream[] files, Action<BatchStatus, bool> told, AskOptions ask, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var call = IngestService.UploadRelease(_caller.How(ask.Deadline, ending.Token));
        var (sending, loaded, received) = (Task.CompletedTask, default(LoadedRelease), -1L);
        try
        {
            await call.RequestStream.WriteAsync(new UploadRequest { Batch = batch }, stop).ConfigureAwait(false);
            while (await call.ResponseStream.MoveNext(stop).ConfigureAwait(false))
            {
                var status = call.ResponseStream.Current.Status;
                var isFirst = received < 0;
                told(status, !isFirst && status.Received.Sum() > received);
                (received, loaded) = (Math.Max(received, status.Received.Sum()), status.Loaded ?? loaded);
                if (isFirst) sending = SendPiecesAsync(call.RequestStream, files, status.Received, ending);
            }
            await sending.ConfigureAwait(false);
            return loaded ?? throw WarehouseException.Cut();
        }
        catch (RpcException) when (stop.IsCancellationRequested)
        {
            throw new OperationCanceledException(stop);
        }
        catch (RpcException) when (ending.IsCancellationRequested)
        {
            // A file could not be read to its end, and the call was given up for that, by the sender, who is about to say why.
            await sending.ConfigureAwait(false);
            throw;
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SendPiecesAsync(IClientStreamWriter<UploadRequest> requests, Stream[] files, IReadOnlyList<long> received, CancellationTokenSource ending)
    {
        try
        {
            var piece = new byte[UploadPieceBytes];
            for (var file = 0; file < files.Length; file++)
            {
                files[file].Position = received[file];
                for (int read; (read = await files[file].ReadAsync(piece, ending.Token).ConfigureAwait(false)) > 0;)
                {
                    var bytes = new FileBytes { File = file, Offset = files[file].Position - read, Data = ByteString.CopyFrom(piece, 0, read) };
                    await requests.WriteAsync(new UploadRequest { Bytes = bytes }, ending.Token).ConfigureAwait(false);
                }
            }
            await requests.WriteAsync(new UploadRequest { Commit = true }, ending.Token).ConfigureAwait(false);
            await requests.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            // The server waits for the rest of a file that cannot be read.
            await ending.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}
