using System.Globalization;
using System.Text;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;

namespace Warehouse.Engine.Export;

/// <summary>
/// What annotations say of the alleles of a line, as INFO entries: one key per column, Number=A, <c>.</c> for an allele of which nothing is said; a
/// key that says nothing of any allele is left out. What VCF does not allow inside a value is percent-encoded. One thread.
/// </summary>
internal sealed class AnnotationInfo(AnnotationSet set)
{
    private readonly List<string?[]> _values = [];
    private int _alleles;

    /// <summary>Its INFO keys.</summary>
    public IEnumerable<string> Keys => set.Columns.Select(c => c.Name);

    /// <summary>The declarations, in order.</summary>
    public IEnumerable<string> MetaLines()
    {
        foreach (var release in set.Releases)
            yield return FormattableString.Invariant($"##warehouse_annotation=<ID={release.Source},Release={release.Date:yyyy-MM-dd},Number={release.Number},Sha256={release.SourceSha256},Description=\"Joined by normalised allele\">");
        foreach (var column in set.Columns)
        {
            var type = column.Type switch { AnnotationType.Text => "String", AnnotationType.Real => "Float", _ => "Integer" };
            yield return $"##INFO=<ID={column.Name},Number=A,Type={type},Description=\"{Plain(column.Description)}\">";
        }
    }

    /// <summary>Begins a line.</summary>
    public void Begin() => _alleles = 0;

    /// <summary>Adds an ALT that is looked up.</summary>
    public void Add(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        set.Seek(contig, start, reference, alternate);
        Take();
    }

    /// <summary>Adds an ALT that annotations do not speak of.</summary>
    public void AddNone()
    {
        set.Clear();
        Take();
    }

    /// <summary>The entries of the line.</summary>
    public IEnumerable<(string Key, string Value)> Entries()
    {
        for (var column = 0; column < set.Columns.Count; column++)
        {
            var any = false;
            for (var i = 0; i < _alleles; i++) any |= _values[i][column] is not null;
            if (any) yield return (set.Columns[column].Name, string.Join(',', Enumerable.Range(0, _alleles).Select(i => _values[i][column] ?? ".")));
        }
    }

    /// <summary>A text as it may stand in a value of a list. What is percent-encoded already stays so.</summary>
    public static string Encode(string text)
    {
        if (text.AsSpan().IndexOfAny(" ,;=\t") < 0) return text;
        var encoded = new StringBuilder(text.Length + 8);
        foreach (var c in text) encoded.Append(c is ' ' or ',' or ';' or '=' or '\t' ? "%" + ((int)c).ToString("X2", CultureInfo.InvariantCulture) : c.ToString());
        return encoded.ToString();
    }

    private void Take()
    {
        if (_alleles == _values.Count) _values.Add(new string?[set.Columns.Count]);
        var values = _values[_alleles++];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = set.Columns[i].Type switch
            {
                AnnotationType.Text => set.TextOf(i) is { } text ? Encode(text) : null,
                AnnotationType.Real => set.RealOf(i) is var real && double.IsNaN(real) ? null : CFormat.G(real, 6),
                _ => set.IntegerOf(i)?.ToString(CultureInfo.InvariantCulture),
            };
        }
    }

    private static string Plain(string text) => text.Replace("\\", "/", StringComparison.Ordinal).Replace("\"", "'", StringComparison.Ordinal);
}
