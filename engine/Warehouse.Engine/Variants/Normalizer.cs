using System.Diagnostics;
using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>What the reference says about a record's REF.</summary>
public enum RefMatch
{
    /// <summary>No reference, or none for this contig.</summary>
    Unknown,

    /// <summary>REF is what the reference has there (IUPAC codes of the reference reduced).</summary>
    Match,

    /// <summary>REF differs, or lies beyond the end of the contig.</summary>
    Mismatch,
}

/// <summary>A normalised allele: slices of what was handed in, or of the normaliser's buffer; true until its next call.</summary>
public readonly ref struct NormalizedAllele
{
    internal NormalizedAllele(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        Start = start;
        Ref = reference;
        Alt = alternate;
    }

    /// <summary>0-based position of the first base of <see cref="Ref"/>.</summary>
    public int Start { get; }

    /// <summary>Reference bases, upper case.</summary>
    public ReadOnlySpan<byte> Ref { get; }

    /// <summary>Alternate bases, upper case.</summary>
    public ReadOnlySpan<byte> Alt { get; }
}

/// <summary>
/// The one definition of "the same variant": shortest form, leftmost where the reference is known (Tan, Abecasis and Kang 2015).
/// Shared last bases go while both alleles keep one; an indel then walks left while its last base equals the base before it, never past
/// the first base of the contig, where the padding stands behind; shared first bases go last. Without a reference, or for a contig that
/// it lacks, alleles are only trimmed. Only plain bases may be handed in; everything else keeps its spelling.
/// One thread: the left shift uses a buffer of its own.
/// </summary>
public sealed class Normalizer
{
    /// <summary>Changes whenever any allele would come out differently; answers and stores name it.</summary>
    public const int Version = 1;

    private readonly ReferenceGenome? _reference;
    private byte[] _upper = new byte[256];
    private byte[] _shifted = new byte[256];

    /// <summary>Makes one for a thread.</summary>
    /// <param name="reference">The reference sequence, or null to trim only.</param>
    public Normalizer(ReferenceGenome? reference) => _reference = reference;

    /// <summary>The reference sequence; null when alleles are only trimmed.</summary>
    public ReferenceGenome? Reference => _reference;

    /// <summary>True when alleles of this canonical contig are left-aligned, not only trimmed.</summary>
    public bool Aligns(string canonicalContig) => _reference is not null && _reference.Has(canonicalContig);

    /// <summary>Compares REF of a record with the reference.</summary>
    /// <param name="canonicalContig">Canonical contig.</param>
    /// <param name="start">0-based.</param>
    /// <param name="reference">REF as written, any case.</param>
    public RefMatch CheckRef(string canonicalContig, int start, ReadOnlySpan<byte> reference)
    {
        if (_reference?.Length(canonicalContig) is not { } length) return RefMatch.Unknown;
        if (start < 0 || reference.Length > length - start) return RefMatch.Mismatch;
        var bases = _reference.Bases(canonicalContig, start, start + reference.Length);
        if (bases.SequenceEqual(reference)) return RefMatch.Match;
        for (var i = 0; i < bases.Length; i++)
        {
            var written = (byte)(reference[i] & ~0x20);
            if (written != bases[i] && written != ReferenceGenome.Reduce(bases[i])) return RefMatch.Mismatch;
        }
        return RefMatch.Match;
    }

    /// <summary>Normalises one biallelic allele. Allocates nothing when it is normal already or only needs trimming.</summary>
    /// <param name="canonicalContig">Canonical contig.</param>
    /// <param name="start">0-based position of the first reference base.</param>
    /// <param name="reference">REF: plain bases, any case, at least one. The caller has compared it with the reference.</param>
    /// <param name="alternate">ALT: plain bases, any case, at least one.</param>
    public NormalizedAllele Normalize(string canonicalContig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        Debug.Assert(!reference.IsEmpty, "REF has a base");
        Debug.Assert(!alternate.IsEmpty, "ALT has a base");
        if (reference.ContainsAnyInRange((byte)'a', (byte)'z') || alternate.ContainsAnyInRange((byte)'a', (byte)'z'))
        {
            var upper = Room(ref _upper, reference.Length + alternate.Length);
            Ascii.ToUpper(reference, upper, out _);
            Ascii.ToUpper(alternate, upper[reference.Length..], out _);
            alternate = upper[reference.Length..];
            reference = upper[..reference.Length];
        }
        var (r, a) = (reference.Length, alternate.Length);
        while (r > 1 && a > 1 && reference[r - 1] == alternate[a - 1]) (r, a) = (r - 1, a - 1);
        var sameEnd = reference[r - 1] == alternate[a - 1];
        if (sameEnd && r == a) return new NormalizedAllele(start + reference.Length - 1, reference[^1..], alternate[^1..]);   // REF equals ALT: no change
        reference = reference[..r];
        alternate = alternate[..a];
        if (sameEnd && start > 0 && _reference?.Length(canonicalContig) >= start) return ShiftLeft(canonicalContig, start, reference, alternate);
        var shared = Math.Min(reference.CommonPrefixLength(alternate), Math.Min(r, a) - 1);
        return new NormalizedAllele(start + shared, reference[shared..], alternate[shared..]);
    }

