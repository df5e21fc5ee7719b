using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Warehouse.Primitives;

public static partial class Durable
{
    private const int OpenReadWrite = 2, OpenCreate = 0x40, OpenExclusive = 0x80, OpenAppend = 0x400, OpenCloseOnExec = 0x80000;
    private const int CurrentFolder = -100, NoFollowStat = 0x100, EmptyPathStat = 0x1000;
    private const int LockShared = 1, LockExclusive = 2, LockNoWait = 4, LockNone = 8;
    private const uint RenameNoReplace = 1, StatWanted = 0x7FF;

    // These three differ between the processor families of Linux.
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int OpenDirect = IsArm ? 0x10000 : 0x4000;
    private static readonly int OpenFolder = IsArm ? 0x4000 : 0x10000;
    private static readonly int OpenNoFollow = IsArm ? 0x8000 : 0x20000;

    private static partial class Native
    {
        private const string C = "libc";

        [LibraryImport(C, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Open(string path, int flags, uint mode);

        [LibraryImport(C, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int MakeFolder(string path, uint mode);

        [LibraryImport(C, EntryPoint = "pwrite", SetLastError = true)]
        internal static partial nint WriteAt(SafeFileHandle file, ReadOnlySpan<byte> bytes, nuint count, long offset);

        [LibraryImport(C, EntryPoint = "pread", SetLastError = true)]
        internal static partial nint ReadAt(SafeFileHandle file, Span<byte> bytes, nuint count, long offset);

        [LibraryImport(C, EntryPoint = "fsync", SetLastError = true)]
        internal static partial int Sync(SafeFileHandle file);

        [LibraryImport(C, EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Rename2(int fromFolder, string from, int toFolder, string to, uint flags);

        [LibraryImport(C, EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Rename(string from, string to);

        [LibraryImport(C, EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Link(string from, string to);

        [LibraryImport(C, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Unlink(string path);

        [LibraryImport(C, EntryPoint = "geteuid")]
        internal static partial uint User();

        [LibraryImport(C, EntryPoint = "flock", SetLastError = true)]
        internal static partial int Lock(SafeFileHandle file, int operation);

        [LibraryImport(C, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Stat(int folder, string path, int flags, uint mask, Span<byte> stat);
    }
}
