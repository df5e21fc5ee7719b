using System.Runtime.InteropServices;

namespace Warehouse.Units.Primitives;

/// <summary>Memory whose last byte borders on a page that may not be touched: reading or writing past the end ends the process.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private readonly byte* _start;
    private readonly int _usableBytes;
    private readonly int _mappedBytes;

    public GuardedMemory(int capacityBytes)
    {
        var page = Environment.SystemPageSize;
        _usableBytes = (capacityBytes + page - 1) / page * page;
        _mappedBytes = _usableBytes + page;
        const int readWrite = 3, noAccess = 0, privateAnonymous = 0x22;
        _start = (byte*)mmap(0, (nuint)_mappedBytes, readWrite, privateAnonymous, -1, 0);
        if ((nint)_start == -1 || mprotect((nint)(_start + _usableBytes), (nuint)page, noAccess) != 0) throw new InvalidOperationException("no guard page");
    }

    /// <summary>The last <paramref name="count"/> items before the guard page.</summary>
    public Span<T> Last<T>(int count)
        where T : unmanaged
    {
        if (count * sizeof(T) > _usableBytes) throw new ArgumentException("larger than the capacity", nameof(count));
        return new Span<T>(_start + _usableBytes - count * sizeof(T), count);
    }

    /// <summary>A copy of the items, ending at the guard page.</summary>
    public Span<T> Copy<T>(ReadOnlySpan<T> items)
        where T : unmanaged
    {
        var copy = Last<T>(items.Length);
        items.CopyTo(copy);
        return copy;
    }

    public void Dispose()
    {
        if (munmap((nint)_start, (nuint)_mappedBytes) != 0) throw new InvalidOperationException("munmap failed");
    }

    [LibraryImport("libc")]
    private static partial nint mmap(nint address, nuint lengthBytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc")]
    private static partial int mprotect(nint address, nuint lengthBytes, int protection);

    [LibraryImport("libc")]
    private static partial int munmap(nint address, nuint lengthBytes);
}
