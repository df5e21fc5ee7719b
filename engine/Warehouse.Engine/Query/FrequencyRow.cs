namespace Warehouse.Engine.Query;

/// <summary>The figures of COUNTS.md over a set of samples at one variant. Integers; AF and FAF95 are computed last, by whoever shows them.</summary>
public struct CountFigures
{
    /// <summary>Called alleles equal to this allele.</summary>
    public long Ac;

    /// <summary>Called alleles of called samples, plus the ploidy of samples that are reference by evidence or assumption.</summary>
    public long An;

    /// <summary>Samples with two or more called alleles, this one and another, none missing.</summary>
    public int NHet;

    /// <summary>Samples with two or more called alleles, all this one, none missing.</summary>
    public int NHomAlt;

    /// <summary>Samples written or counted haploid that carry this allele.</summary>
    public int NHemi;

    /// <summary>Carriers in a half-call.</summary>
    public int NHalf;

    /// <summary>Samples whose record gives no call.</summary>
    public int NNoCall;

    /// <summary>Samples never assessed here.</summary>
    public int NNotAssessed;

    /// <summary>All samples of the set.</summary>
    public int NSamples;

    /// <summary>The part of <see cref="An"/> that is reference by assumption.</summary>
    public long AnAssumed;

    /// <summary>Samples with at least one copy.</summary>
    public readonly int Carriers => NHet + NHomAlt + NHemi + NHalf;

    /// <summary>Adds the figures of a disjoint set of samples.</summary>
    public void Add(in CountFigures other)
    {
        Ac += other.Ac;
        An += other.An;
        NHet += other.NHet;
        NHomAlt += other.NHomAlt;
        NHemi += other.NHemi;
        NHalf += other.NHalf;
        NNoCall += other.NNoCall;
        NNotAssessed += other.NNotAssessed;
        NSamples += other.NSamples;
        AnAssumed += other.AnAssumed;
    }
}

/// <summary>One line of <c>freq</c>: a variant, a group and its figures. Reused by the enumerator; copy what you keep.</summary>
public sealed class FrequencyRow
{
    /// <summary>Contig as spelled in the reference, else as first loaded.</summary>
    public string Contig = "";

    /// <summary>0-based start of the normalised variant.</summary>
    public int Start;

    /// <summary>REF of the normalised variant (for a symbolic allele the padding base).</summary>
    public string Ref = "";

    /// <summary>ALT, upper case bases or a symbolic allele as stored.</summary>
    public string Alt = "";

    /// <summary>End (exclusive) of a symbolic allele; -1 for base alleles.</summary>
    public int End = -1;

    /// <summary>Value of the grouping column; null when the query has no --by.</summary>
    public string? Group;

    /// <summary>The figures.</summary>
    public CountFigures Figures;

    /// <summary>
    /// What is damaged in the part of the store that an allele asked for needs, naming the file: then its figures mean nothing. Null when
    /// nothing is; only with <see cref="Access.SessionOptions.AroundDamage"/>, and never in a listing, which leaves such rows out (<see cref="Session.Unavailable"/>).
    /// </summary>
    public string? Damage;
}
