using System.Numerics;
using System.Security.Cryptography;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Audit;

/// <summary>
/// Hashes and proofs of an append-only Merkle tree (RFC 6962 = RFC 9162, SHA-256). A leaf is the hash of 0x00 and the entry, a node that of
/// 0x01 and its two children; n leaves are split at the largest power of two below n. Proofs are made from perfect subtrees, which a caller
/// gives (<see cref="Node"/> of a height and an index on it), and checked from nothing but themselves. Stateless.
/// </summary>
internal static class MerkleTree
{
    /// <summary>Hashes that a proof can have at most: sizes are below 2^63.</summary>
    internal const int MaxProofHashes = 126;

    /// <summary>The root of no leaf.</summary>
    internal static Digest Empty { get; } = Digest.Of([]);

    /// <summary>Hash of a perfect subtree: of <c>2^height</c> leaves, the index-th of its height.</summary>
    internal delegate Digest Subtree(int height, long index);

    /// <summary>Hash of an entry.</summary>
    internal static Digest Leaf(ReadOnlySpan<byte> entry)
    {
        Span<byte> to = stackalloc byte[Digest.SizeBytes];
        if (entry.Length < 4096)
        {
            Span<byte> bytes = stackalloc byte[entry.Length + 1];
            bytes[0] = 0;
            entry.CopyTo(bytes[1..]);
            SHA256.HashData(bytes, to);
            return Digest.Read(to);
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0]);
        hash.AppendData(entry);
        hash.GetHashAndReset(to);
        return Digest.Read(to);
    }

    /// <summary>Hash of two subtrees side by side.</summary>
    internal static Digest Node(Digest left, Digest right)
    {
        Span<byte> bytes = stackalloc byte[1 + (2 * Digest.SizeBytes)];
        bytes[0] = 1;
        left.Write(bytes[1..]);
        right.Write(bytes[(1 + Digest.SizeBytes)..]);
        return Digest.Of(bytes);
    }

    /// <summary>The root over the leaves [begin, end), where begin is a multiple of the smallest power of two that holds them.</summary>
    internal static Digest Root(long begin, long end, Subtree subtree)
    {
        var size = end - begin;
        if (size == 0) return Empty;
        if (BitOperations.IsPow2(size)) return subtree(BitOperations.Log2((ulong)size), begin / size);
        var split = begin + Split(size);
        return Node(Root(begin, split, subtree), Root(split, end, subtree));
    }

    /// <summary>Proof that a leaf is in the tree of a size: the audit path, from the leaf up.</summary>
    internal static List<Digest> ProveInclusion(long index, long size, Subtree subtree)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var path = new List<Digest>();
        var (begin, end) = (0L, size);
        while (end - begin > 1)
        {
            var split = begin + Split(end - begin);
            path.Add(index < split ? Root(split, end, subtree) : Root(begin, split, subtree));
            (begin, end) = index < split ? (begin, split) : (split, end);
        }
        path.Reverse();
        return path;
    }

    /// <summary>Proof that the tree of a size begins with that of an older one. Empty for no leaf and for equal sizes.</summary>
    internal static List<Digest> ProveConsistency(long oldSize, long size, Subtree subtree)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, size);
        var path = new List<Digest>();
        if (oldSize == 0 || oldSize == size) return path;
        var (begin, end, isWhole) = (0L, size, true);
        while (oldSize != end)
        {
            var split = begin + Split(end - begin);
            if (oldSize <= split)
            {
                path.Add(Root(split, end, subtree));
                end = split;
            }
            else
            {
                path.Add(Root(begin, split, subtree));
                (begin, isWhole) = (split, false);
            }
        }
        if (!isWhole) path.Add(Root(begin, end, subtree));
        path.Reverse();
        return path;
    }

    /// <summary>Whether a path proves that a leaf stands at an index of the tree with a size and a root (RFC 9162, 2.1.3.2).</summary>
    internal static bool HasInclusion((long Index, Digest Leaf) claimed, IReadOnlyList<Digest> path, long size, Digest root)
    {
        if (claimed.Index < 0 || claimed.Index >= size || path.Count > MaxProofHashes) return false;
        var (at, last, hash) = (claimed.Index, size - 1, claimed.Leaf);
        foreach (var other in path)
        {
            if (last == 0) return false;
            if ((at & 1) == 1 || at == last)
            {
                hash = Node(other, hash);
                while ((at & 1) == 0 && at != 0) (at, last) = (at >> 1, last >> 1);
            }
            else
            {
                hash = Node(hash, other);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        return last == 0 && hash == root;
    }

    /// <summary>Whether a path proves that the tree of a size begins with an older one (RFC 9162, 2.1.4.2).</summary>
    internal static bool HasConsistency((long Size, Digest Root) old, IReadOnlyList<Digest> path, long size, Digest root)
    {
        if (old.Size < 0 || old.Size > size || path.Count > MaxProofHashes) return false;
        if (old.Size == 0) return path.Count == 0 && old.Root == Empty;
        if (old.Size == size) return path.Count == 0 && old.Root == root;
        var (at, last, from) = (old.Size - 1, size - 1, 0);
        while ((at & 1) == 1) (at, last) = (at >> 1, last >> 1);
        // A power of two is a subtree of the new tree: its root is not in the path.
        Digest oldHash, hash;
        if (at == 0) oldHash = hash = old.Root;
        else if (path.Count == 0) return false;
        else (oldHash, hash, from) = (path[0], path[0], 1);
        for (var i = from; i < path.Count; i++)
        {
            if (last == 0) return false;
            if ((at & 1) == 1 || at == last)
            {
                (oldHash, hash) = (Node(path[i], oldHash), Node(path[i], hash));
                while ((at & 1) == 0 && at != 0) (at, last) = (at >> 1, last >> 1);
            }
            else
            {
                hash = Node(hash, path[i]);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        return last == 0 && oldHash == old.Root && hash == root;
    }

    /// <summary>The largest power of two below a size of at least two.</summary>
    private static long Split(long size) => 1L << BitOperations.Log2((ulong)size - 1);
}

/// <summary>
/// The right edge of a growing tree: perfect subtrees from the largest to the smallest, as the bits of its size. Enough to append and to know
/// the root. One thread.
/// </summary>
internal sealed class MerkleEdge
{
    private readonly List<(int Height, Digest Hash)> _subtrees = [];

    /// <summary>Leaves so far.</summary>
    internal long Size { get; private set; }

    /// <summary>Appends a perfect subtree; its height is at most that of the smallest one here.</summary>
    internal void Add(Digest hash, int height = 0)
    {
        if (Size % (1L << height) != 0) throw new ArgumentException("a larger subtree cannot follow a smaller one", nameof(height));
        Size += 1L << height;
        while (_subtrees.Count > 0 && _subtrees[^1].Height == height)
        {
            (hash, height) = (MerkleTree.Node(_subtrees[^1].Hash, hash), height + 1);
            _subtrees.RemoveAt(_subtrees.Count - 1);
        }
        _subtrees.Add((height, hash));
    }

    /// <summary>The root now.</summary>
    internal Digest Root()
    {
        if (_subtrees.Count == 0) return MerkleTree.Empty;
        var hash = _subtrees[^1].Hash;
        for (var i = _subtrees.Count - 2; i >= 0; i--) hash = MerkleTree.Node(_subtrees[i].Hash, hash);
        return hash;
    }

    /// <summary>The same tree, growing on its own.</summary>
    internal MerkleEdge Copy()
    {
        var copy = new MerkleEdge { Size = Size };
        copy._subtrees.AddRange(_subtrees);
        return copy;
    }
}
