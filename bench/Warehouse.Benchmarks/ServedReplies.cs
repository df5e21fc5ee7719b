using System.Buffers.Binary;
using Google.Protobuf;
using Grpc.Core;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>What the server answers, byte for byte, in files that foreign servers read: each message behind its length, 4 bytes, big-endian.</summary>
internal static class ServedReplies
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(b => b, b => b);

    /// <summary>Writes <c>seen</c> (request, reply, request, reply...), <c>stream</c> and <c>frequencies</c> (replies).</summary>
    public static async Task WriteAsync(string folder, ChannelBase channel, IEnumerable<V1.SeenRequest> unary, IEnumerable<V1.SeenStreamRequest> stream, V1.FrequenciesRequest frequencies)
    {
        var calls = channel.CreateCallInvoker();
        await using (var file = File.Create(Path.Combine(folder, "seen")))
        {
            var method = MethodOf(MethodType.Unary, "Seen");
            foreach (var some in unary.Chunk(64))
            {
                byte[][] requests = [.. some.Select(r => r.ToByteArray())];
                var replies = await Task.WhenAll(requests.Select(r => calls.AsyncUnaryCall(method, null, default, r).ResponseAsync));
                for (var i = 0; i < requests.Length; i++)
                {
                    Write(file, requests[i]);
                    Write(file, replies[i]);
                }
            }
        }
        using var duplex = calls.AsyncDuplexStreamingCall(MethodOf(MethodType.DuplexStreaming, "SeenStream"), null, default);
        var writing = Task.Run(async () =>
        {
            foreach (var request in stream) await duplex.RequestStream.WriteAsync(request.ToByteArray());
            await duplex.RequestStream.CompleteAsync();
        });
        await KeepAsync(Path.Combine(folder, "stream"), duplex.ResponseStream);
        await writing;
        using var listing = calls.AsyncServerStreamingCall(MethodOf(MethodType.ServerStreaming, "Frequencies"), null, default, frequencies.ToByteArray());
        await KeepAsync(Path.Combine(folder, "frequencies"), listing.ResponseStream);
    }

    private static async Task KeepAsync(string path, IAsyncStreamReader<byte[]> replies)
    {
        await using var file = File.Create(path);
        await foreach (var reply in replies.ReadAllAsync()) Write(file, reply);
    }

    private static Method<byte[], byte[]> MethodOf(MethodType type, string name) => new(type, "warehouse.v1.Variants", name, Bytes, Bytes);

    private static void Write(Stream file, byte[] message)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, message.Length);
        file.Write(length);
        file.Write(message);
    }
}
