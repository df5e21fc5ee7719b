using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Samples;

/// <summary>
/// Recursive descent over one expression. Chains of <c>and</c> and <c>or</c> become flat lists, so that only nesting, which is
/// capped, costs stack, here and in evaluation. Messages name columns and positions, never a literal: it may name a person.
/// </summary>
internal sealed class SampleFilterParser(string text)
{
    private readonly List<string> _columns = [];
    private int _at;

    public static InputPlace Place(int at) => new("--where", 0, 0, at > 0 ? $"at character {at}" : "");

    public SampleFilter Parse()
    {
        if (text.Length > SampleFilter.MaxLength) throw new InputException("where-length", $"an expression of more than {SampleFilter.MaxLength} characters", Place(0));
        var predicate = ReadOr(0);
        if (SkipSpace() < text.Length) throw Expected("'and', 'or' or the end");
        return new SampleFilter(text, _columns, predicate);
    }

    private SampleFilter.Predicate ReadOr(int depth)
    {
        var parts = new List<SampleFilter.Predicate> { ReadAnd(depth) };
        while (TakeWord("or") || TakeSymbol("||")) parts.Add(ReadAnd(depth));
        if (parts.Count == 1) return parts[0];
        return values =>
        {
            // The lifted | of bool? is Kleene's: true wins over unknown, unknown over false.
            bool? result = false;
            foreach (var part in parts) result |= part(values);
            return result;
        };
    }

    private SampleFilter.Predicate ReadAnd(int depth)
    {
        var parts = new List<SampleFilter.Predicate> { ReadNot(depth) };
        while (TakeWord("and") || TakeSymbol("&&")) parts.Add(ReadNot(depth));
        if (parts.Count == 1) return parts[0];
        return values =>
        {
            bool? result = true;
            foreach (var part in parts) result &= part(values);
            return result;
        };
    }

    private SampleFilter.Predicate ReadNot(int depth)
    {
        if (depth == SampleFilter.MaxDepth) throw new InputException("where-depth", $"more than {SampleFilter.MaxDepth} nested parentheses and negations", Place(_at + 1));
        if (TakeWord("not") || TakeSymbol("!"))
        {
            var negated = ReadNot(depth + 1);
            return values => !negated(values);
        }
        if (!TakeSymbol("(")) return ReadTest();
        var inner = ReadOr(depth + 1);
        if (!TakeSymbol(")")) throw Expected("')', 'and' or 'or'");
        return inner;
    }

    private SampleFilter.Predicate ReadTest()
    {
        var column = ReadColumn();
        if (TakeWord("is"))
        {
            var isNegated = TakeWord("not");
            if (!TakeWord("missing")) throw Expected("'missing'");
            return values => values.ContainsKey(column) == isNegated;
        }
        if (TakeWord("in"))
        {
            var literals = ReadList();
            return values => values.TryGetValue(column, out var value) ? literals.Contains(value) : null;
        }
        if (TakeSymbol("==")) return Equality(column, true);
        if (TakeSymbol("!=")) return Equality(column, false);
        if (TakeSymbol("<=")) return Order(column, static sign => sign <= 0);
        if (TakeSymbol(">=")) return Order(column, static sign => sign >= 0);
        if (TakeSymbol("<")) return Order(column, static sign => sign < 0);
        if (TakeSymbol(">")) return Order(column, static sign => sign > 0);
        throw Expected("==, !=, <, <=, >, >=, 'in' or 'is'");
    }

    private SampleFilter.Predicate Equality(string column, bool wanted)
    {
        var literal = new LiteralSet();
        ReadLiteral(literal);
        return values => values.TryGetValue(column, out var value) && literal.Contains(value) is { } found ? found == wanted : null;
    }

    private SampleFilter.Predicate Order(string column, Func<int, bool> holds)
    {
        var at = SkipSpace();
        if (Peek() is '"' or '\'') throw new InputException("where-number", "a text where a number is expected: < <= > >= compare numbers", Place(at + 1));
        var bound = ReadNumber();
        return values => values.TryGetValue(column, out var value) && TryNumber(value, out var number) ? holds(number.CompareTo(bound)) : null;
    }

    private LiteralSet ReadList()
    {
        if (!TakeSymbol("(")) throw Expected("'('");
        var literals = new LiteralSet();
        do ReadLiteral(literals);
        while (TakeSymbol(","));
        return TakeSymbol(")") ? literals : throw Expected("',' or ')'");
    }

    private string ReadColumn()
    {
        var start = SkipSpace();
        if (!SheetColumn.IsNameStart(Peek())) throw Expected("a column name");
        var name = TakeName();
        if (SampleFilter.IsKeyword(name)) throw new InputException("where-syntax", "expected a column name, found a word of the language", Place(start + 1));
        if (!_columns.Contains(name)) _columns.Add(name);
        return name;
    }

    private void ReadLiteral(LiteralSet into)
    {
        SkipSpace();
        if (Peek() is '"' or '\'') into.Texts.Add(ReadText());
        else if (SheetColumn.IsNameStart(Peek())) throw Expected("a text in quotes or a number");
        else into.Numbers.Add(ReadNumber());
    }

    private string ReadText()
    {
        var start = _at;
        var quote = text[_at++];
        var value = new StringBuilder();
        while (_at < text.Length && text[_at] != quote)
        {
            if (text[_at] == '\\')
            {
                _at++;
                if (_at == text.Length || text[_at] is not ('"' or '\'' or '\\')) throw Expected("a quote or a backslash after the backslash");
            }
            value.Append(text[_at++]);
        }
        if (_at == text.Length) throw new InputException("where-quote", "a text without its closing quote", Place(start + 1));
        _at++;
        return value.ToString();
    }

    private double ReadNumber()
    {
        var start = SkipSpace();
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '.' or '-' or '+')) _at++;
        if (TryNumber(text.AsSpan(start, _at - start), out var number)) return number;
        _at = start;
        throw Expected("a number, or a text in quotes");
    }

    private static bool TryNumber(ReadOnlySpan<char> value, out double number) =>
        double.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    private bool TakeWord(string word)
    {
        SkipSpace();
        var end = _at;
        while (end < text.Length && SheetColumn.IsNamePart(text[end])) end++;
        if (!text.AsSpan(_at, end - _at).Equals(word, StringComparison.OrdinalIgnoreCase)) return false;
        _at = end;
        return true;
    }

    private bool TakeSymbol(string symbol)
    {
        SkipSpace();
        if (!text.AsSpan(_at).StartsWith(symbol, StringComparison.Ordinal)) return false;
        _at += symbol.Length;
        return true;
    }

    private string TakeName()
    {
        var start = _at;
        while (_at < text.Length && SheetColumn.IsNamePart(text[_at])) _at++;
        return text[start.._at];
    }

    private char Peek()
    {
        SkipSpace();
        return _at < text.Length ? text[_at] : '\0';
    }

    private int SkipSpace()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at])) _at++;
        return _at;
    }

    private InputException Expected(string what) => new("where-syntax", $"expected {what}", Place(_at + 1));

    /// <summary>Literals of one test: texts and numbers.</summary>
    private sealed class LiteralSet
    {
        public HashSet<string> Texts { get; } = new(StringComparer.Ordinal);

        public HashSet<double> Numbers { get; } = [];

        /// <summary>Whether a value is one of them; unknown when a number could tell and the value is none.</summary>
        public bool? Contains(string value)
        {
            if (Texts.Contains(value)) return true;
            if (Numbers.Count == 0) return false;
            return TryNumber(value, out var number) ? Numbers.Contains(number) : null;
        }
    }
}
