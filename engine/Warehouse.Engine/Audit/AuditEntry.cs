using System.Globalization;
using System.Text.Json;

namespace Warehouse.Engine.Audit;

/// <summary>What an entry says.</summary>
public enum AuditKind
{
    /// <summary>A call is about to show its first byte, or to change something.</summary>
    Begin,

    /// <summary>A running call is about to show data of further samples.</summary>
    Subjects,

    /// <summary>A call ended. Without a <see cref="Begin"/> before it, it showed nothing.</summary>
    End,

    /// <summary>The log was opened after a stop in the middle: what stood behind its last checkpoint was kept as far as it was whole.</summary>
    Recovered,

    /// <summary>Somebody has looked through the entries before this one.</summary>
    Review,

    /// <summary>A whole call in one entry, durable before the first byte of its answer: it showed what the entry says.</summary>
    Call,

    /// <summary>Calls of one principal that a server refused for one reason, summed up: none of them has an entry of its own.</summary>
    Refused,
}

/// <summary>
/// One entry of the audit log: who did what to which data, for what, and how it ended. As stored it is one line of ASCII: JSON with the
/// members in one order, those without a value left out, everything but printable ASCII escaped (F77). Samples and questions are in it as
/// keyed hashes only; the principal is a name. Immutable.
/// </summary>
public sealed record AuditEntry
{
    /// <summary>Subjects of one entry; a call with more writes several.</summary>
    public const int MaxSubjects = 1500;

    /// <summary>Version of the schema.</summary>
    public const int Version = 1;

    /// <summary>Characters of a text; a longer one is cut. Whoever names a principal sees to it that its name is no longer: two that are cut to one are told apart nowhere.</summary>
    public const int MaxTextLength = 256;

    private static readonly AuditKind[] Kinds = Enum.GetValues<AuditKind>();

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    /// <summary>Index in the log, given by it; strictly ascending whatever the clock does.</summary>
    public long Sequence { get; init; }

    /// <summary>When it was taken in, by the log's clock.</summary>
    public DateTimeOffset Utc { get; init; }

    /// <summary>What it says.</summary>
    public required AuditKind Kind { get; init; }

    /// <summary>Random id that joins the entries of one call.</summary>
    public required string Call { get; init; }

    /// <summary>The principal.</summary>
    public required string Who { get; init; }

    /// <summary>The role in which the call was made.</summary>
    public required string Role { get; init; }

    /// <summary>Verb or method.</summary>
    public required string Verb { get; init; }

    /// <summary>Purpose of use.</summary>
    public required string Purpose { get; init; }

    /// <summary>Version of the data.</summary>
    public long? Snapshot { get; init; }

    /// <summary>Version of the policy in force.</summary>
    public string? Policy { get; init; }

    /// <summary>Digest of the scope.</summary>
    public string? Scope { get; init; }

    /// <summary>Digest of the samples that were counted.</summary>
    public string? Cohort { get; init; }

    /// <summary>Keyed digest of the question.</summary>
    public string? Query { get; init; }

    /// <summary>How the call ended: <c>done</c>, or why not.</summary>
    public string? Outcome { get; init; }

    /// <summary>Rows shown.</summary>
    public long? Rows { get; init; }

    /// <summary>How long the call took.</summary>
    public long? DurationMs { get; init; }

    /// <summary>Keyed digest of the bytes shown: see <see cref="AnswerDigest"/>.</summary>
    public string? Result { get; init; }

    /// <summary>Of <see cref="AuditKind.Refused"/>: how many calls, and when the first and the last of them ended.</summary>
    public long? Calls { get; init; }

    /// <inheritdoc cref="Calls"/>
    public DateTimeOffset? FirstUtc { get; init; }

    /// <inheritdoc cref="Calls"/>
    public DateTimeOffset? LastUtc { get; init; }

    /// <summary>Keyed hashes of the samples whose own data is shown.</summary>
    public IReadOnlyList<string> Subjects { get; init; } = [];

    /// <summary>Remark of whoever signs off, or of the log itself.</summary>
    public string? Note { get; init; }

