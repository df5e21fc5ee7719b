namespace Warehouse.Simulation;

/// <summary>
/// Content of one file of a <see cref="SimDisk"/>: as the process sees it, and as it is on the platter. After a failed sync what was not
/// synced counts as clean, as on Linux: no later sync writes it. Copies share their bytes until one of them writes.
/// </summary>
internal sealed class SimNode
{
    private readonly List<(int From, int To)> _givenUp = [];
    private byte[] _seen = [], _kept = [];
    private int _keptLength, _dirtyFrom;
    private bool _isShared;

    internal required ulong Inode { get; init; }

    internal UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    internal bool HasWriter { get; set; }

    internal int Readers { get; set; }

    internal int Length { get; private set; }

    internal ReadOnlySpan<byte> Seen => _seen.AsSpan(0, Length);

    /// <summary>A file whose content is durable.</summary>
    internal static SimNode Durable(ulong inode, byte[] content) =>
        new() { Inode = inode, _seen = content, _kept = content, Length = content.Length, _keptLength = content.Length, _dirtyFrom = content.Length, _isShared = true };

    internal SimNode Copy()
    {
        var copy = new SimNode { Inode = Inode, Mode = Mode, _seen = _seen, _kept = _kept, Length = Length, _keptLength = _keptLength, _dirtyFrom = _dirtyFrom, _isShared = true };
        copy._givenUp.AddRange(_givenUp);
        return copy;
    }

    internal void Append(ReadOnlySpan<byte> bytes)
    {
        if (_isShared || Length + bytes.Length > _seen.Length) Own(Math.Max(Length + bytes.Length, Math.Min(2 * Length, Length + (1 << 20))));
        bytes.CopyTo(_seen.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Writes over what is there.</summary>
    internal void Overwrite(int at, ReadOnlySpan<byte> bytes)
    {
        Own(Length); // what is on the platter may be the same bytes
        bytes.CopyTo(_seen.AsSpan(at));
        _dirtyFrom = Math.Min(_dirtyFrom, at);
    }

    internal void Sync()
    {
        if (_givenUp.Count == 0) (_kept, _keptLength) = (_seen, Length);
        else
        {
            var kept = Seen.ToArray();
            foreach (var (from, to) in _givenUp) CopyKept(kept.AsSpan(from, to - from), from);
            (_kept, _keptLength) = (kept, Length);
        }
        _dirtyFrom = Length;
    }

    internal void GiveUp()
    {
        if (_dirtyFrom < Length) _givenUp.Add((_dirtyFrom, Length));
        _dirtyFrom = Length;
    }

    internal void LosePower(PowerLoss loss)
    {
        if (_givenUp.Count > 0 || _dirtyFrom < Length || _keptLength != Length)
        {
            var platter = Seen.ToArray();
            foreach (var (from, to) in _givenUp) CopyKept(platter.AsSpan(from, to - from), from);
            var first = Math.Min(_dirtyFrom, _givenUp.Count == 0 ? Length : _givenUp.Min(g => g.From)) / loss.PageBytes * loss.PageBytes;
            for (var at = first; at < Length; at += loss.PageBytes)
                if (!loss.HasPage()) CopyKept(platter.AsSpan(at, Math.Min(loss.PageBytes, Length - at)), at);
            _seen = platter[..loss.Length(_keptLength, Length)];
        }
        _givenUp.Clear();
        Length = _dirtyFrom = _keptLength = Math.Min(Length, _seen.Length);
        (_kept, _isShared) = (_seen, true);
    }

    /// <summary>What the platter has there; zeros behind its end.</summary>
    private void CopyKept(Span<byte> to, int from)
    {
        to.Clear();
        var taken = Math.Min(to.Length, _keptLength - from);
        if (taken > 0) _kept.AsSpan(from, taken).CopyTo(to);
    }

    private void Own(int capacity)
    {
        var own = new byte[capacity];
        Seen.CopyTo(own);
        (_seen, _isShared) = (own, false);
    }
}
