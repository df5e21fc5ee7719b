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

    /// <summary>Bytes kept free before them: for what is left of the batch before, so that a line that begins there need not be put together elsewhere.</summary>
    public const int RoomBytes = MaxBytes;

    private const int TrailerBytes = 8;
    private readonly List<Block> _blocks = new(MaxBlocks);
    private byte[] _packed = ArrayPool<byte>.Shared.Rent(MaxBytes);
    private byte[] _plain = ArrayPool<byte>.Shared.Rent(RoomBytes + MaxBytes);
    private int _packedBytes;
    private int _plainBytes;
    private int _taken;
    private string _name = "";
    private Errand _work = Errand.None;

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
        (FrameError, Error) = (null, null);
    }

    /// <summary>Copies one whole framed block in.</summary>
    public void Add(ReadOnlySpan<byte> block, int dataStart, string name, long fileOffset)
    {
        block.CopyTo(_packed.AsSpan(_packedBytes));
        _blocks.Add(new Block(_packedBytes + dataStart, block.Length - dataStart - TrailerBytes, fileOffset));
        _packedBytes += block.Length;
        _name = name;
    }

    /// <summary>True when its bytes are there.</summary>
    public bool IsInflated => _work.IsDone;

    /// <summary>Leaves it to a pool thread to inflate it.</summary>
    public void Start() => _work = Errand.Start(InflateAll);

    /// <summary>Inflates it here if nobody has begun.</summary>
    public bool TryInflate() => _work.TryDo();

    /// <summary>Inflates it here if nobody has begun, else waits.</summary>
    public void Finish() => _work.Finish();

    /// <summary>Inflates it here; it was not started.</summary>
    public void Inflate() => InflateAll();

    /// <summary>Waits for who inflates it; nobody will begin any more.</summary>
    public void Abandon() => _work.Abandon();

    /// <summary>Hands out inflated bytes; 0 when there are no more.</summary>
    public int Take(Span<byte> into)
    {
        var count = Math.Min(into.Length, _plainBytes - _taken);
        _plain.AsSpan(RoomBytes + _taken, count).CopyTo(into);
        _taken += count;
        return count;
    }

    /// <summary>Hands out all that are left where they lie, with what comes before them put before them.</summary>
    /// <param name="before">At most <see cref="RoomBytes"/>.</param>
    public ArraySegment<byte> Lend(ReadOnlySpan<byte> before)
    {
        var start = RoomBytes + _taken - before.Length;
        before.CopyTo(_plain.AsSpan(start));
        var lent = new ArraySegment<byte>(_plain, start, RoomBytes + _plainBytes - start);
        _taken = _plainBytes;
        return lent;
    }

    /// <summary>True when all has been handed out.</summary>
    public bool IsTaken => _taken == _plainBytes;

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_packed);
        ArrayPool<byte>.Shared.Return(_plain);
        _packed = _plain = [];
    }

    private void InflateAll()
    {
        var plain = _plain.AsSpan(RoomBytes);
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
#if PLANTED_IGNORED_CHECKSUM
        if (size > MaxBlockBytes)
#else
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != Crc32.Compute(plain.Slice(_plainBytes, size)))
#endif
            return Damaged("bgzf-crc", "the checksum of the BGZF block does not match its data", block);
        _plainBytes += size;
        return null;
    }

    private InputException Damaged(string code, string text, Block block) =>
        new(code, $"{text} (block at byte {block.FileOffset} of the file as stored)", new InputPlace(_name, 0, block.FileOffset, ""));

    private readonly record struct Block(int Start, int Length, long FileOffset);
}
