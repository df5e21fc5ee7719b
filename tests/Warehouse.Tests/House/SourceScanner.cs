using System.Text.RegularExpressions;

namespace Warehouse.Tests.House;

/// <summary>A member of a C# file: 1-based lines, both inclusive, without its comments above.</summary>
internal sealed record SourceMember(string Name, int FirstLine, int LastLine)
{
    public int LineCount => LastLine - FirstLine + 1;
}

/// <summary>Just enough of C# to measure methods: comments and literals are blanked, then braces and semicolons are followed.</summary>
internal static partial class SourceScanner
{
    /// <summary>Methods, properties and operators of all types in a file; fields are left out, as a table may be long.</summary>
    public static List<SourceMember> Members(string source)
    {
        var code = Blank(source);
        var members = new List<SourceMember>();
        // One entry per open brace; true for the body of a type or namespace.
        var open = new Stack<bool>();
        open.Push(true);
        int start = -1, round = 0;
        for (var i = 0; i < code.Length; i++)
        {
            var c = code[i];
            if (char.IsWhiteSpace(c)) continue;
            var isMemberLevel = open.Peek();
            if (isMemberLevel && start < 0 && c != '}') start = i;
            if (c is '(' or '[') round++;
            if (c is ')' or ']') round--;
            if (c == '{')
            {
                var opensType = isMemberLevel && round == 0 && TypeHeader().IsMatch(Where().Replace(code[start..i], ""));
                open.Push(opensType);
                if (opensType) start = -1;
            }
            else if (c == '}')
            {
                var closedType = open.Pop();
                if (closedType) start = -1;
                else if (open.Peek() && round == 0 && !IsExpressionBody(code[start..i])) Add(i);
            }
            else if (c == ';' && isMemberLevel && round == 0)
            {
                Add(i);
            }
        }
        return members;

        void Add(int end)
        {
            var text = code[start..(end + 1)];
            var header = Header(text);
            // An '=' before any body is a field, or what follows a property's braces.
            if (!header.EndsWith('=') && !header.StartsWith("namespace ", StringComparison.Ordinal) && !header.StartsWith("using ", StringComparison.Ordinal)) members.Add(new(Attributes().Replace(header, "").Split('(')[0].Trim().Split(' ', '\n')[^1], LineOf(code, start), LineOf(code, end)));
            start = -1;
        }
    }

    /// <summary>The same text with comments, strings and characters replaced by blanks; line ends stay.</summary>
    public static string Blank(string source)
    {
        var output = source.ToCharArray();
        for (var at = 0; at < source.Length;) at = Code(source, at, output);
        return new string(output);
    }

    /// <summary>Expression bodies and initialisers end at their semicolon, not at the brace of an object or switch inside.</summary>
    private static bool IsExpressionBody(string text)
    {
        var rest = text.AsSpan(Header(text).Length);
        return !rest.StartsWith("{");
    }

    /// <summary>What stands before a body or initialiser: up to the first '{', '=&gt;' or '=' outside parentheses.</summary>
    private static string Header(string text)
    {
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '(' or '[') depth++;
            else if (text[i] is ')' or ']') depth--;
            else if (depth > 0) continue;
            else if (text[i] == '{' || text.AsSpan(i).StartsWith("=>")) return text[..i];
            else if (text[i] == '=' && !OperatorName().IsMatch(text.AsSpan(0, i))) return text[..(i + 1)];
        }
        return text;
    }

    private static int LineOf(string text, int at) => text.AsSpan(0, at).Count('\n') + 1;

    /// <summary>Passes one token that matters or one character, and returns where the next starts.</summary>
    private static int Code(string source, int at, char[] output)
    {
        var rest = source.AsSpan(at);
        if (rest.StartsWith("//")) return Erase(output, at, Until(source, at, "\n"));
        if (rest.StartsWith("/*")) return Erase(output, at, Until(source, at + 2, "*/") + 2);
        if (rest[0] == '#' && (at == 0 || source.AsSpan(0, at).TrimEnd(" \t").EndsWith("\n"))) return Erase(output, at, Until(source, at, "\n"));
        if (rest[0] == '\'') return Erase(output, at, Until(source, at + (rest[1] == '\\' ? 3 : 2), "'") + 1);
        var prefix = rest.IndexOfAnyExcept('$', '@');
        if (prefix < 0 || rest[prefix] != '"') return at + 1;
        var quotes = rest[prefix..].IndexOfAnyExcept('"');
        if (quotes < 0) quotes = rest.Length - prefix;
        if (quotes >= 3)
        {
            var close = new string('"', quotes);
            return Erase(output, at, Until(source, at + prefix + quotes, close) + quotes);
        }
        return Text(source, at, at + prefix + 1, rest[..prefix].Contains('$'), rest[..prefix].Contains('@'), output);
    }

    /// <summary>A string that is not raw, from its prefix; interpolated code may hold strings again.</summary>
    private static int Text(string source, int start, int at, bool isInterpolated, bool isVerbatim, char[] output)
    {
        while (at < source.Length)
        {
            var c = source[at];
            var isDoubled = at + 1 < source.Length && source[at + 1] == c;
            if (c == '\\' && !isVerbatim) at += 2;
            else if (c == '"' && isVerbatim && isDoubled) at += 2;
            else if (c == '"') return Erase(output, start, at + 1);
            else if (c == '{' && isInterpolated && isDoubled) at += 2;
            else if (c == '{' && isInterpolated) at = Hole(source, at + 1, output);
            else at++;
        }
        return Erase(output, start, at);
    }

    private static int Hole(string source, int at, char[] output)
    {
        var depth = 1;
        while (at < source.Length && depth > 0)
        {
            if (source[at] == '{') depth++;
            if (source[at] == '}') depth--;
            at = Code(source, at, output);
        }
        return at;
    }

    private static int Until(string source, int from, string what)
    {
        var found = from >= source.Length ? -1 : source.IndexOf(what, from, StringComparison.Ordinal);
        return found < 0 ? source.Length : found;
    }

    private static int Erase(char[] output, int from, int to)
    {
        to = Math.Min(to, output.Length);
        for (var i = from; i < to; i++)
            if (output[i] != '\n') output[i] = ' ';
        return to;
    }

    [GeneratedRegex(@"\b(namespace|class|struct|interface|enum|record|extension)\b")]
    private static partial Regex TypeHeader();

    // Before an '=' that belongs to the name of an operator.
    [GeneratedRegex(@"\boperator\s*[=!<>+*/-]*$")]
    private static partial Regex OperatorName();

    [GeneratedRegex(@"^(\s*\[[^\]]*\])+")]
    private static partial Regex Attributes();

    [GeneratedRegex(@"\bwhere\b[\s\S]*")]
    private static partial Regex Where();
}
