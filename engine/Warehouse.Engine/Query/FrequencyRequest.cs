namespace Warehouse.Engine.Query;

/// <summary>What <c>freq</c> asks. Immutable.</summary>
public sealed record FrequencyRequest
{
    /// <summary>Regions by normalised POS; empty = everything. Ignored when <see cref="Variants"/> is set.</summary>
    public IReadOnlyList<Region> Regions { get; init; } = [];

    /// <summary>Spellings of alleles asked for, stored or not, one answer each in this order; null = list what is stored.</summary>
    public IReadOnlyList<string>? Variants { get; init; }

    /// <summary>Which samples.</summary>
    public SampleChoice Samples { get; init; } = SampleChoice.All;

    /// <summary>Sheet column to group by; null = one group.</summary>
    public string? By { get; init; }

    /// <summary>How records are judged and samples counted.</summary>
    public CountRules Rules { get; init; } = new();

    /// <summary>Also list symbolic alleles and breakends.</summary>
    public bool Symbolic { get; init; }

    /// <summary>List only rows whose AC over all groups is at least this.</summary>
    public long MinAc { get; init; }
}

/// <summary>Rules of counting that a query chooses.</summary>
public sealed record CountRules
{
    /// <summary>Judge records and blocks by GQ, DP and allele balance.</summary>
    public bool Adj { get; init; }

    /// <summary>Records with a FILTER other than PASS or <c>.</c> give no call.</summary>
    public bool PassOnly { get; init; }

    /// <summary>Ignore recorded sex: count X and Y as written.</summary>
    public bool PloidyAsCalled { get; init; }

    /// <summary>Count every sample, not one per person.</summary>
    public bool PerSample { get; init; }

    /// <summary>Count genotypes even where all samples of a segment are counted and its rows carry their totals. The figures are the same.</summary>
    public bool NoPrecomputed { get; init; }
}

/// <summary>A set of samples by name: everything, a cohort, or a list. At most one of the two is set.</summary>
public sealed record SampleChoice
{
    /// <summary>Every sample in scope.</summary>
    public static SampleChoice All { get; } = new();

    /// <summary>Name of a stored cohort.</summary>
    public string? Cohort { get; init; }

    /// <summary>Sample names; an unknown one is an error.</summary>
    public IReadOnlyList<string>? Names { get; init; }
}

/// <summary>A stretch of a contig, 0-based half-open. The contig is as the user wrote it.</summary>
public readonly record struct Region(string Contig, int Start, int End)
{
    /// <summary>End of a region without an end.</summary>
    public const int Unbounded = int.MaxValue;
}
