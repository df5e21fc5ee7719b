using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>
/// Writes rows in one of the output formats: cells in the order of the columns, then <see cref="EndRow"/>; at last <see cref="Complete"/>.
/// Disposed without Complete, the output is visibly unfinished (JSON unclosed, no Arrow end mark) or missing its tail.
/// </summary>
internal abstract class RowWriter(int columnCount) : IDisposable
{
    /// <summary>Cells of a row.</summary>
    public int ColumnCount => columnCount;

    /// <summary>A text or name; null is a missing value.</summary>
    public abstract void Text(string? value);

    /// <summary>A whole number.</summary>
    public abstract void Integer(long value);

    /// <summary>A number; NaN is a missing value.</summary>
    public abstract void Real(double value);

    /// <summary>A missing value: <c>.</c> in text, null elsewhere.</summary>
    public abstract void Missing();

    /// <summary>Ends a row; every column has had its cell.</summary>
    public abstract void EndRow();

    /// <summary>Ends the output and hands all of it to the stream.</summary>
    public abstract void Complete();

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Several texts in one cell: an array in JSON, elsewhere with commas.</summary>
    public virtual void Texts(IReadOnlyList<string> values) => Text(values.Count == 0 ? null : string.Join(',', values));

    /// <summary>The rows of a batch of <c>freq</c>, whole.</summary>
    public virtual void Frequencies(FrequencyBatch batch, bool symbolic, bool grouped)
    {
        foreach (var row in batch.Rows(new FrequencyRow())) Columns.Write(this, row, symbolic, grouped);
    }

    /// <summary>The figures of a variant, cell by cell in the order of COUNTS.md.</summary>
    public void Figures(in CountFigures figures)
    {
        Integer(figures.Ac);
        Integer(figures.An);
        Real(Columns.Af(figures));
        Integer(figures.NHet);
        Integer(figures.NHomAlt);
        Integer(figures.NHemi);
        Integer(figures.NHalf);
        Integer(figures.Carriers);
        Integer(figures.NNoCall);
        Integer(figures.NNotAssessed);
        Integer(figures.NSamples);
        Integer(figures.AnAssumed);
        Real(Faf95.Of(figures.Ac, figures.An));
    }

    /// <summary>A whole number or a missing value.</summary>
    public void Integer(long? value)
    {
        if (value is { } number) Integer(number);
        else Missing();
    }
}
