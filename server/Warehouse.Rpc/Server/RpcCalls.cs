using System.Collections.Frozen;
using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Server;

/// <summary>From a request of HTTP to its reply, whatever brought it: which method, its deadline, and room for it. Any thread.</summary>
internal sealed class RpcCalls(RpcServices services, RpcServerOptions options)
{
    private static readonly Status TooMany = new(StatusCode.ResourceExhausted, "too many calls are running");

    private readonly FrozenDictionary<string, ServerMethod> _methods = services.Bind(options).ToFrozenDictionary(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Strangers _strangers = new(options.MaxStrangers, options.MaxStrangersOfOne);
    private int _running, _places;

    /// <summary>Calls that run now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <inheritdoc cref="RpcServer.RunningChanged"/>
    public event Action? RunningChanged;

    /// <summary>Ends the calls that still run with UNAVAILABLE.</summary>
    public void End()
    {
        Cut = Running;
        _stopping.Cancel();
    }

    /// <summary>Calls that ran when <see cref="End"/> came.</summary>
    public int Cut { get; private set; }

    /// <summary>Answers one request.</summary>
    public async Task AnswerAsync(HttpContext http)
    {
        var (request, at) = (http.Request, options.Clock.GetTimestamp());
        if (!HttpMethods.IsPost(request.Method) || !Headers.IsContentType(request.ContentType))
        {
            http.Response.StatusCode = HttpMethods.IsPost(request.Method) ? StatusCodes.Status415UnsupportedMediaType : StatusCodes.Status405MethodNotAllowed;
            return;
        }
        if (!_methods.TryGetValue(request.Path.Value ?? "", out var method))
        {
            Refuse(http, new(StatusCode.Unimplemented, "unknown method"));
            return;
        }
        if ((string?)request.Headers.GrpcEncoding is { } encoding && encoding != Compression.Identity && !options.RequestEncodings.Contains(encoding))
        {
            http.Response.Headers.GrpcAcceptEncoding = string.Join(',', options.RequestEncodings.Prepend(Compression.Identity));
            Refuse(http, new(StatusCode.Unimplemented, "requests in this encoding are not taken"));
            return;
        }
        if (!TryReadTimeout(http, method, out var timeout))
        {
            Refuse(http, new(StatusCode.Internal, "grpc-timeout is not a timeout"));
            return;
        }
        var call = new ServerCall(http, method, options, timeout);
        await using (call.ConfigureAwait(false))
        {
            call.Watch(_stopping.Token);
            await EnterAsync(http, call, at).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Finds a place for the call. Who is known takes one of all; who is not, or not yet, one of the few of strangers, so that no number of them, silent
    /// or not, takes a place from those who are known. What the headers tell at once needs no place.
    /// </summary>
    private async Task EnterAsync(HttpContext http, ServerCall call, long at)
    {
        var entering = options.Entrance?.Invoke(call) ?? new(new RpcEntrance(IsKnown: true));
        IDisposable? strange = null;
        RpcEntrance entrance = default;
        try
        {
            var isWaiting = !entering.IsCompleted;
            if (isWaiting) strange = EnterAsStranger(http, call);
            entrance = await entering.ConfigureAwait(false);
            if (!isWaiting && !entrance.IsKnown) strange = EnterAsStranger(http, call);
            if (strange is null && (isWaiting || !entrance.IsKnown))
            {
                Exhausted(http, call, at);
                return;
            }
            if (entrance.RefuseAsync is not null) TellWhenSent(http, at);
            if (entrance.IsKnown) http.Features.Get<StrangeConnection>()?.Dispose();
            if (entrance.IsKnown && strange is not null)
            {
                strange.Dispose();
                strange = null;
                call.EndWithin(null);
            }
            await RunAsync(http, (call, at), entrance).ConfigureAwait(false);
        }
        finally
        {
            strange?.Dispose();
            entrance.Room?.Dispose();
        }
    }

    /// <summary>A place of strangers, for their time; null = there is none, and the call is told so.</summary>
    private IDisposable? EnterAsStranger(HttpContext http, ServerCall call)
    {
        var place = _strangers.TryEnter(http.Connection.RemoteIpAddress);
        if (place is null) call.Cut(TooMany);
        else call.EndWithin(options.StrangerDeadline);
        return place;
    }

    private async Task RunAsync(HttpContext http, (ServerCall Call, long At) begun, RpcEntrance entrance)
    {
        var call = begun.Call;
        Interlocked.Increment(ref _running);
        RunningChanged?.Invoke();
        try
        {
            if (entrance.IsKnown && Interlocked.Increment(ref _places) > options.MaxCalls)
            {
                Exhausted(http, call, begun.At);
                return;
            }
            await call.RunAsync(entrance.RefuseAsync).ConfigureAwait(false);
        }
        finally
        {
            if (entrance.IsKnown) Interlocked.Decrement(ref _places);
            Interlocked.Decrement(ref _running);
            RunningChanged?.Invoke();
        }
    }

    /// <summary>Answers what is no call of ours.</summary>
    private void Refuse(HttpContext http, Status status)
    {
        options.NoCall?.Invoke(status);
        ServerCall.Refuse(http.Response, status);
    }

    private void Exhausted(HttpContext http, ServerCall call, long at)
    {
        TellWhenSent(http, at);
        options.NoPlace?.Invoke(call);
        http.Response.Headers[RpcServerOptions.RetryPushback] = ((long)RpcServerOptions.RetryAfter.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        ServerCall.Refuse(http.Response, TooMany);
    }

    /// <summary>How long a refusal took is known when its answer is the connection's; one that nobody waits for any more is none.</summary>
    private void TellWhenSent(HttpContext http, long at)
    {
        if (options.RefusalSent is not { } told || http.Items.ContainsKey(this)) return;
        http.Items[this] = at; // once a call, whichever of its places refused it
        http.Response.OnCompleted(() =>
        {
            if (int.TryParse(http.Response.Headers.GrpcStatus, NumberStyles.None, CultureInfo.InvariantCulture, out var status)) told((StatusCode)status, options.Clock.GetElapsedTime(at));
            return Task.CompletedTask;
        });
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
