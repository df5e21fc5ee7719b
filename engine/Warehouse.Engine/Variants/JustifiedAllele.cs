namespace Warehouse.Engine.Variants;

/// <summary>
/// An allele without padding, and how far it can be rolled: what VRS, SPDI and HGVS build on. After trimming the shared end and then the
/// shared beginning, a pure insertion or deletion may be moved left by <see cref="Left"/> and right by <see cref="Right"/> bases without
/// changing the sequence that it makes. Coordinates are 0-based half-open (interresidue).
/// </summary>
/// <param name="Start">Start of the reference bases that change.</param>
/// <param name="Ref">Reference bases, maybe none.</param>
/// <param name="Alt">Alternate bases, maybe none.</param>
/// <param name="Left">Bases that it rolls to the left; 0 when both alleles have bases.</param>
/// <param name="Right">Bases that it rolls to the right; 0 when both alleles have bases.</param>
internal readonly record struct JustifiedAllele(int Start, string Ref, string Alt, int Left, int Right)
{
    /// <summary>True for a pure insertion or deletion.</summary>
    public bool IsIndel => Ref.Length == 0 || Alt.Length == 0;

    /// <summary>Start of the whole stretch over which it can be rolled.</summary>
    public int WideStart => Start - Left;

    /// <summary>End of that stretch.</summary>
    public int WideEnd => Start + Ref.Length + Right;

    /// <summary>Trims and rolls an allele.</summary>
    /// <param name="start">0-based.</param>
    /// <param name="reference">Reference bases, upper case.</param>
    /// <param name="alternate">Alternate bases, upper case, other than the reference.</param>
    /// <param name="baseAt">Base of a 0-based position inside the contig, upper case.</param>
    /// <param name="contigBases">Length of the contig.</param>
    public static JustifiedAllele Of(int start, string reference, string alternate, Func<int, char> baseAt, int contigBases)
    {
        var trimmed = Trim(start, reference, alternate);
        if (!trimmed.IsIndel) return trimmed;
        var wheel = trimmed.Ref.Length > 0 ? trimmed.Ref : trimmed.Alt;
        var (left, right, end) = (0, 0, trimmed.Start + trimmed.Ref.Length);
        while (trimmed.Start - left > 0 && baseAt(trimmed.Start - left - 1) == wheel[wheel.Length - 1 - left % wheel.Length]) left++;
        while (end + right < contigBases && baseAt(end + right) == wheel[right % wheel.Length]) right++;
        return trimmed with { Left = left, Right = right };
    }

    /// <summary>The allele in a reference.</summary>
    public static JustifiedAllele Of(Variant variant, ReferenceGenome reference) =>
        Of(variant.Start, variant.Ref, variant.Alt, at => (char)reference.Bases(variant.Contig, at, at + 1)[0], reference.Length(variant.Contig) ?? 0);

    /// <summary>Shared end first, then shared beginning; nothing is rolled.</summary>
    public static JustifiedAllele Trim(int start, string reference, string alternate)
    {
        var (r, a, from) = (reference.Length, alternate.Length, 0);
        while (r > 0 && a > 0 && reference[r - 1] == alternate[a - 1]) (r, a) = (r - 1, a - 1);
        while (from < r && from < a && reference[from] == alternate[from]) from++;
        return new JustifiedAllele(start + from, reference[from..r], alternate[from..a], 0, 0);
    }

    /// <summary>Both alleles spelled over the whole stretch (VOCA, contextual SPDI).</summary>
    public (string Ref, string Alt) Wide()
    {
        if (Left == 0 && Right == 0) return (Ref, Alt);
        var wheel = Ref.Length > 0 ? Ref : Alt;
        var flanks = new char[Left + Right];
        for (var i = 0; i < Left; i++) flanks[Left - 1 - i] = wheel[wheel.Length - 1 - i % wheel.Length];
        for (var i = 0; i < Right; i++) flanks[Left + i] = wheel[i % wheel.Length];
        var (before, after) = (new string(flanks, 0, Left), new string(flanks, Left, Right));
        return (before + Ref + after, before + Alt + after);
    }

    /// <summary>The inserted or deleted bases after rolling as far right as they go, and where they then start.</summary>
    public (int Start, string Bases) Rightmost()
    {
        var wheel = Ref.Length > 0 ? Ref : Alt;
        var turn = Right % wheel.Length;
        return (Start + Right, wheel[turn..] + wheel[..turn]);
    }
}
