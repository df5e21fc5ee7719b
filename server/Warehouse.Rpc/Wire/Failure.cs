using System.Net;
using System.Security.Authentication;
using Grpc.Core;

namespace Warehouse.Rpc.Wire;

/// <summary>The errors that the runtime itself makes, and what errors of HTTP mean.</summary>
internal static class Failure
{
    private const int NoError = 0, RefusedStream = 7, Cancel = 8, EnhanceYourCalm = 11, InadequateSecurity = 12;

    public static RpcException TooLarge(string direction, long lengthBytes, int limitBytes) =>
        Of(StatusCode.ResourceExhausted, $"{direction} message of {lengthBytes} bytes is larger than the limit of {limitBytes}");

    public static RpcException TooLargeUnpacked(int limitBytes) => Of(StatusCode.ResourceExhausted, $"message is larger than the limit of {limitBytes} bytes when it is decompressed");

    public static RpcException MessageCut() => Of(StatusCode.Internal, "the stream ended inside a message");

    public static RpcException BadFlag(byte flag) => Of(StatusCode.Internal, $"a message has the unknown flag {flag}");

    public static RpcException CompressedWithoutEncoding() => Of(StatusCode.Internal, "a message is marked as compressed and the call has no encoding");

    public static RpcException BadCompression(Exception? inner = null) => Of(StatusCode.Internal, "a message cannot be decompressed", inner);

    public static RpcException Undecodable(Exception inner) => Of(StatusCode.Internal, "a message cannot be read", inner);

    public static RpcException MessageCount(string what) => Of(StatusCode.Unimplemented, what);

    public static RpcException BadBinaryMetadata() => Of(StatusCode.Internal, "binary metadata are not base64");

    public static RpcException Of(StatusCode code, string detail, Exception? inner = null) => new(new Status(code, detail, inner));

    /// <summary>What the status of HTTP means where there is none of gRPC.</summary>
    public static StatusCode FromHttp(HttpStatusCode status) => (int)status switch
    {
        400 => StatusCode.Internal,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.Unimplemented,
        429 or 502 or 503 or 504 => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>What an exception of the HTTP client means for a call.</summary>
    public static Status FromTransport(Exception exception)
    {
        for (var at = exception; at is not null; at = at.InnerException)
        {
            if (at is RpcException rpc) return rpc.Status;
            if (at is AuthenticationException distrust) return new(StatusCode.Unavailable, "the secure connection was not made: " + distrust.Message, exception);
            // Of making the connection: the deadline of a call is its own, and a client that gives up is no time that has passed.
            if (at is TimeoutException) return new(StatusCode.Unavailable, "the connection was not made in time", exception);
            if (at is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }) return new(StatusCode.Unavailable, "the connection was lost", exception);
            if (at is HttpProtocolException protocol) return new(FromReset(protocol.ErrorCode), $"the server ended the stream or the connection with HTTP/2 error {protocol.ErrorCode}", exception);
        }
        return exception switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.VersionNegotiationError or HttpRequestError.ConfigurationLimitExceeded } => new(StatusCode.Internal, "the server's answer is not HTTP/2 as gRPC needs it", exception),
            HttpRequestException or IOException => new(StatusCode.Unavailable, "the connection failed or was lost", exception),
            OperationCanceledException => new(StatusCode.Cancelled, "the call was given up", exception),
            _ => new(StatusCode.Internal, "the call failed on this side", exception),
        };
    }

    private static StatusCode FromReset(long error) => error switch
    {
        // A connection that the server closes in order; .NET tells it from a stream that is reset so, which no server does before the status, by its text alone.
        NoError => StatusCode.Unavailable,
        RefusedStream => StatusCode.Unavailable,
        Cancel => StatusCode.Cancelled,
        EnhanceYourCalm => StatusCode.ResourceExhausted,
        InadequateSecurity => StatusCode.PermissionDenied,
        _ => StatusCode.Internal,
    };
}
