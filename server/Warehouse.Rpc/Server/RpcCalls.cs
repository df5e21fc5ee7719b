using System.Collections.Frozen;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Server;

/// <summary>From a request of HTTP to its reply, whatever brought it: which method, its deadline, and room for it. Any thread.</summary>
internal sealed class RpcCalls(RpcServices services, RpcServerOptions options)
{
    private const string RetryAfterMs = "1000";

    private readonly FrozenDictionary<string, ServerMethod> _methods = services.Bind(options).ToFrozenDictionary(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private int _running;

    /// <summary>Calls that run now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Ends the calls that still run with UNAVAILABLE.</summary>
    public void End() => _stopping.Cancel();

    /// <summary>Answers one request.</summary>
    public async Task AnswerAsync(HttpContext http)
    {
        var request = http.Request;
        if (!HttpMethods.IsPost(request.Method) || !Headers.IsContentType(request.ContentType))
        {
            http.Response.StatusCode = HttpMethods.IsPost(request.Method) ? StatusCodes.Status415UnsupportedMediaType : StatusCodes.Status405MethodNotAllowed;
            return;
        }
        if (!_methods.TryGetValue(request.Path.Value ?? "", out var method))
        {
            ServerCall.Refuse(http.Response, new(StatusCode.Unimplemented, "unknown method"));
            return;
        }
        if ((string?)request.Headers.GrpcEncoding is { } encoding && encoding != Compression.Identity && !options.RequestEncodings.Contains(encoding))
        {
            http.Response.Headers.GrpcAcceptEncoding = string.Join(',', options.RequestEncodings.Prepend(Compression.Identity));
            ServerCall.Refuse(http.Response, new(StatusCode.Unimplemented, "requests in this encoding are not taken"));
            return;
        }
        if (!TryReadTimeout(http, method, out var timeout))
        {
            ServerCall.Refuse(http.Response, new(StatusCode.Internal, "grpc-timeout is not a timeout"));
            return;
        }
        try
        {
            if (Interlocked.Increment(ref _running) > options.MaxCalls)
            {
                http.Response.Headers["grpc-retry-pushback-ms"] = RetryAfterMs;
                ServerCall.Refuse(http.Response, new(StatusCode.ResourceExhausted, "too many calls are running"));
                return;
            }
            await new ServerCall(http, method, options, timeout).RunAsync(_stopping.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    /// <summary>The time that a call has: null for ever. False when what the client states is not a timeout.</summary>
    private static bool TryReadTimeout(HttpContext http, ServerMethod method, out TimeSpan? timeout)
    {
        var isUnary = method.Method.Type == MethodType.Unary;
        timeout = isUnary ? method.Limits.UnaryDeadline : null;
        if (http.Request.Headers.GrpcTimeout is not [var text, ..]) return true;
        if (!Headers.TryReadTimeout(text ?? "", out var stated)) return false;
        timeout = isUnary && stated > method.Limits.MaxUnaryDeadline ? method.Limits.MaxUnaryDeadline : stated;
        return true;
    }
}
