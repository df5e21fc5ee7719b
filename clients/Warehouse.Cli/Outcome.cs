using Warehouse.Engine.Query;

namespace Warehouse.Cli;

/// <summary>Sums up the answers of a verb that asks about given variants: one that is not assessable outweighs all, one match outweighs none.</summary>
internal struct Outcome
{
    private bool _matched;
    private bool _incomplete;

    /// <summary>The code for everything added so far.</summary>
    public readonly ExitCode Code => _incomplete ? ExitCode.Incomplete : _matched ? ExitCode.Done : ExitCode.NothingMatched;

    /// <summary>Adds one answer.</summary>
    public void Add(SeenState state)
    {
        _matched |= state == SeenState.Seen;
        _incomplete |= state == SeenState.NotAssessable;
    }

    /// <summary>Adds a listed row: it matched.</summary>
    public void AddListed() => _matched = true;

    /// <summary>Adds the figures of an allele that was asked for.</summary>
    public void AddAsked(in CountFigures figures) =>
        Add(figures.Ac > 0 ? SeenState.Seen : figures.NSamples - figures.NNoCall - figures.NNotAssessed > 0 ? SeenState.NotSeen : SeenState.NotAssessable);
}
