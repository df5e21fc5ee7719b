using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Warehouse.Engine.Arrow;

/// <summary>
/// Writes one FlatBuffer, back to front: what is referred to comes first in time and last in place. A reference is the distance of an object
/// from the end of the buffer, which later growth does not move. Little-endian; vtables are not shared.
/// Source of the format: the FlatBuffers internals page, and facts tried against apache-arrow for JavaScript.
/// </summary>
internal sealed class FlatBufferBuilder
{
    private byte[] _bytes = new byte[1024];
    private int _used;
    private int[] _fields = [];
    private int _tableStart = -1;

    /// <summary>Text; returns its reference.</summary>
    public int String(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        Align(4, length + 1);
        Take(1)[0] = 0;
        Encoding.UTF8.GetBytes(text, Take(length));
        Int32(length);
        return _used;
    }

    /// <summary>A vector of references.</summary>
    public int References(ReadOnlySpan<int> references)
    {
        Align(4, 4 * references.Length);
        for (var i = references.Length - 1; i >= 0; i--) Int32(_used + 4 - references[i]);
        Int32(references.Length);
        return _used;
    }

    /// <summary>A vector of structs of 64-bit words: <paramref name="words"/> holds them one after the other.</summary>
    public int Structs(ReadOnlySpan<long> words, int wordsPerStruct)
    {
        Debug.Assert(words.Length % wordsPerStruct == 0);
        Align(8, 8 * words.Length);
        for (var i = words.Length - 1; i >= 0; i--) BinaryPrimitives.WriteInt64LittleEndian(Take(8), words[i]);
        Int32(words.Length / wordsPerStruct);
        return _used;
    }

    /// <summary>Begins a table with fields 0 to <paramref name="fieldCount"/> - 1. Tables do not nest: make the inner ones first.</summary>
    public void StartTable(int fieldCount)
    {
        Debug.Assert(_tableStart < 0);
        _tableStart = _used;
        _fields = new int[fieldCount];
    }

    /// <summary>A field of one byte.</summary>
    public void Byte(int field, byte value)
    {
        Take(1)[0] = value;
        _fields[field] = _used;
    }

    /// <summary>A field of two bytes.</summary>
    public void Int16(int field, short value)
    {
        Align(2, 2);
        BinaryPrimitives.WriteInt16LittleEndian(Take(2), value);
        _fields[field] = _used;
    }

    /// <summary>A field of four bytes.</summary>
    public void Int32(int field, int value)
    {
        Align(4, 4);
        Int32(value);
        _fields[field] = _used;
    }

    /// <summary>A field of eight bytes.</summary>
    public void Int64(int field, long value)
    {
        Align(8, 8);
        BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);
        _fields[field] = _used;
    }

    /// <summary>A field that refers to a string, vector or table.</summary>
    public void Reference(int field, int reference)
    {
        Align(4, 4);
        Int32(_used + 4 - reference);
        _fields[field] = _used;
    }

    /// <summary>Ends the table and returns its reference.</summary>
    public int EndTable()
    {
        Debug.Assert(_tableStart >= 0);
        Align(4, 4);
        Int32(0);
        var table = _used;
        for (var i = _fields.Length - 1; i >= 0; i--) UInt16(_fields[i] == 0 ? 0 : table - _fields[i]);
        UInt16(table - _tableStart);
        UInt16(4 + 2 * _fields.Length);
        // The table starts with the way back to its vtable.
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_bytes.Length - table), _used - table);
        _tableStart = -1;
        return table;
    }

    /// <summary>Ends the buffer at its root table. The bytes, a multiple of 8, are valid until the builder is used again.</summary>
    public ReadOnlySpan<byte> Finish(int root)
    {
        Align(8, 4);
        Int32(_used + 4 - root);
        return _bytes.AsSpan(_bytes.Length - _used);
    }

    private void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);

    private void UInt16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), checked((ushort)value));

    /// <summary>Pads so that after <paramref name="lengthBytes"/> more the place is a multiple of <paramref name="alignment"/>.</summary>
    private void Align(int alignment, int lengthBytes) => Take(-(_used + lengthBytes) & (alignment - 1)).Clear();

    private Span<byte> Take(int lengthBytes)
    {
        if (_used + lengthBytes > _bytes.Length)
        {
            var larger = new byte[Math.Max(2 * _bytes.Length, _used + lengthBytes)];
            _bytes.AsSpan(_bytes.Length - _used).CopyTo(larger.AsSpan(larger.Length - _used));
            _bytes = larger;
        }
        _used += lengthBytes;
        return _bytes.AsSpan(_bytes.Length - _used, lengthBytes);
    }
}
