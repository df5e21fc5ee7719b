namespace Warehouse.Engine.Query;

/// <summary>What one sample contributes at one variant; the scalar definition that every counting path must equal.</summary>
internal readonly record struct SampleState(StateKind Kind, int Ac, int An, Zygosity Zygosity)
{
    public static SampleState NoCall { get; } = new(StateKind.NoCall, 0, 0, Zygosity.None);

    public static SampleState NotAssessed { get; } = new(StateKind.NotAssessed, 0, 0, Zygosity.None);

    /// <summary>Reads a call (COUNTS.md, State and Figures).</summary>
    /// <param name="alleles">Allele indices, -1 = <c>.</c>.</param>
    /// <param name="allele">Index of the allele counted; 0 or less = none of the record's, every called allele is another.</param>
    /// <param name="fails">Whether a filter in force fails the record for this sample.</param>
    /// <param name="rule">How calls are read here.</param>
    public static SampleState OfCall(ReadOnlySpan<int> alleles, int allele, bool fails, CallRule rule)
    {
        if (rule == CallRule.NotAssessed) return NotAssessed;
        var (called, ac) = (0, 0);
        foreach (var a in alleles)
        {
            if (a >= 0) called++;
            if (allele > 0 && a == allele) ac++;
        }
        if (called == 0 || fails) return NoCall;
        if (rule == CallRule.OneCopy && alleles.Length == 2)
        {
            if (called < 2 || alleles[0] != alleles[1]) return NoCall;
            return new(StateKind.Called, ac / 2, 1, ac == 2 ? Zygosity.Hemi : Zygosity.None);
        }
        return new(StateKind.Called, ac, called, ZygosityOf(alleles.Length, called, ac));
    }

    private static Zygosity ZygosityOf(int ploidy, int called, int ac)
    {
        if (ac == 0) return Zygosity.None;
        if (ploidy == 1) return Zygosity.Hemi;
        if (called < ploidy) return Zygosity.Half;
        return ac == called ? Zygosity.Hom : Zygosity.Het;
    }

    /// <summary>Adds the state of <paramref name="samples"/> samples to figures; NSamples is not touched.</summary>
    public void AddTo(ref CountFigures figures, int samples = 1)
    {
        figures.Ac += Ac * samples;
        figures.An += An * samples;
        switch (Kind)
        {
            case StateKind.NoCall: figures.NNoCall += samples; break;
            case StateKind.NotAssessed: figures.NNotAssessed += samples; break;
            case StateKind.Assumed: figures.AnAssumed += An * samples; break;
            default: break;
        }
        switch (Zygosity)
        {
            case Zygosity.Het: figures.NHet += samples; break;
            case Zygosity.Hom: figures.NHomAlt += samples; break;
            case Zygosity.Hemi: figures.NHemi += samples; break;
            case Zygosity.Half: figures.NHalf += samples; break;
            default: break;
        }
    }
}

/// <summary>State of a sample at a variant.</summary>
internal enum StateKind : byte
{
    Called,
    Reference,
    Assumed,
    NoCall,
    NotAssessed,
}

/// <summary>How a sample carries an allele.</summary>
public enum Zygosity : byte
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>This allele and another.</summary>
    Het,

    /// <summary>Two or more copies, nothing else.</summary>
    Hom,

    /// <summary>The only copy.</summary>
    Hemi,

    /// <summary>In a half-call.</summary>
    Half,
}
