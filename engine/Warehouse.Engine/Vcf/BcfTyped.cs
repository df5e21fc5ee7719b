using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// The typed values of BCF 2.2 (VCF specification, 6.3.3). A descriptor byte: type in the low four bits, count in the high
/// four; count 15 means that a typed integer with the real count follows. Little-endian.
/// <code>
/// type        bytes  missing     end of vector
/// 0 none      0
/// 1 int8      1      0x80        0x81          0x80 to 0x87 are reserved
/// 2 int16     2      0x8000      0x8001
/// 3 int32     4      0x80000000  0x80000001
/// 5 float     4      0x7F800001  0x7F800002    compared as bits: a conversion may change a signalling NaN
/// 7 char      1      0x07        0x00
/// </code>
/// </summary>
/// <param name="Type">Type code.</param>
/// <param name="Count">Number of values.</param>
internal readonly record struct BcfTyped(int Type, int Count)
{
    /// <summary>No value.</summary>
    public const int None = 0;

    /// <summary>Signed byte.</summary>
    public const int Int8 = 1;

    /// <summary>Signed, two bytes.</summary>
    public const int Int16 = 2;

    /// <summary>Signed, four bytes.</summary>
    public const int Int32 = 3;

    /// <summary>IEEE single.</summary>
    public const int Float = 5;

    /// <summary>Text.</summary>
    public const int Char = 7;

    /// <summary>Count in the descriptor byte that says that the count follows.</summary>
    public const int CountFollows = 15;

    /// <summary>What <see cref="IntegerAt"/> gives for a missing value, in every width.</summary>
    public const int MissingInt = int.MinValue;

    /// <summary>What <see cref="IntegerAt"/> gives for the end of a vector, in every width.</summary>
    public const int EndOfVector = int.MinValue + 1;

    /// <summary>Bits of a missing float.</summary>
    public const uint MissingFloat = 0x7F800001;

    /// <summary>Bits of the end of a float vector.</summary>
    public const uint FloatEndOfVector = 0x7F800002;

    /// <summary>Text of a missing value.</summary>
    public const byte MissingChar = 0x07;

    /// <summary>True for the three integer types.</summary>
    public bool IsInteger => Type is Int8 or Int16 or Int32;

    /// <summary>Bytes of one value.</summary>
    public int ValueBytes => Type switch { Int8 or Char => 1, Int16 => 2, Int32 or Float => 4, _ => 0 };

    /// <summary>Bytes of all values.</summary>
    public long Bytes => (long)Count * ValueBytes;

    /// <summary>An integer of a vector of one of the three types, missing and end of vector in their 32-bit form.</summary>
    public static int IntegerAt(int type, ReadOnlySpan<byte> values, int index)
    {
        switch (type)
        {
            case Int8:
                var small = (sbyte)values[index];
                return small > sbyte.MinValue + 1 ? small : small - sbyte.MinValue + MissingInt;
            case Int16:
                var middle = BinaryPrimitives.ReadInt16LittleEndian(values[(2 * index)..]);
                return middle > short.MinValue + 1 ? middle : middle - short.MinValue + MissingInt;
            default:
                return BinaryPrimitives.ReadInt32LittleEndian(values[(4 * index)..]);
        }
    }

    /// <summary>Text without what pads it: up to the first NUL.</summary>
    public static int TextLength(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0);
        return end < 0 ? text.Length : end;
    }

    /// <summary>Writes values as VCF text, apart by commas: at most so many.</summary>
    public void WriteText(ReadOnlySpan<byte> values, int most, ArrayBufferWriter<byte> into)
    {
        if (Type == Char)
        {
            var text = values[..TextLength(values)];
            into.Write(text is [MissingChar] ? "."u8 : text);
            return;
        }
        for (var i = 0; i < Math.Min(Count, most); i++)
            if (!TryWriteOne(values, i, into)) return;
    }

    /// <summary>False at the end of the vector.</summary>
    private bool TryWriteOne(ReadOnlySpan<byte> values, int index, ArrayBufferWriter<byte> into)
    {
        var bits = Type == Float ? BinaryPrimitives.ReadUInt32LittleEndian(values[(4 * index)..]) : 0;
        var whole = IsInteger ? IntegerAt(Type, values, index) : 0;
        if (bits == FloatEndOfVector || whole == EndOfVector) return false;
        if (index > 0) into.Write(","u8);
        if (bits == MissingFloat || whole == MissingInt)
        {
            into.Write("."u8);
            return true;
        }
        var span = into.GetSpan(32);
        var written = 0;
        if (Type == Float) Utf8Formatter.TryFormat(BitConverter.UInt32BitsToSingle(bits), span, out written);
        else Utf8Formatter.TryFormat(whole, span, out written);
        into.Advance(written);
        return true;
    }
}
