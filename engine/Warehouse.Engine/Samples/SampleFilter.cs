namespace Warehouse.Engine.Samples;

/// <summary>
/// An expression over the columns of a sample sheet, as <c>cohort set --where</c> takes it. Immutable; any number of threads.
/// <code>
/// or       = and { ("or" | "||") and }
/// and      = not { ("and" | "&amp;&amp;") not }
/// not      = ("not" | "!") not | "(" or ")" | test
/// test     = column ("==" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;=") literal
///          | column "in" "(" literal { "," literal } ")"
///          | column "is" ["not"] "missing"
/// literal  = "text" or 'text' (backslash before a quote or backslash) | number
/// </code>
/// Text is compared byte by byte. <c>&lt; &lt;= &gt; &gt;=</c> compare numbers; <c>==</c>, <c>!=</c> and <c>in</c> compare numbers with an unquoted number, else text.
/// A test of a value that is missing, or of one that should be a number and is none, is unknown; unknown stays unknown
/// under <c>not</c>, and a sample for which the whole is unknown does not match: <c>not (sex == "XX")</c> and
/// <c>sex != "XX"</c> choose the same samples, and none of unrecorded sex.
/// </summary>
public sealed class SampleFilter
{
    /// <summary>Longest expression, characters.</summary>
    public const int MaxLength = 100_000;

    /// <summary>Deepest nesting of parentheses and negations.</summary>
    public const int MaxDepth = 64;

    private readonly Predicate _predicate;

    internal SampleFilter(string text, IReadOnlyList<string> columns, Predicate predicate)
    {
        Text = text;
        Columns = columns;
        _predicate = predicate;
    }

    /// <summary>One sample's verdict; null is unknown.</summary>
    internal delegate bool? Predicate(IReadOnlyDictionary<string, string> values);

    /// <summary>The expression as given.</summary>
    public string Text { get; }

    /// <summary>Columns that it names, in the order of first use, each once.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Reads an expression.</summary>
    /// <exception cref="InputException">It is not understood; the message has the 1-based character where reading stopped.</exception>
    public static SampleFilter Parse(string expression) => new SampleFilterParser(expression).Parse();

    /// <summary>Checks the columns against those that exist; call it before the first row.</summary>
    /// <exception cref="InputException">One does not exist: the message has its number in the expression, and those of the known columns that exist; others are the owner's words, and are not named.</exception>
    public void CheckColumns(IReadOnlyCollection<string> known)
    {
        for (var i = 0; i < Columns.Count; i++)
        {
            if (known.Contains(Columns[i])) continue;
            var named = known.Where(SheetColumn.Known.ContainsKey).Order(StringComparer.Ordinal).ToList();
            var (others, list) = (known.Count - named.Count, new List<string>());
            if (named.Count > 0) list.Add("the known columns of the sheets are " + string.Join(", ", named));
            if (others > 0) list.Add($"{others} further {(others == 1 ? "column is" : "columns are")} there, not named here");
            throw new InputException("where-column", $"column {i + 1} of the expression is in no sheet; {(list.Count == 0 ? "no sample has sheet columns" : string.Join("; ", list))}", SampleFilterParser.Place(0));
        }
    }

    /// <summary>True when the sample is chosen.</summary>
    /// <param name="values">Values by column; a missing one has no entry.</param>
    public bool Matches(IReadOnlyDictionary<string, string> values) => _predicate(values) == true;

    /// <summary>True for a word of the language, in any case.</summary>
    internal static bool IsKeyword(string word) => word.ToUpperInvariant() is "AND" or "OR" or "NOT" or "IN" or "IS" or "MISSING";
}
