using System.Net;

namespace Warehouse.Rpc.Client;

/// <summary>
/// The body of a call with many requests: hands the stream out that they are written to, and holds it open. It ends in order when all requests
/// were written, and only then: a server takes that end for the client's word that there are no more. One that is given up fails, which resets it.
/// </summary>
internal sealed class RequestStream : HttpContent
{
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where requests are written to, once the call has its stream; cancelled when it gets none.</summary>
    public Task<Stream> Opened => _opened.Task;

    /// <summary>There will be no further request.</summary>
    public void Complete() => _completed.TrySetResult();

    /// <summary>The call is over. Requests that are not complete now will never be.</summary>
    public void Abandon()
    {
        _opened.TrySetCanceled();
        _completed.TrySetCanceled();
    }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The headers leave now: the server may have something to say before the first request.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        _opened.TrySetResult(stream);
        // Not with the token: a server that answers early and takes no more cancels it, and the exception would hide the answer.
        await _completed.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
