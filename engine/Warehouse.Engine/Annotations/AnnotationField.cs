using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Annotations;

/// <summary>What the cells of a field are. The numbers are part of the format.</summary>
public enum AnnotationType : byte
{
    /// <summary>Text as the source wrote it.</summary>
    Text = 0,

    /// <summary>A whole number, at most 2^62 from zero.</summary>
    Integer = 1,

    /// <summary>A floating-point number; not a number is missing.</summary>
    Real = 2,

    /// <summary>1 or missing.</summary>
    Flag = 3,
}

/// <summary>What a field names, so that alleles can be found by it. The numbers are part of the format.</summary>
public enum AnnotationTerms : byte
{
    /// <summary>Nothing that is searched for.</summary>
    None = 0,

    /// <summary>Symbols of genes, apart by <c>,</c>, <c>&amp;</c> or <c>|</c>; behind a <c>:</c> their number, which is not searched for.</summary>
    Gene = 1,

    /// <summary>HGVS of a transcript or protein, apart by <c>,</c>, <c>&amp;</c> or <c>|</c>.</summary>
    Hgvs = 2,
}

/// <summary>A field of a release: one column.</summary>
/// <param name="Name">As answers name it behind the name of the source.</param>
/// <param name="Type">Of its cells.</param>
/// <param name="Class">How far its values may travel: aggregate or public.</param>
/// <param name="Terms">What can be found by it.</param>
/// <param name="Description">One line; may be empty.</param>
public sealed record AnnotationField(string Name, AnnotationType Type, DataClass Class = DataClass.Public, AnnotationTerms Terms = AnnotationTerms.None, string Description = "")
{
    /// <summary>Most fields of a release.</summary>
    public const int MaxFields = 256;

    /// <summary>Longest name.</summary>
    public const int MaxNameLength = 64;

    /// <summary>Stands for a missing whole number.</summary>
    public const long MissingInteger = long.MinValue;

    /// <summary>Largest distance of a whole number from zero.</summary>
    public const long MaxInteger = 1L << 62;

    /// <summary>Letters, digits, <c>_</c> and <c>.</c>, a letter or <c>_</c> first: what an INFO key may be.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameLength && (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.');
}
