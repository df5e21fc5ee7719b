using Grpc.Core;

namespace Warehouse.Server.Calls;

/// <summary>
/// The requests of a call that has many, for a handler that is a plain loop. One request is read ahead while the one before is worked on, and no
/// more: what the handler does not take stays with the client (back-pressure). Dispose it before the handler returns: a call that ends while it is
/// read from is reset, and its client does not learn why it ended. One thread at a time.
/// </summary>
internal sealed class Requests<T>(IAsyncStreamReader<T> reader, ServerCallContext context) : IAsyncDisposable where T : class
{
    /// <summary>Time for the first request: until it is there nobody knows what is asked, and who asks is not looked at.</summary>
    private static readonly TimeSpan FirstWithin = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _over = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
    private Task<bool>? _next;

    /// <summary>Waits for the first request, which stays the next one; null when there is none.</summary>
    public async Task<T?> FirstAsync(TimeProvider clock)
    {
        using var late = new CancellationTokenSource(FirstWithin, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, context.CancellationToken);
        try
        {
            return await reader.MoveNext(either.Token).ConfigureAwait(false) ? reader.Current : null;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new(StatusCode.DeadlineExceeded, "the call had no request for too long"));
        }
    }

    /// <summary>Whether the next request is there already.</summary>
    public bool HasNext => _next is { IsCompletedSuccessfully: true, Result: true };

    /// <summary>The next request after the first; null after the last.</summary>
    public T? Next()
    {
        if (!(_next ??= Begin()).GetAwaiter().GetResult()) return null;
        var request = reader.Current;
        _next = Begin();
        return request;
    }

    /// <summary>Ends the reading ahead.</summary>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        // What it brings or meets is nobody's any more.
        if (_next is { } next) await next.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        _over.Dispose();
    }

    private Task<bool> Begin() => reader.MoveNext(_over.Token);
}

/// <summary>The bytes that requests bring, as a stream that is read forward once. One thread at a time.</summary>
/// <param name="next">The next bytes; null after the last.</param>
internal sealed class RequestBytes(Func<ReadOnlyMemory<byte>?> next) : Stream
{
    private ReadOnlyMemory<byte>? _rest = default(ReadOnlyMemory<byte>);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        while (_rest is { IsEmpty: true }) _rest = next();
        if (_rest is not { } rest) return 0;
        var count = Math.Min(buffer.Length, rest.Length);
        rest.Span[..count].CopyTo(buffer);
        _rest = rest[count..];
        return count;
    }

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
