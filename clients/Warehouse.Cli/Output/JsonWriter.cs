using System.Buffers;
using System.Globalization;
using System.Text;

namespace Warehouse.Cli.Output;

/// <summary>
/// A JSON array of objects, one per line, keys as the column names. Missing, and what JSON cannot say (infinities), is null. Everything that
/// <see cref="SafeText"/> calls unsafe is written as \uNNNN.
/// </summary>
internal sealed class JsonWriter : RowWriter
{
    private readonly Column[] _columns;
    private readonly byte[][] _keys;
    private readonly ByteSink _sink;
    private int _at;
    private bool _any;

    public JsonWriter(Column[] columns, Stream stream) : base(columns.Length)
    {
        _columns = columns;
        _keys = [.. columns.Select((c, i) => Encoding.UTF8.GetBytes($"{(i == 0 ? "{" : ",")}{Quote(c.Name)}:"))];
        _sink = new ByteSink(stream);
        _sink.Byte((byte)'[');
    }

    /// <summary>A JSON string, quotes included.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        for (var at = 0; at < text.Length;)
        {
            var whole = Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length) == OperationStatus.Done;
            if (rune.Value is '"' or '\\') quoted.Append('\\').Append((char)rune.Value);
            else if (whole && !SafeText.IsUnsafe(rune)) quoted.Append(text, at, length);
            else foreach (var unit in text.AsSpan(at, length)) quoted.Append("\\u").Append(((int)unit).ToString("x4", CultureInfo.InvariantCulture));
            at += length;
        }
        return quoted.Append('"').ToString();
    }

    public override void Text(string? value)
    {
        Key();
        if (value is null) _sink.Bytes("null"u8);
        else if (SafeText.IsPlain(value) && !value.Contains('"'))
        {
            _sink.Byte((byte)'"');
            _sink.Plain(value);
            _sink.Byte((byte)'"');
        }
        else _sink.Utf8(Quote(value));
    }

    public override void Texts(IReadOnlyList<string> values)
    {
        Key();
        _sink.Utf8($"[{string.Join(',', values.Select(Quote))}]");
    }

    public override void Integer(long value)
    {
        Key();
        _sink.Integer(value);
    }

    public override void Real(double value)
    {
        var digits = _columns[_at].Digits;
        Key();
        if (double.IsFinite(value)) _sink.Real(value, digits);
        else _sink.Bytes("null"u8);
    }

    public override void Missing()
    {
        Key();
        _sink.Bytes("null"u8);
    }

    public override void EndRow()
    {
        System.Diagnostics.Debug.Assert(_at == _columns.Length);
        _sink.Byte((byte)'}');
        _at = 0;
    }

    public override void Complete()
    {
        _sink.Bytes(_any ? "\n]\n"u8 : "]\n"u8);
        _sink.Flush();
    }

    public override void Dispose() => _sink.Dispose();

    private void Key()
    {
        if (_at == 0)
        {
            _sink.Bytes(_any ? ",\n"u8 : "\n"u8);
            _any = true;
        }
        _sink.Bytes(_keys[_at++]);
    }
}
