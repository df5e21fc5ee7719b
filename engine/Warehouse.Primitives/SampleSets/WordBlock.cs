using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>64-bit words that start at a multiple of 64 bytes: a pinned array, so the collector frees but never moves it.</summary>
internal readonly struct WordBlock
{
    private readonly ulong[] _array;
    private readonly int _start;
    private readonly int _length;

    /// <summary>Zeroed words.</summary>
    public WordBlock(int length)
        : this(GC.AllocateArray<ulong>(length + 7, pinned: true), length)
    {
    }

    private unsafe WordBlock(ulong[] array, int length)
    {
        _length = length;
        _array = array;
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_array));
        _start = (int)(-(nint)address & 63) / sizeof(ulong);
        Debug.Assert((address + (nuint)(_start * sizeof(ulong))) % 64 == 0);
    }

    /// <summary>Words of any content, for who writes all of them.</summary>
    public static WordBlock Uninitialized(int length) => new(GC.AllocateUninitializedArray<ulong>(length + 7, pinned: true), length);

    /// <summary>Words of any content in the memory of another block, which nobody may use any more; in new memory with room to spare where that is too small.</summary>
    public static WordBlock Over(WordBlock spent, int length)
    {
        if (spent._array is { } array && array.Length >= length + 7) return new(array, length);
        return new(GC.AllocateUninitializedArray<ulong>(length + length / 8 + 7, pinned: true), length);
    }

    public Span<ulong> Words => _array.AsSpan(_start, _length);
}
