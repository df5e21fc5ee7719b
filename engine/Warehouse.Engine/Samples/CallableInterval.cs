namespace Warehouse.Engine.Samples;

/// <summary>A stretch of a contig, 0-based half-open. Ordered by start, then end.</summary>
public readonly record struct CallableInterval(int Start, int End) : IComparable<CallableInterval>
{
    /// <inheritdoc/>
    public int CompareTo(CallableInterval other) => Start != other.Start ? Start.CompareTo(other.Start) : End.CompareTo(other.End);
}
