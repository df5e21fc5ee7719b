using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>What one call of <see cref="RawInflater.Inflate"/> came to.</summary>
public enum InflateState
{
    /// <summary>More input or more room is needed.</summary>
    More,

    /// <summary>The last deflate block ended; input beyond <c>consumed</c> is not part of it.</summary>
    Ended,

    /// <summary>The bytes are not deflate data.</summary>
    Damaged,
}

/// <summary>
/// Inflates one raw deflate stream (RFC 1951) through the system's zlib (<c>libz.so.1</c>, Debian package <c>zlib1g</c>).
/// The runtime's own streams do not tell how many input bytes a stream used, so they cannot see where a gzip trailer
/// begins; zlib does. One thread. A failure leaves the inflater useless until <see cref="Reset"/>.
/// </summary>
public sealed unsafe partial class RawInflater : IDisposable
{
    private const int RawWindowBits = -15;
    private ZStream* _stream;

    /// <summary>Makes an inflater at the start of a stream.</summary>
    public RawInflater()
    {
        _stream = (ZStream*)NativeMemory.AllocZeroed((nuint)sizeof(ZStream));
        if (InflateInit2(_stream, RawWindowBits, "1.2.11", sizeof(ZStream)) == 0) return;
        NativeMemory.Free(_stream);
        _stream = null;
        throw new InvalidOperationException("zlib refused to start");
    }

    /// <summary>Frees what was never disposed.</summary>
    ~RawInflater() => Free();

    /// <summary>Goes back to the start of a stream.</summary>
    public void Reset()
    {
        ObjectDisposedException.ThrowIf(_stream is null, this);
        if (InflateReset(_stream) != 0) throw new InvalidOperationException("zlib refused to reset");
    }

    /// <summary>Inflates as much as input and room allow.</summary>
    /// <param name="input">Compressed bytes; may be any piece of the stream.</param>
    /// <param name="output">Room for the result.</param>
    /// <param name="consumed">Input bytes used.</param>
    /// <param name="written">Output bytes made.</param>
    public InflateState Inflate(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        ObjectDisposedException.ThrowIf(_stream is null, this);
        int result;
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            _stream->NextIn = from;
            _stream->AvailableIn = (uint)input.Length;
            _stream->NextOut = to;
            _stream->AvailableOut = (uint)output.Length;
            result = InflateNative(_stream, 0);
        }
        consumed = input.Length - (int)_stream->AvailableIn;
        written = output.Length - (int)_stream->AvailableOut;
        return result switch { 1 => InflateState.Ended, 0 or -5 => InflateState.More, _ => InflateState.Damaged };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_stream is null) return;
        _ = InflateEnd(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }

    [LibraryImport("libz.so.1", EntryPoint = "inflateInit2_", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InflateInit2(ZStream* stream, int windowBits, string version, int streamBytes);

    [LibraryImport("libz.so.1", EntryPoint = "inflate")]
    private static partial int InflateNative(ZStream* stream, int flush);

    [LibraryImport("libz.so.1", EntryPoint = "inflateReset")]
    private static partial int InflateReset(ZStream* stream);

    [LibraryImport("libz.so.1", EntryPoint = "inflateEnd")]
    private static partial int InflateEnd(ZStream* stream);

    /// <summary>z_stream of zlib.h on 64-bit Linux: 112 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ZStream
    {
        public byte* NextIn;
        public uint AvailableIn;
        public nuint TotalIn;
        public byte* NextOut;
        public uint AvailableOut;
        public nuint TotalOut;
        public nint Message;
        public nint State;
        public nint Allocate;
        public nint Release;
        public nint Opaque;
        public int DataType;
        public nuint Adler;
        public nuint Reserved;
    }
}
