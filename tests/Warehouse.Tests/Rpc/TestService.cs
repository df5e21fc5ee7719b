using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Testing;
using Warehouse.Rpc.Server;

namespace Warehouse.Tests.Rpc;

/// <summary>The service of gRPC's interoperability tests, as its description has it.</summary>
internal sealed class TestService : Grpc.Testing.TestService.TestServiceBase
{
    private const string EchoInitial = "x-grpc-test-echo-initial", EchoTrailing = "x-grpc-test-echo-trailing-bin";

    private readonly Channel<bool> _ends = Channel.CreateUnbounded<bool>();
    private readonly Changes _changes = new();
    private int _answered;

    /// <summary>Waits for the next handler with a stream of requests to end: true when it was told that nobody waits any more, false when the requests came to their end.</summary>
    public Task<bool> WasCancelledAsync() => _ends.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Waits until so many requests of duplex streams are answered, and their replies are written.</summary>
    public Task AnsweredAsync(int count) => _changes.UntilAsync(() => Volatile.Read(ref _answered) >= count);

    public override async Task<Empty> EmptyCall(Empty request, ServerCallContext context)
    {
        await EchoAsync(context);
        return new();
    }

    public override async Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context)
    {
        await EchoAsync(context);
        Expect(request.ExpectCompressed, context);
        ThrowIfAsked(request.ResponseStatus);
        if (request.ResponseCompressed?.Value != true) context.WriteOptions = new(WriteFlags.NoCompress);
        return new() { Payload = Zeros(request.ResponseSize) };
    }

    public override async Task StreamingOutputCall(StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responseStream, ServerCallContext context)
    {
        await EchoAsync(context);
        await AnswerAsync(request, responseStream, context);
    }

    public override async Task<StreamingInputCallResponse> StreamingInputCall(IAsyncStreamReader<StreamingInputCallRequest> requestStream, ServerCallContext context)
    {
        await EchoAsync(context);
        var sum = 0;
        try
        {
            await foreach (var request in requestStream.ReadAllAsync())
            {
                Expect(request.ExpectCompressed, context);
                sum += request.Payload.Body.Length;
            }
        }
        catch (OperationCanceledException)
        {
            _ends.Writer.TryWrite(true);
            throw;
        }
        _ends.Writer.TryWrite(false);
        return new() { AggregatedPayloadSize = sum };
    }

    public override async Task FullDuplexCall(IAsyncStreamReader<StreamingOutputCallRequest> requestStream, IServerStreamWriter<StreamingOutputCallResponse> responseStream, ServerCallContext context)
    {
        await EchoAsync(context);
        try
        {
            await foreach (var request in requestStream.ReadAllAsync())
            {
                await AnswerAsync(request, responseStream, context);
                Interlocked.Increment(ref _answered);
                _changes.Tell();
            }
        }
        catch (OperationCanceledException)
        {
            _ends.Writer.TryWrite(true);
            throw;
        }
        _ends.Writer.TryWrite(false);
    }

    public override async Task HalfDuplexCall(IAsyncStreamReader<StreamingOutputCallRequest> requestStream, IServerStreamWriter<StreamingOutputCallResponse> responseStream, ServerCallContext context)
    {
        foreach (var request in await requestStream.ReadAllAsync().ToListAsync()) await AnswerAsync(request, responseStream, context);
    }

    private static async Task AnswerAsync(StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> replies, ServerCallContext context)
    {
        ThrowIfAsked(request.ResponseStatus);
        foreach (var parameters in request.ResponseParameters)
        {
            if (parameters.IntervalUs > 0) await Task.Delay(TimeSpan.FromMicroseconds(parameters.IntervalUs), context.CancellationToken);
            replies.WriteOptions = new(parameters.Compressed?.Value == true ? 0 : WriteFlags.NoCompress);
            await replies.WriteAsync(new() { Payload = Zeros(parameters.Size) });
        }
    }

    private static async Task EchoAsync(ServerCallContext context)
    {
        if (context.RequestHeaders.GetValue(EchoInitial) is { } initial) await context.WriteResponseHeadersAsync(new() { { EchoInitial, initial } });
        if (context.RequestHeaders.GetValueBytes(EchoTrailing) is { } trailing) context.ResponseTrailers.Add(EchoTrailing, trailing);
    }

    private static void Expect(BoolValue? compressed, ServerCallContext context)
    {
        if (compressed is not null && compressed.Value != ((ServerCall)context).WasCompressed) throw new RpcException(new Status(StatusCode.InvalidArgument, "the request is not compressed as it says"));
    }

    private static void ThrowIfAsked(EchoStatus? status)
    {
        if (status is not null && status.Code != 0) throw new RpcException(new Status((StatusCode)status.Code, status.Message));
    }

    private static Payload Zeros(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };
}
