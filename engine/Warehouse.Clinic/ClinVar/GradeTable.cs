using System.Globalization;
using Warehouse.Engine;

namespace Warehouse.Clinic.ClinVar;

/// <summary>
/// How much which change matters: lines of five words, parted by blanks or tabs, of which the first that fits decides: axis, kind, class before,
/// class now, grade; <c>*</c> fits anything. A change that no line fits is major: what was not thought of must be looked at. Immutable.
/// <code>
/// # axis    kind    from        to          grade
/// *         *       *           pathogenic  critical
/// </code>
/// </summary>
public sealed class GradeTable
{
    /// <summary>Most lines.</summary>
    public const int MaxRows = 1000;

    /// <summary>The table of a store whose director has set none.</summary>
    public const string DefaultText = """
        # axis kind from to grade
        * stars * * minor
        * moved-condition * * minor
        * merged * * none
        * split * * none
        * appeared absent pathogenic critical
        * appeared absent potential major
        * appeared absent risk major
        * appeared absent unrecognised major
        * appeared absent * minor
        * retracted pathogenic absent major
        * retracted * absent minor
        * * * pathogenic critical
        * * pathogenic benign critical
        * * pathogenic * major
        * * * unrecognised major
        * * benign conflicting major
        * * benign potential major
        * * * risk major
        * * * potential major
        * * * * minor

        """;

    private static readonly ChangeKinds[] AllKinds = Enum.GetValues<ChangeKinds>();

    private readonly Row[] _rows;

    private GradeTable(string text, Row[] rows) => (Text, _rows) = (text, rows);

    /// <summary>The table of a store whose director has set none.</summary>
    public static GradeTable Default { get; } = Parse(DefaultText);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Its lines, five words each.</summary>
    public IEnumerable<string[]> Rows => Text.Split('\n').Select(Words).Where(w => w.Length > 0);

    /// <summary>Reads a table.</summary>
    /// <exception cref="InputException">A line is not understood.</exception>
    public static GradeTable Parse(string text, string file = "grades")
    {
        var rows = new List<Row>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            var words = Words(line);
            if (words.Length == 0) continue;
            if (words.Length != 5 || rows.Count == MaxRows) throw new InputException("grade-row", string.Create(CultureInfo.InvariantCulture, $"a line has axis, kind, class before, class now and grade, and there are at most {MaxRows}"), new InputPlace(file, number, 0, ""));
            var place = new InputPlace(file, number, 0, "");
            rows.Add(new Row(
                Any<ClinVarAxis>(words[0], place), Any<ChangeKinds>(words[1], place), Any<NetClass>(words[2], place), Any<NetClass>(words[3], place),
                Any<Grade>(words[4], place) ?? throw new InputException("grade-row", "the grade is none, minor, major or critical", place)));
        }
        return new GradeTable(text, [.. rows]);
    }

    /// <summary>The grade of a change: of its class, where that changed, else the highest of its other kinds.</summary>
    public Grade Of(ClassChange change)
    {
        const ChangeKinds Beside = ChangeKinds.Stars | ChangeKinds.MovedCondition | ChangeKinds.Merged | ChangeKinds.Split;
        var kinds = change.IsOfClass ? change.Kinds & ~Beside : change.Kinds & Beside;
        var grade = Grade.None;
        if (change.IsOfClass) return First(change, kinds);
        foreach (var kind in AllKinds)
            if (kind != ChangeKinds.None && (kinds & kind) != 0 && First(change, kind) is var one && one > grade) grade = one;
        return grade;
    }

    private static string[] Words(string line) => line.TrimStart().StartsWith('#') ? [] : line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);

    private Grade First(ClassChange change, ChangeKinds kinds)
    {
        foreach (var row in _rows)
            if ((row.Axis ?? change.Axis) == change.Axis && (row.Kind is null || (kinds & row.Kind) != 0) && (row.From ?? change.From) == change.From && (row.To ?? change.To) == change.To) return row.Grade;
        return Grade.Major;
    }

    /// <summary>A word in kebab-case, as a member of a set; null for <c>*</c>.</summary>
    private static T? Any<T>(string word, InputPlace place) where T : struct, Enum
    {
        if (word == "*") return null;
        return Enum.TryParse<T>(word.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var value) && Enum.IsDefined(value) && !char.IsAsciiDigit(word[0])
            ? value : throw new InputException("grade-row", $"{InputException.Quote(System.Text.Encoding.UTF8.GetBytes(word))} is none of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}", place);
    }

    private sealed record Row(ClinVarAxis? Axis, ChangeKinds? Kind, NetClass? From, NetClass? To, Grade Grade);
}
