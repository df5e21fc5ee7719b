using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>Zeroed 64-bit words that start at a multiple of 64 bytes: a pinned array, so the collector frees but never moves it.</summary>
internal readonly struct WordBlock
{
    private readonly ulong[] _array;
    private readonly int _start;
    private readonly int _length;

    public unsafe WordBlock(int length)
    {
        _length = length;
        _array = GC.AllocateArray<ulong>(length + 7, pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_array));
        _start = (int)(-(nint)address & 63) / sizeof(ulong);
        Debug.Assert((address + (nuint)(_start * sizeof(ulong))) % 64 == 0);
    }

    public Span<ulong> Words => _array.AsSpan(_start, _length);
}
