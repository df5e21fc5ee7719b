using System.Globalization;
using System.Text;
using Warehouse.Engine.Audit;

namespace Warehouse.Tests.Audit;

/// <summary>The line of an entry, written as plainly as can be: the dull twin of <see cref="AuditEntry.ToBytes()"/>.</summary>
internal static class PlainLine
{
    private const int MaxTextLength = 256;

    internal static string Of(AuditEntry entry)
    {
        var to = new StringBuilder(512);
        to.Append(CultureInfo.InvariantCulture, $"{{\"v\":1,\"seq\":{entry.Sequence},\"utc\":\"{TimeOf(entry.Utc)}\",\"kind\":\"{AuditEntry.Word(entry.Kind)}\"");
        foreach (var (name, text) in ((string, string?)[])[("call", entry.Call), ("who", entry.Who), ("role", entry.Role), ("verb", entry.Verb), ("purpose", entry.Purpose)]) Append(to, name, text);
        Append(to, "snapshot", entry.Snapshot);
        foreach (var (name, text) in ((string, string?)[])[("policy", entry.Policy), ("scope", entry.Scope), ("cohort", entry.Cohort), ("query", entry.Query), ("outcome", entry.Outcome)]) Append(to, name, text);
        Append(to, "rows", entry.Rows);
        Append(to, "ms", entry.DurationMs);
        Append(to, "result", entry.Result);
        Append(to, "calls", entry.Calls);
        if (entry.FirstUtc is { } first) Append(to, "first", TimeOf(first));
        if (entry.LastUtc is { } last) Append(to, "last", TimeOf(last));
        if (entry.Subjects.Count > 0)
        {
            to.Append(",\"subjects\":[");
            for (var i = 0; i < entry.Subjects.Count; i++) AppendText(to.Append(i == 0 ? "" : ","), entry.Subjects[i]);
            to.Append(']');
        }
        Append(to, "note", entry.Note);
        return to.Append('}').ToString();
    }

    private static string TimeOf(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    private static void Append(StringBuilder to, string name, long? number)
    {
        if (number is { } value) to.Append(CultureInfo.InvariantCulture, $",\"{name}\":{value}");
    }

    private static void Append(StringBuilder to, string name, string? text)
    {
        if (text is null) return;
        to.Append(",\"").Append(name).Append("\":");
        AppendText(to, text);
    }

    private static void AppendText(StringBuilder to, string text)
    {
        to.Append('"');
        var length = Math.Min(text.Length, MaxTextLength);
        if (length < text.Length && char.IsHighSurrogate(text[length - 1])) length--;
        for (var i = 0; i < length; i++)
        {
            var c = text[i];
            if (char.IsSurrogate(c) && !(char.IsHighSurrogate(c) && i + 1 < length && char.IsLowSurrogate(text[i + 1])) && !(char.IsLowSurrogate(c) && i > 0 && char.IsHighSurrogate(text[i - 1]))) c = '\uFFFD';
            if (c is '"' or '\\') to.Append('\\').Append(c);
            else if (c is >= ' ' and <= '~') to.Append(c);
            else to.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
        to.Append('"');
    }
}