    /// <summary>The line as it is stored and hashed, without a line feed.</summary>
    public byte[] ToBytes() => ToBytes(Sequence, Utc);

    /// <summary>The line of this entry at an index and a time that the log gives it.</summary>
    internal byte[] ToBytes(long sequence, DateTimeOffset utc)
    {
        if (Subjects.Count > MaxSubjects) throw new InvalidOperationException("an entry holds at most MaxSubjects subjects");
        var line = new Line(1024);
        line.Add("{\"v\":"u8);
        line.Add(Version);
        line.Add(",\"seq\":"u8);
        line.Add(sequence);
        line.Add(",\"utc\":\""u8);
        line.Add(utc.UtcDateTime);
        line.Add("\""u8);
        line.Add("kind"u8, Word(Kind));
        line.Add("call"u8, Call);
        line.Add("who"u8, Who);
        line.Add("role"u8, Role);
        line.Add("verb"u8, Verb);
        line.Add("purpose"u8, Purpose);
        line.Add("snapshot"u8, Snapshot);
        line.Add("policy"u8, Policy);
        line.Add("scope"u8, Scope);
        line.Add("cohort"u8, Cohort);
        line.Add("query"u8, Query);
        line.Add("outcome"u8, Outcome);
        line.Add("rows"u8, Rows);
        line.Add("ms"u8, DurationMs);
        line.Add("result"u8, Result);
        line.Add("calls"u8, Calls);
        line.Add("first"u8, FirstUtc);
        line.Add("last"u8, LastUtc);
        for (var i = 0; i < Subjects.Count; i++)
        {
            line.Add(i == 0 ? ",\"subjects\":["u8 : ","u8);
            line.AddText(Subjects[i]);
        }
        if (Subjects.Count > 0) line.Add("]"u8);
        line.Add("note"u8, Note);
        line.Add("}"u8);
        return line.ToArray();
    }

