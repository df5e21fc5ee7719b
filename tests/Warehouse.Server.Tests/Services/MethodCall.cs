using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace Warehouse.Server.Tests.Services;

/// <summary>A call of any method, by its descriptor: all requests, whatever bytes they are, and as many replies as are wanted.</summary>
internal sealed class MethodCall(MethodDescriptor method, byte[][] requests)
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(b => b, b => b);

    /// <summary>Its path, as it is called and as the tables have it.</summary>
    public static string PathOf(MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";

    /// <summary>Asking { purpose: treatment } as field 1, which is what most requests need to be understood; of a duplex method as field 1 of its first message.</summary>
    public static byte[] Asked(MethodDescriptor method)
    {
        byte[] asked = [0x0a, 0x02, 0x08, 0x01];
        return method is { IsClientStreaming: true, IsServerStreaming: true } ? [0x0a, (byte)asked.Length, .. asked] : asked;
    }

    /// <summary>Behind so many replies <see cref="Stop"/> is cancelled.</summary>
    public int MostReplies { get; init; } = int.MaxValue;

    /// <summary>Ends the call; its token is that of the options.</summary>
    public CancellationTokenSource? Stop { get; init; }

    /// <summary>Hears each reply.</summary>
    public Action<IMessage> Hear { get; init; } = _ => { };

    /// <summary>Runs it to its end.</summary>
    public async Task RunAsync(ChannelBase channel, CallOptions options)
    {
        var invoker = channel.CreateCallInvoker();
        var kind = method.IsClientStreaming ? method.IsServerStreaming ? MethodType.DuplexStreaming : MethodType.ClientStreaming : method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary;
        var call = new Method<byte[], byte[]>(kind, method.Service.FullName, method.Name, Bytes, Bytes);
        switch (kind)
        {
            case MethodType.Unary:
                using (var unary = invoker.AsyncUnaryCall(call, null, options, requests[0]))
                {
                    await MayStopAsync(0);
                    Told(await unary);
                }
                break;
            case MethodType.ServerStreaming:
                using (var stream = invoker.AsyncServerStreamingCall(call, null, options, requests[0])) await ReadAsync(stream.ResponseStream);
                break;
            case MethodType.ClientStreaming:
                using (var stream = invoker.AsyncClientStreamingCall(call, null, options))
                {
                    await MayStopAsync(0);
                    await SendAsync(stream.RequestStream);
                    Told(await stream);
                }
                break;
            default:
                using (var stream = invoker.AsyncDuplexStreamingCall(call, null, options))
                {
                    var sending = SendAsync(stream.RequestStream);
                    _ = sending.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default); // a server that has answered takes no more
                    await ReadAsync(stream.ResponseStream);
                }
                break;
        }
    }

    private async Task SendAsync(IClientStreamWriter<byte[]> to)
    {
        foreach (var request in requests) await to.WriteAsync(request);
        await to.CompleteAsync();
    }

    private async Task ReadAsync(IAsyncStreamReader<byte[]> from)
    {
        for (var replies = 0; ; replies++)
        {
            await MayStopAsync(replies);
            if (!await from.MoveNext(default)) return;
            Told(from.Current);
        }
    }

    private async Task MayStopAsync(int replies)
    {
        if (replies >= MostReplies && Stop is not null) await Stop.CancelAsync();
    }

    private void Told(byte[] reply) => Hear(method.OutputType.Parser.ParseFrom(reply));
}
