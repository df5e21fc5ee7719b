using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>What annotations say of the allele of a row: looked up here, or as a server has answered it. One thread.</summary>
internal abstract class JoinSource
{
    /// <summary>The columns.</summary>
    public abstract IReadOnlyList<JoinColumn> Columns { get; }

    /// <summary>Moves to the allele of a row; a contig that is null = there is none.</summary>
    public abstract void Seek(string? contig, int start, string reference, string alternate);

    /// <summary>The text of a text column; null = missing.</summary>
    public abstract string? TextOf(int column);

    /// <summary>The number of an integer or flag column; null = missing.</summary>
    public abstract long? IntegerOf(int column);

    /// <summary>The number of a floating-point column; not a number = missing.</summary>
    public abstract double RealOf(int column);
}

/// <summary>Releases of a store that lies here. The set is the caller's.</summary>
internal sealed class JoinedReleases(AnnotationSet set) : JoinSource
{
    public override IReadOnlyList<JoinColumn> Columns => set.Columns;

    public override void Seek(string? contig, int start, string reference, string alternate) => set.SeekAnswer(contig, start, reference, alternate);

    public override string? TextOf(int column) => set.TextOf(column);

    public override long? IntegerOf(int column) => set.IntegerOf(column);

    public override double RealOf(int column) => set.RealOf(column);
}

/// <summary>The cells of --annotate and of --assessments, behind the others of a row. One thread.</summary>
internal sealed class JoinedCells
{
    private readonly JoinSource? _source;
    private readonly Func<SeenAnswer, string?>? _assessed;

    /// <param name="source">What is joined; the caller's.</param>
    public JoinedCells(JoinSource source) => _source = source;

    private JoinedCells(JoinSource? source, Func<SeenAnswer, string?> assessed) => (_source, _assessed) = (source, assessed);

    /// <summary>The columns with those of a join behind them.</summary>
    public static Column[] Behind(Column[] columns, JoinedCells? joined) => joined is null ? columns : [.. columns, .. joined.Columns];

    /// <summary>A join with the laboratory's signed assessments behind it; null = neither is asked for.</summary>
    public static JoinedCells? Of(JoinedCells? joined, Func<SeenAnswer, string?>? assessed) => assessed is null ? joined : new JoinedCells(joined?._source, assessed);

    private IEnumerable<Column> Columns => (_source?.Columns ?? []).Select(c => new Column(c.Name, c.Type switch { AnnotationType.Text => ColumnKind.FreeText, AnnotationType.Real => ColumnKind.Real, _ => ColumnKind.Integer }, 6)).Concat(_assessed is null ? [] : [new Column("assessment", ColumnKind.FreeText)]);

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
        if (_source is not { } source) return;
        source.Seek(contig, start, reference, alternate);
        for (var i = 0; i < source.Columns.Count; i++)
        {
            switch (source.Columns[i].Type)
            {
                case AnnotationType.Text: writer.Text(source.TextOf(i)); break;
                case AnnotationType.Real: writer.Real(source.RealOf(i)); break;
                default: writer.Integer(source.IntegerOf(i)); break;
            }
        }
    }
}
