using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>What a client says to load a file.</summary>
internal static class Uploading
{
    /// <summary>Bytes of a message.</summary>
    public const int PieceBytes = 50_000;

    public static V1.Asking Operations => new() { Purpose = V1.Purpose.Operations };

    /// <summary>A batch of one file.</summary>
    public static V1.Batch BatchOf(string id, byte[] file) => new() { Asking = Operations, Id = id, Files = { new V1.BatchFile { Length = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file)) } } };

    /// <summary>Begins with a batch and sends bytes of its file, until the server says that it has them.</summary>
    public static async Task SendAsync(AsyncDuplexStreamingCall<V1.UploadRequest, V1.UploadReply> call, V1.Batch batch, ReadOnlyMemory<byte> bytes, int from = 0)
    {
        await call.RequestStream.WriteAsync(new V1.UploadRequest { Batch = batch });
        for (var at = from; at < bytes.Length; at += PieceBytes) await call.RequestStream.WriteAsync(Piece(bytes, at, PieceBytes));
        do Assert.True(await call.ResponseStream.MoveNext(default));
        while (Assert.Single(call.ResponseStream.Current.Status.Received) < bytes.Length);
    }

    /// <summary>Some bytes of a file.</summary>
    public static V1.UploadRequest Piece(ReadOnlyMemory<byte> bytes, int at, int length) => new() { Bytes = new() { Offset = at, Data = ByteString.CopyFrom(bytes.Slice(at, Math.Min(length, bytes.Length - at)).Span) } };

    /// <summary>The last that the server says of a batch.</summary>
    public static async Task<V1.BatchStatus> LastAsync(AsyncDuplexStreamingCall<V1.UploadRequest, V1.UploadReply> call)
    {
        var last = new V1.BatchStatus();
        while (await call.ResponseStream.MoveNext(default)) last = call.ResponseStream.Current.Status;
        return last;
    }
}
