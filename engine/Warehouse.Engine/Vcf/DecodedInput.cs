namespace Warehouse.Engine.Vcf;

/// <summary>Decompressed bytes of a file, in order; the text reader and the BCF reader both read from it. One reading thread. After an exception it is useless.</summary>
internal abstract class DecodedInput(RawInput raw, long maxBytes) : IDisposable
{
    private readonly byte[] _head = new byte[64];
    private int _headBytes;
    private int _headTaken;
    private long _bytes;

    /// <summary>The file as stored.</summary>
    public RawInput Raw { get; } = raw;

    /// <summary>Some of the next bytes; 0 at the end, which has been checked then.</summary>
    /// <exception cref="InputException">The file is damaged, or larger than its cap.</exception>
    public int Read(Span<byte> into)
    {
        if (_headTaken < _headBytes)
        {
            var some = Math.Min(into.Length, _headBytes - _headTaken);
            _head.AsSpan(_headTaken, some).CopyTo(into);
            _headTaken += some;
            return some;
        }
        var count = ReadSome(into);
        Count(count);
        return count;
    }

    /// <summary>
    /// Lends the next bytes where they lie, so that nobody copies them, with those given put before them. They are the borrower's, to change
    /// too, until the next call of anything here.
    /// </summary>
    /// <returns>False when there are none to lend: then Read tells.</returns>
    /// <exception cref="InputException">The file is damaged, or larger than its cap.</exception>
    public bool TryLend(ReadOnlySpan<byte> before, out ArraySegment<byte> lent)
    {
        lent = default;
        if (_headTaken < _headBytes || !TryLendSome(before, out lent)) return false;
        Count(lent.Count - before.Length);
        return true;
    }

    /// <summary>The first bytes (at most 64), without taking them: fewer only when there are no more. Call it before Read.</summary>
    public ReadOnlySpan<byte> PeekStart(int count)
    {
        while (_headBytes < count)
        {
            var got = ReadSome(_head.AsSpan(_headBytes));
            if (got == 0) break;
            _headBytes += got;
            _bytes += got;
        }
        return _head.AsSpan(0, Math.Min(count, _headBytes));
    }

    /// <summary>Fills the span as far as the input reaches.</summary>
    public int ReadFully(Span<byte> into)
    {
        var filled = 0;
        while (filled < into.Length)
        {
            var got = Read(into[filled..]);
            if (got == 0) break;
            filled += got;
        }
        return filled;
    }

    /// <inheritdoc/>
    public virtual void Dispose() => Raw.Dispose();

    /// <summary>The format's part of <see cref="Read"/>.</summary>
    protected abstract int ReadSome(Span<byte> into);

    /// <summary>The format's part of <see cref="TryLend"/>.</summary>
    protected virtual bool TryLendSome(ReadOnlySpan<byte> before, out ArraySegment<byte> lent)
    {
        lent = default;
        return false;
    }

    private void Count(int bytes)
    {
        _bytes += bytes;
        if (_bytes > maxBytes) throw Raw.Damaged("inflate-cap", $"decompressed size is above the limit of {maxBytes} bytes", Raw.Offset);
    }
}

/// <summary>A file that is not compressed.</summary>
internal sealed class PlainInput(RawInput raw) : DecodedInput(raw, long.MaxValue)
{
    /// <inheritdoc/>
    protected override int ReadSome(Span<byte> into) => Raw.Read(into);
}
