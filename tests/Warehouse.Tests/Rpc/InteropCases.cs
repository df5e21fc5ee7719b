using Google.Protobuf;
using Grpc.Core;
using Grpc.Testing;
using Warehouse.Rpc.Client;
using Xunit;
using TestClient = Grpc.Testing.TestService.TestServiceClient;

namespace Warehouse.Tests.Rpc;

/// <summary>The cases of gRPC's interoperability tests with our client. They say the same as those of tests/interop/rpc.</summary>
internal static class InteropCases
{
    private const string Text = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n";
    private const string Initial = "x-grpc-test-echo-initial", Trailing = "x-grpc-test-echo-trailing-bin", InitialValue = "test_initial_metadata_value";

    private static readonly int[] RequestSizes = [27182, 8, 1828, 45904], ReplySizes = [31415, 9, 2653, 58979];
    private static readonly byte[] TrailingValue = [0xab, 0xab, 0xab];

    private static readonly Dictionary<string, Func<TestClient, Task>> Plain = new()
    {
        ["empty_unary"] = async client => Assert.Equal(new(), await client.EmptyCallAsync(new())),
        ["large_unary"] = async client => Assert.Equal(new byte[314159], (await client.UnaryCallAsync(Large())).Payload.Body.ToByteArray()),
        ["client_streaming"] = async client => Assert.Equal(74922, await CollectAsync(client, RequestSizes.Select(size => new StreamingInputCallRequest { Payload = Zeros(size) }))),
        ["server_streaming"] = async client => Assert.Equal(ReplySizes, await SizesAsync(client.StreamingOutputCall(Outputs(ReplySizes)).ResponseStream)),
        ["ping_pong"] = PingPongAsync,
        ["empty_stream"] = EmptyStreamAsync,
        ["cancel_after_begin"] = CancelAfterBeginAsync,
        ["cancel_after_first_response"] = CancelAfterFirstResponseAsync,
        ["timeout_on_sleeping_server"] = TimeoutAsync,
        ["custom_metadata"] = CustomMetadataAsync,
        ["status_code_and_message"] = client => StatusAsync(client, "test status message"),
        ["special_status_message"] = client => StatusAsync(client, Text),
        ["unimplemented_method"] = async client => await FailsAsync(StatusCode.Unimplemented, async () => await client.UnimplementedCallAsync(new())),
        ["server_compressed_unary"] = async client =>
        {
            foreach (var value in new[] { true, false }) Assert.Equal(314159, (await client.UnaryCallAsync(new(Large()) { ResponseCompressed = new() { Value = value } })).Payload.Body.Length);
        },
        ["server_compressed_streaming"] = async client =>
        {
            var request = Outputs(31415, 92653);
            request.ResponseParameters[0].Compressed = new() { Value = true };
            Assert.Equal([31415, 92653], await SizesAsync(client.StreamingOutputCall(request).ResponseStream));
        },
    };

    /// <summary>Runs every case against a server and returns "ok CASE" for each. Only a server that sees how a request was sent can refuse what is not compressed as it says.</summary>
    public static async Task<List<string>> RunAsync(int port, bool seesCompression)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        using RpcChannel channel = new(address), gzip = new(address, new() { RequestEncoding = "gzip" }), deflate = new(address, new() { RequestEncoding = "deflate" });
        var passed = new List<string>();
        foreach (var (name, run) in Plain) await NoteAsync(name, () => run(new(channel)));
        await NoteAsync("unimplemented_service", () => FailsAsync(StatusCode.Unimplemented, async () => await new UnimplementedService.UnimplementedServiceClient(channel).UnimplementedCallAsync(new())));
        await NoteAsync("client_compressed_unary", () => CompressedUnaryAsync(new(gzip), seesCompression));
        await NoteAsync("client_compressed_streaming", () => CompressedStreamingAsync(new(gzip), seesCompression));
        if (seesCompression) await NoteAsync("client_compressed_deflate", () => CompressedStreamingAsync(new(deflate), seesCompression));
        return passed;

