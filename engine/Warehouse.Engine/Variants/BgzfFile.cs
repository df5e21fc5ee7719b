using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Microsoft.Win32.SafeHandles;
using Warehouse.Primitives;

namespace Warehouse.Engine.Variants;

/// <summary>
/// Random access to the decompressed bytes of a BGZF file (SAM specification, section 4.1). Every block read is checked: CRC32, size,
/// and that it lies where the index says. Any thread: no state changes after opening. A failure leaves nothing behind.
/// <code>
/// .gzi (bgzip -i), little-endian:   offset 0  uint64 count
///                                   then count pairs: uint64 compressed start, uint64 decompressed start (block 0 is implied)
/// </code>
/// </summary>
internal sealed class BgzfFile
{
    private const int MaxBlockBytes = 65536;
    private const int HeaderBytes = 12;
    private const int TrailerBytes = 8;

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly long _lengthBytes;
    private readonly long[] _compressed;
    private readonly long[] _decompressed;

    private BgzfFile(SafeFileHandle handle, string path, (long[] Compressed, long[] Decompressed) starts)
    {
        _handle = handle;
        _path = path;
        _lengthBytes = RandomAccess.GetLength(handle);
        (_compressed, _decompressed) = starts;
    }

    /// <summary>True when the file starts as gzip does (BGZF or not).</summary>
    public static bool IsGzip(SafeFileHandle handle)
    {
        Span<byte> magic = stackalloc byte[2];
        return RandomAccess.Read(handle, magic, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    }

    /// <summary>Opens with the index beside the file, or, when there is none, with one made in memory from the block headers.</summary>
    /// <exception cref="InputException">Not BGZF, or an index that does not fit.</exception>
    public static BgzfFile Open(SafeFileHandle handle, string path)
    {
        var indexPath = path + ".gzi";
        return new BgzfFile(handle, path, File.Exists(indexPath) ? ReadIndex(indexPath, RandomAccess.GetLength(handle)) : ScanBlocks(handle, path));
    }

    /// <summary>Fills <paramref name="into"/> from a decompressed offset; returns the bytes read, fewer only at the end of the file.</summary>
    /// <exception cref="InputException">A damaged block, or one that lies elsewhere than the index says.</exception>
    public int Read(long offsetBytes, Span<byte> into)
    {
        var index = Array.BinarySearch(_decompressed, offsetBytes);
        if (index < 0) index = ~index - 1;
        while (index + 1 < _decompressed.Length && _decompressed[index + 1] == offsetBytes) index++;
        var at = _decompressed[index];
        var position = _compressed[index];
        var filled = 0;
        var raw = ArrayPool<byte>.Shared.Rent(MaxBlockBytes);
        var block = ArrayPool<byte>.Shared.Rent(MaxBlockBytes);
        try
        {
            while (filled < into.Length && position < _lengthBytes)
            {
                var (size, next) = ReadBlock(position, raw, block);
                if (++index < _compressed.Length && (_compressed[index] != next || _decompressed[index] != at + size))
                    throw new InputException("fasta-gzi", "the .gzi index does not fit this file: make it again with bgzip -r", Place(position));
                var skip = (int)Math.Clamp(offsetBytes + filled - at, 0, size);
                var count = Math.Min(size - skip, into.Length - filled);
                block.AsSpan(skip, count).CopyTo(into[filled..]);
                filled += count;
                at += size;
                position = next;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(raw);
            ArrayPool<byte>.Shared.Return(block);
        }
        return filled;
    }

    /// <summary>Length of the block whose header starts <paramref name="header"/>, or -1 when it is no BGZF header.</summary>
    private static int BlockLength(ReadOnlySpan<byte> header, out int payloadStart)
    {
        payloadStart = 0;
        if (header.Length < HeaderBytes || header[0] != 0x1f || header[1] != 0x8b || header[2] != 8 || header[3] != 4) return -1;
        var extra = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        payloadStart = HeaderBytes + extra;
        if (header.Length < payloadStart) return -1;
        for (var at = HeaderBytes; at + 4 <= payloadStart;)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(header[(at + 2)..]);
            if (header[at] == 'B' && header[at + 1] == 'C' && length == 2 && at + 6 <= payloadStart)
            {
                var total = BinaryPrimitives.ReadUInt16LittleEndian(header[(at + 4)..]) + 1;
                return total >= payloadStart + TrailerBytes ? total : -1;
            }
            at += 4 + length;
        }
        return -1;
    }

    private static (long[] Compressed, long[] Decompressed) ReadIndex(string path, long fileBytes)
    {
        var place = new InputPlace(path, 0, 0, "");
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < 8 || (bytes.Length - 8) % 16 != 0 || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != (ulong)(bytes.Length - 8) / 16)
            throw new InputException("fasta-gzi", "not a .gzi index: its count does not match its size", place);
        var count = (bytes.Length - 8) / 16 + 1;
        var (compressed, decompressed) = (new long[count], new long[count]);
        for (var i = 1; i < count; i++)
        {
            compressed[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(i * 16 - 8));
            decompressed[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(i * 16));
            if (compressed[i] <= compressed[i - 1] || compressed[i] > fileBytes || decompressed[i] < decompressed[i - 1])
                throw new InputException("fasta-gzi", "the .gzi index does not fit the file: offsets must rise and lie inside it", place);
        }
        return (compressed, decompressed);
    }

