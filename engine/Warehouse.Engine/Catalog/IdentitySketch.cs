using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// What tells one person from another in a few hundred numbers: of the autosomal SNV alleles that a sample carries, those whose hash lies
/// below 2^(32 - <see cref="Level"/>), each with heterozygous or homozygous. The hash depends on contig, position, REF and ALT only, so joint
/// files, single files and gVCFs pick the same alleles. Genetic data of a person: withdrawn with it. Immutable, any thread. Layout:
/// <code>
/// level (one byte) | count | entries: the first, then differences      LEB128; entry = 2 * hash + (1 when homozygous)
/// </code>
/// </summary>
internal sealed class IdentitySketch
{
    /// <summary>Bits of a hash.</summary>
    public const int HashBits = 32;

    /// <summary>Entries of a sketch on average over the samples of a file; a sketch joined of several files has at most twice as many.</summary>
    public const int MeanEntries = 256;

    /// <summary>Most entries accepted from a stored sketch.</summary>
    private const int MaxEntries = 1 << 20;

    private const int MaxLevel = 24;
    /// <summary>Bytes of a signature.</summary>
    public const int Groups = 64;

    /// <summary>Where 0.8 of the alleles agree, 51 of 64 groups are expected to, and fewer than 40 once in 3,000 pairs.</summary>
    private const int LeastEqualGroups = 40;

    private readonly byte[] _signature = new byte[Groups];

    /// <summary>Takes ascending entries, all below the limit of the level.</summary>
    public IdentitySketch(int level, ulong[] entries)
    {
        Debug.Assert(level is >= 0 and <= MaxLevel);
        Debug.Assert(entries.Length == 0 || entries[^1] < LimitOf(level) << 1, "a sketch holds only hashes below its limit");
        (Level, Entries) = (level, entries);
        // The least entry of each of 64 groups of hashes, as one byte. It does not depend on the level as long as the group has an entry.
        for (var i = entries.Length - 1; i >= 0; i--) _signature[(entries[i] >> 1) % Groups] = (byte)((entries[i] * 0x9E3779B97F4A7C15) >> 56 | 1);
    }

    /// <summary>Nothing carried, or nothing kept.</summary>
    public static IdentitySketch Empty { get; } = new(0, []);

    /// <summary>How often the range of hashes was halved.</summary>
    public int Level { get; }

    /// <summary>Entries, ascending.</summary>
    public ulong[] Entries { get; }

    /// <summary>Hashes of a level are below this.</summary>
    public static ulong LimitOf(int level) => 1UL << (HashBits - level);

    /// <summary>Start of the hashes of a contig: FNV-1a of its canonical name.</summary>
    public static ulong SeedOf(string canonical)
    {
        var seed = 0xCBF29CE484222325;
        foreach (var c in canonical) seed = (seed ^ c) * 0x100000001B3;
        return seed;
    }

    /// <summary>Hash of an allele. Stored sketches hold it: it never changes.</summary>
    /// <param name="seed">Of the contig.</param>
    /// <param name="start">0-based.</param>
    /// <param name="reference">REF base, upper case.</param>
    /// <param name="alternate">ALT base, upper case.</param>
    public static ulong HashOf(ulong seed, int start, byte reference, byte alternate)
    {
        var x = seed ^ ((ulong)(uint)start << 16 | (ulong)reference << 8 | alternate);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return (x ^ (x >> 31)) >> (64 - HashBits);
    }

    /// <summary>The least entry of each group of hashes, as one byte; 0 for a group without.</summary>
    public ReadOnlySpan<byte> Signature => _signature;

    /// <summary>True when the two may be of one person: most groups have the same least entry. Costs nanoseconds; <see cref="SketchMatch"/> decides.</summary>
    public bool MayBe(IdentitySketch other) => other.Entries.Length >= SketchMatch.LeastAgreeing && MayBe(other._signature);

    /// <summary>The same of a sample of which only the signature is at hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool MayBe(ReadOnlySpan<byte> signature) => Entries.Length >= SketchMatch.LeastAgreeing && BitOperations.PopCount(Vector512.Equals(Vector512.Create(_signature), Vector512.Create(signature)).ExtractMostSignificantBits()) >= LeastEqualGroups;

    /// <summary>The sketch of two files of one sample.</summary>
    public static IdentitySketch Join(IdentitySketch a, IdentitySketch b)
    {
        if (a.Entries.Length == 0 && a.Level == 0) return b;
        if (b.Entries.Length == 0 && b.Level == 0) return a;
        var level = Math.Max(a.Level, b.Level);
        ulong[] all = [.. a.Entries.Concat(b.Entries).Order().DistinctBy(e => e >> 1)];
        while (CountBelow(all, level) > 2 * MeanEntries) level++;
        return new IdentitySketch(level, all[..CountBelow(all, level)]);
    }

    private static int CountBelow(ulong[] entries, int level)
    {
        var at = Array.BinarySearch(entries, LimitOf(level) << 1);
        return at < 0 ? ~at : at;
    }

    public void Write(ByteWriter to)
    {
        to.Byte((byte)Level);
        to.Var(Entries.Length);
        var before = 0UL;
        foreach (var entry in Entries)
        {
            to.Var(entry - before);
            before = entry;
        }
    }

    /// <exception cref="InvalidDataException">It is not what <see cref="Write"/> writes.</exception>
    public static IdentitySketch Read(ref ByteReader from)
    {
        int level = from.Byte();
        if (level > MaxLevel) throw new InvalidDataException("a sketch has an unknown level");
        var entries = new ulong[from.Count(Math.Min(MaxEntries, from.Remaining))];
        for (var (i, before) = (0, 0UL); i < entries.Length; i++) entries[i] = before = checked(before + from.Var());
        if (entries.Length > 0 && entries[^1] >= LimitOf(level) << 1) throw new InvalidDataException("a sketch has an entry above its limit");
        return entries.Length == 0 && level == 0 ? Empty : new IdentitySketch(level, entries);
    }
}
