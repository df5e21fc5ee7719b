namespace Warehouse.Engine.Query;

/// <summary>What a listing needs of the blocks that it opens: it is read when a block opens, so that what is damaged is known before a row is answered.</summary>
/// <param name="Around">Gets what is damaged.</param>
/// <param name="Needs">What rows need of the samples that are counted.</param>
/// <param name="Adj">Whether --adj is in force.</param>
internal sealed record Care(DamagedRanges Around, RowNeeds Needs, bool Adj = false);

/// <summary>What a row needs of the samples that are counted.</summary>
[Flags]
internal enum RowNeeds
{
    /// <summary>Nothing but that it is listed.</summary>
    Listed = 0,

    /// <summary>States of samples.</summary>
    Counts = 1,

    /// <summary>Calls as they were written.</summary>
    Calls = 2,
}
