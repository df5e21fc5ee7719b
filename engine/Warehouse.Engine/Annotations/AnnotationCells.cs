using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Annotations;

/// <summary>Sets cells from the text of a source. Missing stays missing: never 0, never an empty text.</summary>
internal static class AnnotationCells
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Sets the cell of the last row; a value that is missing is left so.</summary>
    /// <exception cref="InputException">The value is not of the field's type. The place has no file yet.</exception>
    /// <param name="cells">The column.</param>
    /// <param name="field">Its field.</param>
    /// <param name="value">The text of the source; empty is missing.</param>
    /// <param name="at">Its place.</param>
    /// <param name="isAscii">Whether the whole line is known to be ASCII.</param>
    public static void Set(AnnotationRows.Cells cells, AnnotationField field, ReadOnlySpan<byte> value, (long Line, long Offset) at, bool isAscii = false)
    {
        if (value.IsEmpty) return;
        switch (field.Type)
        {
            case AnnotationType.Text:
                if (!isAscii && !Ascii.IsValid(value)) RequireUtf8(value, field, at);
                cells.Set(value);
                break;
            case AnnotationType.Integer:
                if (!Utf8Parser.TryParse(value, out long number, out var used) || used != value.Length || Math.Abs(number + 0.0) > AnnotationField.MaxInteger) throw Bad(field, "is no whole number", at);
                cells.Set(number);
                break;
            case AnnotationType.Real:
                if (!Utf8Parser.TryParse(value, out double real, out used) || used != value.Length || double.IsInfinity(real)) throw Bad(field, "is no number", at);
                cells.Set(real);
                break;
            default:
                if (value is [(byte)'1'] || Ascii.EqualsIgnoreCase(value, "true"u8) || Ascii.EqualsIgnoreCase(value, "yes"u8)) cells.Set(1);
                else if (!(value is [(byte)'0'] || Ascii.EqualsIgnoreCase(value, "false"u8) || Ascii.EqualsIgnoreCase(value, "no"u8))) throw Bad(field, "is neither 1, true, yes nor 0, false, no", at);
                break;
        }
    }

    private static void RequireUtf8(ReadOnlySpan<byte> value, AnnotationField field, (long Line, long Offset) at)
    {
        try
        {
            _ = Strict.GetCharCount(value);
        }
        catch (DecoderFallbackException)
        {
            throw Bad(field, "is not UTF-8", at);
        }
    }

    private static InputException Bad(AnnotationField field, string what, (long Line, long Offset) at) =>
        new("annotation-value", string.Create(CultureInfo.InvariantCulture, $"the value of {field.Name} {what}"), new InputPlace("", at.Line, at.Offset, field.Name));
}
