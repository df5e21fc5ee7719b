using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Server;

/// <summary>
/// One call on the server's side. The handler runs until it returns; the call may end before: by its deadline, by the idle limit, by the
/// client or by the server's stop. Then the token is cancelled and the client answered at once, and what the handler still writes is refused.
/// </summary>
internal sealed class ServerCall : ServerCallContext, IAsyncDisposable
{
    private const int ResetInternal = 2, ResetCancel = 8;

    private readonly HttpContext _http;
    private readonly ServerMethod _method;
    private readonly RpcServerOptions _options;
    private readonly MessageReader _reader;
    private readonly MessageWriter _writer;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource<(Status Status, Metadata? Trailers)> _cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly DateTime _deadline;
    private ITimer? _deadlineTimer, _idleTimer, _strangerTimer;
    private CancellationTokenRegistration _aborted, _stopped;
    private long _lastMessageAt;
    private Metadata? _requestHeaders, _responseTrailers;
    private AuthContext? _authContext;
    private string? _replyEncoding;
    private bool _areHeadersSet, _isWriting, _isUnread, _isEnded;

    public ServerCall(HttpContext http, ServerMethod method, RpcServerOptions options, TimeSpan? timeout)
    {
        (_http, _method, _options) = (http, method, options);
        _reader = new(http.Request.BodyReader, method.Limits.MaxReceiveBytes) { Encoding = http.Request.Headers.GrpcEncoding };
        _writer = new(http.Response.BodyWriter, method.Limits.MaxSendBytes);
        var now = options.Clock.GetUtcNow().UtcDateTime;
        _deadline = timeout < DateTime.MaxValue - now ? now + timeout.Value : DateTime.MaxValue;
        if (timeout < TimeSpan.FromMilliseconds(uint.MaxValue - 1))
            _deadlineTimer = options.Clock.CreateTimer(static call => ((ServerCall)call!).Cut(new(StatusCode.DeadlineExceeded, "the deadline is over")), this, timeout.Value, Timeout.InfiniteTimeSpan);
        if (method is { Method.Type: not MethodType.Unary, Limits.StreamIdle: { } idle })
        {
            _lastMessageAt = options.Clock.GetTimestamp();
            _idleTimer = options.Clock.CreateTimer(static call => ((ServerCall)call!).CheckIdle(), this, idle, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>True when the last request message was compressed.</summary>
    public bool WasCompressed => _reader.WasCompressed;

    public HttpContext Http => _http;

    protected override string MethodCore => _method.Method.FullName;

    protected override string HostCore => _http.Request.Host.Value ?? "";

    protected override string PeerCore => (_http.Connection.RemoteIpAddress, _http.Connection.RemotePort) switch
    {
        (null, _) => "unix:",
        ({ AddressFamily: AddressFamily.InterNetwork } address, var port) => string.Create(CultureInfo.InvariantCulture, $"ipv4:{address}:{port}"),
        ({ IsIPv4MappedToIPv6: true } address, var port) => string.Create(CultureInfo.InvariantCulture, $"ipv4:{address.MapToIPv4()}:{port}"),
        var (address, port) => string.Create(CultureInfo.InvariantCulture, $"ipv6:[{address}]:{port}"),
    };

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();

    protected override CancellationToken CancellationTokenCore => _cancellation.Token;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => _authContext ??= ReadAuthContext(_http.Connection.ClientCertificate);

    /// <summary>From here on the call ends with its client, and with the server.</summary>
    public void Watch(CancellationToken stopping)
    {
        _aborted = _http.RequestAborted.UnsafeRegister(static call => ((ServerCall)call!).Cut(Status.DefaultCancelled), this);
        _stopped = stopping.UnsafeRegister(static call => ((ServerCall)call!).Cut(new(StatusCode.Unavailable, "the server is stopping")), this);
    }

    /// <summary>Gives the call this time at most, beside its deadline; null lifts that.</summary>
    public void EndWithin(TimeSpan? time)
    {
        _strangerTimer?.Dispose();
        _strangerTimer = time is { } most ? _options.Clock.CreateTimer(static call => ((ServerCall)call!).Cut(new(StatusCode.DeadlineExceeded, "the time of a caller whom nobody knows is over")), this, most, Timeout.InfiniteTimeSpan) : null;
    }

    /// <summary>Runs the handler and ends the call; done when nothing of it runs any more.</summary>
    /// <param name="refuseAsync">Makes the refusal that stands in the handler's place; null = there is none.</param>
    public async Task RunAsync(Func<Task<Exception>>? refuseAsync = null)
    {
        var handling = HandleAsync(refuseAsync);
        var isCut = !handling.IsCompleted && await Task.WhenAny(handling, _cut.Task).ConfigureAwait(false) != handling;
        // Of a handler that still runs the trailers stay behind: it may be adding to them.
        var (status, trailers) = isCut ? await _cut.Task.ConfigureAwait(false) : (await handling.ConfigureAwait(false), _responseTrailers);
        try
        {
            await EndAsync(status, trailers, isCut).ConfigureAwait(false);
        }
        finally
        {
            // The request is the handler's as long as it runs.
            if (isCut) await handling.ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _aborted.DisposeAsync().ConfigureAwait(false);
        await _stopped.DisposeAsync().ConfigureAwait(false);
        if (_deadlineTimer is not null) await _deadlineTimer.DisposeAsync().ConfigureAwait(false);
        if (_idleTimer is not null) await _idleTimer.DisposeAsync().ConfigureAwait(false);
        if (_strangerTimer is not null) await _strangerTimer.DisposeAsync().ConfigureAwait(false);
        _writer.Dispose();
    }

    /// <summary>Reads the next request message; false after the last.</summary>
    public async Task<(bool IsThere, T? Message)> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken token)
    {
        using var linked = token.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(token, _cancellation.Token) : null;
        try
        {
            var read = await _reader.ReadAsync(marshaller, linked?.Token ?? _cancellation.Token).ConfigureAwait(false);
            NoteMessage();
            return read;
        }
        catch (IOException e)
        {
            // The client is gone; that the request was aborted, another thread may not have said yet.
            Cut(Status.DefaultCancelled);
            throw new OperationCanceledException("the client is gone", e, _cancellation.Token);
        }
    }

    /// <summary>Reads the one request message of a call that has one.</summary>
    public async Task<T> ReadOnlyAsync<T>(Marshaller<T> marshaller) where T : class
    {
        var (isThere, message) = await ReadAsync(marshaller, default).ConfigureAwait(false);
        if (!isThere) throw Failure.MessageCount("the request has no message");
        if (!await _reader.EndsAsync(_cancellation.Token).ConfigureAwait(false)) throw Failure.MessageCount("the request has more than one message");
        return message!;
    }

    /// <summary>Writes the one reply message of a call that has one; it leaves with the end of the call.</summary>
    public Task WriteOnlyAsync<T>(T message, Marshaller<T> marshaller) =>
        StatusCore.StatusCode == StatusCode.OK ? WriteAsync(message, marshaller, new(WriteFlags.BufferHint | (WriteOptionsCore?.Flags ?? 0)), default) : Task.CompletedTask;

    /// <summary>Writes a reply message; done when the transport has room for more.</summary>
    public async Task WriteAsync<T>(T message, Marshaller<T> marshaller, WriteOptions? writeOptions, CancellationToken token)
    {
        BeginWriting();
        try
        {
            SetHeaders();
            var flags = (writeOptions ?? WriteOptionsCore)?.Flags ?? 0;
            _writer.Write(message, marshaller, flags.HasFlag(WriteFlags.NoCompress) ? null : _replyEncoding);
            if (flags.HasFlag(WriteFlags.BufferHint)) return;
            using var linked = token.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(token, _cancellation.Token) : null;
            await _http.Response.BodyWriter.FlushAsync(linked?.Token ?? _cancellation.Token).ConfigureAwait(false);
            NoteMessage();
        }
        catch (OperationCanceledException) when (_cut.Task.IsCompleted)
        {
            lock (_gate) _isUnread = true; // before the end of this write is seen: whoever ends the call finds one of the two
            throw;
        }
        finally
        {
            EndWriting();
        }
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        BeginWriting();
        try
        {
            if (_areHeadersSet) throw new InvalidOperationException("the metadata before the replies were sent already");
            foreach (var entry in responseHeaders) _http.Response.Headers.Append(entry.Key, Headers.Send(entry));
            SetHeaders();
            await _http.Response.BodyWriter.FlushAsync(_cancellation.Token).ConfigureAwait(false);
        }
        finally
        {
            EndWriting();
        }
    }

    /// <summary>Answers a call that no handler sees: headers alone, with the status in them.</summary>
    public static void Refuse(HttpResponse response, Status status)
    {
        response.ContentType = Headers.ContentType;
        SetStatus(response.Headers, status);
    }

    /// <summary>The boundary of handlers: whatever they throw becomes a status.</summary>
    private async Task<Status> HandleAsync(Func<Task<Exception>>? refuseAsync)
    {
        try
        {
            if (refuseAsync is not null) throw await refuseAsync().ConfigureAwait(false);
            await _method.HandleAsync(this).ConfigureAwait(false);
            return StatusCore;
        }
        catch (Exception e)
        {
            var status = EndOf(e);
            return refuseAsync is null && _options.Failed is { } failed && await failed(this, status).ConfigureAwait(false) is { } instead ? EndOf(instead) : status;
        }
    }

    /// <summary>The status that an exception of a handler comes to, with its trailers.</summary>
    private Status EndOf(Exception failure)
    {
        if (failure is RpcException { Status: var status, Trailers: var trailers })
        {
            foreach (var entry in trailers) ResponseTrailersCore.Add(entry);
            return status;
        }
        if (_cut.Task.IsCompletedSuccessfully) return _cut.Task.Result.Status;
        if (_cancellation.IsCancellationRequested || _http.RequestAborted.IsCancellationRequested) return Status.DefaultCancelled;
        _options.HandlerFailed?.Invoke(MethodCore, failure);
        return new(StatusCode.Unknown, "the handler failed");
    }

    /// <summary>Sends the status, once; early when the handler still runs.</summary>
    private async Task EndAsync(Status status, Metadata? trailers, bool isEarly)
    {
        bool isWriting;
        lock (_gate)
        {
            (isWriting, _isEnded) = (_isWriting || _isUnread, true);
        }
        if (_http.RequestAborted.IsCancellationRequested) return;
        if (isWriting || _writer.IsTorn)
        {
            // The replies cannot be ended in order: one is half written, or waits for a client that does not read. A call that was cut is
            // cancelled, whether or not its handler has already noticed.
            Reset(isWriting || _cut.Task.IsCompleted ? ResetCancel : ResetInternal);
            return;
        }
        var response = _http.Response;
        if (!_areHeadersSet && status.StatusCode != StatusCode.OK)
        {
            Refuse(response, status);
            Add(trailers, response.Headers);
        }
        else
        {
            SetHeaders();
            var target = _http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
            SetStatus(target, status);
            Add(trailers, target);
        }
        if (isEarly) await response.CompleteAsync().ConfigureAwait(false);
    }

    private static void Add(Metadata? trailers, IHeaderDictionary target)
    {
        foreach (var entry in trailers ?? Metadata.Empty) target.Append(entry.Key, Headers.Send(entry));
    }

    private static void SetStatus(IHeaderDictionary target, Status status)
    {
        target.GrpcStatus = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (status.Detail.Length > 0) target.GrpcMessage = Headers.WriteMessage(status.Detail);
    }

    private void SetHeaders()
    {
        if (_areHeadersSet) return;
        _areHeadersSet = true;
        _http.Response.ContentType = Headers.ContentType;
        if (_options.RequestEncodings.Count > 0) _http.Response.Headers.GrpcAcceptEncoding = string.Join(',', _options.RequestEncodings.Prepend(Compression.Identity));
        if (_options.ReplyEncoding is not { } encoding || !Compression.Lists(_http.Request.Headers.GrpcAcceptEncoding, encoding)) return;
        _replyEncoding = encoding;
        _http.Response.Headers.GrpcEncoding = encoding;
    }

    private void BeginWriting()
    {
        lock (_gate)
        {
            if (_isEnded) throw new RpcException(_cut.Task.IsCompletedSuccessfully ? _cut.Task.Result.Status : Status.DefaultCancelled);
            if (_cut.Task.IsCompleted) throw new OperationCanceledException("the call was cut", _cancellation.Token);
            if (_isWriting) throw new InvalidOperationException("a reply is written while the one before it is not done");
            _isWriting = true;
        }
    }

    private void EndWriting()
    {
        lock (_gate)
        {
            _isWriting = false;
        }
    }

    /// <summary>Ends the call; the first one counts.</summary>
    public void Cut(Status status, Metadata? trailers = null)
    {
        if (!_cut.TrySetResult((status, trailers))) return;
        // Before the token: a flush that is cancelled has its stream reset by the listener, as a fault of the server.
        bool isWriting;
        lock (_gate)
        {
            isWriting = _isWriting;
        }
        if (isWriting) Reset(ResetCancel);
        // Not on this thread: callbacks of the handler may take long or throw.
        _ = _cancellation.CancelAsync();
    }

    /// <summary>Ends the stream without a status; the first one counts.</summary>
    private void Reset(int code) => _http.Features.Get<IHttpResetFeature>()?.Reset(code);

    private void NoteMessage()
    {
        if (_idleTimer is not null) Volatile.Write(ref _lastMessageAt, _options.Clock.GetTimestamp());
    }

    private void CheckIdle()
    {
        var left = _method.Limits.StreamIdle!.Value - _options.Clock.GetElapsedTime(Volatile.Read(ref _lastMessageAt));
        if (left > TimeSpan.Zero) _idleTimer?.Change(left, Timeout.InfiniteTimeSpan);
        else Cut(new(StatusCode.DeadlineExceeded, "the stream had no message for too long"));
    }

    private Metadata ReadRequestHeaders()
    {
        var metadata = new Metadata();
        foreach (var (name, values) in _http.Request.Headers)
            foreach (var value in values) Headers.Receive(metadata, name, value ?? "");
        return metadata.Freeze();
    }

    private static AuthContext ReadAuthContext(X509Certificate2? certificate)
    {
        const string CommonName = "x509_common_name", AlternativeName = "x509_subject_alternative_name";
        if (certificate is null) return new(null, []);
        var properties = new Dictionary<string, List<AuthProperty>>
        {
            [CommonName] = [AuthProperty.Create(CommonName, Encoding.UTF8.GetBytes(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)))],
        };
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames()).ToList();
        if (names.Count > 0) properties[AlternativeName] = [.. names.Select(name => AuthProperty.Create(AlternativeName, Encoding.UTF8.GetBytes(name)))];
        return new(names.Count > 0 ? AlternativeName : CommonName, properties);
    }
}
