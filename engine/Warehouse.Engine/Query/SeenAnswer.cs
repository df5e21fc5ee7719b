namespace Warehouse.Engine.Query;

/// <summary>The three answers to "have we seen this variant?". A failure never reads as zero.</summary>
public enum SeenState
{
    /// <summary>A visible sample carries it.</summary>
    Seen,

    /// <summary>No carrier among at least one assessed sample.</summary>
    NotSeen,

    /// <summary>No sample was assessed there, or the query could not be interpreted, or a part of the store did not answer.</summary>
    NotAssessable,
}

/// <summary>The answer to one query of <c>seen</c>.</summary>
public sealed record SeenAnswer
{
    /// <summary>The query as it was asked.</summary>
    public required string Query { get; init; }

    /// <summary>Which of the three.</summary>
    public required SeenState State { get; init; }

    /// <summary>Why it is not assessable, in words; null otherwise.</summary>
    public string? Reason { get; init; }

    /// <summary>What is damaged in the part of the store that the answer needs, naming the file; null when nothing is. Then it is not assessable, and its figures mean nothing.</summary>
    public string? Damage { get; init; }

    /// <summary>The variant the query means; null when it could not be interpreted.</summary>
    public string? Contig { get; init; }

    /// <summary>0-based start of the normalised variant.</summary>
    public int Start { get; init; }

    /// <summary>REF of the normalised variant.</summary>
    public string Ref { get; init; } = "";

    /// <summary>ALT of the normalised variant; of a symbolic allele as asked.</summary>
    public string Alt { get; init; } = "";

    /// <summary>End (exclusive) of a symbolic allele; -1 for base alleles.</summary>
    public int End { get; init; } = -1;

    /// <summary>Listed stored alleles that match a symbolic one; null for base alleles.</summary>
    public int? MatchedAlleles { get; init; }

    /// <summary>The figures of COUNTS.md.</summary>
    public CountFigures Figures { get; init; }

    /// <summary>Commit time of the first visible sample that carries it; null when not seen.</summary>
    public DateTimeOffset? FirstSeen { get; init; }

    /// <summary>Commit time of the last visible sample that carries it; null when not seen.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>True when no reference sequence was there to left-align the query.</summary>
    public bool TrimmedOnly { get; init; }

    /// <summary>Other stored base alleles whose REF span overlaps that of the variant, as contig-POS-REF-ALT in order, bases of more than 50 as their number in parentheses; at most <see cref="MaxOverlapping"/>.</summary>
    public IReadOnlyList<string> Overlapping { get; init; } = [];

    /// <summary>How many there are.</summary>
    public int OverlappingCount { get; init; }

    /// <summary>What the answer rests on; null when the query could not be interpreted.</summary>
    public AnswerContext? Context { get; init; }

    /// <summary>Refget accession of the contig; null without a reference.</summary>
    public string? RefgetAccession { get; init; }

    /// <summary>The variant's names in other systems; null when nobody asked <see cref="Session.Identify"/> for them.</summary>
    public VariantIdentifiers? Identifiers { get; init; }

    /// <summary>Overlapping alleles that are named; the others are counted.</summary>
    public const int MaxOverlapping = 20;
}

/// <summary>A base allele in other spellings; null where it has none.</summary>
/// <param name="Vrs">VRS 2.0 identifier; needs the reference.</param>
/// <param name="Spdi">Contextual SPDI; needs an accession.</param>
/// <param name="HgvsG">HGVS g. description; needs an accession.</param>
/// <param name="VariantKey">64-bit VariantKey in hexadecimal.</param>
public sealed record VariantIdentifiers(string? Vrs, string? Spdi, string? HgvsG, string? VariantKey);
