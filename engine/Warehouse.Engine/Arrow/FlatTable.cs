using System.Buffers.Binary;
using System.Text;

namespace Warehouse.Engine.Arrow;

/// <summary>
/// A table inside a FlatBuffer that is not trusted: every offset is checked against the buffer before it is followed.
/// Absent fields give their default. Throws <see cref="InvalidDataException"/>.
/// </summary>
internal readonly ref struct FlatTable
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _table;
    private readonly ReadOnlySpan<byte> _vtable;

    private FlatTable(ReadOnlySpan<byte> bytes, int table)
    {
        _bytes = bytes;
        _table = table;
        var vtable = table - (long)ReadInt32(bytes, table);
        if (vtable < 0 || vtable > bytes.Length - 4) throw Bad("a vtable lies outside");
        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(int)vtable..]);
        if (length < 4 || length % 2 != 0 || length > bytes.Length - vtable) throw Bad("a vtable is cut off");
        _vtable = bytes.Slice((int)vtable, length);
    }

    /// <summary>The root table of a buffer.</summary>
    public static FlatTable Root(ReadOnlySpan<byte> bytes) => new(bytes, Follow(bytes, 0));

    /// <summary>True when the field is there.</summary>
    public bool Has(int field) => Place(field, 1) != 0;

    /// <summary>A byte, or the default.</summary>
    public byte Byte(int field, byte otherwise = 0) => Place(field, 1) is var at and not 0 ? _bytes[at] : otherwise;

    /// <summary>A truth value, false by default.</summary>
    public bool Bool(int field) => Byte(field) != 0;

    /// <summary>Two bytes, or the default.</summary>
    public short Int16(int field, short otherwise = 0) => Place(field, 2) is var at and not 0 ? BinaryPrimitives.ReadInt16LittleEndian(_bytes[at..]) : otherwise;

    /// <summary>Four bytes, or 0.</summary>
    public int Int32(int field) => Place(field, 4) is var at and not 0 ? ReadInt32(_bytes, at) : 0;

    /// <summary>Eight bytes, or 0.</summary>
    public long Int64(int field) => Place(field, 8) is var at and not 0 ? BinaryPrimitives.ReadInt64LittleEndian(_bytes[at..]) : 0;

    /// <summary>A table that must be there.</summary>
    public FlatTable Table(int field) => Place(field, 4) is var at and not 0 ? new FlatTable(_bytes, Follow(_bytes, at)) : throw Bad($"field {field} is missing");

    /// <summary>Text, or the empty text.</summary>
    public string String(int field)
    {
        var (start, count) = Vector(field, 1);
        var utf8 = _bytes.Slice(start, count);
        return System.Text.Unicode.Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : throw Bad("a name is not UTF-8");
    }

    /// <summary>Number of elements of a vector; 0 when absent.</summary>
    public int Count(int field, int elementBytes) => Vector(field, elementBytes).Count;

    /// <summary>Element of a vector of tables; the index has been checked against <see cref="Count"/>.</summary>
    public FlatTable Table(int field, int index) => new(_bytes, Follow(_bytes, Vector(field, 4).Start + 4 * index));

    /// <summary>A 64-bit word of a vector of structs; the index, in words, has been checked against <see cref="Count"/>.</summary>
    public long Word(int field, int structBytes, int word) => BinaryPrimitives.ReadInt64LittleEndian(_bytes[(Vector(field, structBytes).Start + 8 * word)..]);

    private (int Start, int Count) Vector(int field, int elementBytes)
    {
        var at = Place(field, 4);
        if (at == 0) return (0, 0);
        var start = Follow(_bytes, at);
        var count = ReadInt32(_bytes, start);
        if (count < 0 || (long)count * elementBytes > _bytes.Length - start - 4) throw Bad("a vector is longer than its buffer");
        return (start + 4, count);
    }

    /// <summary>Where a field lies, or 0 when it is absent.</summary>
    private int Place(int field, int lengthBytes)
    {
        var slot = 4 + 2 * field;
        if (slot + 2 > _vtable.Length) return 0;
        var offset = BinaryPrimitives.ReadUInt16LittleEndian(_vtable[slot..]);
        if (offset == 0) return 0;
        return offset >= 4 && (long)_table + offset + lengthBytes <= _bytes.Length ? _table + offset : throw Bad("a field lies outside");
    }

    private static int Follow(ReadOnlySpan<byte> bytes, int at)
    {
        var target = at + (long)(uint)ReadInt32(bytes, at);
        return target <= bytes.Length - 4 ? (int)target : throw Bad("a reference leads outside");
    }

    private static int ReadInt32(ReadOnlySpan<byte> bytes, int at) =>
        at <= bytes.Length - 4 ? BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]) : throw Bad("a buffer is cut off");

    private static InvalidDataException Bad(string why) => new($"Arrow metadata is damaged: {why}");
}
