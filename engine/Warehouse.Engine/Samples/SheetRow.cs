namespace Warehouse.Engine.Samples;

/// <summary>One sample of a sheet. Immutable.</summary>
public sealed class SheetRow
{
    /// <summary>Every value that is there, by column name; missing ones have no entry. The sample name is among them.</summary>
    public required IReadOnlyDictionary<string, string> Values { get; init; }

    /// <summary>Name of the sample, as in the header of its files.</summary>
    public required string Sample { get; init; }

    /// <summary>The person it was taken from; null when not stated: then the sample is its own person.</summary>
    public string? Person { get; init; }

    /// <summary>Whether the person enters figures through this sample; null when not stated. At most one of a person is true.</summary>
    public bool? Counts { get; init; }

    /// <summary>Recorded sex chromosomes.</summary>
    public RecordedSex Sex { get; init; }

    /// <summary>Last day of the consent, inclusive; null for no end.</summary>
    public DateOnly? ConsentUntil { get; init; }

    /// <summary>What it says beside the sample's name, as a store keeps it.</summary>
    internal Dictionary<string, string> Said() => Values.Where(v => v.Key != SheetColumn.Sample && v.Value.Length > 0).ToDictionary(v => v.Key, v => v.Value);

    /// <summary>Whether two rows say the same; null = a row that says nothing.</summary>
    internal static bool SaySame(IReadOnlyDictionary<string, string> values, IReadOnlyDictionary<string, string>? known) =>
        values.Count == (known?.Count ?? 0) && values.All(v => known!.TryGetValue(v.Key, out var old) && old == v.Value);
}

/// <summary>Sex chromosomes as recorded in the sheet, never as guessed from calls. The values are stored: do not renumber.</summary>
public enum RecordedSex
{
    /// <summary>Not recorded.</summary>
    Unknown = 0,

    /// <summary>Two X.</summary>
    XX = 1,

    /// <summary>One X, one Y.</summary>
    XY = 2,
}
