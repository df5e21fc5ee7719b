using System.Globalization;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Uploads;

namespace Warehouse.Server.Services;

/// <summary>Files into the store. Any thread.</summary>
internal sealed class IngestService(CallGate gate, BatchUploads uploads) : Ingest.IngestBase
{
    /// <summary>Bytes of a message, and bytes that may be received before they are made durable.</summary>
    private const int MostMessageBytes = 256 << 10, MostUnsyncedBytes = 8 << 20;

    /// <summary>Progress is told so often.</summary>
    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(500);

    public override Task Upload(IAsyncStreamReader<UploadRequest> requestStream, IServerStreamWriter<UploadReply> responseStream, ServerCallContext context) =>
        ReceiveAsync(requestStream, responseStream, context, isOfRelease: false);

    public override Task UploadRelease(IAsyncStreamReader<UploadRequest> requestStream, IServerStreamWriter<UploadReply> responseStream, ServerCallContext context) =>
        ReceiveAsync(requestStream, responseStream, context, isOfRelease: true);

    private async Task ReceiveAsync(IAsyncStreamReader<UploadRequest> requestStream, IServerStreamWriter<UploadReply> responseStream, ServerCallContext context, bool isOfRelease)
    {
        await using var requests = new Requests<UploadRequest>(requestStream, context);
        var first = await requests.FirstAsync(gate.Clock).ConfigureAwait(false);
        var batch = first?.Batch ?? new();
        await gate.StreamAsync<UploadReply>(context, batch.Asking ?? new(), batch, responseStream.WriteAsync, (call, send) =>
        {
            if (first is not { Batch: not null, Bytes: null, Commit: false } || batch.Release is not null != isOfRelease) throw Refusals.BadRequest("batch");
            var sender = new SessionOptions { Caller = call.Who.Caller, Purpose = Call.PurposeOf(batch.Asking ?? new()), Project = batch.Asking?.Project is { Length: > 0 } project ? project : null };
            var receiving = new Receiving(uploads, (sender, batch), gate.Clock, () => send(new UploadReply { Status = uploads.Status(call.Who.Caller.Id, batch.Id) }));
            var rows = receiving.Run(requests, send, call.Stop);
            if (receiving.Loaded is { } loaded) call.Audit.Asks(loaded.Version, null, null);
            return rows;
        }).ConfigureAwait(false);
    }

    public override Task<BatchStatus> Status(BatchRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request,
        call => Task.FromResult((uploads.Status(call.Who.Caller.Id, request.Id), (long?)1)));

    public override Task<BatchStatus> Cancel(BatchRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        uploads.Cancel(call.Who.Caller.Id, request.Id);
        return Task.FromResult((uploads.Status(call.Who.Caller.Id, request.Id), (long?)1));
    });

    /// <summary>One stream of a batch. One thread.</summary>
    private sealed class Receiving(BatchUploads uploads, (SessionOptions Sender, Batch Batch) of, TimeProvider clock, Action tell)
    {
        /// <summary>The release that was loaded; null before, and of files of samples.</summary>
        public AnnotationReceipt? Loaded { get; private set; }

        public long Run(Requests<UploadRequest> requests, Action<UploadReply> send, CancellationToken stop)
        {
            if (uploads.Begin(of.Sender.Caller!.Id, of.Batch, this) is not { } staged)
            {
                tell();
                return 0;
            }
            tell();
            for (var unsynced = 0L; requests.Next() is { } request;)
            {
                if (request.Batch is not null) throw Refusals.BadRequest("batch");
                if (request.Bytes is { } bytes)
                {
                    Append(staged, bytes);
                    unsynced += bytes.Data.Length;
                }
                if (request.Commit)
                {
                    Load(staged, send, stop);
                    return of.Batch.Files.Count;
                }
                if (unsynced < MostUnsyncedBytes && requests.HasNext) continue;
                staged.Sync();
                unsynced = 0;
                tell();
            }
            staged.Sync();
            tell();
            return 0;
        }

        private void Append(StagedBatch staged, FileBytes bytes)
        {
            if (bytes.Data.Length > MostMessageBytes) throw Refusals.BadRequest("batch-message");
            try
            {
                staged.Append(this, bytes);
            }
            catch (RpcException refused) when (refused.StatusCode == StatusCode.InvalidArgument)
            {
                staged.Sync();
                tell(); // from where it goes on
                throw;
            }
        }

        /// <summary>Loads on another thread, so that progress is told meanwhile. The load has ended when this does.</summary>
        private void Load(StagedBatch staged, Action<UploadReply> send, CancellationToken stop)
        {
            var loading = Task.Factory.StartNew(() => uploads.Load(staged, this, of.Sender, stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            try
            {
                while (Task.WhenAny(loading, Task.Delay(TellEvery, clock, CancellationToken.None)).GetAwaiter().GetResult() != loading) tell();
            }
            finally
            {
                // When the client is gone the token is cancelled, and the load ends before its commit, or after it.
                ((IAsyncResult)loading).AsyncWaitHandle.WaitOne();
            }
            try
            {
                Loaded = loading.GetAwaiter().GetResult();
            }
            catch (InputException bad)
            {
                var status = RefusedFor(staged, bad);
                send(new UploadReply { Status = status });
                throw;
            }
            if (Loaded is not { } loaded) tell();
            else send(new UploadReply { Status = new BatchStatus { Id = of.Batch.Id, State = BatchState.Committed, Loaded = JoinedNotes.Of(loaded) } });
        }

        /// <summary>
        /// Why a file was refused, for who sent it and nobody else: of files of samples the rule, the number of the file or that it is the sheet, and the
        /// line; of a release, which is of nobody, also the words, and where they quote nothing.
        /// </summary>
        private BatchStatus RefusedFor(StagedBatch staged, InputException bad)
        {
            var file = staged.NumberOf(bad.Place);
            var place = string.Create(CultureInfo.InvariantCulture, $"{bad.Code}{(file > 0 ? $", file {file}" : staged.IsInSheet(bad.Place) ? ", sheet" : "")}{(bad.Place.Line > 0 ? $", line {bad.Place.Line}" : "")}");
            var status = new BatchStatus { Id = of.Batch.Id, State = BatchState.Refused, Refusal = place };
            if (of.Batch.Release is null)
            {
                if (bad.FixedWords is { } words) status.Fault = new FileFault { Rule = bad.Code, Text = words, File = file, Line = bad.Place.Line };
                return status;
            }
            var fault = ReleaseFault.Of(bad);
            status.Fault = new FileFault { Rule = fault.Rule, Text = fault.Text, File = file, Line = fault.Place.Line, Offset = fault.Place.OffsetBytes, Field = fault.Place.Field };
            return status;
        }
    }
}
