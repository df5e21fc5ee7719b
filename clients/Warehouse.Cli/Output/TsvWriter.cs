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
    private int _at;

    public TsvWriter(Column[] columns, Stream stream)
    {
        _columns = columns;
        _sink = new ByteSink(stream);
        _sink.Utf8(string.Join('\t', columns.Select(c => c.Name)));
        _sink.Byte((byte)'\n');
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

    // The same cells as the base's, into one piece of the buffer: most of a row of freq is these.
    public override void Figures(in CountFigures figures)
    {
        var text = _sink.Reserve((13 * (1 + Decimal.MaxLengthBytes)) + (2 * CFormat.MaxLengthBytes));
        var at = 0;
        System.Diagnostics.Debug.Assert(_at > 0, "the place stands before the figures");
        at = Cell(figures.Ac, text, at);
        at = Cell(figures.An, text, at);
        at = Cell(Columns.Af(figures), _columns[_at + 2].Digits, text, at);
        at = Cell(figures.NHet, text, at);
        at = Cell(figures.NHomAlt, text, at);
        at = Cell(figures.NHemi, text, at);
        at = Cell(figures.NHalf, text, at);
        at = Cell(figures.Carriers, text, at);
        at = Cell(figures.NNoCall, text, at);
        at = Cell(figures.NNotAssessed, text, at);
        at = Cell(figures.NSamples, text, at);
        at = Cell(figures.AnAssumed, text, at);
        at = Cell(Faf95.Of(figures.Ac, figures.An), _columns[_at + 12].Digits, text, at);
        _sink.Advance(at);
        _at += 13;
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

    private static int Cell(long value, Span<byte> text, int at)
    {
        text[at++] = (byte)'\t';
        return at + Decimal.Put(value, text[at..]);
    }

    private static int Cell(double value, int digits, Span<byte> text, int at)
    {
        text[at++] = (byte)'\t';
        if (!double.IsNaN(value)) return at + CFormat.G(value, digits, text[at..]);
        text[at] = (byte)'.';
        return at + 1;
    }

    private void Separate()
    {
        if (_at++ > 0) _sink.Byte((byte)'\t');
    }
}
