using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Warehouse.Server.Notify;

/// <summary>What a note is about. Stored by name: do not rename.</summary>
internal enum NoteTopic
{
    /// <summary>Somebody has broken the glass: another has to look into it.</summary>
    BreakGlass,

    /// <summary>It is over: what was asked meanwhile.</summary>
    BreakGlassReport,

    /// <summary>Nobody has looked into it in time: whoever did it cannot do it again.</summary>
    BreakGlassOverdue,
}

/// <summary>
/// A note that leaves the server: a topic, numbers and times, and an id that means nothing. It holds no text of anybody, so that whoever reads it on
/// the way, or by mistake, learns that something happened and of nobody what (I6). Immutable.
/// </summary>
internal sealed record Note
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>32 hexadecimal digits: the same for the same event, whenever and however often it is told, so a receiver drops doubles by it.</summary>
    public required string Id { get; init; }

    /// <summary>What it is about.</summary>
    public required NoteTopic Topic { get; init; }

    /// <summary>When that happened.</summary>
    public required DateTimeOffset MadeUtc { get; init; }

    /// <summary>Number of the policy's entry.</summary>
    public required int Entry { get; init; }

    /// <summary>Until when somebody has to act; null = at no moment.</summary>
    public DateTimeOffset? DueUtc { get; init; }

    /// <summary>Calls of a report.</summary>
    public long? Calls { get; init; }

    /// <summary>Rows that they showed.</summary>
    public long? Rows { get; init; }

    /// <summary>Numbers of the entries of the audit log that have these calls, the first ones.</summary>
    public IReadOnlyList<long>? AuditEntries { get; init; }

    /// <summary>The note as a program reads it: one JSON object, UTF-8.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static Note FromJson(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize<Note>(bytes, Json) ?? throw new JsonException("no note");

    /// <summary>What it is called in one line.</summary>
    public string Title() => Topic switch
    {
        NoteTopic.BreakGlass => $"Break-glass, entry {Number(Entry)}: review it",
        NoteTopic.BreakGlassReport => $"Break-glass, entry {Number(Entry)}: over, report",
        NoteTopic.BreakGlassOverdue => $"Break-glass, entry {Number(Entry)}: the review is overdue",
        _ => throw new InvalidOperationException("a topic without a title"),
    };

    /// <summary>The note as a person reads it, ASCII, lines apart by CR LF.</summary>
    public string ToText()
    {
        var text = new StringBuilder(Title()).Append(".\r\n\r\nid ").Append(Id).Append("\r\nat ").Append(Time(MadeUtc)).Append("\r\n");
        if (DueUtc is { } due) text.Append("due ").Append(Time(due)).Append("\r\n");
        if (Calls is { } calls) text.Append(CultureInfo.InvariantCulture, $"calls {calls}\r\nrows shown {Rows ?? 0}\r\n");
        if (AuditEntries is { Count: > 0 } entries) text.Append("entries of the audit log ").AppendJoin(", ", entries.Select(Number)).Append("\r\n");
        return text.Append("\r\nWho and of whom: warehouse access review, warehouse audit search.\r\n").ToString();
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Number(int number) => Number((long)number);

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
