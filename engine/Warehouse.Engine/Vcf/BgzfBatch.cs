using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Warehouse.Primitives;

namespace Warehouse.Engine.Vcf;

/// <summary>Some BGZF blocks that one thread inflates in one go. Reused; buffers are rented.</summary>
internal sealed class BgzfBatch : IDisposable
{
    /// <summary>Most decompressed bytes of a block.</summary>
    public const int MaxBlockBytes = 65_536;

    private const int MaxBlocks = 16;

    /// <summary>Most decompressed bytes of a batch.</summary>
    public const int MaxBytes = MaxBlocks * MaxBlockBytes;

    private const int TrailerBytes = 8;
    private readonly List<Block> _blocks = new(MaxBlocks);
    private byte[] _packed = ArrayPool<byte>.Shared.Rent(MaxBytes);
    private byte[] _plain = ArrayPool<byte>.Shared.Rent(MaxBytes);
    private int _packedBytes;
    private int _plainBytes;
    private int _taken;
    private string _name = "";
    private Task? _work;

    /// <summary>True when no more blocks should be added.</summary>
    public bool IsFull => _blocks.Count == MaxBlocks || FrameError is not null;

    /// <summary>What was wrong with the frame after the last block.</summary>
    public InputException? FrameError { get; set; }

    /// <summary>What follows the bytes of this batch, when it is not more bytes.</summary>
    public InputException? Error { get; private set; }

    /// <summary>Makes it empty.</summary>
    public void Clear()
    {
        _blocks.Clear();
        (_packedBytes, _plainBytes, _taken) = (0, 0, 0);
        (FrameError, Error, _work) = (null, null, null);
    }

    /// <summary>Copies one whole framed block in.</summary>
    public void Add(ReadOnlySpan<byte> block, int dataStart, string name, long fileOffset)
    {
        block.CopyTo(_packed.AsSpan(_packedBytes));
        _blocks.Add(new Block(_packedBytes + dataStart, block.Length - dataStart - TrailerBytes, fileOffset));
        _packedBytes += block.Length;
        _name = name;
    }

    /// <summary>Begins to inflate, here or on a pool thread.</summary>
    public void Start(bool inline)
    {
        if (inline) InflateAll(_plain);
        else _work = Task.Run(() => InflateAll(_plain));
    }

    /// <summary>Inflates here and now, straight to where the bytes are wanted; gives how many. There is nothing to take then.</summary>
    /// <param name="into">At least <see cref="MaxBytes"/>.</param>
    public int InflateInto(Span<byte> into)
    {
        InflateAll(into);
        return _taken = _plainBytes;
    }

    /// <summary>Waits until it is inflated.</summary>
    public void Finish()
    {
        _work?.GetAwaiter().GetResult();
        _work = null;
    }

    /// <summary>Hands out inflated bytes; 0 when there are no more.</summary>
    public int Take(Span<byte> into)
    {
        var count = Math.Min(into.Length, _plainBytes - _taken);
        _plain.AsSpan(_taken, count).CopyTo(into);
        _taken += count;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_packed);
        ArrayPool<byte>.Shared.Return(_plain);
        _packed = _plain = [];
    }

    private void InflateAll(Span<byte> plain)
    {
        foreach (var block in _blocks)
        {
            Error = InflateOne(block, plain);
            if (Error is not null) return;
        }
        Error = FrameError;
    }

    private InputException? InflateOne(Block block, Span<byte> plain)
    {
        var trailer = _packed.AsSpan(block.Start + block.Length, TrailerBytes);
        var size = (int)BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        var got = 0;
        try
        {
            using var inflate = new DeflateStream(new MemoryStream(_packed, block.Start, block.Length, writable: false), CompressionMode.Decompress);
            got = inflate.ReadAtLeast(plain.Slice(_plainBytes, size), size, throwOnEndOfStream: false);
            if (got == size && inflate.ReadByte() >= 0) got++;
        }
        catch (InvalidDataException)
        {
            return Damaged("bgzf-deflate", "the compressed data is damaged", block);
        }
        if (got != size) return Damaged("bgzf-isize", "the stated length of the BGZF block does not match its data", block);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != Crc32.Compute(plain.Slice(_plainBytes, size)))
            return Damaged("bgzf-crc", "the checksum of the BGZF block does not match its data", block);
        _plainBytes += size;
        return null;
    }

    private InputException Damaged(string code, string text, Block block) =>
        new(code, $"{text} (block at byte {block.FileOffset} of the file as stored)", new InputPlace(_name, 0, block.FileOffset, ""));

    private readonly record struct Block(int Start, int Length, long FileOffset);
}
