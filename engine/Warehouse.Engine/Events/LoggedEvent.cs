namespace Warehouse.Engine.Events;

/// <summary>What is to be written to the log. Immutable.</summary>
/// <param name="Kind">What it is about: 1 to 64 of a-z, 0-9, dot, dash and slash.</param>
/// <param name="Schema">Version of the payload's coding, per kind; 1 or more.</param>
/// <param name="Payload">Content, at most 1 MiB; the log does not look into it, and it is sealed like all else.</param>
public sealed record NewEvent(string Kind, int Schema, ReadOnlyMemory<byte> Payload);

/// <summary>Events that become part of the log together or not at all.</summary>
public sealed record EventBatch
{
    /// <summary>Who does it: the id of a caller, at most 512 bytes. It stands in sealed files only.</summary>
    public required string Actor { get; init; }

    /// <summary>The manifest version that the events follow: the newest that their writer had looked at. One that is older than that of the event before counts as that.</summary>
    public required long ManifestVersion { get; init; }

    /// <summary>The events in their order, 1 to 65,536.</summary>
    public required IReadOnlyList<NewEvent> Events { get; init; }

    /// <summary>Number of the last event that the writer had read; 0 = it saw an empty log; null = whatever is there, this is appended behind it.</summary>
    public long? ExpectedHead { get; init; }
}

/// <summary>An event as the log has it. Immutable.</summary>
public sealed record LoggedEvent
{
    /// <summary>Its number; the first is 1, and none is left out.</summary>
    public required long Number { get; init; }

    /// <summary>When it was appended; never before the event before it, whatever the clock said. No order depends on it.</summary>
    public required DateTimeOffset TimeUtc { get; init; }

    /// <summary>Who did it.</summary>
    public required string Actor { get; init; }

    /// <summary>The manifest version that it follows; never lower than that of the event before.</summary>
    public required long ManifestVersion { get; init; }

    /// <summary>What it is about.</summary>
    public required string Kind { get; init; }

    /// <summary>Version of the payload's coding.</summary>
    public required int Schema { get; init; }

    /// <summary>Content.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }
}

/// <summary>Somebody else appended since the writer looked: nothing was written. Read on from there, decide again, and append with the new head.</summary>
public sealed class EventConflictException : Exception
{
    internal EventConflictException(long expected, long found) : base(FormattableString.Invariant($"the event log ends with {found}, not with {expected}: somebody else appended; nothing was written")) =>
        (Expected, Found) = (expected, found);

    /// <summary>The head that the writer had seen.</summary>
    public long Expected { get; }

    /// <summary>The head that the log has.</summary>
    public long Found { get; }
}
