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
