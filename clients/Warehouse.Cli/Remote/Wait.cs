namespace Warehouse.Cli.Remote;

/// <summary>Between verbs, which are plain loops, and a client, which is not. No context has to be waited for in this process.</summary>
internal static class Wait
{
    /// <summary>The items as they come.</summary>
    public static IEnumerable<T> Each<T>(IAsyncEnumerable<T> items, CancellationToken cancellation)
    {
        var at = items.GetAsyncEnumerator(cancellation);
        try
        {
            while (at.MoveNextAsync().AsTask().GetAwaiter().GetResult()) yield return at.Current;
        }
        finally
        {
            at.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }
}

/// <summary>Pieces of bytes as one stream to read. One thread.</summary>
internal sealed class PieceStream(IEnumerable<ReadOnlyMemory<byte>> pieces) : Stream
{
    private readonly IEnumerator<ReadOnlyMemory<byte>> _pieces = pieces.GetEnumerator();
    private ReadOnlyMemory<byte> _rest;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        while (_rest.IsEmpty)
        {
            if (!_pieces.MoveNext()) return 0;
            _rest = _pieces.Current;
        }
        var length = Math.Min(buffer.Length, _rest.Length);
        _rest.Span[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Takes the pieces to their end, where a cut answer shows.</summary>
    public void ReadToEnd()
    {
        while (_pieces.MoveNext())
        {
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _pieces.Dispose();
        base.Dispose(disposing);
    }
}
