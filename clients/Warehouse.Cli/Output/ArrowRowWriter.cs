using Warehouse.Engine.Arrow;

namespace Warehouse.Cli.Output;

/// <summary>An Arrow IPC stream: text as Utf8, whole numbers as Int64, others as Float64 with all their digits. Nothing is escaped: it is data.</summary>
internal sealed class ArrowRowWriter : RowWriter
{
    // Rows and bytes per batch: long enough to be quick, and under the 4 MiB that many receivers accept in one message.
    private const int MaxRows = 1 << 14;
    private const int MaxBytes = 2 << 20;

    private readonly ArrowBatchBuilder _batch;
    private readonly ArrowStreamWriter _writer;
    private readonly BufferedStream _stream;
    private int _at;

    public ArrowRowWriter(Column[] columns, Stream stream) : base(columns.Length)
    {
        var schema = new ArrowSchema([.. columns.Select(c => new ArrowField(c.Name, TypeOf(c.Kind)))]);
        _batch = new ArrowBatchBuilder(schema);
        _stream = new BufferedStream(stream, 1 << 16);
        _writer = new ArrowStreamWriter(_stream, schema);
    }

    public override void Text(string? value) => _batch[_at++].Append(value);

    public override void Integer(long value) => _batch[_at++].Append(value);

    public override void Real(double value)
    {
        if (double.IsNaN(value)) Missing();
        else _batch[_at++].Append(value);
    }

    public override void Missing() => _batch[_at++].AppendNull();

    public override void EndRow()
    {
        _at = 0;
        if (_batch.RowCount >= MaxRows || (_batch.RowCount % 64 == 0 && _batch.LengthBytes >= MaxBytes)) WriteBatch();
    }

    public override void Complete()
    {
        if (_batch.RowCount > 0) WriteBatch();
        _writer.Complete();
        _stream.Flush();
    }

    // The stream is the caller's, and BufferedStream would close it and write what an interrupted output left behind.
    public override void Dispose() { }

    private void WriteBatch()
    {
        _writer.Write(_batch);
        _batch.Clear();
    }

    private static ArrowType TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Integer => ArrowType.Int64,
        ColumnKind.Real => ArrowType.Float64,
        _ => ArrowType.Utf8,
    };
}
