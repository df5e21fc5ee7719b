using System.Buffers.Binary;
using Google.Protobuf;
using Warehouse.Protocol.Flight;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>The bytes of an answer, as messages. No byte leaves before the call's entry is durable. Written by a thread of its own.</summary>
internal abstract class AnswerStream : Stream
{
    public sealed override bool CanRead => false;

    public sealed override bool CanSeek => false;

    public sealed override bool CanWrite => true;

    public sealed override long Length => throw new NotSupportedException();

    public sealed override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Says that an Arrow message is whole.</summary>
    public virtual void EndMessage()
    {
    }

    /// <summary>Sends what is held back.</summary>
    public abstract void Send();

    public sealed override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public sealed override void Flush()
    {
    }

    public sealed override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public sealed override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>An answer that is a file, in chunks: each full one waits until the client has room. Most answers are small, so the buffer grows to a chunk only when one fills.</summary>
internal sealed class ChunkStream(Action<V1.Chunk> send, int chunkBytes) : AnswerStream
{
    private const int FirstBytes = 16 << 10;

    private byte[] _buffer = new byte[Math.Min(FirstBytes, chunkBytes)];
    private byte[] _sent = [];
    private int _used;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = Math.Min(buffer.Length, _buffer.Length - _used);
            buffer[..count].CopyTo(_buffer.AsSpan(_used));
            _used += count;
            buffer = buffer[count..];
            if (_used < _buffer.Length) continue;
            if (_used < chunkBytes) Array.Resize(ref _buffer, Math.Min(4 * _used, chunkBytes));
            else Send();
        }
    }

    /// <summary>Sends what is held back: the first bytes of an answer should not wait for a whole chunk, and the last ones are fewer.</summary>
    public override void Send()
    {
        if (_used == 0) return;
        send(new V1.Chunk { Data = UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(0, _used)) });
        // The bytes are looked at until the next chunk is sent.
        (_buffer, _sent) = (_sent.Length > 0 ? _sent : new byte[_buffer.Length], _buffer);
        _used = 0;
    }
}

/// <summary>An Arrow IPC stream as messages of Flight: metadata and body apart, without what frames them in a stream, and without its end mark.</summary>
internal sealed class FlightStream(Action<FlightData> send) : AnswerStream
{
    private const int PrefixBytes = 8;

    private byte[] _buffer = new byte[1 << 16];
    private int _used;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > _buffer.Length - _used) Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, checked(_used + buffer.Length)));
        buffer.CopyTo(_buffer.AsSpan(_used));
        _used += buffer.Length;
    }

    public override void EndMessage()
    {
        var header = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(4));
        // The bytes are not kept: whoever looks at them later has a copy.
        send(new FlightData
        {
            DataHeader = UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(PrefixBytes, header)), DataBody = UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(PrefixBytes + header, _used - PrefixBytes - header)),
        });
        _used = 0;
    }

    /// <summary>Drops the end mark, which is all that lies behind the last message.</summary>
    public override void Send() => _used = 0;
}