    private static (long[] Compressed, long[] Decompressed) ScanBlocks(SafeFileHandle handle, string path)
    {
        const int PeekBytes = 64;
        var (compressed, decompressed) = (new List<long>(), new List<long>());
        var fileBytes = RandomAccess.GetLength(handle);
        Span<byte> peek = stackalloc byte[4 + PeekBytes];
        long position = 0, at = 0;
        var header = peek[..RandomAccess.Read(handle, peek[..PeekBytes], 0)];
        while (position < fileBytes)
        {
            var length = BlockLength(header, out _);
            if (length < 0 || position + length > fileBytes)
                throw new InputException("fasta-bgzf", "not a BGZF block (a compressed reference must be written by bgzip)", new InputPlace(path, 0, position, ""));
            compressed.Add(position);
            decompressed.Add(at);
            position += length;
            var tail = peek[..RandomAccess.Read(handle, peek, position - 4)];   // the size of this block, then the next header
            at += BinaryPrimitives.ReadUInt32LittleEndian(tail);
            header = tail[4..];
        }
        return ([.. compressed], [.. decompressed]);
    }

    private (int SizeBytes, long Next) ReadBlock(long position, byte[] raw, byte[] block)
    {
        var got = RandomAccess.Read(_handle, raw.AsSpan(0, MaxBlockBytes), position);
        var length = BlockLength(raw.AsSpan(0, got), out var payloadStart);
        if (length < 0 || length > got) throw Damaged(position);
        var trailer = raw.AsSpan(length - TrailerBytes, TrailerBytes);
        var size = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        if (size > MaxBlockBytes) throw Damaged(position);
        try
        {
            using var inflate = new DeflateStream(new MemoryStream(raw, payloadStart, length - TrailerBytes - payloadStart), CompressionMode.Decompress);
            var filled = inflate.ReadAtLeast(block.AsSpan(0, (int)size), (int)size, throwOnEndOfStream: false);
            if (filled != size || inflate.ReadByte() >= 0) throw Damaged(position);
        }
        catch (InvalidDataException)
        {
            throw Damaged(position);
        }
        if (Crc32.Compute(block.AsSpan(0, (int)size)) != BinaryPrimitives.ReadUInt32LittleEndian(trailer)) throw Damaged(position);
        return ((int)size, position + length);
    }

    private InputException Damaged(long position) => new("fasta-bgzf", "damaged BGZF block", Place(position));

    private InputPlace Place(long offsetBytes) => new(_path, 0, offsetBytes, "");
}
