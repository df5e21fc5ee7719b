using System.Globalization;
using System.Text;

namespace Warehouse.Server.Identity;

/// <summary>
/// A distinguished name (RFC 4514) in a form in which equal names are equal texts: types and values in lower case, spaces around them gone and those within
/// single, the parts of one level in order, escapes only where they are needed. Whether an attribute tells cases apart only its schema knows; names of
/// people and groups do not.
/// </summary>
internal static class DistinguishedName
{
    private const string Special = ",+\"\\<>;=";

    /// <summary>The levels of a name, the lowest first, each in its one form; null when it is not a name.</summary>
    public static IReadOnlyList<string>? TryParse(string text)
    {
        var levels = new List<string>();
        var parts = new List<string>();
        for (var at = 0; ;)
        {
            if (ReadPart(text, ref at) is not { } part) return null;
            parts.Add(part);
            if (at < text.Length && text[at] == '+')
            {
                at++;
                continue;
            }
            levels.Add(string.Join('+', parts.Order(StringComparer.Ordinal)));
            parts.Clear();
            if (at == text.Length) return levels;
            at++; // the comma
        }
    }

    /// <summary>The one form of a name; null when it is not one.</summary>
    public static string? TryNormalize(string text) => TryParse(text) is { } levels ? string.Join(',', levels) : null;

    /// <summary>Whether an entry lies below another one.</summary>
    public static bool IsBelow(string name, string ancestor) =>
        TryParse(name) is { } whole && TryParse(ancestor) is { } end && whole.Count > end.Count && whole.Skip(whole.Count - end.Count).SequenceEqual(end, StringComparer.Ordinal);

    /// <summary>One type and value; stands behind it then, at a comma, a plus or the end.</summary>
    private static string? ReadPart(string text, ref int at)
    {
        var equals = text.IndexOf('=', at);
        if (equals < 0) return null;
        var type = text[at..equals].Trim(' ').ToLowerInvariant();
        if (type.StartsWith("oid.", StringComparison.Ordinal)) type = type[4..];
        if (type.Length == 0 || !type.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.')) return null;
        at = equals + 1;
        return ReadValue(text, ref at) is { } value ? $"{type}={Escape(value)}" : null;
    }

    private static string? ReadValue(string text, ref int at)
    {
        var bytes = new List<byte>();
        while (at < text.Length && text[at] == ' ') at++;
        var kept = 0; // of what was escaped no space is dropped at the end
        for (; at < text.Length && text[at] is not (',' or '+' or ';'); at++)
        {
            if (text[at] is '"' or '<' or '>') return null;
            if (text[at] != '\\')
            {
                var length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(at, length)));
                if (text[at] != ' ') kept = bytes.Count;
                at += length - 1;
                continue;
            }
            if (at + 1 == text.Length) return null;
            if (at + 2 < text.Length && byte.TryParse(text.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex))
            {
                bytes.Add(hex);
                at += 2;
            }
            else if (text[at + 1] is ' ' or '#' || Special.Contains(text[at + 1], StringComparison.Ordinal)) bytes.Add((byte)text[++at]);
            else return null;
            kept = bytes.Count;
        }
        if (at < text.Length && text[at] == ';') return null;
        return Encoding.UTF8.GetString([.. bytes.Take(kept)]);
    }

    /// <summary>Folds and escapes a value.</summary>
    private static string Escape(string value)
    {
        var folded = string.Join(' ', value.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var text = new StringBuilder(folded.Length);
        foreach (var c in folded)
        {
            if (Special.Contains(c, StringComparison.Ordinal) || (c == '#' && text.Length == 0)) text.Append('\\');
            if (char.IsControl(c)) text.Append(CultureInfo.InvariantCulture, $"\\{(int)c:x2}");
            else text.Append(c);
        }
        return text.ToString();
    }
}
