namespace Warehouse.Engine.Query;

/// <summary>One line of <c>case-control</c>: a variant, the figures of both sets and the allelic test. Reused by the enumerator; copy what you keep.</summary>
public sealed class CaseControlRow
{
    /// <summary>Contig as spelled in the reference, else as first loaded.</summary>
    public string Contig = "";

    /// <summary>0-based start of the normalised variant.</summary>
    public int Start;

    /// <summary>REF of the normalised variant.</summary>
    public string Ref = "";

    /// <summary>ALT of the normalised variant.</summary>
    public string Alt = "";

    /// <summary>Figures over the cases.</summary>
    public CountFigures Cases;

    /// <summary>Figures over the controls.</summary>
    public CountFigures Controls;

    /// <summary>Sample odds ratio of carrying allele against not; NaN when undefined, infinite when only cases carry it.</summary>
    public double OddsRatio;

    /// <summary>Two-sided p of Fisher's exact test on AC and AN - AC of both sets.</summary>
    public double PValue;
}