    /// <summary>Reads a line; false for anything but what <see cref="ToBytes()"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out AuditEntry? entry)
    {
        entry = null;
        try
        {
            entry = Parse(line);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
        if (entry is not null && line.SequenceEqual(entry.ToBytes())) return true;
        entry = null;
        return false;
    }

    /// <summary>The first bytes of the entry at an index: what no entry of another index begins with.</summary>
    internal static string Head(long sequence) => string.Create(CultureInfo.InvariantCulture, $"{{\"v\":{Version},\"seq\":{sequence},");

    internal static string Word(AuditKind kind) => kind switch
    {
        AuditKind.Begin => "begin", AuditKind.Subjects => "subjects", AuditKind.End => "end", AuditKind.Recovered => "recovered", AuditKind.Review => "review", AuditKind.Call => "call",
        AuditKind.Refused => "refused",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static AuditEntry? Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        var (entry, version, hasKind) = (new AuditEntry { Kind = AuditKind.Begin, Call = "", Who = "", Role = "", Verb = "", Purpose = "" }, 0L, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            if (name == "v") version = reader.GetInt64();
            else if (name == "kind") (entry, hasKind) = (entry with { Kind = KindOf(reader.GetString()) }, true);
            else if (name == "subjects") entry = entry with { Subjects = Texts(ref reader) };
            else entry = Set(entry, name, ref reader);
        }
        return version == Version && hasKind && entry.Subjects.Count <= MaxSubjects && !reader.Read() ? entry : null;
    }

    private static AuditEntry Set(AuditEntry entry, string? name, ref Utf8JsonReader reader) => name switch
    {
        "seq" => entry with { Sequence = reader.GetInt64() },
        "utc" => entry with { Utc = Time(reader.GetString()!) },
        "call" => entry with { Call = reader.GetString()! },
        "who" => entry with { Who = reader.GetString()! },
        "role" => entry with { Role = reader.GetString()! },
        "verb" => entry with { Verb = reader.GetString()! },
        "purpose" => entry with { Purpose = reader.GetString()! },
        "snapshot" => entry with { Snapshot = reader.GetInt64() },
        "policy" => entry with { Policy = reader.GetString() },
        "scope" => entry with { Scope = reader.GetString() },
        "cohort" => entry with { Cohort = reader.GetString() },
        "query" => entry with { Query = reader.GetString() },
        "outcome" => entry with { Outcome = reader.GetString() },
        "rows" => entry with { Rows = reader.GetInt64() },
        "ms" => entry with { DurationMs = reader.GetInt64() },
        "result" => entry with { Result = reader.GetString() },
        "calls" => entry with { Calls = reader.GetInt64() },
        "first" => entry with { FirstUtc = Time(reader.GetString()!) },
        "last" => entry with { LastUtc = Time(reader.GetString()!) },
        "note" => entry with { Note = reader.GetString() },
        _ => throw new FormatException("an unknown member"),
    };

    private static AuditKind KindOf(string? word)
    {
        foreach (var kind in Kinds)
            if (Word(kind) == word) return kind;
        throw new FormatException("an unknown kind");
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.ParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static List<string> Texts(ref Utf8JsonReader reader)
    {
        var texts = new List<string>();
        if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("not an array");
        while (reader.Read() && reader.TokenType == JsonTokenType.String) texts.Add(reader.GetString()!);
        return reader.TokenType == JsonTokenType.EndArray ? texts : throw new FormatException("not an array of texts");
    }

    /// <summary>The bytes of a line, which grow.</summary>
    private struct Line(int firstBytes)
    {
        private const int MostBytesOfNumber = 20, BytesOfEscape = 6;

        private byte[] _bytes = new byte[firstBytes];
        private int _used;

        public readonly byte[] ToArray() => _bytes.AsSpan(0, _used).ToArray();

        public void Add(ReadOnlySpan<byte> ascii)
        {
            ascii.CopyTo(Room(ascii.Length));
            _used += ascii.Length;
        }

        public void Add(long number)
        {
            number.TryFormat(Room(MostBytesOfNumber), out var length, default, CultureInfo.InvariantCulture);
            _used += length;
        }

        public void Add(DateTime time)
        {
            time.TryFormat(Room(MaxTextLength), out var length, "O", CultureInfo.InvariantCulture); // that of universal time is TimeFormat
            _used += length;
        }

        public void Add(ReadOnlySpan<byte> name, long? number)
        {
            if (number is not { } value) return;
            AddName(name);
            Add(value);
        }

        public void Add(ReadOnlySpan<byte> name, DateTimeOffset? time)
        {
            if (time is not { } value) return;
            AddName(name);
            Add("\""u8);
            Add(value.UtcDateTime);
            Add("\""u8);
        }

        public void Add(ReadOnlySpan<byte> name, string? text)
        {
            if (text is null) return;
            AddName(name);
            AddText(text);
        }

        public void AddText(string text)
        {
            // Cut between characters: a half of a surrogate pair is no text, and such a half in the input becomes the replacement character.
            var length = Math.Min(text.Length, MaxTextLength);
            if (length < text.Length && char.IsHighSurrogate(text[length - 1])) length--;
            var room = Room((BytesOfEscape * length) + 2);
            var at = 0;
            room[at++] = (byte)'"';
            for (var i = 0; i < length; i++)
            {
                var c = text[i];
                if (c is >= ' ' and <= '~')
                {
                    if (c is '"' or '\\') room[at++] = (byte)'\\';
                    room[at++] = (byte)c;
                    continue;
                }
                if (char.IsSurrogate(c) && !(char.IsHighSurrogate(c) && i + 1 < length && char.IsLowSurrogate(text[i + 1])) && !(char.IsLowSurrogate(c) && i > 0 && char.IsHighSurrogate(text[i - 1]))) c = '\uFFFD';
                "\\u"u8.CopyTo(room[at..]);
                ((int)c).TryFormat(room[(at + 2)..], out _, "x4", CultureInfo.InvariantCulture);
                at += BytesOfEscape;
            }
            room[at++] = (byte)'"';
            _used += at;
        }

        private void AddName(ReadOnlySpan<byte> name)
        {
            Add(",\""u8);
            Add(name);
            Add("\":"u8);
        }

        private Span<byte> Room(int lengthBytes)
        {
            if (_bytes.Length - _used < lengthBytes) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _used + lengthBytes));
            return _bytes.AsSpan(_used);
        }
    }
}
