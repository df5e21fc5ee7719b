using System.Buffers.Binary;

namespace Warehouse.Engine.Vcf;

/// <summary>Takes values off one part of a BCF record, the shared one or that of the samples, and refuses to go beyond it.</summary>
/// <param name="bytes">The part; its length is what the record states and the file holds.</param>
/// <param name="faults">The record's place.</param>
internal ref struct BcfCursor(ReadOnlySpan<byte> bytes, VcfFaults faults)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly VcfFaults _faults = faults;

    /// <summary>Bytes taken.</summary>
    public int At { get; private set; }

    /// <summary>Takes bytes; refused when there are fewer.</summary>
    public ReadOnlySpan<byte> Take(long count, string field)
    {
        if (count > _bytes.Length - At) _faults.Refuse("bcf-length", field, "the value is longer than the record");
        var taken = _bytes.Slice(At, (int)count);
        At += (int)count;
        return taken;
    }

    /// <summary>Takes four bytes.</summary>
    public int TakeInt32(string field) => BinaryPrimitives.ReadInt32LittleEndian(Take(4, field));

    /// <summary>Takes a descriptor; its values follow.</summary>
    public BcfTyped TakeDescriptor(string field)
    {
        var head = Take(1, field)[0];
        var (type, count) = (head & 15, head >> 4);
        if (type is not (BcfTyped.None or BcfTyped.Int8 or BcfTyped.Int16 or BcfTyped.Int32 or BcfTyped.Float or BcfTyped.Char))
            _faults.Refuse("bcf-type", field, $"a value of type {type}, expected 0, 1, 2, 3, 5 or 7");
        if (count == BcfTyped.CountFollows) count = TakeInteger(field);
        if (count < 0 || (type == BcfTyped.None && count > 0)) _faults.Refuse("bcf-count", field, "a number of values that cannot be");
        return new BcfTyped(type, count);
    }

    /// <summary>Takes one typed integer: a dictionary index or a count.</summary>
    public int TakeInteger(string field)
    {
        var head = Take(1, field)[0];
        var typed = new BcfTyped(head & 15, head >> 4);
        if (!typed.IsInteger || typed.Count != 1) _faults.Refuse("bcf-type", field, "a value that is not one integer where a count or a dictionary index stands");
        return BcfTyped.IntegerAt(typed.Type, Take(typed.ValueBytes, field), 0);
    }

    /// <summary>Takes text; gives where it lies in the part, without padding.</summary>
    public Range TakeText(string field)
    {
        var typed = TakeDescriptor(field);
        if (typed.Type != BcfTyped.Char && typed.Count > 0) _faults.Refuse("bcf-type", field, "a value that is not text");
        var start = At;
        var text = Take(typed.Count, field);
        return start..(start + BcfTyped.TextLength(text));
    }

    /// <summary>Refuses bytes that nothing describes.</summary>
    public readonly void End(string part)
    {
        if (At != _bytes.Length) _faults.Refuse("bcf-length", "", $"{_bytes.Length - At} bytes follow the last value of the {part} part");
    }
}
