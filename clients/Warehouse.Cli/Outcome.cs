using Warehouse.Cli.Output;
using Warehouse.Engine.Query;

namespace Warehouse.Cli;

/// <summary>Sums up the answers of a verb that asks about given variants: damage outweighs all, then one that is not assessable; one match outweighs none.</summary>
internal struct Outcome
{
    private bool _matched;
    private bool _incomplete;
    private bool _damaged;

    /// <summary>The code for everything added so far.</summary>
#if PLANTED_DAMAGE_UNSAID
    public readonly ExitCode Code => _incomplete ? ExitCode.Incomplete : _matched ? ExitCode.Done : ExitCode.NothingMatched;
#else
    public readonly ExitCode Code => _damaged ? ExitCode.DamagedStore : _incomplete ? ExitCode.Incomplete : _matched ? ExitCode.Done : ExitCode.NothingMatched;
#endif

    /// <summary>Adds one answer.</summary>
    public void Add(SeenState state)
    {
        _matched |= state == SeenState.Seen;
        _incomplete |= state == SeenState.NotAssessable;
    }

    /// <summary>Adds one answer; the first that met damage is told of at once, whatever else is answered.</summary>
    public void Add(SeenAnswer answer, TextWriter error)
    {
        Add(answer.State);
        if (answer.Damage is { } damage) AddDamaged(damage, error);
    }

    /// <summary>Adds what a listing could not judge: said on standard error, one line a range, and the answer is one of a damaged store.</summary>
    public void Add(IReadOnlyList<UnavailableRange> unavailable, TextWriter error)
    {
        foreach (var range in unavailable) error.WriteLine("warehouse: " + SafeText.EscapeMessage(FormattableString.Invariant($"{range.Damage}: unavailable: {range.Contig}:{range.Start + 1L}-{range.End}")));
        if (unavailable.Count > 0) error.WriteLine(FormattableString.Invariant($"warehouse: the answer is partial: {unavailable.Count} ranges are left out, the rest is answered; warehouse verify names all that is damaged"));
        _damaged |= unavailable.Count > 0;
    }

    /// <summary>Adds an allele that was asked for and met damage; the first is told of at once.</summary>
    public void AddDamaged(string damage, TextWriter error)
    {
        if (!_damaged) error.WriteLine("warehouse: " + SafeText.EscapeMessage(damage));
        _damaged = true;
    }

    /// <summary>Adds a listed row: it matched.</summary>
    public void AddListed() => _matched = true;

    /// <summary>Adds the figures of an allele that was asked for, exact or as released.</summary>
    public void AddAsked(in CountFigures figures, Output.ReleasedCells? released)
    {
        if (released is null) AddAsked(figures);
        else Add(released.Carriers > 0 || released.Ac > 0 ? SeenState.Seen : SeenState.NotAssessable); // what is banded is not answered
    }

    /// <summary>Adds the figures of an allele that was asked for.</summary>
    public void AddAsked(in CountFigures figures) =>
        Add(figures.Ac > 0 ? SeenState.Seen : figures.NSamples - figures.NNoCall - figures.NNotAssessed > 0 ? SeenState.NotSeen : SeenState.NotAssessable);
}
