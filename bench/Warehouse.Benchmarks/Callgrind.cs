using System.Runtime.InteropServices;

namespace Warehouse.Benchmarks;

/// <summary>
/// Asks valgrind's callgrind to count from here and to stop, from inside the program. A request is a sequence of instructions that does
/// nothing on a processor and that valgrind knows (valgrind.h, the header for programs under test: amd64): rdi rotated by 64 bits in
/// four steps, then rbx exchanged with itself, with rax pointing to six words, the number of the request and its arguments. Linux x64.
/// </summary>
internal static class Callgrind
{
    private const int ReadWriteExecute = 7, PrivateAnonymous = 0x22, PageBytes = 4096;
    private const long Requests = (long)'C' << 24 | (long)'T' << 16, Dump = Requests, Begin = Requests + 4, End = Requests + 5;

    private static readonly byte[] Code =
    [
        0x48, 0x89, 0xF8, // mov rax, rdi
        0x31, 0xD2, // xor edx, edx
        0x48, 0xC1, 0xC7, 3, 0x48, 0xC1, 0xC7, 13, 0x48, 0xC1, 0xC7, 61, 0x48, 0xC1, 0xC7, 51, // rol rdi, …
        0x48, 0x87, 0xDB, // xchg rbx, rbx
        0x48, 0x89, 0xD0, // mov rax, rdx
        0xC3, // ret
    ];

    private static readonly nint Words = Marshal.AllocHGlobal(6 * sizeof(long));
    private static readonly Request Call = Compile();

    private delegate nint Request(nint words);

    /// <summary>Starts to count.</summary>
    public static void Start() => Ask(Begin);

    /// <summary>Writes what was counted to the next file, and stops.</summary>
    public static void DumpAndStop()
    {
        Ask(Dump);
        Ask(End);
    }

    private static void Ask(long request)
    {
        for (var word = 0; word < 6; word++) Marshal.WriteInt64(Words, word * sizeof(long), word == 0 ? request : 0);
        Call(Words);
    }

    private static Request Compile()
    {
        var page = MapPages(0, PageBytes, ReadWriteExecute, PrivateAnonymous, -1, 0);
        if (page == -1) throw new InvalidOperationException("no page that may be written and run");
        Marshal.Copy(Code, 0, page, Code.Length);
        return Marshal.GetDelegateForFunctionPointer<Request>(page);
    }

    [DllImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint MapPages(nint address, nint bytes, int protection, int flags, int file, nint offset);
}
