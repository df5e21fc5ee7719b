using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Samples;

/// <summary>
/// The sample sheet: a TSV file in UTF-8 with a header line and one line per sample. Immutable; any number of threads may read.
/// <para>
/// Known columns, in any order: <c>sample person counts sex ancestry assay affected family duo consent_until fastq_sha256
/// aligner caller filters model_version order_ref operator</c>; only <c>sample</c> has to be there. Further columns are class
/// PHI unless the header says <c>name:aggregate</c>. An empty cell or <c>.</c> is a missing value. Everything else is as written.
/// </para>
/// <para>What cannot be understood is refused with line and column; cells are never quoted, because they may name a person.</para>
/// </summary>
public sealed class SampleSheet
{
    /// <summary>Longest line.</summary>
    public const int MaxLineBytes = 1 << 20;

    /// <summary>Most samples, as in a VCF header.</summary>
    public const int MaxRows = 1_000_000;

    /// <summary>Most columns.</summary>
    public const int MaxColumns = 256;

    /// <summary>Longest column name, characters.</summary>
    public const int MaxNameLength = 64;

    private const string AggregateSuffix = ":aggregate";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private SampleSheet(IReadOnlyList<SheetColumn> columns, IReadOnlyList<SheetRow> rows)
    {
        Columns = columns;
        Rows = rows;
    }

    /// <summary>Columns in the order of the header, <c>sample</c> among them.</summary>
    public IReadOnlyList<SheetColumn> Columns { get; }

    /// <summary>Rows in the order of the file; no sample twice.</summary>
    public IReadOnlyList<SheetRow> Rows { get; }

    /// <summary>Reads a sheet.</summary>
    /// <exception cref="InputException">The sheet is not understood.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SampleSheet Read(string path)
    {
        using var stream = File.OpenRead(path);
        return Read(stream, path);
    }

    /// <summary>Reads a sheet to the end of the stream, which stays open.</summary>
    /// <param name="stream">Its bytes.</param>
    /// <param name="fileName">Name for messages.</param>
    /// <exception cref="InputException">The sheet is not understood.</exception>
    public static SampleSheet Read(Stream stream, string fileName)
    {
        var reader = new CappedLineReader(stream, fileName, MaxLineBytes);
        if (!reader.TryRead(out var header)) throw new InputException("sheet-empty", "an empty sheet: a header line with a column 'sample' is expected", new InputPlace(fileName, 1, 0, ""));
        var columns = ReadHeader(SplitCells(header, reader), reader);
        var rows = new List<SheetRow>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var countingPersons = new HashSet<string>(StringComparer.Ordinal);
        var sawBlank = false;
        while (reader.TryRead(out var line))
        {
            // Blank lines are common at the end of a file that was edited by hand, and a sign of damage elsewhere.
            if (line.IsEmpty) { sawBlank = true; continue; }
            if (sawBlank) throw new InputException("sheet-blank-line", "a blank line before this one", reader.Place());
            if (rows.Count == MaxRows) throw new InputException("sheet-rows", $"more than {MaxRows} samples", reader.Place());
            var row = ReadRow(columns, SplitCells(line, reader), reader);
            if (!names.Add(row.Sample)) throw new InputException("sheet-duplicate", "a sample that an earlier line has too", reader.Place("sample"));
            if (row is { Person: { } person, Counts: true } && !countingPersons.Add(person))
                throw new InputException("sheet-counts", "counts = yes on two samples of one person: a person is counted through one sample", reader.Place("counts"));
            rows.Add(row);
        }
        return new SampleSheet(columns, rows);
    }

    private static string[] SplitCells(ReadOnlySpan<byte> line, CappedLineReader reader)
    {
        string text;
        try
        {
            text = StrictUtf8.GetString(line);
        }
        catch (DecoderFallbackException)
        {
            throw new InputException("sheet-utf8", "bytes that are not UTF-8", reader.Place());
        }
        foreach (var c in text)
            if (char.IsControl(c) && c != '\t') throw new InputException("sheet-control", "a control character", reader.Place());
        return text.Split('\t');
    }

    private static List<SheetColumn> ReadHeader(string[] cells, CappedLineReader reader)
    {
        if (cells.Length > MaxColumns) throw new InputException("sheet-columns", $"more than {MaxColumns} columns", reader.Place());
        var columns = new List<SheetColumn>(cells.Length);
        foreach (var cell in cells)
        {
            var column = ReadColumn(cell, columns.Count + 1, reader);
            if (columns.Any(c => c.Name == column.Name)) throw new InputException("sheet-column-twice", "a column that is there twice", reader.Place(column.Name));
            columns.Add(column);
        }
        if (!columns.Any(c => c.Name == SheetColumn.Sample))
            throw new InputException("sheet-no-sample", $"a header without the column '{SheetColumn.Sample}' (the file has to be separated by tabs)", reader.Place());
        return columns;
    }

    private static SheetColumn ReadColumn(string cell, int number, CappedLineReader reader)
    {
        var isAggregate = cell.EndsWith(AggregateSuffix, StringComparison.Ordinal);
        var name = isAggregate ? cell[..^AggregateSuffix.Length] : cell;
        if (!SheetColumn.IsName(name))
        {
            throw new InputException("sheet-column-name",
                $"the name of column {number}: 1 to {MaxNameLength} letters, digits, '_', '-' and '.', the first a letter or '_', and no word of the filter language are expected (then ':aggregate' where it may be shown)",
                reader.Place());
        }
        if (SheetColumn.Known.TryGetValue(name, out var known))
            return isAggregate ? throw new InputException("sheet-class", "a class for a column whose class is fixed", reader.Place(name)) : new SheetColumn(name, known);
        // 'Sex' taken for a column of the user's own would leave every sex unknown, and change counts without a word.
        if (SheetColumn.Known.Keys.FirstOrDefault(k => k.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } meant)
            throw new InputException("sheet-column-case", $"a column that differs from '{meant}' in case only: write it '{meant}'", reader.Place(name));
        return new SheetColumn(name, isAggregate ? DataClass.Aggregate : DataClass.Phi);
    }

    private static SheetRow ReadRow(List<SheetColumn> columns, string[] cells, CappedLineReader reader)
    {
        if (cells.Length != columns.Count)
            throw new InputException("sheet-cells", $"{cells.Length} cells where the header has {columns.Count}", reader.Place());
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < cells.Length; i++)
            if (cells[i] is not ("" or ".")) values.Add(columns[i].Name, cells[i]);
        return new SheetRow
        {
            Values = values,
            Sample = values.GetValueOrDefault(SheetColumn.Sample) ?? throw new InputException("sheet-sample", "no sample name", reader.Place(SheetColumn.Sample)),
            Person = values.GetValueOrDefault("person"),
            Counts = values.GetValueOrDefault("counts") switch
            {
                null => null,
                "yes" => true,
                "no" => false,
                _ => throw new InputException("sheet-counts", "expected yes, no or nothing", reader.Place("counts")),
            },
            Sex = values.GetValueOrDefault("sex") switch
            {
                null or "unknown" => RecordedSex.Unknown,
                "XX" => RecordedSex.XX,
                "XY" => RecordedSex.XY,
                _ => throw new InputException("sheet-sex", "expected XX, XY, unknown or nothing", reader.Place("sex")),
            },
            ConsentUntil = values.TryGetValue("consent_until", out var date) ? ReadDate(date, reader) : null,
        };
    }

    private static DateOnly ReadDate(string text, CappedLineReader reader) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date
            : throw new InputException("sheet-date", "expected a date as YYYY-MM-DD, or nothing", reader.Place("consent_until"));
}
