using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>
/// LZ4 blocks (no frame: the caller keeps both lengths) by the system's liblz4. Any thread; the working memory is the thread's.
/// A failed call leaves the destination undefined.
/// </summary>
public static partial class Lz4
{
    private const string Library = "liblz4.so.1";
    private const int MaxSourceBytes = 0x7E000000;

    [ThreadStatic]
    private static byte[]? _state;

    /// <summary>Destination bytes that always suffice for <see cref="Compress"/>.</summary>
    /// <param name="sourceLengthBytes">At most 2,113,929,216.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is outside.</exception>
    public static int MaxCompressedLength(int sourceLengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sourceLengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sourceLengthBytes, MaxSourceBytes);
        return sourceLengthBytes + sourceLengthBytes / 255 + 16;
    }

    /// <summary>Writes one block and returns its length in bytes.</summary>
    /// <param name="source">What to compress; must not overlap the destination.</param>
    /// <param name="destination">At least <see cref="MaxCompressedLength"/> bytes.</param>
    /// <param name="level">1 or 2: fast; 3 to 12: high compression, same format.</param>
    /// <exception cref="ArgumentException">The destination is too short, or the level is outside.</exception>
    /// <exception cref="InvalidDataException">LZ4 failed.</exception>
    /// <exception cref="SystemLibraryMissingException">liblz4 is not installed.</exception>
    public static unsafe int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 12);
        if (destination.Length < MaxCompressedLength(source.Length)) throw new ArgumentException("shorter than MaxCompressedLength", nameof(destination));
        var state = _state ??= CreateState();
        int written;
        fixed (byte* from = source, to = destination, memory = state)
            written = level < 3
                ? LZ4_compress_fast_extState(memory, from, to, source.Length, destination.Length, 1)
                : LZ4_compress_HC_extStateHC(memory, from, to, source.Length, destination.Length, level);
        return written > 0 ? written : throw new InvalidDataException("lz4: compression failed");
    }

    /// <summary>Decompresses to exactly the destination's length.</summary>
    /// <exception cref="InvalidDataException">The source is damaged or of another length.</exception>
    /// <exception cref="SystemLibraryMissingException">liblz4 is not installed.</exception>
    public static unsafe void Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        _ = _state ??= CreateState();
        byte nothing = 0;
        int written;
        fixed (byte* from = source, to = destination)
            written = LZ4_decompress_safe(from is null ? &nothing : from, to is null ? &nothing : to, source.Length, destination.Length);
        if (written < 0) throw new InvalidDataException("lz4: damaged block");
        if (written != destination.Length) throw new InvalidDataException("lz4: the content has another length than expected");
    }

    /// <summary>Pinned: 8-byte aligned, as both compressors ask.</summary>
    private static byte[] CreateState()
    {
        SystemLibrary.Require(Library, "liblz4-1");
        return GC.AllocateArray<byte>(Math.Max(LZ4_sizeofState(), LZ4_sizeofStateHC()), pinned: true);
    }

    [LibraryImport(Library)]
    private static partial int LZ4_sizeofState();

    [LibraryImport(Library)]
    private static partial int LZ4_sizeofStateHC();

    [LibraryImport(Library)]
    private static unsafe partial int LZ4_compress_fast_extState(byte* state, byte* from, byte* to, int fromBytes, int toBytes, int acceleration);

    [LibraryImport(Library)]
    private static unsafe partial int LZ4_compress_HC_extStateHC(byte* state, byte* from, byte* to, int fromBytes, int toBytes, int level);

    [LibraryImport(Library)]
    private static unsafe partial int LZ4_decompress_safe(byte* from, byte* to, int fromBytes, int toBytes);
}
