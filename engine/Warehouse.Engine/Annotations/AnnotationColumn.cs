using System.Buffers.Binary;
using System.Text;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// One field of a block, decoded: a cell per row. Of texts equal ones are kept once, but where nearly all differ, and each row has the code of one, so
/// that what depends on the text alone is found out once per code. One thread, that of its block.
/// </summary>
public sealed class AnnotationColumn
{
    private readonly int[] _codes = [];
    private readonly byte[] _raw = [];
    private readonly int[] _ends = [];
    private readonly long[] _integers = [];
    private readonly double[] _reals = [];
    private readonly int _textsAt;
    private string?[]? _strings;
    private byte[]?[]? _encoded;

    private AnnotationColumn(AnnotationField field, byte[] raw, int[] numbers)
    {
        var rows = numbers.Length;
        Field = field;
        if (rows > raw.Length) throw new InvalidDataException("a column of annotations has fewer cells than rows");
        var from = new ByteReader(raw);
        switch (field.Type)
        {
            case AnnotationType.Text:
                _raw = raw;
                _ends = new int[from.Count(raw.Length)];
                from.Counts(_ends, raw.Length);
                for (var i = 1; i < _ends.Length; i++) _ends[i] = ByteReader.Sum(_ends[i], _ends[i - 1]);
                _textsAt = from.Position;
                from.Raw(_ends.Length == 0 ? 0 : _ends[^1]);
                from.Counts(_codes = numbers, _ends.Length);
                break;
            case AnnotationType.Real:
                _reals = ReadReals(from.Raw(checked(8 * rows)), rows);
                break;
            default:
                _integers = ReadIntegers(ref from, rows);
                break;
        }
        from.End();
    }

    /// <summary>The field.</summary>
    public AnnotationField Field { get; }

    /// <summary>Of a text field: per row the code of its text, from 1; 0 = missing.</summary>
    public ReadOnlySpan<int> Codes => _codes;

    /// <summary>Of a text field: number of texts; codes go from 1 to it.</summary>
    public int TextCount => _ends.Length;

    /// <summary>Of a whole number or flag: per row the number; <see cref="AnnotationField.MissingInteger"/> = missing.</summary>
    public ReadOnlySpan<long> Integers => _integers;

    /// <summary>Of a floating-point field: per row the number; not a number = missing.</summary>
    public ReadOnlySpan<double> Reals => _reals;

    /// <summary>The text of a code, from 1, in UTF-8.</summary>
    public ReadOnlySpan<byte> TextOf(int code)
    {
        var from = code == 1 ? 0 : _ends[code - 2];
        return _raw.AsSpan(_textsAt + from, _ends[code - 1] - from);
    }

    /// <summary>The text of a code as a string, made once; null for code 0.</summary>
    public string? StringOf(int code) => code == 0 ? null : (_strings ??= new string?[_ends.Length])[code - 1] ??= Encoding.UTF8.GetString(TextOf(code));

    /// <summary>The text of a code, from 1, as it may stand in a list of INFO, made once.</summary>
    internal ReadOnlySpan<byte> EncodedOf(int code)
    {
        ref var known = ref (_encoded ??= new byte[]?[_ends.Length])[code - 1];
        known ??= InfoText.NeedsEncoding(TextOf(code)) ? InfoText.Encode(TextOf(code)) : [];
        return known.Length > 0 ? known : TextOf(code);
    }

    /// <summary>Whether the cell of a row is missing.</summary>
    public bool IsMissing(int row) => Field.Type switch
    {
        AnnotationType.Text => _codes[row] == 0,
        AnnotationType.Real => double.IsNaN(_reals[row]),
        _ => _integers[row] == AnnotationField.MissingInteger,
    };

    /// <summary>Decodes a stream.</summary>
    /// <param name="field">Its field.</param>
    /// <param name="raw">The stream.</param>
    /// <param name="numbers">Memory for the codes: as many as there are rows.</param>
    /// <exception cref="InvalidDataException">It is not a column of so many rows.</exception>
    internal static AnnotationColumn Decode(AnnotationField field, byte[] raw, int[] numbers) => new(field, raw, numbers);

    /// <summary>Gives the memory of the codes back.</summary>
    internal void Release(AnnotationFile file)
    {
        if (Field.Type == AnnotationType.Text) file.Spare(_codes);
    }

    /// <summary>A text column: var number of texts, their lengths, the texts, then a var per row: the code, 0 = missing.</summary>
    internal static void Encode(ByteWriter to, TextPool texts, ReadOnlySpan<int> codes)
    {
        to.Var(texts.Count);
        for (var i = 0; i < texts.Count; i++) to.Var(texts[i].Length);
        for (var i = 0; i < texts.Count; i++) to.Raw(texts[i]);
        foreach (var code in codes) to.Var(code);
    }

    /// <summary>Whole numbers: a var per row, 0 = missing, else 1 + the zig-zag of the number.</summary>
    internal static void Encode(ByteWriter to, ReadOnlySpan<long> integers)
    {
        foreach (var value in integers) to.Var(value == AnnotationField.MissingInteger ? 0 : 1 + (ulong)((value << 1) ^ (value >> 63)));
    }

    /// <summary>Floating-point numbers: eight planes of bytes, the least significant first; missing is the one not-a-number of all bits set.</summary>
    internal static void Encode(ByteWriter to, ReadOnlySpan<double> reals)
    {
        var planes = to.Take(checked(8 * reals.Length));
        for (var i = 0; i < reals.Length; i++)
        {
            var bits = double.IsNaN(reals[i]) ? ulong.MaxValue : BitConverter.DoubleToUInt64Bits(reals[i]);
            for (var plane = 0; plane < 8; plane++) planes[(plane * reals.Length) + i] = (byte)(bits >> (8 * plane));
        }
    }

    private static long[] ReadIntegers(ref ByteReader from, int rows)
    {
        var integers = new long[rows];
        foreach (ref var value in integers.AsSpan())
        {
            var stored = from.Var();
            if (stored > 2 * (ulong)AnnotationField.MaxInteger + 1) throw new InvalidDataException("a stored number is out of range");
            value = stored == 0 ? AnnotationField.MissingInteger : (long)((stored - 1) >> 1) ^ -(long)((stored - 1) & 1);
        }
        return integers;
    }

    private static double[] ReadReals(ReadOnlySpan<byte> planes, int rows)
    {
        var reals = new double[rows];
        Span<byte> bytes = stackalloc byte[8];
        for (var i = 0; i < rows; i++)
        {
            for (var plane = 0; plane < 8; plane++) bytes[plane] = planes[(plane * rows) + i];
            var bits = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            reals[i] = BitConverter.UInt64BitsToDouble(bits);
            if (double.IsNaN(reals[i]) && bits != ulong.MaxValue) throw new InvalidDataException("a stored number is none");
        }
        return reals;
    }
}
