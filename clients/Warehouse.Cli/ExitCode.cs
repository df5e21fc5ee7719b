namespace Warehouse.Cli;

/// <summary>What the process tells its caller. Fixed: other tools rely on the numbers.</summary>
internal enum ExitCode
{
    /// <summary>Done.</summary>
    Done = 0,

    /// <summary>Nothing matched, and every sample or query was assessed.</summary>
    NothingMatched = 1,

    /// <summary>Bad usage or bad input, a damaged input file too.</summary>
    BadInput = 2,

    /// <summary>The store is damaged.</summary>
    DamagedStore = 3,

    /// <summary>The answer is incomplete, or something asked for was not assessable.</summary>
    Incomplete = 4,

    /// <summary>Could not: I/O, space, denied, no server.</summary>
    CouldNot = 5,

    /// <summary>Cancelled by the user or the system.</summary>
    Cancelled = 130,
}
