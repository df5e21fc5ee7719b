using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Warehouse.Rpc.Server;

/// <summary>
/// Reads along with what a client sends and counts the frames of HTTP/2 that ask for nothing and cost an answer or a look all the same: pings (1), frames of
/// data without any, of priority and of unknown types (10), settings (100). Who sends more of them than a budget has, half of which comes back each second, is
/// cut off. Clients ping to measure how far away the other side is, so pings are cheap; nobody has to send settings twice. Windows are not counted: they go
/// with what is read, and are answered by nothing. Frames as in RFC 9113, 4.1 and 6. One reader at a time.
/// </summary>
/// <param name="input">What comes, in clear text, from the preface on.</param>
/// <param name="budget">What the frames may cost at once.</param>
/// <param name="cut">Ends the connection; called once.</param>
/// <param name="clock">Tells when some of the budget has come back.</param>
internal sealed class FrameWatch(PipeReader input, int budget, Action cut, TimeProvider clock) : PipeReader
{
    private const int PrefaceBytes = 24, HeaderBytes = 9;
    private const byte Data = 0, Priority = 2, Settings = 4, Ping = 6, LastKnown = 9, Answer = 1, EndStream = 1;

    private readonly byte[] _header = new byte[HeaderBytes];
    private int _headerBytes;
    private long _skip = PrefaceBytes;
    private ReadOnlySequence<byte> _buffer;
    private long _seen; // bytes of the buffer that were looked at
    private double _left = budget;
    private long _at = clock.GetTimestamp();
    private bool _isCut;

    public override bool TryRead(out ReadResult result)
    {
        var isThere = input.TryRead(out result);
        if (isThere) Look(result.Buffer);
        return isThere;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = input.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully) return LaterAsync(reading);
        var result = reading.Result;
        Look(result.Buffer);
        return new(result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _seen -= _buffer.Slice(_buffer.Start, consumed).Length;
        _buffer = default;
        input.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => input.CancelPendingRead();

    public override void Complete(Exception? exception = null) => input.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => input.CompleteAsync(exception);

    private async ValueTask<ReadResult> LaterAsync(ValueTask<ReadResult> reading)
    {
        var result = await reading.ConfigureAwait(false);
        Look(result.Buffer);
        return result;
    }

    private void Look(ReadOnlySequence<byte> buffer)
    {
        _buffer = buffer;
        if (buffer.Length <= _seen) return;
        foreach (var part in buffer.Slice(_seen)) Look(part.Span);
        _seen = buffer.Length;
        if (_left >= 0 || _isCut) return;
        _isCut = true;
        cut();
    }

    private void Look(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var skipped = (int)Math.Min(_skip, bytes.Length);
            _skip -= skipped;
            bytes = bytes[skipped..];
            var taken = Math.Min(HeaderBytes - _headerBytes, bytes.Length);
            bytes[..taken].CopyTo(_header.AsSpan(_headerBytes));
            _headerBytes += taken;
            bytes = bytes[taken..];
            if (_headerBytes < HeaderBytes) return;
            _headerBytes = 0;
            _skip = BinaryPrimitives.ReadInt32BigEndian(_header) >>> 8; // 24 bits of length, then the type
            Charge(_header[3], _header[4]);
        }
    }

    private void Charge(byte type, byte flags)
    {
        var cost = type switch
        {
            Data => _skip == 0 && (flags & EndStream) == 0 ? 10 : 0,
            Ping => (flags & Answer) == 0 ? 1 : 0,
            Settings => (flags & Answer) == 0 ? 100 : 0,
            Priority or > LastKnown => 10,
            _ => 0,
        };
        if (cost == 0) return;
        var now = clock.GetTimestamp();
        _left = Math.Min(budget, _left + (clock.GetElapsedTime(_at, now).TotalSeconds * budget / 2)) - cost;
        _at = now;
    }
}