    /// <summary>Normalises an allele that a user asks for, checking it first.</summary>
    /// <param name="canonicalContig">Canonical contig.</param>
    /// <param name="start">0-based position of the first reference base.</param>
    /// <param name="reference">Reference bases.</param>
    /// <param name="alternate">Alternate bases.</param>
    /// <exception cref="InputException">Not plain bases, no change, outside the contig, or REF differs from the reference.</exception>
    public Variant Normalize(string canonicalContig, int start, string reference, string alternate)
    {
        var (r, a) = (Encoding.UTF8.GetBytes(reference), Encoding.UTF8.GetBytes(alternate));
        if (AlleleKinds.Classify(r) != AlleleKind.Bases) throw Bad("variant-bases", $"REF must be bases ACGTN, found {InputException.Quote(r)}");
        if (AlleleKinds.Classify(a) != AlleleKind.Bases) throw Bad("variant-bases", $"ALT must be bases ACGTN, found {InputException.Quote(a)}");
        if (start < 0) throw Bad("variant-position", "positions start at 1");
        if (Ascii.EqualsIgnoreCase(r, a)) throw Bad("variant-same", $"REF and ALT are both {InputException.Quote(r)}: this is no change");
        RequireRef(canonicalContig, start, r);
        var normal = Normalize(canonicalContig, start, r, a);
        return Variant.FromNormalized(canonicalContig, normal.Start, Encoding.ASCII.GetString(normal.Ref), Encoding.ASCII.GetString(normal.Alt));
    }

    /// <summary>One allele is a single base, both end in it. The inserted or deleted bases turn like a wheel as the allele walks left.</summary>
    private NormalizedAllele ShiftLeft(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var deletes = reference.Length > 1;
        var wheel = (deletes ? reference : alternate)[..^1];
        Debug.Assert(wheel.Length > 0, "an indel inserts or deletes a base");
        var turns = 0;
        var last = wheel.Length - 1;
        var at = start - 1;
        ReadOnlySpan<byte> bases = _reference!.BasesBefore(contig, start);
        var basesStart = start - bases.Length;
        var padding = ReferenceGenome.Reduce(bases[^1]);
#if PLANTED_SHIFT_STOPS_EARLY
        while (at > 1 && padding == wheel[last])
#else
        while (at > 0 && padding == wheel[last])
#endif
        {
            turns++;
            last = last == 0 ? wheel.Length - 1 : last - 1;
            if (--at < basesStart)
            {
                bases = _reference.BasesBefore(contig, at + 1);
                basesStart = at + 1 - bases.Length;
            }
            padding = ReferenceGenome.Reduce(bases[at - basesStart]);
        }
        var turn = turns % wheel.Length;
        var longer = Room(ref _shifted, wheel.Length + 1);
        longer[0] = padding;
        wheel[^turn..].CopyTo(longer[1..]);
        wheel[..^turn].CopyTo(longer[(1 + turn)..]);
        return deletes ? new NormalizedAllele(at, longer, longer[..1]) : new NormalizedAllele(at, longer[..1], longer);
    }

    /// <summary>Refuses reference bases that are not in the reference, saying what is.</summary>
    internal void RequireRef(string contig, int start, byte[] written)
    {
        if (CheckRef(contig, start, written) != RefMatch.Mismatch) return;
        var length = _reference!.Length(contig) ?? 0;
        if (written.Length > length - start)
            throw Bad("variant-position", FormattableString.Invariant($"{contig}:{start + 1L} with {written.Length} REF bases lies beyond the end of contig {contig} ({length} bases)"));
        var found = _reference.Bases(contig, start, start + written.Length);
        throw Bad("variant-ref", FormattableString.Invariant($"REF {InputException.Quote(written)} at {contig}:{start + 1L} is not in the reference, which has {InputException.Quote(found)} there"));
    }

    private static InputException Bad(string code, string text) => new(code, text, InputPlace.None);

    private static Span<byte> Room(ref byte[] buffer, int length)
    {
        if (buffer.Length < length) buffer = new byte[Math.Max(length, 2 * buffer.Length)];
        return buffer.AsSpan(0, length);
    }
}
