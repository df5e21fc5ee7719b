using System.Buffers.Binary;
using Warehouse.Primitives;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// A gzip file (RFC 1952) of one or more members. Every header field is checked, every trailer compared; truncation, bytes
/// after the last member and reserved flags are refused. (The runtime's own gzip stream accepts all three in silence.)
/// <code>
/// 0 1f 8b | 2 08 | 3 flags | 4 mtime 4 | 8 xfl | 9 os | [extra: length 2, bytes] [name, 0] [comment, 0] [header crc 2]
/// deflate data | CRC-32 4 | length mod 2^32 4     (little endian)
/// </code>
/// </summary>
internal sealed class GzipInput(RawInput raw, long maxBytes) : DecodedInput(raw, maxBytes)
{
    private const int FlagHeaderCrc = 2;
    private const int FlagExtra = 4;
    private const int FlagName = 8;
    private const int FlagComment = 16;
    private const int FlagsReserved = 0xE0;
    private const int MostTextBytes = 1 << 16;
    private readonly RawInflater _inflater = new();
    private bool _inMember;
    private uint _crc;
    private uint _length;
    private uint _headerCrc;

    /// <inheritdoc/>
    protected override int ReadSome(Span<byte> into)
    {
        while (true)
        {
            if (!_inMember)
            {
                if (Raw.PeekSome().IsEmpty) return 0;
                BeginMember();
            }
            var some = Raw.PeekSome();
            if (some.IsEmpty) throw Truncated();
            var state = _inflater.Inflate(some, into, out var consumed, out var written);
            if (state == InflateState.Damaged) throw Raw.Damaged("gzip-deflate", "the compressed data is damaged", Raw.Offset + consumed);
            Raw.Skip(consumed);
            _crc = Crc32.Compute(into[..written], _crc);
            _length += (uint)written;
            if (state == InflateState.Ended) EndMember();
            if (written > 0) return written;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _inflater.Dispose();
        base.Dispose();
    }

    private void BeginMember()
    {
        var at = Raw.Offset;
        _headerCrc = 0;
        Span<byte> head = stackalloc byte[10];
        if (Raw.Peek(2) is not [0x1f, 0x8b]) throw Raw.Damaged("gzip-trailing", "bytes follow the last gzip member that are no gzip member", at);
        Take(head);
        if (head[2] != 8) throw Raw.Damaged("gzip-method", "the gzip member is not deflate compressed", at);
        var flags = head[3];
        if ((flags & FlagsReserved) != 0) throw Raw.Damaged("gzip-flags", "the gzip header has reserved flags", at);
        if ((flags & FlagExtra) != 0) SkipExtra();
        if ((flags & FlagName) != 0) SkipText();
        if ((flags & FlagComment) != 0) SkipText();
        if ((flags & FlagHeaderCrc) != 0) CheckHeader(at);
        _inflater.Reset();
        (_inMember, _crc, _length) = (true, 0, 0);
    }

    private void EndMember()
    {
        var at = Raw.Offset;
        Span<byte> trailer = stackalloc byte[8];
        Take(trailer);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != _crc) throw Raw.Damaged("gzip-crc", "the checksum does not match the data", at);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != _length) throw Raw.Damaged("gzip-length", "the stated length does not match the data", at + 4);
        _inMember = false;
    }

    private void SkipExtra()
    {
        Span<byte> two = stackalloc byte[2];
        Take(two);
        Span<byte> one = stackalloc byte[1];
        for (var left = BinaryPrimitives.ReadUInt16LittleEndian(two); left > 0; left--) Take(one);
    }

    private void SkipText()
    {
        Span<byte> one = stackalloc byte[1];
        for (var left = MostTextBytes; left > 0; left--)
        {
            Take(one);
            if (one[0] == 0) return;
        }
        throw Raw.Damaged("gzip-header", $"a name or comment in the gzip header is longer than the limit of {MostTextBytes} bytes", Raw.Offset);
    }

    private void CheckHeader(long at)
    {
        var expected = (ushort)_headerCrc;
        Span<byte> two = stackalloc byte[2];
        Take(two);
        if (BinaryPrimitives.ReadUInt16LittleEndian(two) != expected) throw Raw.Damaged("gzip-header-crc", "the checksum of the gzip header does not match", at);
    }

    private void Take(Span<byte> into)
    {
        var some = Raw.Peek(into.Length);
        if (some.Length < into.Length) throw Truncated();
        some.CopyTo(into);
        Raw.Skip(into.Length);
        _headerCrc = Crc32.Compute(into, _headerCrc);
    }

    private InputException Truncated() => Raw.Damaged("gzip-truncated", "the file ends inside a gzip member: it is truncated", Raw.BytesRead);
}
