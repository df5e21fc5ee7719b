using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>
/// Tab-separated text: a header, then one line per row, LF. Missing is <c>.</c>. Text is escaped by <see cref="SafeText"/>; cells of
/// <see cref="ColumnKind.FreeText"/> that a spreadsheet would run as a formula get a leading <c>'</c>.
/// </summary>
internal sealed class TsvWriter : RowWriter
{
    private readonly Column[] _columns;
    private readonly ByteSink _sink;
    private FrequencyText? _frequencies;
    private int _at;

    public TsvWriter(Column[] columns, Stream stream) : base(columns.Length)
    {
        _columns = columns;
        _sink = new ByteSink(stream);
        for (var i = 0; i < columns.Length; i++)
        {
            if (i > 0) _sink.Byte((byte)'\t');
            _sink.Utf8(columns[i].Name);
        }
        _sink.Byte((byte)'\n');
    }

    /// <summary>The text of a cell, escaped.</summary>
    /// <param name="value">The value; null is missing.</param>
    /// <param name="free">Whether the cell is of <see cref="ColumnKind.FreeText"/>.</param>
    public static string Cell(string? value, bool free) => value is null ? "." : (free && SafeText.LooksLikeFormula(value) ? "'" : "") + SafeText.Escape(value);

    public override void Frequencies(FrequencyBatch batch, bool symbolic, bool grouped)
    {
        _frequencies ??= new FrequencyText(_sink, (_columns[^11].Digits, _columns[^1].Digits));
        _frequencies.Write(batch, symbolic, grouped);
    }

    public override void Text(string? value)
    {
        if (value is null)
        {
            Missing();
            return;
        }
        var free = _columns[_at].Kind == ColumnKind.FreeText;
        Separate();
        if (free && SafeText.LooksLikeFormula(value)) _sink.Byte((byte)'\'');
        if (SafeText.IsPlain(value)) _sink.Plain(value);
        else _sink.Utf8(SafeText.Escape(value));
    }

    public override void Integer(long value)
    {
        Separate();
        _sink.Integer(value);
    }

    public override void Real(double value)
    {
        if (double.IsNaN(value))
        {
            Missing();
            return;
        }
        var digits = _columns[_at].Digits;
        Separate();
        _sink.Real(value, digits);
    }

    public override void Missing()
    {
        Separate();
        _sink.Byte((byte)'.');
    }

    public override void EndRow()
    {
        System.Diagnostics.Debug.Assert(_at == _columns.Length);
        _sink.Byte((byte)'\n');
        _at = 0;
    }

    public override void Complete() => _sink.Flush();

    public override void Dispose() => _sink.Dispose();

    private void Separate()
    {
        if (_at++ > 0) _sink.Byte((byte)'\t');
    }
}
