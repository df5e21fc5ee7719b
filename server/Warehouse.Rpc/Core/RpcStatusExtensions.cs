using Google.Protobuf;
using Warehouse.Rpc.Wire;

namespace Grpc.Core;

/// <summary>Errors with details: a <see cref="Google.Rpc.Status"/> that travels beside code and text.</summary>
public static class RpcStatusExtensions
{
    /// <summary>An exception that carries the status to the other side. Throws <see cref="ArgumentException"/> for OK and for a code that is none.</summary>
    public static RpcException ToRpcException(this Google.Rpc.Status status)
    {
        ArgumentNullException.ThrowIfNull(status);
        if (status.Code is <= (int)StatusCode.OK or > (int)StatusCode.Unauthenticated) throw new ArgumentException($"{status.Code} is not the code of an error", nameof(status));
        return new(new((StatusCode)status.Code, status.Message), new Metadata { { Headers.StatusDetails, status.ToByteArray() } });
    }

    /// <summary>The status that came with the end of a call; null when none came, or one that cannot be read or is of another code.</summary>
    public static Google.Rpc.Status? GetRpcStatus(this RpcException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        try
        {
            var status = exception.Trailers.GetValueBytes(Headers.StatusDetails) is { } bytes ? Google.Rpc.Status.Parser.ParseFrom(bytes) : null;
            return status?.Code == (int)exception.StatusCode ? status : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
