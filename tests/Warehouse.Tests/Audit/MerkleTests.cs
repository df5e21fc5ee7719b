using System.Text;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Sealing;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>The Merkle tree beside a naive twin that follows the recursive definition, and proofs that somebody changed.</summary>
public sealed class MerkleTests
{
    private const int FuzzedProofs = 1_000_000, FuzzedTrees = 500;

    [Theory]
    [InlineData(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(1, "956ae51bd3e285ccb826298dd523dd08824ce5579749994f2e0021737b9dd4b8")]
    [InlineData(3, "64b249c4e0606e3d9742c49bfd57cd1e3eb170f5ccefa26ea045ca193d64a75f")]
    [InlineData(4, "95669b376bc4e3544da09825e59ae202a35ac0fc5e5809a2ca63d81e89d17d6c")]
    [InlineData(7, "4cbd8e35849450400d4e9c4c0ae7f71c79ad4410f9ad2c624622ff5f8617313d")]
    public void Roots_are_those_of_other_implementations(int size, string root)
    {
        var leaves = Enumerable.Range(0, size).Select(i => MerkleTree.Leaf(Encoding.ASCII.GetBytes($"e{i}"))).ToArray();
        Assert.Equal(root, Naive(leaves).ToString());
        Assert.Equal(root, AuditFiles.RootOf(leaves).ToString());
        Assert.Equal(root, MerkleTree.Root(0, size, SubtreeOf(leaves)).ToString());
    }

    [Fact]
    public void Roots_and_proofs_of_every_size_to_seventy_are_those_of_the_recursive_definition()
    {
        var leaves = Leaves(70, 1);
        for (var size = 0; size <= 70; size++)
        {
            var (part, root) = (leaves[..size], Naive(leaves[..size]));
            var subtree = SubtreeOf(part);
            Assert.Equal(root, AuditFiles.RootOf(part));
            Assert.Equal(root, MerkleTree.Root(0, size, subtree));
            for (var i = 0; i < size; i++)
            {
                var path = MerkleTree.ProveInclusion(i, size, subtree);
                Assert.Equal(NaivePath(i, part), path);
                Assert.True(MerkleTree.HasInclusion((i, leaves[i]), path, size, root));
            }
            for (var old = 0; old <= size; old++)
            {
                var path = MerkleTree.ProveConsistency(old, size, subtree);
                if (old > 0 && old < size) Assert.Equal(NaiveSubproof(old, part, isWhole: true), path);
                Assert.True(MerkleTree.HasConsistency((old, Naive(leaves[..old])), path, size, root), $"{old} to {size}");
            }
        }
        Assert.Equal((3, 4), (MerkleTree.ProveInclusion(2, 7, SubtreeOf(leaves)).Count, MerkleTree.ProveConsistency(3, 7, SubtreeOf(leaves)).Count));
    }

    /// <summary>F76: a proof with another index, size (with its root or alone), leaf, root or hash is taken only where it is the true proof of what it then claims.</summary>
    [Fact]
    public void No_false_proof_of_a_million_is_taken()
    {
        const int seed = 20_261;
        var chance = new Random(seed);
        var (wrong, taken) = (0, 0);
        for (var tree = 0; tree < FuzzedTrees; tree++)
        {
            var leaves = Leaves(chance.Next(1, tree % 250 == 0 ? 300 : 48), chance.Next()); // those behind a first tile too
            var roots = Enumerable.Range(0, leaves.Length + 1).Select(n => AuditFiles.RootOf(leaves.AsSpan(0, n))).ToArray();
            var subtree = SubtreeOf(leaves);
            for (var i = 0; i < FuzzedProofs / FuzzedTrees; i++)
            {
                var (isTrue, isTaken) = i % 2 == 0 ? Inclusion(chance, leaves, roots, subtree) : Consistency(chance, leaves.Length, roots, subtree);
                if (isTrue != isTaken) wrong++;
                if (isTaken) taken++;
            }
        }
        Assert.True(wrong == 0 && taken is > 1000 and < FuzzedProofs / 2, $"seed {seed}: {wrong} judged wrongly, {taken} taken");
    }

    [Theory]
    [InlineData(0, 256, "tile/0/000")]
    [InlineData(1_234_067, 256, "tile/0/x001/x234/067")]
    [InlineData(999, 3, "tile/0/999.p/3")]
    public void Tiles_have_the_paths_of_the_specification(long tile, int width, string path) => Assert.Equal(path, TilePath.Of(0, tile, width));

    [Fact]
    public void Partial_tiles_are_as_wide_as_the_specification_says()
    {
        Assert.Equal([112, 17, 1, 0], Enumerable.Range(0, 4).Select(l => TilePath.PartialWidth(l, 70_000)));
        Assert.Equal([0, 1], Enumerable.Range(0, 2).Select(l => TilePath.PartialWidth(l, 256)));
        Assert.Equal("tile/entries/x001/000.p/7", TilePath.OfEntries(1000, 7));
    }

    internal static Digest[] Leaves(int count, int seed)
    {
        var chance = new Random(seed);
        var bytes = new byte[20];
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            chance.NextBytes(bytes);
            return MerkleTree.Leaf(bytes);
        })];
    }

    internal static MerkleTree.Subtree SubtreeOf(Digest[] leaves) => (height, index) => Naive(leaves.AsSpan((int)(index << height), 1 << height));

    /// <summary>On which side of its sister a leaf and what is above it hang, from the root down; by the recursive definition.</summary>
    private static IEnumerable<bool> Sides(long index, long size)
    {
        while (size > 1)
        {
            var left = 1L << (63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(size - 1)));
            var isRight = index >= left;
            yield return isRight;
            (index, size) = isRight ? (index - left, size - left) : (index, left);
        }
    }

    private static (bool IsTrue, bool IsTaken) Inclusion(Random chance, Digest[] leaves, Digest[] roots, MerkleTree.Subtree subtree)
    {
        var (size, root) = (leaves.Length, roots[^1]);
        var index = chance.Next(size);
        var (leaf, path) = (leaves[index], MerkleTree.ProveInclusion(index, size, subtree));
        switch (chance.Next(7))
        {
            case 6:
                // The size alone: a root is signed with its size, and what is not is taken where the leaf hangs in both trees by the same sides, and nowhere else.
                size = chance.Next(-1, (2 * leaves.Length) + 3);
                return (size > index && Sides(index, size).SequenceEqual(Sides(index, leaves.Length)), MerkleTree.HasInclusion((index, leaf), path, size, root));
            case 0: index = chance.Next(-1, size + 2); break;
            case 1: size = chance.Next(1, leaves.Length + 1); root = roots[size]; break;
            case 2: leaf = Changed(leaf, chance); break;
            case 3: root = Changed(root, chance); break;
            default: ChangePath(path, chance); break;
        }
        var isTrue = index >= 0 && index < size && root == roots[size] && leaf == leaves[index] && path.SequenceEqual(MerkleTree.ProveInclusion(index, size, subtree));
        return (isTrue, MerkleTree.HasInclusion((index, leaf), path, size, root));
    }

    private static (bool IsTrue, bool IsTaken) Consistency(Random chance, int most, Digest[] roots, MerkleTree.Subtree subtree)
    {
        var (old, size) = (chance.Next(most + 1), most);
        var (oldRoot, root, path) = (roots[old], roots[size], MerkleTree.ProveConsistency(old, size, subtree));
        switch (chance.Next(7))
        {
            case 6:
                // A tree that is smaller than the one before it, or has less than nothing.
                (old, size) = chance.Next(2) == 0 ? (old, chance.Next(-1, old)) : (chance.Next(2) == 0 ? -1 : size + 1 + chance.Next(9), size);
                return (false, MerkleTree.HasConsistency((old, oldRoot), path, size, root));
            case 0: old = chance.Next(most + 1); oldRoot = roots[old]; break;
            case 1: size = chance.Next(most + 1); root = roots[size]; break;
            case 2: oldRoot = Changed(oldRoot, chance); break;
            case 3: root = Changed(root, chance); break;
            default: ChangePath(path, chance); break;
        }
        var isTrue = old <= size && oldRoot == roots[old] && (root == roots[size] || old == 0) && path.SequenceEqual(MerkleTree.ProveConsistency(old, size, subtree));
        return (isTrue, MerkleTree.HasConsistency((old, oldRoot), path, size, root));
    }

    private static void ChangePath(List<Digest> path, Random chance)
    {
        var at = chance.Next(path.Count + 1);
        switch (chance.Next(4))
        {
            case 0 when path.Count > 0: path.RemoveAt(at % path.Count); break;
            case 1: path.Insert(at, new Digest((ulong)chance.NextInt64(), 1, 2, 3)); break;
            case 2 when path.Count > 1: (path[0], path[^1]) = (path[^1], path[0]); break;
            default:
                if (path.Count > 0) path[at % path.Count] = Changed(path[at % path.Count], chance);
                break;
        }
    }

    private static Digest Changed(Digest digest, Random chance)
    {
        var bytes = new byte[Digest.SizeBytes];
        digest.Write(bytes);
        bytes[chance.Next(32)] ^= (byte)(1 << chance.Next(8));
        return Digest.Read(bytes);
    }

    private static Digest Naive(ReadOnlySpan<Digest> leaves)
    {
        if (leaves.Length == 0) return Digest.Of([]);
        if (leaves.Length == 1) return leaves[0];
        var k = Split(leaves.Length);
        return MerkleTree.Node(Naive(leaves[..k]), Naive(leaves[k..]));
    }

    private static List<Digest> NaivePath(int index, Digest[] leaves)
    {
        if (leaves.Length == 1) return [];
        var k = Split(leaves.Length);
        return index < k ? [.. NaivePath(index, leaves[..k]), Naive(leaves[k..])] : [.. NaivePath(index - k, leaves[k..]), Naive(leaves[..k])];
    }

    private static List<Digest> NaiveSubproof(int old, Digest[] leaves, bool isWhole)
    {
        if (old == leaves.Length) return isWhole ? [] : [Naive(leaves)];
        var k = Split(leaves.Length);
        return old <= k ? [.. NaiveSubproof(old, leaves[..k], isWhole), Naive(leaves[k..])] : [.. NaiveSubproof(old - k, leaves[k..], isWhole: false), Naive(leaves[..k])];
    }

    private static int Split(int size)
    {
        var k = 1;
        while (k * 2 < size) k *= 2;
        return k;
    }
}
