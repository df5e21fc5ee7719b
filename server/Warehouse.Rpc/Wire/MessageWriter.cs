using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace Warehouse.Rpc.Wire;

/// <summary>
/// Writes messages behind their prefix of flag and length. A message whose length is known and that is not compressed goes straight to the
/// output; every other one is collected first. When <see cref="Write"/> throws after <see cref="IsTorn"/> turned true, part of a message
/// stands in the output, which must not be used any more. One writer at a time.
/// </summary>
internal sealed class MessageWriter(IBufferWriter<byte> output, int limitBytes) : SerializationContext, IBufferWriter<byte>, IDisposable
{
    private readonly PooledBuffer _collected = new();
    private string? _encoding;
    private int _announcedBytes, _writtenBytes;
    private bool _isDirect, _isComplete;

    /// <summary>True while, or after an exception when, the output ends inside a message.</summary>
    public bool IsTorn { get; private set; }

    /// <summary>Writes one message, compressed when an encoding is stated. Throws an RpcException when it is larger than the limit.</summary>
    public void Write<T>(T message, Marshaller<T> marshaller, string? encoding)
    {
        ArgumentNullException.ThrowIfNull(message);
        _encoding = encoding is Compression.Identity ? null : encoding;
        (_announcedBytes, _writtenBytes, _isDirect, _isComplete) = (-1, 0, false, false);
        _collected.Clear();
        marshaller.ContextualSerializer(message, this);
        if (!_isComplete) throw new InvalidOperationException("the serializer did not complete the message");
    }

    public override void SetPayloadLength(int payloadLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        CheckLimit(payloadLength);
        _announcedBytes = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        if (_announcedBytes >= 0 && _encoding is null && !IsTorn)
        {
            WritePrefix(isCompressed: false, _announcedBytes);
            IsTorn = _isDirect = true;
        }
        return this;
    }

    public override void Complete()
    {
        if (_announcedBytes >= 0 && _announcedBytes != _writtenBytes) throw new InvalidOperationException($"the serializer announced {_announcedBytes} bytes and wrote {_writtenBytes}");
        if (_isDirect) IsTorn = false;
        else Finish(_collected.WrittenSpan);
        _isComplete = true;
    }

    public override void Complete(byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        Finish(payload);
        _isComplete = true;
    }

    public void Advance(int count)
    {
        _writtenBytes += count;
        if (_isDirect) output.Advance(count);
        else _collected.Advance(count);
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _isDirect ? output.GetMemory(sizeHint) : _collected.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _isDirect ? output.GetSpan(sizeHint) : _collected.GetSpan(sizeHint);

    public void Dispose() => _collected.Dispose();

    private void Finish(ReadOnlySpan<byte> payload)
    {
        CheckLimit(payload.Length);
        // Nothing is smaller than nothing, and .NET's streams make no stream at all of it.
        using var packed = _encoding is null || payload.Length == 0 ? null : new PooledBuffer();
        if (packed is not null)
        {
            Compression.Compress(_encoding!, payload, packed);
            payload = packed.WrittenSpan;
        }
        WritePrefix(packed is not null, payload.Length);
        output.Write(payload);
    }

    private void WritePrefix(bool isCompressed, int lengthBytes)
    {
        var prefix = output.GetSpan(MessageReader.PrefixBytes);
        prefix[0] = isCompressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], lengthBytes);
        output.Advance(MessageReader.PrefixBytes);
    }

    private void CheckLimit(int lengthBytes)
    {
        if (lengthBytes > limitBytes) throw Failure.TooLarge("the outgoing", lengthBytes, limitBytes);
    }
}
