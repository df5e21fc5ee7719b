namespace Warehouse.Cli;

/// <summary>
/// A stream whose reads end with the token, also while the sender is silent: Ctrl-C must work on a verb that waits for standard input or a
/// named pipe. A cancelled read goes on in the background and takes its bytes with it; the process ends then anyway.
/// </summary>
internal sealed class CancellableInput(Stream inner, CancellationToken cancellation) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = Task.Run(() => inner.Read(buffer, offset, count), CancellationToken.None);
        Task.WaitAny([read], cancellation);
        return read.GetAwaiter().GetResult();
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
