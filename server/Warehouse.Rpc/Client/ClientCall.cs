using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Client;

/// <summary>
/// One call on the client's side. It ends once: by the status that the server sends, by what HTTP reports, or on this side by deadline, token or
/// Dispose, which reset the stream. One reader and one writer at a time, side by side.
/// </summary>
internal sealed class ClientCall<TRequest, TResponse> : IAsyncStreamReader<TResponse>, IClientStreamWriter<TRequest>, IDisposable
    where TRequest : class where TResponse : class
{
    private static readonly MediaTypeHeaderValue ContentType = new(Headers.ContentType);

    /// <summary>Replies of many kilobytes would be gathered from pieces of 4 otherwise; only streams have so many.</summary>
    private static readonly StreamPipeReaderOptions LongReplies = new(bufferSize: 64 << 10);

    private readonly RpcChannel _channel;
    private readonly Method<TRequest, TResponse> _method;
    private readonly CallOptions _options;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RequestStream? _streamed;
    private Task _started = Task.CompletedTask;
    private ITimer? _deadlineTimer;
    private CancellationTokenRegistration _givenUp, _closed;
    private HttpResponseMessage? _response;
    private MessageReader? _reader;
    private TResponse? _current;
    private Ending? _cut, _end;
    private int _isWriting;
    private bool _isComplete;

    public ClientCall(RpcChannel channel, Method<TRequest, TResponse> method, CallOptions options)
    {
        (_channel, _method, _options, WriteOptions) = (channel, method, options, options.WriteOptions);
        if (method.Type is MethodType.ClientStreaming or MethodType.DuplexStreaming) _streamed = new();
    }

    public WriteOptions? WriteOptions { get; set; }

    public Task<Metadata> HeadersAsync => _headers.Task;

    public TResponse Current => _current ?? throw new InvalidOperationException("no reply was read, or there is no further one");

    /// <summary>Makes a call with one reply.</summary>
    public async Task<TResponse> RunAsync(TRequest? request)
    {
        await StartAsync(request).ConfigureAwait(false);
        TResponse? reply = null;
        if (_end is null)
        {
            try
            {
                (var isThere, reply) = await _reader!.ReadAsync(_method.ResponseMarshaller, _cancellation.Token).ConfigureAwait(false);
                if (isThere && !await _reader.EndsAsync(_cancellation.Token).ConfigureAwait(false)) throw Failure.MessageCount("the reply has more than one message");
                EndByTrailers(isReplyMissing: !isThere);
            }
            catch (Exception e)
            {
                EndBy(e);
            }
        }
        return _end!.Status.StatusCode == StatusCode.OK ? reply! : throw _end.ToException();
    }

    /// <summary>Sends the request, or opens the stream of requests, and waits for the headers of the reply. Does not throw: the call has ended then.</summary>
    public Task StartAsync(TRequest? request) => _started = StartCoreAsync(request);

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        using var given = cancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cut(Status.DefaultCancelled), this);
        await _started.ConfigureAwait(false);
        _current = null;
        if (_end is null)
        {
            try
            {
                (var isThere, _current) = await _reader!.ReadAsync(_method.ResponseMarshaller, _cancellation.Token).ConfigureAwait(false);
                if (isThere) return true;
                EndByTrailers(isReplyMissing: false);
            }
            catch (Exception e)
            {
                EndBy(e);
            }
        }
        return _end!.Status.StatusCode == StatusCode.OK ? false : throw _end.ToException();
    }

    public Task WriteAsync(TRequest message) => WriteAsync(message, default);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        if (_isComplete) throw new InvalidOperationException("the stream of requests was completed");
        if (Interlocked.Exchange(ref _isWriting, 1) != 0) throw new InvalidOperationException("a request is written while the one before it is not done");
        try
        {
            using var given = cancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cut(Status.DefaultCancelled), this);
            var stream = await _streamed!.Opened.ConfigureAwait(false);
            await WriteToAsync(stream, message, WriteOptions?.Flags ?? 0, _cancellation.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // A server that takes no further request has answered: its status says why, where it came with the headers.
            await _started.ConfigureAwait(false);
            if (_end is { Status.StatusCode: StatusCode.OK }) throw new InvalidOperationException("the call is over", e);
            if (_end is null && _cut is null && e is OperationCanceledException) throw Failure.Of(StatusCode.Cancelled, "the server takes no further request; its status comes behind the replies", e);
            throw _end?.ToException() ?? new RpcException(_cut?.Status ?? Failure.FromTransport(e));
        }
        finally
        {
            Volatile.Write(ref _isWriting, 0);
        }
    }

    public Task CompleteAsync()
    {
        _isComplete = true;
        _streamed!.Complete();
        return Task.CompletedTask;
    }

    public Status GetStatus() => (_end ?? throw NotOver()).Status;

    public Metadata GetTrailers() => (_end ?? throw NotOver()).Trailers;

    public void Dispose()
    {
        if (_end is null) Cut(Status.DefaultCancelled);
    }

    private async Task StartCoreAsync(TRequest? request)
    {
        try
        {
            var timeout = StartClock();
            var message = await NewRequestAsync(request, timeout).ConfigureAwait(false);
            _response = await _channel.SendAsync(message, _cancellation.Token).ConfigureAwait(false);
            ReadHeaders(await _response.Content.ReadAsStreamAsync(_cancellation.Token).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            EndBy(e);
        }
    }

    /// <summary>The time that is left, or null when there is no end.</summary>
    private TimeSpan? StartClock()
    {
        _givenUp = _options.CancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cut(Status.DefaultCancelled), this);
        _closed = _channel.Closing.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cut(new(StatusCode.Cancelled, "the channel was closed")), this);
        if (_options.Deadline is not { } deadline || deadline == DateTime.MaxValue) return null;
        var left = deadline.ToUniversalTime() - _channel.Options.Clock.GetUtcNow().UtcDateTime;
        if (left <= TimeSpan.Zero) Cut(new(StatusCode.DeadlineExceeded, "the deadline is over"));
        else if (left < TimeSpan.FromMilliseconds(uint.MaxValue - 1)) _deadlineTimer = _channel.Options.Clock.CreateTimer(static call => ((ClientCall<TRequest, TResponse>)call!).Cut(new(StatusCode.DeadlineExceeded, "the deadline is over")), this, left, Timeout.InfiniteTimeSpan);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private async Task<HttpRequestMessage> NewRequestAsync(TRequest? request, TimeSpan? timeout)
    {
        _cancellation.Token.ThrowIfCancellationRequested();
        var message = new HttpRequestMessage(HttpMethod.Post, _channel.AddressOf(_method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = _streamed is not null ? _streamed : new SingleContent(this, request!),
        };
        message.Content.Headers.ContentType = ContentType;
        var headers = message.Headers;
        headers.TryAddWithoutValidation("te", "trailers");
        headers.TryAddWithoutValidation("user-agent", _channel.Options.UserAgent);
        headers.TryAddWithoutValidation(Headers.AcceptEncoding, _channel.AcceptEncoding);
        if (_channel.Options.RequestEncoding is { } encoding) headers.TryAddWithoutValidation(Headers.Encoding, encoding);
        if (timeout is { } left) headers.TryAddWithoutValidation(Headers.Timeout, Headers.WriteTimeout(left));
        var metadata = await WithCredentialsAsync().ConfigureAwait(false);
        foreach (var entry in metadata ?? Metadata.Empty) headers.TryAddWithoutValidation(entry.Key, Headers.Send(entry));
        return message;
    }

    private async Task<Metadata?> WithCredentialsAsync()
    {
        CallCredentials?[] credentials = [_channel.Options.Credentials, _options.Credentials];
        if (credentials is [null, null]) return _options.Headers;
        if (!_channel.IsSecure) throw new InvalidOperationException("credentials do not travel in clear text");
        var metadata = new Metadata();
        foreach (var entry in _options.Headers ?? Metadata.Empty) metadata.Add(entry);
        var context = new AuthInterceptorContext($"https://{_channel.Target}/{_method.ServiceName}", _method.Name, _cancellation.Token);
        foreach (var one in credentials)
            if (one is not null) await one.AddToAsync(context, metadata).ConfigureAwait(false);
        return metadata;
    }

    private void ReadHeaders(Stream body)
    {
        var response = _response!;
        var status = ReadStatus(response.Headers);
        if (response.StatusCode != HttpStatusCode.OK || !Headers.IsContentType(response.Content.Headers.ContentType?.ToString()))
        {
            EndBy(status ?? new(response.StatusCode == HttpStatusCode.OK ? StatusCode.Unknown : Failure.FromHttp(response.StatusCode), $"the server answered with HTTP status {(int)response.StatusCode} and not with gRPC"), Metadata.Empty, isReplyMissing: false);
            return;
        }
        var metadata = Read(response.Headers);
        if (status is { } known)
        {
            EndBy(known, metadata, isReplyMissing: _method.Type is MethodType.Unary or MethodType.ClientStreaming);
            return;
        }
        var encoding = response.Headers.NonValidated.TryGetValues(Headers.Encoding, out var named) ? named.ToString() : null;
        var isLong = _method.Type is MethodType.ServerStreaming or MethodType.DuplexStreaming;
        _reader = new(PipeReader.Create(body, isLong ? LongReplies : null), _channel.Options.MaxReceiveBytes) { Encoding = encoding };
        _headers.TrySetResult(metadata);
    }

    private void EndByTrailers(bool isReplyMissing)
    {
        var trailers = _response!.TrailingHeaders;
        EndBy(ReadStatus(trailers) ?? new(StatusCode.Unknown, "the server ended the call without a status"), Read(trailers), isReplyMissing);
    }

    private void EndBy(Status status, Metadata trailers, bool isReplyMissing) =>
        End(isReplyMissing && status.StatusCode == StatusCode.OK ? new(StatusCode.Unimplemented, "the reply has no message") : status, trailers, isByServer: true);

    private void EndBy(Exception e) => End(_cut?.Status ?? Failure.FromTransport(e), Metadata.Empty, isByServer: false);

    private void End(Status status, Metadata trailers, bool isByServer)
    {
        // The server's timer may be ahead of ours, and may say it as a cancelled call.
        if (status.StatusCode == StatusCode.Cancelled && _cut is null && _options.Deadline is { } deadline && _channel.Options.Clock.GetUtcNow().UtcDateTime >= deadline.ToUniversalTime()) status = new(StatusCode.DeadlineExceeded, "the deadline is over");
        if (Interlocked.CompareExchange(ref _end, new(status, trailers.Freeze()), null) is not null) return;
        _deadlineTimer?.Dispose();
        _givenUp.Unregister();
        _closed.Unregister();
        if (status.StatusCode == StatusCode.OK)
        {
            _headers.TrySetResult([]);
        }
        else
        {
            _headers.TrySetException(_end.ToException());
            // Whoever does not ask for the headers need not hear of it.
            _ = _headers.Task.Exception;
            _cancellation.Cancel();
        }
        // A server that has answered waits for no further request; any other end is a reset.
        if (isByServer) _streamed?.Complete();
        _streamed?.Abandon();
        _response?.Dispose();
    }

    private void Cut(Status status)
    {
        if (_end is not null || Interlocked.CompareExchange(ref _cut, new(status, Metadata.Empty), null) is not null) return;
        _cancellation.Cancel();
        // A call that nobody reads ends here; a reader ends it with the same status.
        if (_started.IsCompleted) End(status, Metadata.Empty, isByServer: false);
    }

    private async Task WriteToAsync(Stream stream, TRequest message, WriteFlags flags, CancellationToken token)
    {
        using var buffer = new PooledBuffer();
        using (var writer = new MessageWriter(buffer, _channel.Options.MaxSendBytes)) writer.Write(message, _method.RequestMarshaller, flags.HasFlag(WriteFlags.NoCompress) ? null : _channel.Options.RequestEncoding);
        await stream.WriteAsync(buffer.Written, token).ConfigureAwait(false);
        if (!flags.HasFlag(WriteFlags.BufferHint)) await stream.FlushAsync(token).ConfigureAwait(false);
    }

    private static Metadata Read(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.NonValidated)
            foreach (var value in values) Headers.Receive(metadata, name, value);
        return metadata;
    }

    private static Status? ReadStatus(HttpHeaders headers) => headers.NonValidated.TryGetValues(Headers.Status, out var code)
        ? Headers.ReadStatus(code.ToString(), headers.NonValidated.TryGetValues(Headers.Message, out var message) ? message.ToString() : null)
        : null;

    private static InvalidOperationException NotOver() => new("the call is not over");

    /// <summary>How the call ended.</summary>
    private sealed record Ending(Status Status, Metadata Trailers)
    {
        public RpcException ToException() => new(Status, Trailers);
    }

    /// <summary>The one request of a call that has one.</summary>
    private sealed class SingleContent(ClientCall<TRequest, TResponse> call, TRequest request) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            try
            {
                await call.WriteToAsync(stream, request, (call.WriteOptions?.Flags ?? 0) | WriteFlags.BufferHint, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException && !call._cancellation.IsCancellationRequested)
            {
                // The server may answer before it has read all, and then takes no more: the answer says why. A lost connection shows there too.
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