        async Task NoteAsync(string name, Func<Task> run)
        {
            try
            {
                await run().WaitAsync(TimeSpan.FromSeconds(20));
                passed.Add($"ok {name}");
            }
            catch (Exception e)
            {
                passed.Add($"failed {name}: {e}");
            }
        }
    }

    private static async Task PingPongAsync(TestClient client)
    {
        using var call = client.FullDuplexCall();
        foreach (var (request, reply) in RequestSizes.Zip(ReplySizes))
        {
            await call.RequestStream.WriteAsync(new(Outputs(reply)) { Payload = Zeros(request) });
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.Equal(reply, call.ResponseStream.Current.Payload.Body.Length);
        }
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    private static async Task EmptyStreamAsync(TestClient client)
    {
        using var call = client.FullDuplexCall();
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(default));
    }

    private static async Task CancelAfterBeginAsync(TestClient client)
    {
        using var cancellation = new CancellationTokenSource();
        using var call = client.StreamingInputCall(cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        await FailsAsync(StatusCode.Cancelled, async () => await call);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
    }

    private static async Task CancelAfterFirstResponseAsync(TestClient client)
    {
        using var cancellation = new CancellationTokenSource();
        using var call = client.FullDuplexCall(cancellationToken: cancellation.Token);
        await call.RequestStream.WriteAsync(new(Outputs(31415)) { Payload = Zeros(27182) });
        Assert.True(await call.ResponseStream.MoveNext(default));
        await cancellation.CancelAsync();
        await FailsAsync(StatusCode.Cancelled, () => call.ResponseStream.MoveNext(default));
    }

    private static async Task TimeoutAsync(TestClient client)
    {
        var request = Outputs(31415);
        request.ResponseParameters[0].IntervalUs = 2_000_000;
        using var call = client.FullDuplexCall(deadline: DateTime.UtcNow.AddMilliseconds(1));
        await FailsAsync(StatusCode.DeadlineExceeded, async () =>
        {
            await call.RequestStream.WriteAsync(request);
            await call.ResponseStream.MoveNext(default);
        });
    }

    private static async Task CustomMetadataAsync(TestClient client)
    {
        var headers = new Metadata { { Initial, InitialValue }, { Trailing, TrailingValue } };
        using var unary = client.UnaryCallAsync(Large(), headers);
        await unary;
        using var duplex = client.FullDuplexCall(headers);
        await duplex.RequestStream.WriteAsync(Outputs(9));
        await duplex.RequestStream.CompleteAsync();
        Assert.Equal([9], await SizesAsync(duplex.ResponseStream));
        Assert.Equal(InitialValue, (await unary.ResponseHeadersAsync).GetValue(Initial));
        Assert.Equal(InitialValue, (await duplex.ResponseHeadersAsync).GetValue(Initial));
        Assert.Equal(TrailingValue, unary.GetTrailers().GetValueBytes(Trailing));
        Assert.Equal(TrailingValue, duplex.GetTrailers().GetValueBytes(Trailing));
    }

    private static async Task StatusAsync(TestClient client, string text)
    {
        var asked = new EchoStatus { Code = 2, Message = text };
        await FailsAsync(StatusCode.Unknown, async () => await client.UnaryCallAsync(new() { ResponseStatus = asked }), text);
        using var call = client.FullDuplexCall();
        await FailsAsync(StatusCode.Unknown, async () =>
        {
            // A server may answer so fast that the writer hears of it.
            await call.RequestStream.WriteAsync(new() { ResponseStatus = asked });
            await call.RequestStream.CompleteAsync();
            await call.ResponseStream.MoveNext(default);
        }, text);
        Assert.Equal(text, call.GetStatus().Detail);
    }

    private static async Task CompressedUnaryAsync(TestClient client, bool seesCompression)
    {
        var (yes, no) = (new BoolValue { Value = true }, new BoolValue { Value = false });
        var plain = new CallOptions(writeOptions: new(WriteFlags.NoCompress));
        if (seesCompression) await FailsAsync(StatusCode.InvalidArgument, async () => await client.UnaryCallAsync(new(Large()) { ExpectCompressed = yes }, plain));
        Assert.Equal(314159, (await client.UnaryCallAsync(new(Large()) { ExpectCompressed = yes })).Payload.Body.Length);
        Assert.Equal(314159, (await client.UnaryCallAsync(new(Large()) { ExpectCompressed = no }, plain)).Payload.Body.Length);
    }

    private static async Task CompressedStreamingAsync(TestClient client, bool seesCompression)
    {
        if (seesCompression)
        {
            await FailsAsync(StatusCode.InvalidArgument, async () =>
            {
                using var probe = client.StreamingInputCall();
                probe.RequestStream.WriteOptions = new(WriteFlags.NoCompress);
                await probe.RequestStream.WriteAsync(new() { ExpectCompressed = new() { Value = true }, Payload = Zeros(27182) });
                await probe.RequestStream.CompleteAsync();
                await probe;
            });
        }
        using var call = client.StreamingInputCall();
        await call.RequestStream.WriteAsync(new() { ExpectCompressed = new() { Value = true }, Payload = Zeros(27182) });
        call.RequestStream.WriteOptions = new(WriteFlags.NoCompress);
        await call.RequestStream.WriteAsync(new() { ExpectCompressed = new() { Value = false }, Payload = Zeros(45904) });
        await call.RequestStream.CompleteAsync();
        Assert.Equal(73086, (await call).AggregatedPayloadSize);
    }

    private static async Task<int> CollectAsync(TestClient client, IEnumerable<StreamingInputCallRequest> requests)
    {
        using var call = client.StreamingInputCall();
        foreach (var request in requests) await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        return (await call).AggregatedPayloadSize;
    }

    private static async Task<List<int>> SizesAsync(IAsyncStreamReader<StreamingOutputCallResponse> replies)
    {
        var sizes = new List<int>();
        await foreach (var reply in replies.ReadAllAsync()) sizes.Add(reply.Payload.Body.Length);
        return sizes;
    }

    private static async Task FailsAsync(StatusCode code, Func<Task> call, string? text = null)
    {
        var e = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((code, text ?? e.Status.Detail), (e.StatusCode, e.Status.Detail));
    }

    private static SimpleRequest Large() => new() { ResponseSize = 314159, Payload = Zeros(271828) };

    private static StreamingOutputCallRequest Outputs(params int[] sizes) => new() { ResponseParameters = { sizes.Select(size => new ResponseParameters { Size = size }) } };

    private static Payload Zeros(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };
}
