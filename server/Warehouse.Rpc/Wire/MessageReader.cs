using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace Warehouse.Rpc.Wire;

/// <summary>
/// Cuts a stream into messages: 1 byte flag (0 plain, 1 compressed), 4 bytes length, big-endian, then the message. The announced length is
/// held against the limit before a byte of the message is waited for, and the decompressed length while it grows (I11).
/// One reader at a time. After an exception the stream is of no use.
/// </summary>
internal sealed class MessageReader(PipeReader pipe, int limitBytes) : DeserializationContext
{
    public const int PrefixBytes = 5;

    private ReadOnlySequence<byte> _payload;

    /// <summary>The encoding of messages that are marked as compressed; null or identity when the call has none.</summary>
    public string? Encoding { get; set; }

    /// <summary>True when the last message was marked as compressed.</summary>
    public bool WasCompressed { get; private set; }

    public override int PayloadLength => (int)_payload.Length;

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    /// <summary>Reads the next message; false when the stream ended before it began. Throws an RpcException for what is not a message.</summary>
    public async ValueTask<(bool IsThere, T? Message)> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken token)
    {
        while (true)
        {
            var result = await pipe.ReadAsync(token).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (TryTake(buffer, out var end))
            {
                try
                {
                    return (true, Decode(marshaller));
                }
                finally
                {
                    _payload = default;
                    pipe.AdvanceTo(end);
                }
            }
            if (result.IsCompleted)
            {
                pipe.AdvanceTo(buffer.End);
                return buffer.IsEmpty ? (false, default) : throw Failure.MessageCut();
            }
            pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Waits for the end of the stream; false when another message comes instead.</summary>
    public async ValueTask<bool> EndsAsync(CancellationToken token)
    {
        var result = await pipe.ReadAsync(token).ConfigureAwait(false);
        pipe.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        return result.Buffer.IsEmpty && result.IsCompleted;
    }

    /// <summary>Sets the payload when a whole message is there, with its end; refuses by the prefix alone.</summary>
    private bool TryTake(in ReadOnlySequence<byte> buffer, out SequencePosition end)
    {
        end = default;
        if (buffer.Length < PrefixBytes) return false;
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        if (prefix[0] > 1) throw Failure.BadFlag(prefix[0]);
        if (prefix[0] == 1 && (Encoding is null or Compression.Identity || !Compression.IsKnown(Encoding))) throw Failure.CompressedWithoutEncoding();
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > (uint)limitBytes) throw Failure.TooLarge("the", length, limitBytes);
        if (buffer.Length < PrefixBytes + length) return false;
        WasCompressed = prefix[0] == 1;
        _payload = buffer.Slice(PrefixBytes, length);
        end = _payload.End;
        return true;
    }

    private T Decode<T>(Marshaller<T> marshaller)
    {
        using var unpacked = WasCompressed ? Compression.Decompress(Encoding!, _payload, limitBytes) : null;
        if (unpacked is not null) _payload = new(unpacked.Written);
        try
        {
            return marshaller.ContextualDeserializer(this);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Failure.Undecodable(e);
        }
    }
}
