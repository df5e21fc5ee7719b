using System.Globalization;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>
/// A table for eyes: columns aligned, numbers to the right, two spaces between. The widths come from the first rows; later longer cells
/// push their line out of shape, so that millions of rows need no memory.
/// </summary>
internal sealed class TableWriter(Column[] columns, Stream stream) : RowWriter(columns.Length)
{
    private const int RowsMeasured = 500;
    private readonly ByteSink _sink = new(stream);
    private readonly List<string[]> _held = [[.. columns.Select(c => c.Name)]];
    private int[]? _widths;
    private string[] _row = new string[columns.Length];
    private int _at;

    public override void Text(string? value) => Cell(value is null ? "." : SafeText.Escape(value));

    public override void Integer(long value) => Cell(value.ToString(CultureInfo.InvariantCulture));

    public override void Real(double value) => Cell(double.IsNaN(value) ? "." : CFormat.G(value, columns[_at].Digits));

    public override void Missing() => Cell(".");

    public override void EndRow()
    {
        System.Diagnostics.Debug.Assert(_at == columns.Length);
        _at = 0;
        if (_widths is not null)
        {
            Print(_row, _widths);
            return;
        }
        _held.Add(_row);
        _row = new string[columns.Length];
        if (_held.Count > RowsMeasured) Measure();
    }

    public override void Complete()
    {
        if (_widths is null) Measure();
        _sink.Flush();
    }

    public override void Dispose() => _sink.Dispose();

    private void Cell(string text) => _row[_at++] = text;

    private void Measure()
    {
        _widths = [.. columns.Select((_, i) => _held.Max(row => row[i].Length))];
        foreach (var row in _held) Print(row, _widths);
        _held.Clear();
    }

    private void Print(string[] row, int[] widths)
    {
        for (var i = 0; i < row.Length; i++)
        {
            var number = columns[i].Kind is ColumnKind.Integer or ColumnKind.Real;
            var last = i == row.Length - 1;
            _sink.Utf8(number ? row[i].PadLeft(widths[i]) : last ? row[i] : row[i].PadRight(widths[i]));
            if (!last) _sink.Utf8("  ");
        }
        _sink.Byte((byte)'\n');
    }
}
