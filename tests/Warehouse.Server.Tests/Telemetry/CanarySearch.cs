using System.IO.Compression;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>A token that was found.</summary>
internal readonly record struct CanaryHit(string Sink, string Place, long Offset, CanaryKind Kind, string Text, string Form);

/// <summary>
/// Finds all tokens in all their forms in one pass over some bytes (Aho and Corasick), and in what these bytes hold compressed (gzip and zlib,
/// also cut or damaged ones as far as they go).
/// </summary>
internal sealed class CanarySearch
{
    private const int MostInflatedBytes = 64 << 20, MostDepth = 3;

    private readonly List<(CanaryKind Kind, string Text, string Form)> _patterns = [];
    private readonly int[] _classOf = new int[256]; // 0 = in no pattern
    private readonly int[] _next; // state and class to state
    private readonly int[] _found; // state to pattern, -1 = none
    private readonly int[] _shorter; // state to the next state on its chain that has found one, 0 = none
    private readonly int _classes;

    /// <summary>Prepares to search for tokens.</summary>
    public CanarySearch(CanaryTokens tokens)
    {
        var all = tokens.All.SelectMany(t => CanaryTokens.Forms(t.Text).Select(f => (t.Kind, t.Text, f.Form, f.Bytes))).DistinctBy(p => Convert.ToHexString(p.Bytes)).ToList();
        foreach (var b in all.SelectMany(p => p.Bytes).Distinct()) _classOf[b] = ++_classes;
        _classes++;
        var most = all.Sum(p => p.Bytes.Length) + 1;
        (_next, _found, _shorter) = (new int[most * _classes], new int[most], new int[most]);
        _found.AsSpan().Fill(-1);
        var states = 1;
        foreach (var (kind, text, form, bytes) in all)
        {
            var state = 0;
            foreach (var b in bytes)
            {
                ref var to = ref _next[state * _classes + _classOf[b]];
                if (to == 0) to = states++;
                state = to;
            }
            _found[state] = _patterns.Count;
            _patterns.Add((kind, text, form));
        }
        Link(states);
    }

    /// <summary>What is found.</summary>
    public List<CanaryHit> Find(string sink, string place, byte[] bytes)
    {
        var hits = new List<CanaryHit>();
        Find(sink, place, bytes, 0, hits);
        return hits;
    }

    private void Find(string sink, string place, ReadOnlySpan<byte> bytes, int depth, List<CanaryHit> hits)
    {
        var state = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            state = _next[state * _classes + _classOf[bytes[i]]];
            for (var at = _found[state] >= 0 ? state : _shorter[state]; at != 0; at = _shorter[at])
            {
                var (kind, text, form) = _patterns[_found[at]];
                hits.Add(new(sink, place, i, kind, text, form));
            }
        }
        if (depth == MostDepth) return;
        for (var i = 0; i + 2 < bytes.Length; i++)
        {
            var packed = bytes[i..];
            if (packed is [0x1F, 0x8B, 8, ..]) Find(sink, place + " (gzip)", Inflate(packed, GzipHeader(packed), isZlib: false), depth + 1, hits);
            else if (packed is [0x78, 0x01 or 0x5E or 0x9C or 0xDA, ..]) Find(sink, place + " (zlib)", Inflate(packed, 0, isZlib: true), depth + 1, hits);
        }
    }

    /// <summary>States by their distance from the start, each with the longest other state that it ends with.</summary>
    private void Link(int states)
    {
        var suffix = new int[states];
        var open = new Queue<int>();
        for (var c = 0; c < _classes; c++)
            if (_next[c] != 0) open.Enqueue(_next[c]);
        while (open.TryDequeue(out var state))
        {
            for (var c = 0; c < _classes; c++)
            {
                ref var to = ref _next[state * _classes + c];
                var other = _next[suffix[state] * _classes + c];
                if (to == 0) to = other;
                else
                {
                    (suffix[to], _shorter[to]) = (other, _found[other] >= 0 ? other : _shorter[other]);
                    open.Enqueue(to);
                }
            }
        }
    }

    private static int GzipHeader(ReadOnlySpan<byte> packed)
    {
        var (at, flags) = (10, packed.Length > 3 ? packed[3] : 0);
        if ((flags & 4) != 0 && at + 1 < packed.Length) at += 2 + packed[at] + 256 * packed[at + 1];
        for (var text = 8; text <= 16; text *= 2)
            if ((flags & text) != 0) at += at < packed.Length ? packed[at..].IndexOf((byte)0) + 1 : 0;
        return at + ((flags & 2) != 0 ? 2 : 0);
    }

    private static byte[] Inflate(ReadOnlySpan<byte> packed, int header, bool isZlib)
    {
        if (header >= packed.Length) return [];
        using var source = new MemoryStream(packed[header..].ToArray());
        using Stream inflating = isZlib ? new ZLibStream(source, CompressionMode.Decompress) : new DeflateStream(source, CompressionMode.Decompress);
        var inflated = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            while (inflated.Length < MostInflatedBytes && inflating.Read(buffer) is > 0 and var count) inflated.Write(buffer, 0, count);
        }
        catch (InvalidDataException)
        {
            // Not compressed at all, or damaged: what came is looked into.
        }
        return inflated.ToArray();
    }
}
