using System.Globalization;
using System.Text;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Query;

namespace Warehouse.Engine.Export;

/// <summary>
/// What annotations say of the alleles of a line, as INFO entries: one key per column, Number=A, <c>.</c> for an allele of which nothing is said; a
/// key that says nothing of any allele is left out. What VCF does not allow inside a value is percent-encoded. One thread.
/// </summary>
internal sealed class AnnotationInfo
{
    private readonly AnnotationSet _set;
    private readonly byte[][] _keys;
    private readonly ByteWriter _values = new(), _line = new();
    private readonly List<(int At, int Length)> _cells = [];
    private int _alleles;

    public AnnotationInfo(AnnotationSet set)
    {
        _set = set;
        _keys = [.. set.Columns.Select(c => Encoding.UTF8.GetBytes($";{c.Name}="))];
    }

    /// <summary>Its INFO keys.</summary>
    public IEnumerable<string> Keys => _set.Columns.Select(c => c.Name);

    /// <summary>The declarations, in order.</summary>
    public IEnumerable<string> MetaLines()
    {
        foreach (var release in _set.Releases)
            yield return FormattableString.Invariant($"##warehouse_annotation=<ID={release.Source},Release={release.Date:yyyy-MM-dd},Number={release.Number},Sha256={release.SourceSha256},Description=\"Joined by normalised allele\">");
        foreach (var column in _set.Columns)
        {
            var type = column.Type switch { AnnotationType.Text => "String", AnnotationType.Real => "Float", _ => "Integer" };
            yield return $"##INFO=<ID={column.Name},Number=A,Type={type},Description=\"{Plain(column.Description)}\">";
        }
    }

    /// <summary>Begins a line.</summary>
    public void Begin()
    {
        _alleles = 0;
        _values.Clear();
        _cells.Clear();
    }

    /// <summary>Adds an ALT that is looked up.</summary>
    public void Add(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        _set.Seek(contig, start, reference, alternate);
        Take();
    }

    /// <summary>Adds an ALT that annotations do not speak of.</summary>
    public void AddNone()
    {
        _set.Clear();
        Take();
    }

    /// <summary>All entries of the line, each behind a semicolon; true until the next line begins.</summary>
    public ReadOnlySpan<byte> Text()
    {
        _line.Clear();
        for (var column = 0; column < _keys.Length; column++)
            if (Says(column)) AddEntry(column);
        return _line.Written;
    }

    /// <summary>The same one by one, with memory of their own.</summary>
    public IEnumerable<(string Key, ReadOnlyMemory<byte> Value)> Entries()
    {
        for (var column = 0; column < _keys.Length; column++)
        {
            if (!Says(column)) continue;
            _line.Clear();
            AddEntry(column);
            yield return (_set.Columns[column].Name, _line.Written[_keys[column].Length..].ToArray());
        }
    }

    private bool Says(int column)
    {
        for (var i = 0; i < _alleles; i++)
            if (_cells[(i * _keys.Length) + column].Length > 0) return true;
        return false;
    }

    private void AddEntry(int column)
    {
        _line.Raw(_keys[column]);
        for (var i = 0; i < _alleles; i++)
        {
            if (i > 0) _line.Byte((byte)',');
            var (at, length) = _cells[(i * _keys.Length) + column];
            if (length == 0) _line.Byte((byte)'.');
            else _line.Raw(_values.Written.Slice(at, length));
        }
    }

    private void Take()
    {
        _alleles++;
        for (var i = 0; i < _keys.Length; i++)
        {
            var at = _values.Length;
            switch (_set.Columns[i].Type)
            {
                case AnnotationType.Text:
                    _set.AppendInfo(i, _values);
                    break;
                case AnnotationType.Real:
                    if (_set.RealOf(i) is var real && !double.IsNaN(real)) _values.Raw(Encoding.ASCII.GetBytes(CFormat.G(real, 6)));
                    break;
                default:
                    if (_set.IntegerOf(i) is { } number) _values.Raw(Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture)));
                    break;
            }
            _cells.Add((at, _values.Length - at));
        }
    }

    private static string Plain(string text) => text.Replace("\\\"", "'", StringComparison.Ordinal).Replace("\\", "/", StringComparison.Ordinal).Replace("\"", "'", StringComparison.Ordinal);
}
