using System.Buffers;
using System.Security.Cryptography;

namespace Warehouse.Engine.Segments;

/// <summary>
/// The open segments of a store and their decoded blocks, shared by its sessions: a second question, a second session and the scans of one
/// question find them warm. Segments are told apart by file name, and files are written once, so what is here never grows stale.
/// Bounded: decoded blocks by <see cref="DefaultMaxBytes"/> (blocks that a scan holds are its own until it lets go), open files that no
/// session uses by <see cref="MostIdleSegments"/>; what was used least recently goes first. A file that the newest version no longer
/// names closes with its last session. Any thread.
/// </summary>
internal sealed class SegmentPool : IDisposable
{
    /// <summary>Decoded bytes kept: 256 MiB.</summary>
    public const long DefaultMaxBytes = 256L << 20;

    /// <summary>Open segments kept while no session uses them.</summary>
    public const int MostIdleSegments = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, OpenSegment> _segments = new(StringComparer.Ordinal);
    private readonly LinkedList<OpenSegment> _idle = [];
    private readonly Dictionary<BlockInfo, LinkedListNode<WarmBlock>> _blocks = [];
    private readonly LinkedList<WarmBlock> _byUse = [];
    private readonly Dictionary<string, WeakReference<SiteTable>> _sites = new(StringComparer.Ordinal);
    private Predicate<string> _isCurrent = _ => true;
    private int _prunedSites;
    private long _maxBytes = DefaultMaxBytes;

    private sealed class OpenSegment(string file, Segment segment)
    {
        public string File => file;

        public Segment Segment => segment;

        public int Users { get; set; }
    }

    private sealed class WarmBlock(Block block)
    {
        public Block Block => block;

        public long Bytes { get; set; }
    }

    /// <summary>Decoded bytes held now.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>Files open now.</summary>
    public int OpenFiles => _segments.Count;

    /// <summary>Sets another bound of decoded bytes.</summary>
    public void Bound(long maxBytes)
    {
        lock (_gate)
        {
            _maxBytes = maxBytes;
            Shrink();
        }
    }

    /// <summary>A segment, opened now or before; give it back with <see cref="Release"/>.</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="open">Opens it, under the lock of the pool.</param>
    public Segment Acquire(string file, Func<Segment> open)
    {
        lock (_gate)
        {
            if (!_segments.TryGetValue(file, out var known)) _segments.Add(file, known = new OpenSegment(file, open()));
            else if (known.Users == 0) _idle.Remove(known);
            known.Users++;
            return known.Segment;
        }
    }

    /// <summary>Gives a segment back; it may be closed then, or serve others.</summary>
    public void Release(string file)
    {
        lock (_gate)
        {
            var known = _segments[file];
            if (--known.Users > 0) return;
            _idle.AddLast(known);
            CloseIdle(_idle.Count > MostIdleSegments ? _idle.First!.Value : null);
        }
    }

    /// <summary>Says which files the newest version names: the others are closed as soon as no session uses them.</summary>
    public void KeepOnly(Predicate<string> isCurrent)
    {
        lock (_gate)
        {
            _isCurrent = isCurrent;
            CloseIdle(null);
        }
    }

    /// <summary>Closes what nobody uses; segments that sessions still hold close with them.</summary>
    public void Dispose() => KeepOnly(_ => false);

    /// <summary>The block of a segment of this pool, as decoded so far.</summary>
    internal Block BlockOf(Segment segment, BlockInfo info)
    {
        lock (_gate)
        {
            if (_blocks.TryGetValue(info, out var node))
            {
                _byUse.Remove(node);
                _byUse.AddLast(node);
            }
            else _blocks.Add(info, node = _byUse.AddLast(new WarmBlock(new Block(segment, info))));
            return node.Value.Block;
        }
    }

    /// <summary>Notes that a block decoded something; other blocks may be let go for it.</summary>
    internal void Grew(BlockInfo info, long bytes)
    {
        lock (_gate)
        {
            if (!_blocks.TryGetValue(info, out var node)) return; // let go meanwhile: only its scan holds it
            node.Value.Bytes += bytes;
            HeldBytes += bytes;
            Shrink();
        }
    }

    /// <summary>
    /// The site table of a packed stream. Equal streams give one object: the panels of a file have the same sites, and a scan sees that
    /// by comparing references. The table is counted with the block that decoded it.
    /// </summary>
    internal (SiteTable Table, bool IsNew) Sites(ReadOnlySpan<byte> packed)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(packed, digest);
        var key = Convert.ToHexString(digest);
        lock (_gate)
            if (_sites.TryGetValue(key, out var known) && known.TryGetTarget(out var shared)) return (shared, false);
        var table = DecodeSites(packed);
        lock (_gate)
        {
            if (_sites.TryGetValue(key, out var known) && known.TryGetTarget(out var shared)) return (shared, false);
            if (_sites.Count > 2 * _prunedSites + 64)
            {
                foreach (var (old, table0) in _sites)
                    if (!table0.TryGetTarget(out _)) _sites.Remove(old);
                _prunedSites = _sites.Count;
            }
            _sites[key] = new WeakReference<SiteTable>(table);
            return (table, true);
        }
    }

    internal static SiteTable DecodeSites(ReadOnlySpan<byte> packed)
    {
        var rented = ArrayPool<byte>.Shared.Rent(PackedStream.RawLength(packed));
        try
        {
            return SiteTableCodec.Decode(PackedStream.Unpack(packed, rented));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void CloseIdle(OpenSegment? oldest)
    {
        for (var node = _idle.First; node is not null;)
        {
            var (known, next) = (node.Value, node.Next);
            if (known == oldest || !_isCurrent(known.File))
            {
                _idle.Remove(node);
                _segments.Remove(known.File);
                foreach (var info in known.Segment.Blocks) Forget(info);
                known.Segment.Dispose();
            }
            node = next;
        }
    }

    private void Shrink()
    {
        while (HeldBytes > _maxBytes) Forget(_byUse.First!.Value.Block.Info);
    }

    private void Forget(BlockInfo info)
    {
        if (!_blocks.Remove(info, out var node)) return;
        _byUse.Remove(node);
        HeldBytes -= node.Value.Bytes;
    }
}
