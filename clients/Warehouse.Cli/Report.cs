using Warehouse.Cli.Output;

namespace Warehouse.Cli;

/// <summary>
/// A small answer held in memory: receipts, lists, facts. A cell is a string, a long, a double or null, as its column says.
/// </summary>
internal sealed class Report(params Column[] columns)
{
    /// <summary>Its columns.</summary>
    public Column[] Columns { get; } = columns;

    /// <summary>Its rows, one cell per column.</summary>
    public List<object?[]> Rows { get; } = [];

    /// <summary>How the verb ends, when that is not Done.</summary>
    public ExitCode Code { get; init; } = ExitCode.Done;

    /// <summary>What standard error says beside it, or null.</summary>
    public string? Notice { get; init; }

    /// <summary>Facts as rows of name and value.</summary>
    public static Report OfFacts(params (string Name, string Value)[] facts)
    {
        var report = new Report(new Column("fact", ColumnKind.Text), new Column("value", ColumnKind.FreeText));
        foreach (var (name, value) in facts) report.Rows.Add([name, value]);
        return report;
    }

    /// <summary>Takes rows over.</summary>
    public Report With(IEnumerable<object?[]> rows)
    {
        Rows.AddRange(rows);
        return this;
    }

    /// <summary>Writes all rows.</summary>
    public ExitCode WriteTo(RowWriter writer)
    {
        foreach (var row in Rows)
        {
            System.Diagnostics.Debug.Assert(row.Length == Columns.Length);
            foreach (var cell in row) WriteCell(writer, cell);
            writer.EndRow();
        }
        return Code;
    }

    private static void WriteCell(RowWriter writer, object? cell)
    {
        switch (cell)
        {
            case null: writer.Missing(); break;
            case string text: writer.Text(text); break;
            case long number: writer.Integer(number); break;
            case int number: writer.Integer(number); break;
            case double number: writer.Real(number); break;
            default: throw new ArgumentException($"a cell cannot hold {cell.GetType().Name}");
        }
    }
}
