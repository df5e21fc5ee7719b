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

    /// <summary>The variant the query means; null when it could not be interpreted.</summary>
    public string? Contig { get; init; }

    /// <summary>0-based start of the normalised variant.</summary>
    public int Start { get; init; }

    /// <summary>REF of the normalised variant.</summary>
    public string Ref { get; init; } = "";

    /// <summary>ALT of the normalised variant.</summary>
    public string Alt { get; init; } = "";

    /// <summary>The figures of COUNTS.md.</summary>
    public CountFigures Figures { get; init; }

    /// <summary>Commit time of the first visible sample that carries it; null when not seen.</summary>
    public DateTimeOffset? FirstSeen { get; init; }

    /// <summary>Commit time of the last visible sample that carries it; null when not seen.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>True when no reference sequence was there to left-align the query.</summary>
    public bool TrimmedOnly { get; init; }
}
