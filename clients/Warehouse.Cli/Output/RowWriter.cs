namespace Warehouse.Cli.Output;

/// <summary>What a column holds, and so how each format writes it.</summary>
internal enum ColumnKind
{
    /// <summary>Alleles and fixed words: escaped, never prefixed.</summary>
    Text,

    /// <summary>Names and free text: escaped; in TSV also kept from looking like a formula.</summary>
    FreeText,

    /// <summary>Whole number.</summary>
    Integer,

    /// <summary>Floating-point number; text formats print <see cref="Column.Digits"/> significant digits, Arrow holds all.</summary>
    Real,
}

/// <summary>One column of an output.</summary>
/// <param name="Name">Header.</param>
/// <param name="Kind">Of its cells.</param>
/// <param name="Digits">Significant digits of a <see cref="ColumnKind.Real"/> in text.</param>
internal readonly record struct Column(string Name, ColumnKind Kind, int Digits = 6);

/// <summary>
/// Writes rows in one of the output formats: cells in the order of the columns, then <see cref="EndRow"/>; at last <see cref="Complete"/>.
/// Disposed without Complete, the output is visibly unfinished (JSON unclosed, no Arrow end mark) or missing its tail.
/// </summary>
internal abstract class RowWriter : IDisposable
{
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

    /// <summary>A whole number or a missing value.</summary>
    public void Integer(long? value)
    {
        if (value is { } number) Integer(number);
        else Missing();
    }
}
