using System.Buffers.Binary;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// A BGZF file: gzip members of at most 64 KiB that state their length, so that they inflate in parallel.
/// The last block must be the 28-byte end marker; without it the file was truncated between blocks. Order and errors do not
/// depend on the number of threads: an error comes out after all bytes before it.
/// <code>
/// 0 1f 8b 08 04 | 4 mtime 4 | 8 xfl | 9 os | 10 extra length XLEN 2 | 12 subfields: 'B' 'C' 2 0 BSIZE 2 (block length - 1)
/// 12+XLEN deflate data | CRC-32 4 | ISIZE 4, at most 65536     (little endian)
/// </code>
/// </summary>
internal sealed class BgzfInput(RawInput raw, long maxBytes, int threads) : DecodedInput(raw, maxBytes)
{
    private const int FixedHeaderBytes = 12;
    private const int TrailerBytes = 8;

    /// <summary>Batches under way beside one per thread: 2 MiB each, packed and inflated, and as much of the room before them as a line takes.</summary>
    public const int BatchesAhead = 6;

    private readonly Queue<BgzfBatch> _inFlight = new();
    private readonly Stack<BgzfBatch> _free = new();
    private BgzfBatch? _current;
    private bool _ended;
    private bool _lastWasEndMarker;

    private static ReadOnlySpan<byte> EndMarker =>
        [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>True when the file begins like a BGZF block.</summary>
    public static bool Begins(RawInput raw)
    {
        var head = raw.Peek(FixedHeaderBytes);
        if (head.Length < FixedHeaderBytes || head is not [0x1f, 0x8b, 8, 4, ..]) return false;
        var extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(head[10..]);
        return BlockBytes(raw.Peek(FixedHeaderBytes + extraBytes)[FixedHeaderBytes..]) > 0;
    }

    /// <inheritdoc/>
    protected override int ReadSome(Span<byte> into)
    {
        while (_current is null or { IsTaken: true })
        {
            if (Next() is not { } next) return 0;
            MoveTo(next);
        }
        return _current.Take(into);
    }

    /// <inheritdoc/>
    protected override bool TryLendSome(ReadOnlySpan<byte> before, out ArraySegment<byte> lent)
    {
        lent = default;
        if (before.Length > BgzfBatch.RoomBytes) return false;
        if (_current is { IsTaken: false } rest)
        {
            lent = rest.Lend(before);
            return true;
        }
        while (Next() is { } next)
        {
            if (!next.IsTaken)
            {
                // The batch before is free for new bytes only now: those that are put before these may lie there.
                lent = next.Lend(before);
                MoveTo(next);
                return true;
            }
            _free.Push(next);
            if (next.Error is { } error) throw error;
        }
        return false;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var batch in _inFlight) batch.Abandon();
        foreach (var batch in _inFlight.Concat(_free)) batch.Dispose();
        _current?.Dispose();
        _inFlight.Clear();
        _free.Clear();
        _current = null;
        base.Dispose();
    }

    /// <summary>The batch after the current one, inflated; null at the end of the file.</summary>
    private BgzfBatch? Next()
    {
        if (_current?.Error is { } error) throw error;
        if (threads <= 1)
        {
            if (_ended) return null;
            var alone = Collect();
            alone.Inflate();
            return alone;
        }
        Dispatch();
        if (!_inFlight.TryDequeue(out var batch)) return null;
        if (batch.TryInflate()) return batch;
        // Somebody is at it: meanwhile those behind it.
        foreach (var behind in _inFlight)
        {
            if (batch.IsInflated) break;
            behind.TryInflate();
        }
        batch.Finish();
        return batch;
    }

    private void MoveTo(BgzfBatch next)
    {
        if (_current is { } used) _free.Push(used);
        _current = next;
    }

    /// <summary>
    /// Keeps one batch per thread and some more under way, refilled when half of them are used up, because to wake a thread for every
    /// batch costs more than the batch.
    /// </summary>
    private void Dispatch()
    {
        var most = threads + BatchesAhead;
        if (_inFlight.Count > most / 2) return;
        while (!_ended && _inFlight.Count < most)
        {
            var batch = Collect();
            batch.Start();
            _inFlight.Enqueue(batch);
        }
    }

    /// <summary>A batch of the next blocks, not inflated yet.</summary>
    private BgzfBatch Collect()
    {
        var batch = _free.Count > 0 ? _free.Pop() : new BgzfBatch();
        batch.Clear();
        while (!_ended && !batch.IsFull) AddBlock(batch);
        return batch;
    }

    private void AddBlock(BgzfBatch batch)
    {
        var at = Raw.Offset;
        if (Raw.PeekSome().IsEmpty)
        {
            _ended = true;
#if PLANTED_TRUNCATION_TAKEN
            if (at == 0) batch.FrameError = Raw.Damaged("bgzf-no-end", "the file does not end with the BGZF end marker: it is truncated", at);
#else
            if (!_lastWasEndMarker) batch.FrameError = Raw.Damaged("bgzf-no-end", "the file does not end with the BGZF end marker: it is truncated", at);
#endif
            return;
        }
        if (Frame(out var dataStart, out var fault) is not { } block)
        {
            _ended = true;
            batch.FrameError = Raw.Damaged(fault.Code, fault.Text, at);
            return;
        }
        _lastWasEndMarker = Raw.Peek(block).SequenceEqual(EndMarker);
        batch.Add(Raw.Peek(block), dataStart, Raw.Name, at);
        Raw.Skip(block);
    }

    /// <summary>Checks the header of the next block and that it is whole; its length, or null and why.</summary>
    private int? Frame(out int dataStart, out (string Code, string Text) fault)
    {
        dataStart = 0;
        fault = ("bgzf-truncated", "the file ends inside a BGZF block: it is truncated");
        var head = Raw.Peek(FixedHeaderBytes);
        if (head.Length < FixedHeaderBytes) return null;
        if (head is not [0x1f, 0x8b, 8, 4, ..])
        {
            fault = ("bgzf-header", "the next bytes are no BGZF block");
            return null;
        }
        dataStart = FixedHeaderBytes + BinaryPrimitives.ReadUInt16LittleEndian(head[10..]);
        var whole = Raw.Peek(dataStart);
        if (whole.Length < dataStart) return null;
        var blockBytes = BlockBytes(whole[FixedHeaderBytes..]);
        if (blockBytes <= dataStart + TrailerBytes)
        {
            fault = ("bgzf-size", "the BGZF block does not state its length, or one that cannot be");
            return null;
        }
        var block = Raw.Peek(blockBytes);
        if (block.Length < blockBytes) return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(block[^4..]) <= BgzfBatch.MaxBlockBytes) return blockBytes;
        fault = ("bgzf-isize", "the BGZF block states more than 65536 bytes");
        return null;
    }

    /// <summary>Block length from the extra field; 0 when there is no BC subfield or the subfields do not fit.</summary>
    private static int BlockBytes(ReadOnlySpan<byte> extra)
    {
        var found = 0;
        while (extra.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (extra.Length < 4 + length) return 0;
            if (extra[0] == 'B' && extra[1] == 'C')
            {
                if (length != 2 || found != 0) return 0;
                found = BinaryPrimitives.ReadUInt16LittleEndian(extra[4..]) + 1;
            }
            extra = extra[(4 + length)..];
        }
        return extra.IsEmpty ? found : 0;
    }
}
