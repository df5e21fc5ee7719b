namespace Warehouse.Engine.Arrow;

/// <summary>The Arrow types this store speaks.</summary>
public enum ArrowType
{
    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Signed 64-bit integer.</summary>
    Int64,

    /// <summary>64-bit floating-point number.</summary>
    Float64,

    /// <summary>UTF-8 text with 32-bit offsets.</summary>
    Utf8,

    /// <summary>Bit-packed truth value.</summary>
    Bool,

    /// <summary>UTF-8 text as a signed 32-bit index into a dictionary. Read only: the writer has no use for it.</summary>
    Dictionary,
}

/// <summary>One column of a schema.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">What its cells hold.</param>
/// <param name="Nullable">Whether cells may be missing.</param>
public sealed record ArrowField(string Name, ArrowType Type, bool Nullable = true)
{
    /// <summary>Id of the dictionary of a <see cref="ArrowType.Dictionary"/> column.</summary>
    internal long DictionaryId { get; init; }
}

/// <summary>The columns of a stream, in order. Immutable.</summary>
public sealed class ArrowSchema
{
    /// <summary>Most columns a schema may have.</summary>
    public const int MaxFields = 10_000;

    /// <summary>Makes a schema of 1 to <see cref="MaxFields"/> columns.</summary>
    public ArrowSchema(params IReadOnlyList<ArrowField> fields)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fields.Count, MaxFields);
        Fields = [.. fields];
    }

    /// <summary>The columns.</summary>
    public IReadOnlyList<ArrowField> Fields { get; }
}
