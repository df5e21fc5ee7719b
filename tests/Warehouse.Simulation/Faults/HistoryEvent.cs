using System.Globalization;

namespace Warehouse.Simulation.Faults;

/// <summary>What a client of a history did.</summary>
internal enum EventKind
{
    /// <summary>A change that was acknowledged.</summary>
    Done,

    /// <summary>A change that was refused as wrong.</summary>
    Refused,

    /// <summary>A change that met another writer.</summary>
    Busy,

    /// <summary>A session was opened and asked.</summary>
    Opened,

    /// <summary>A session that was opened before was asked again.</summary>
    AskedAgain,

    /// <summary>Something that must not happen.</summary>
    Failed,
}

/// <summary>One thing that a client did, with the times before and after it on the machine's one clock that never goes back. A line of text.</summary>
/// <param name="Client">Who.</param>
/// <param name="Kind">What.</param>
/// <param name="Begin">Before.</param>
/// <param name="End">After.</param>
/// <param name="Version">The version that an acknowledgement or a session names.</param>
/// <param name="Text">The change, the answers, or the error, on one line.</param>
internal sealed record HistoryEvent(int Client, EventKind Kind, long Begin, long End, long Version, string Text)
{
    internal Change Change => Change.Parse(Text);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Client}\t{Kind}\t{Begin}\t{End}\t{Version}\t{Text}");

    internal static HistoryEvent Parse(string line)
    {
        var f = line.Split('\t');
        return new HistoryEvent(Number(f[0]), Enum.Parse<EventKind>(f[1]), long.Parse(f[2], CultureInfo.InvariantCulture), long.Parse(f[3], CultureInfo.InvariantCulture), Number(f[4]), f[5]);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
