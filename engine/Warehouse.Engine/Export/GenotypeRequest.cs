using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;

namespace Warehouse.Engine.Export;

/// <summary>What <c>export</c> asks. Immutable.</summary>
public sealed record GenotypeRequest
{
    /// <summary>Regions by normalised POS: a line is in one when any of its alleles is. Empty = everything.</summary>
    public IReadOnlyList<Region> Regions { get; init; } = [];

    /// <summary>Which samples; each is a column, in the order of the store, several of one person too.</summary>
    public SampleChoice Samples { get; init; } = SampleChoice.All;

    /// <summary>Annotations joined to the alleles of lines, into INFO; the caller's. Null = none.</summary>
    public AnnotationSet? Annotations { get; init; }
}
