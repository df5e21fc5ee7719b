using System.Runtime.CompilerServices;

namespace Grpc.Core;

/// <summary>Messages that come one after the other; one reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last <see cref="MoveNext"/> reached.</summary>
    T Current { get; }

    /// <summary>Goes to the next message; false after the last. Throws <see cref="RpcException"/> when the call failed.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Takes messages one after the other; one writer at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>How the next messages are written.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Writes a message; done when the transport has room for more. On the server the message may be used again as soon as this returns.</summary>
    Task WriteAsync(T message);

    /// <summary>The same, given up when the token says so; the call is then broken.</summary>
    Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return WriteAsync(message);
    }
}

/// <summary>The requests of a call, on the client's side.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>There will be no further request.</summary>
    Task CompleteAsync();
}

/// <summary>The replies of a call, on the server's side.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>;

/// <summary>How a message is written.</summary>
[Flags]
public enum WriteFlags
{
    /// <summary>The message may wait for the next one before it leaves.</summary>
    BufferHint = 0x1,

    /// <summary>The message is not compressed, though the call has an encoding.</summary>
    NoCompress = 0x2,
}

/// <summary>How messages are written.</summary>
public sealed class WriteOptions(WriteFlags flags = default)
{
    /// <summary>Nothing special.</summary>
    public static readonly WriteOptions Default = new();

    /// <summary>The flags.</summary>
    public WriteFlags Flags { get; } = flags;
}

/// <summary>Streams as .NET reads them.</summary>
public static class AsyncStreamReaderExtensions
{
    /// <summary>All messages that are still to come.</summary>
    public static async IAsyncEnumerable<T> ReadAllAsync<T>(this IAsyncStreamReader<T> streamReader, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        while (await streamReader.MoveNext(cancellationToken).ConfigureAwait(false)) yield return streamReader.Current;
    }
}
