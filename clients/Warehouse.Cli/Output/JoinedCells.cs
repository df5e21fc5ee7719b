using System.Text;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>The cells of --annotate and of --assessments, behind the others of a row. One thread.</summary>
internal sealed class JoinedCells
{
    private readonly AnnotationSet? _set;
    private readonly Func<SeenAnswer, string?>? _assessed;
    private byte[] _bytes = new byte[256];

    /// <param name="set">What is joined; the caller's.</param>
    public JoinedCells(AnnotationSet set) => _set = set;

    private JoinedCells(AnnotationSet? set, Func<SeenAnswer, string?> assessed) => (_set, _assessed) = (set, assessed);

    /// <summary>The columns with those of a join behind them.</summary>
    public static Column[] Behind(Column[] columns, JoinedCells? joined) => joined is null ? columns : [.. columns, .. joined.Columns];

    /// <summary>A join with the laboratory's signed assessments behind it; null = neither is asked for.</summary>
    public static JoinedCells? Of(JoinedCells? joined, Func<SeenAnswer, string?>? assessed) => assessed is null ? joined : new JoinedCells(joined?._set, assessed);

    private IEnumerable<Column> Columns => (_set?.Columns ?? []).Select(c => new Column(c.Name, c.Type switch { AnnotationType.Text => ColumnKind.FreeText, AnnotationType.Real => ColumnKind.Real, _ => ColumnKind.Integer }, 6)).Concat(_assessed is null ? [] : [new Column("assessment", ColumnKind.FreeText)]);

    /// <summary>Writes the cells of an answer.</summary>
    public void Write(RowWriter writer, SeenAnswer answer)
    {
        Write(writer, answer.Contig, answer.Start, answer.Ref, answer.Alt);
        if (_assessed is not null) writer.Text(_assessed(answer));
    }

    /// <summary>Writes the cells of the join for an allele of bases.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="contig">As answers spell it; null = there is no allele.</param>
    /// <param name="start">0-based.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT; one that is not of bases has no annotation.</param>
    public void Write(RowWriter writer, string? contig, int start, string reference, string alternate)
    {
        if (_set is not { } set) return;
        if (contig is null || start < 0 || alternate.Length == 0 || !char.IsAsciiLetter(alternate[0]) || alternate.AsSpan().ContainsAny("[]<>.*")) set.Clear();
        else
        {
            var needed = reference.Length + alternate.Length;
            if (_bytes.Length < needed) _bytes = new byte[2 * needed];
            var (r, a) = (Encoding.ASCII.GetBytes(reference, _bytes), Encoding.ASCII.GetBytes(alternate, _bytes.AsSpan(reference.Length)));
            set.SeekSpelled(contig, start, _bytes.AsSpan(0, r), _bytes.AsSpan(r, a));
        }
        for (var i = 0; i < set.Columns.Count; i++)
        {
            switch (set.Columns[i].Type)
            {
                case AnnotationType.Text: writer.Text(set.TextOf(i)); break;
                case AnnotationType.Real: writer.Real(set.RealOf(i)); break;
                default: writer.Integer(set.IntegerOf(i)); break;
            }
        }
    }
}
