using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace Warehouse.Rpc.Wire;

/// <summary>
/// The encodings of messages: <c>gzip</c>, and <c>deflate</c>, which in gRPC is the zlib format. Each message is compressed by itself.
/// .NET's streams take a cut input for a whole one, so what ends them is checked here: the length of gzip, the sum of zlib.
/// </summary>
internal static class Compression
{
    public const string Identity = "identity", Gzip = "gzip", Deflate = "deflate";

    private const int GzipFrameBytes = 18, ZlibFrameBytes = 6;

    /// <summary>True for what can be done here, identity included.</summary>
    public static bool IsKnown(string encoding) => encoding is Identity or Gzip or Deflate;

    /// <summary>True when a list such as <c>identity, gzip</c> has the encoding.</summary>
    public static bool Lists(string? list, string encoding)
    {
        foreach (var part in (list ?? "").AsSpan().Split(','))
            if (list.AsSpan()[part].Trim().Equals(encoding, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    /// <summary>Compresses one message.</summary>
    public static void Compress(string encoding, ReadOnlySpan<byte> message, PooledBuffer output)
    {
        using var packer = Open(encoding, new WriterStream(output), CompressionMode.Compress);
        packer.Write(message);
    }

    /// <summary>Decompresses one message into memory that the caller disposes. Throws an RpcException where it is damaged, cut, or larger than the limit.</summary>
    public static PooledBuffer Decompress(string encoding, in ReadOnlySequence<byte> packed, int limitBytes)
    {
        var output = new PooledBuffer(limitBytes);
        var input = ArrayPool<byte>.Shared.Rent((int)packed.Length);
        try
        {
            packed.CopyTo(input);
            using (var unpacker = Open(encoding, new MemoryStream(input, 0, (int)packed.Length, writable: false), CompressionMode.Decompress)) output.Fill(unpacker);
            if (output.IsOverLimit) throw Failure.TooLargeUnpacked(limitBytes);
            if (!IsWhole(encoding, input.AsSpan(0, (int)packed.Length), output.WrittenSpan)) throw Failure.BadCompression();
            return output;
        }
        catch (InvalidDataException e)
        {
            output.Dispose();
            throw Failure.BadCompression(e);
        }
        catch
        {
            output.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(input);
        }
    }

#pragma warning disable RS0030 // GZipStream accepts cut input in silence: IsWhole refuses it here. This project refers to no reader of the engine's.
    private static Stream Open(string encoding, Stream inner, CompressionMode mode) => (encoding, mode) switch
    {
        (Gzip, CompressionMode.Compress) => new GZipStream(inner, CompressionLevel.Fastest),
        (Gzip, _) => new GZipStream(inner, mode),
        (Deflate, CompressionMode.Compress) => new ZLibStream(inner, CompressionLevel.Fastest),
        (Deflate, _) => new ZLibStream(inner, mode),
        _ => throw new ArgumentException($"unknown encoding {encoding}", nameof(encoding)),
    };
#pragma warning restore RS0030

    private static bool IsWhole(string encoding, ReadOnlySpan<byte> packed, ReadOnlySpan<byte> message)
    {
        if (packed.Length < (encoding == Gzip ? GzipFrameBytes : ZlibFrameBytes)) return false;
        var last = packed[^sizeof(uint)..];
        return encoding == Gzip ? BinaryPrimitives.ReadUInt32LittleEndian(last) == (uint)message.Length : BinaryPrimitives.ReadUInt32BigEndian(last) == Adler32(message);
    }

    private static uint Adler32(ReadOnlySpan<byte> bytes)
    {
        // The sums cannot overflow 32 bits within a stretch of this length.
        const int Stretch = 5552;
        const uint Modulus = 65521;
        uint a = 1, b = 0;
        for (; bytes.Length > 0; bytes = bytes[Math.Min(Stretch, bytes.Length)..])
        {
            foreach (var value in bytes[..Math.Min(Stretch, bytes.Length)]) b += a += value;
            (a, b) = (a % Modulus, b % Modulus);
        }
        return b << 16 | a;
    }

    /// <summary>A stream that writes on into a buffer.</summary>
    private sealed class WriterStream(PooledBuffer output) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => output.Write(buffer);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
