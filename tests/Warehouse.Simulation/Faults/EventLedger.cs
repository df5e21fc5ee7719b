using System.Text;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Events;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// What was promised of the event log: all events that were acknowledged, in their order, and behind them nothing but whole batches of the change that was going on. The index must find
/// what a look through the log finds.
/// </summary>
internal sealed class EventLedger
{
    /// <summary>Kind of the events that no part of the product writes.</summary>
    internal const string Note = "harness/note";

    private readonly List<string> _promised = [];
    private List<string[]> _behind = []; // whole batches that were seen and that nobody was told of: a power cut may take them
    private List<string[]> _open = [];
    private int _seen;

    /// <summary>How many events were promised.</summary>
    internal int Count => _promised.Count;

    /// <summary>An event as text: its kind, and of a note its content.</summary>
    internal static string TextOf(LoggedEvent logged) => logged.Kind == Note ? $"{Note} {Encoding.ASCII.GetString(logged.Payload.Span)}" : logged.Kind;

    /// <summary>A change begins.</summary>
    internal void Begin(Change change) => (_open, _seen) = ([.. change.Batches], _behind.Count);

    /// <summary>All of it was acknowledged; who appends promises what is before it too.</summary>
    internal void Acknowledge()
    {
        if (_open.Count == 0) return;
        _promised.AddRange(_behind.Concat(_open).SelectMany(b => b));
        (_behind, _open, _seen) = ([], [], 0);
    }

    /// <summary>The process that wrote is gone: what was seen last is there, until power is lost.</summary>
    internal void Settle() => (_behind, _open) = ([.. _behind.Concat(_open).Take(_seen)], []);

    /// <summary>The same promises.</summary>
    internal void Take(EventLedger other)
    {
        _promised.Clear();
        _promised.AddRange(other._promised);
        (_behind, _open, _seen) = (other._behind, other._open, other._seen);
    }

    /// <summary>What is wrong with a log, or null.</summary>
    internal string? Quarrel(VariantStore store, bool isThorough)
    {
        var events = store.Events.Read().ToList();
        var found = events.ConvertAll(TextOf);
        if (found.Count < _promised.Count) return $"{_promised.Count} events were acknowledged, the log has {found.Count}";
        if (!found.Take(_promised.Count).SequenceEqual(_promised)) return "the log has other events than were acknowledged";
        var possible = _behind.Concat(_open).ToList();
        for (_seen = 0; !found.Skip(_promised.Count).SequenceEqual(possible.Take(_seen).SelectMany(b => b)); _seen++)
            if (_seen == possible.Count) return $"the log has {found.Count - _promised.Count} events behind those that were acknowledged, which are no whole batches";
        return isThorough ? IndexQuarrel(store, events) : null;
    }

    private static string? IndexQuarrel(VariantStore store, List<LoggedEvent> events)
    {
        var rule = AssessmentEvent.Index;
        foreach (var subject in events.SelectMany(rule.SubjectsOf).Distinct())
        {
            var expected = events.Where(e => rule.SubjectsOf(e).Contains(subject)).Select(e => e.Number);
            if (!store.Events.Find(rule, [subject]).Select(e => e.Number).SequenceEqual(expected)) return "the index of the log finds other events than a look through it";
        }
        return null;
    }
}
