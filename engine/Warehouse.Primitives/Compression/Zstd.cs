using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>
/// zstd frames by the system's libzstd. Any thread; each keeps one context per direction, freed with the thread. A failed call
/// leaves the destination undefined and the contexts usable.
/// </summary>
public static partial class Zstd
{
    private const string Library = "libzstd.so.1";

    [ThreadStatic]
    private static Compressor? _compressor;

    [ThreadStatic]
    private static Decompressor? _decompressor;

    /// <summary>Destination bytes that always suffice for <see cref="Compress"/>.</summary>
    public static int MaxCompressedLength(int sourceLengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sourceLengthBytes);
        var small = sourceLengthBytes < 128 << 10 ? ((128 << 10) - sourceLengthBytes) >> 11 : 0;
        return checked(sourceLengthBytes + (sourceLengthBytes >> 8) + small);
    }

    /// <summary>Writes one frame that records its content size, and returns its length in bytes.</summary>
    /// <param name="source">What to compress; must not overlap the destination.</param>
    /// <param name="destination">At least <see cref="MaxCompressedLength"/> bytes.</param>
    /// <param name="level">1 (fast) to 19.</param>
    /// <exception cref="ArgumentException">The destination is too short, or the level is outside.</exception>
    /// <exception cref="InvalidDataException">zstd failed.</exception>
    /// <exception cref="SystemLibraryMissingException">libzstd is not installed.</exception>
    public static unsafe int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 19);
        if (destination.Length < MaxCompressedLength(source.Length)) throw new ArgumentException("shorter than MaxCompressedLength", nameof(destination));
        var context = _compressor ??= Compressor.Create();
        fixed (byte* from = source, to = destination)
            return (int)Checked(ZSTD_compressCCtx(context, to, (nuint)destination.Length, from, (nuint)source.Length, level));
    }

    /// <summary>
    /// Writes one frame without searching for repeats: bytes are only coded by how often they come. For noise of few values; decompresses
    /// faster than what <see cref="Compress"/> makes of it. Returns its length in bytes.
    /// </summary>
    /// <param name="source">What to compress; must not overlap the destination.</param>
    /// <param name="destination">At least <see cref="MaxCompressedLength"/> bytes.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="InvalidDataException">zstd failed.</exception>
    /// <exception cref="SystemLibraryMissingException">libzstd is not installed.</exception>
    public static unsafe int CompressEntropy(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (destination.Length < MaxCompressedLength(source.Length)) throw new ArgumentException("shorter than MaxCompressedLength", nameof(destination));
        var context = _compressor ??= Compressor.Create();
        // zstd.h: strategy fast, matches of 7 bytes or more sought every 128 KiB: none. The last is an experimental parameter; a library
        // that refuses it stores the bytes, which is right and only larger.
        const int level = 100, minMatch = 105, step = 106, strategy = 107, codeLiterals = 1002;
        foreach (var (parameter, value) in (ReadOnlySpan<(int, int)>)[(level, 1), (strategy, 1), (minMatch, 7), (step, 1 << 17)]) Checked(ZSTD_CCtx_setParameter(context, parameter, value));
        ZSTD_CCtx_setParameter(context, codeLiterals, 1);
        fixed (byte* from = source, to = destination)
            return (int)Checked(ZSTD_compress2(context, to, (nuint)destination.Length, from, (nuint)source.Length));
    }

    /// <summary>Decompresses to exactly the destination's length.</summary>
    /// <exception cref="InvalidDataException">The source is damaged or of another length.</exception>
    /// <exception cref="SystemLibraryMissingException">libzstd is not installed.</exception>
    public static unsafe void Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var context = _decompressor ??= Decompressor.Create();
        byte nothing;
        nuint written;
        fixed (byte* from = source, to = destination)
            written = Checked(ZSTD_decompressDCtx(context, to is null ? &nothing : to, (nuint)destination.Length, from, (nuint)source.Length));
        if (written != (nuint)destination.Length) throw new InvalidDataException("zstd: the content has another length than expected");
    }

    private static nuint Checked(nuint result)
    {
        if (ZSTD_isError(result) == 0) return result;
        throw new InvalidDataException($"zstd: {Marshal.PtrToStringUTF8(ZSTD_getErrorName(result))}");
    }

    [LibraryImport(Library)]
    private static partial nint ZSTD_createCCtx();

    [LibraryImport(Library)]
    private static partial nuint ZSTD_freeCCtx(nint context);

    [LibraryImport(Library)]
    private static partial nint ZSTD_createDCtx();

    [LibraryImport(Library)]
    private static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport(Library)]
    private static unsafe partial nuint ZSTD_compressCCtx(Compressor context, byte* to, nuint toBytes, byte* from, nuint fromBytes, int level);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_CCtx_setParameter(Compressor context, int parameter, int value);

    [LibraryImport(Library)]
    private static unsafe partial nuint ZSTD_compress2(Compressor context, byte* to, nuint toBytes, byte* from, nuint fromBytes);

    [LibraryImport(Library)]
    private static unsafe partial nuint ZSTD_decompressDCtx(Decompressor context, byte* to, nuint toBytes, byte* from, nuint fromBytes);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    private static partial uint ZSTD_isError(nuint result);

    [LibraryImport(Library)]
    private static partial nint ZSTD_getErrorName(nuint result);

    private sealed class Compressor() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        public static Compressor Create()
        {
            SystemLibrary.Require(Library, "libzstd1");
            var context = new Compressor { handle = ZSTD_createCCtx() };
            return context.IsInvalid ? throw new InsufficientMemoryException("zstd: no context") : context;
        }

        protected override bool ReleaseHandle() => ZSTD_freeCCtx(handle) == 0;
    }

    private sealed class Decompressor() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        public static Decompressor Create()
        {
            SystemLibrary.Require(Library, "libzstd1");
            var context = new Decompressor { handle = ZSTD_createDCtx() };
            return context.IsInvalid ? throw new InsufficientMemoryException("zstd: no context") : context;
        }

        protected override bool ReleaseHandle() => ZSTD_freeDCtx(handle) == 0;
    }
}
