using System.Buffers;
using System.Globalization;
using System.Text;

namespace Warehouse.Cli.Output;

/// <summary>
/// The one place where text that came from data becomes text for a terminal or file. Controls (C0, DEL, C1), invisible and direction-changing
/// characters, line separators, lone surrogates and unassigned code points are written as <c>\xNN</c> per UTF-8 byte; a backslash as <c>\x5C</c>,
/// so that the original can be had back.
/// </summary>
internal static class SafeText
{
    /// <summary>True when the text can be written as it is, one byte per character: printable ASCII without the backslash.</summary>
    public static bool IsPlain(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange(' ', '~') && !text.Contains('\\');

    /// <summary>The same of text in UTF-8. Nearly all of it is one base.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> text)
    {
        if (text.Length > 16) return !text.ContainsAnyExceptInRange((byte)' ', (byte)'~') && !text.Contains((byte)'\\');
        foreach (var b in text)
            if (b is < (byte)' ' or > (byte)'~' or (byte)'\\') return false;
        return true;
    }

    /// <summary>True when a character must not reach a terminal as it is.</summary>
#if PLANTED_UNESCAPED_DIRECTION
    public static bool IsUnsafe(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.LineSeparator
#else
    public static bool IsUnsafe(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
#endif
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse;

    /// <summary>Text from data with everything unsafe escaped, line feeds and backslashes too.</summary>
    public static string Escape(string text) => IsPlain(text) ? text : Escape(text, backslash: true);

    /// <summary>A message of ours, which may already quote data as <c>\xNN</c>: backslashes stay.</summary>
    public static string EscapeMessage(string message) => IsPlain(message) ? message : Escape(message, backslash: false);

    /// <summary>
    /// True when a spreadsheet could take the text for a formula (FAULTS F84). TSV then puts <c>'</c> before it, and before a text that starts
    /// with <c>'</c> itself, so that dropping one leading <c>'</c> gives the original back.
    /// </summary>
    public static bool LooksLikeFormula(ReadOnlySpan<char> text) => text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\'';

    private static string Escape(string text, bool backslash)
    {
        var escaped = new StringBuilder(text.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        for (var at = 0; at < text.Length;)
        {
            var whole = Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length) == OperationStatus.Done;
            if (whole && !(backslash && rune.Value == '\\') && !IsUnsafe(rune)) escaped.Append(text, at, length);
            else foreach (var b in utf8[..rune.EncodeToUtf8(utf8)]) escaped.Append("\\x").Append(b.ToString("X2", CultureInfo.InvariantCulture));
            at += length;
        }
        return escaped.ToString();
    }
}
