using Warehouse.Cli.Output;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Arrow;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>What a server's annotations say of the allele of the row at hand. One thread.</summary>
internal sealed class AnsweredCells : JoinSource
{
    private readonly object?[] _cells;
    private bool _isNothing = true;

    public AnsweredCells(V1.AnnotationColumns described)
    {
        Columns = [.. described.Columns.Select(c => new JoinColumn(c.Name, c.Type switch
        {
            V1.AnnotationType.Integer => AnnotationType.Integer, V1.AnnotationType.Real => AnnotationType.Real, V1.AnnotationType.Flag => AnnotationType.Flag, _ => AnnotationType.Text,
        }, c.Description))];
        _cells = new object?[Columns.Count];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<JoinColumn> Columns { get; }

    /// <summary>Takes the cells of the next row; none = the server says nothing of it.</summary>
    public void Take(IReadOnlyList<V1.AnnotationCell> cells)
    {
        if (cells.Count > 0 && cells.Count != _cells.Length) throw Changed();
        for (var i = 0; i < _cells.Length; i++)
        {
            _cells[i] = cells.Count == 0 ? null : cells[i].ValueCase switch
            {
                V1.AnnotationCell.ValueOneofCase.Text => cells[i].Text, V1.AnnotationCell.ValueOneofCase.Integer => cells[i].Integer, V1.AnnotationCell.ValueOneofCase.Real => cells[i].Real, _ => null,
            };
        }
    }

    /// <summary>Takes them from the last columns of a row in Arrow.</summary>
    public void Take(ArrowBatch batch, int row)
    {
        var first = batch.Columns.Count - _cells.Length;
        if (first < 0 || (_cells.Length > 0 && batch.Schema.Fields[first].Name != Columns[0].Name)) throw Changed();
        for (var i = 0; i < _cells.Length; i++)
        {
            var column = batch.Columns[first + i];
            _cells[i] = column.IsNull(row) ? null : Columns[i].Type switch { AnnotationType.Text => column.Text(row), AnnotationType.Real => column.Float64(row), _ => column.Int64(row) };
        }
    }

    /// <inheritdoc/>
    public override void Seek(string? contig, int start, string reference, string alternate) => _isNothing = contig is null;

    /// <inheritdoc/>
    public override string? TextOf(int column) => _isNothing ? null : (string?)_cells[column];

    /// <inheritdoc/>
    public override long? IntegerOf(int column) => _isNothing ? null : (long?)_cells[column];

    /// <inheritdoc/>
    public override double RealOf(int column) => _isNothing ? double.NaN : (double?)_cells[column] ?? double.NaN;

    private static IOException Changed() => new("the server joins other annotations than it has described: ask again");
}
