namespace Warehouse.Engine.Variants;

/// <summary>
/// One normalised biallelic allele of plain bases. Only <see cref="Normalizer"/> makes one, and the reader of rows that it made:
/// two spellings of the same change are equal here. Ordered by contig (<see cref="ContigOrder"/>), start, REF, ALT bytewise. Immutable.
/// </summary>
public sealed record Variant : IComparable<Variant>
{
    private Variant(string contig, int start, string reference, string alternate)
    {
        Contig = contig;
        Start = start;
        Ref = reference;
        Alt = alternate;
    }

    /// <summary>Canonical contig.</summary>
    public string Contig { get; }

    /// <summary>0-based position of the first base of <see cref="Ref"/>.</summary>
    public int Start { get; }

    /// <summary>Reference bases, upper case, at least one.</summary>
    public string Ref { get; }

    /// <summary>Alternate bases, upper case, at least one.</summary>
    public string Alt { get; }

    /// <summary>0-based end, exclusive, of the reference bases.</summary>
    public int End => Start + Ref.Length;

    /// <inheritdoc/>
    public int CompareTo(Variant? other)
    {
        if (other is null) return 1;
        var order = ContigOrder.Instance.Compare(Contig, other.Contig);
        if (order == 0) order = Start.CompareTo(other.Start);
        if (order == 0) order = string.CompareOrdinal(Ref, other.Ref);
        return order != 0 ? order : string.CompareOrdinal(Alt, other.Alt);
    }

    /// <summary>contig-POS-REF-ALT, POS 1-based.</summary>
    public override string ToString() => FormattableString.Invariant($"{Contig}-{Start + 1L}-{Ref}-{Alt}");

    /// <summary>An allele that the normaliser made, now or when it was stored.</summary>
    internal static Variant FromNormalized(string contig, int start, string reference, string alternate) => new(contig, start, reference, alternate);
}
