using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Warehouse.Primitives;

/// <summary>
/// The only place where bytes are made durable. I1 durability rests on it: the runtime's own flush calls drop the error of
/// fsync, and its move is a check followed by a rename; both are banned elsewhere.
/// <para>
/// Every call is checked. The first sync that fails poisons the process: the kernel marks the pages clean, so a second
/// attempt would succeed without having written them. After that every call here that would promise something throws.
/// Interrupted calls and short transfers are retried. Thread-safe; Linux only.
/// </para>
/// </summary>
public static partial class Durable
{
    private const int RetryErrno = 4, NotSupportedErrno = 38, InvalidErrno = 22, WouldBlockErrno = 11;

    // The one writable static: a failed sync is a fact about the whole process, and nothing but a restart may clear it.
    private static int _poisonErrno;

    /// <summary>True after the first failed sync of this process.</summary>
    public static bool IsPoisoned => Volatile.Read(ref _poisonErrno) != 0;

    /// <summary>Creates a file that must not exist, mode 0600, for reading and writing.</summary>
    public static SafeFileHandle Create(string path) => OpenChecked(path, OpenReadWrite | OpenCreate | OpenExclusive);

    /// <summary>Opens an existing file for reading and for appending: whatever offset a write names, it lands at the end, and never on what another has appended.</summary>
    public static SafeFileHandle OpenWrite(string path) => OpenChecked(path, OpenReadWrite | OpenAppend);

    /// <summary>Opens an existing file for reading. A symbolic link is refused.</summary>
    /// <param name="path">Where.</param>
    /// <param name="direct">Read past the page cache; then offsets, lengths and addresses must be multiples of 4,096.</param>
    public static SafeFileHandle OpenRead(string path, bool direct = false) => OpenChecked(path, direct ? OpenDirect : 0);

    /// <summary>Creates a folder that must not exist, mode 0700.</summary>
    public static void CreateFolder(string path) => Check(Native.MakeFolder(path, 0x1C0), "mkdir");

    /// <summary>Writes the whole span at an offset.</summary>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes)
    {
        while (bytes.Length > 0)
        {
            var written = Native.WriteAt(file, bytes, (nuint)bytes.Length, offsetBytes);
            if (written < 0 && Marshal.GetLastPInvokeError() == RetryErrno) continue;
#if PLANTED_SWALLOWED_FULL_DISK
            if (written < 0 && Marshal.GetLastPInvokeError() == DurableException.NoSpace) return;
#endif
            Check(written, "pwrite");
            if (written == 0) throw new DurableException("pwrite", DurableException.NoSpace);
            bytes = bytes[(int)written..];
            offsetBytes += written;
        }
    }

    /// <summary>Fills the whole span from an offset; throws when the file ends before.</summary>
    public static void Read(SafeFileHandle file, Span<byte> bytes, long offsetBytes)
    {
        while (bytes.Length > 0)
        {
            var got = Native.ReadAt(file, bytes, (nuint)bytes.Length, offsetBytes);
            if (got < 0 && Marshal.GetLastPInvokeError() == RetryErrno) continue;
            Check(got, "pread");
            if (got == 0) throw new DurableException("pread", 0);
            bytes = bytes[(int)got..];
            offsetBytes += got;
        }
    }

    /// <summary>Makes the content of a file durable (not its name: see <see cref="SyncFolder"/>). Failure poisons.</summary>
    public static void SyncFile(SafeFileHandle file)
    {
        RefuseWhenPoisoned("fsync");
#if PLANTED_SWALLOWED_SYNC_ERROR
        _ = Native.Sync(file);
#else
        if (Native.Sync(file) != 0) Poison();
#endif
    }

    /// <summary>Makes the names in a folder durable. Failure of the sync poisons.</summary>
    public static void SyncFolder(string path)
    {
        RefuseWhenPoisoned("fsync");
        using var folder = OpenChecked(path, OpenFolder);
        if (Native.Sync(folder) != 0) Poison();
    }

    /// <summary>Gives a file a new name that nothing else has; of racing callers exactly one wins.</summary>
    /// <returns>False when the name was taken; then nothing changed.</returns>
    public static bool TryRename(string from, string to)
    {
        RefuseWhenPoisoned("renameat2");
        if (Native.Rename2(CurrentFolder, from, CurrentFolder, to, RenameNoReplace) == 0) return true;
        var errno = Marshal.GetLastPInvokeError();
        if (errno == DurableException.Exists) return false;
        if (errno is not (NotSupportedErrno or InvalidErrno)) throw new DurableException("renameat2", errno);
        // The file system does not know the flag; a hard link refuses an existing name just as atomically.
        if (Native.Link(from, to) != 0)
        {
            errno = Marshal.GetLastPInvokeError();
            return errno == DurableException.Exists ? false : throw new DurableException("link", errno);
        }
        Delete(from);
        return true;
    }

    /// <summary>Renames over whatever has the new name: afterwards the name is the old file or the new one, whole.</summary>
    public static void Replace(string from, string to)
    {
        RefuseWhenPoisoned("rename");
        Check(Native.Rename(from, to), "rename");
    }

    /// <summary>Removes a name. Open handles stay readable.</summary>
    public static void Delete(string path) => Check(Native.Unlink(path), "unlink");

    /// <summary>Number of the account whose rights the process has.</summary>
    public static uint User => Native.User();

    /// <summary>Facts of a path, a symbolic link not followed; null when nothing is there.</summary>
    public static FileFacts? Facts(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        if (Native.Stat(CurrentFolder, path, NoFollowStat, StatWanted, stat) == 0) return Parse(stat);
        var errno = Marshal.GetLastPInvokeError();
        return errno == DurableException.Missing ? null : throw new DurableException("statx", errno);
    }

    /// <summary>Facts of an open file.</summary>
    public static FileFacts Facts(SafeFileHandle file)
    {
        Span<byte> stat = stackalloc byte[256];
        var held = false;
        try
        {
            file.DangerousAddRef(ref held);
            Check(Native.Stat((int)file.DangerousGetHandle(), "", EmptyPathStat, StatWanted, stat), "statx");
        }
        finally
        {
            if (held) file.DangerousRelease();
        }
        return Parse(stat);
    }

    /// <summary>Takes a lock that the kernel releases with the handle, also when the process dies.</summary>
    /// <param name="file">The open file that carries the lock.</param>
    /// <param name="exclusive">Exclusive locks do not wait; shared ones do.</param>
    /// <returns>False when an exclusive lock is not to be had now.</returns>
    public static bool TryLock(SafeFileHandle file, bool exclusive)
    {
        while (Native.Lock(file, exclusive ? LockExclusive | LockNoWait : LockShared) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (exclusive && errno == WouldBlockErrno) return false;
            if (errno != RetryErrno) throw new DurableException("flock", errno);
        }
        return true;
    }

    /// <summary>
    /// Releases a lock now. Closing the handle is not enough: a child process that another thread has just forked holds a copy of it,
    /// and with it the lock, until it starts its program.
    /// </summary>
    public static void Unlock(SafeFileHandle file) => Check(Native.Lock(file, LockNone), "flock");

    private static SafeFileHandle OpenChecked(string path, int flags)
    {
        int descriptor;
        do descriptor = Native.Open(path, flags | OpenCloseOnExec | OpenNoFollow, 0x180);
        while (descriptor < 0 && Marshal.GetLastPInvokeError() == RetryErrno);
        Check(descriptor, "open");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static FileFacts Parse(ReadOnlySpan<byte> stat)
    {
        var mode = MemoryMarshal.Read<ushort>(stat[28..]);
        var device = ((ulong)MemoryMarshal.Read<uint>(stat[136..]) << 32) | MemoryMarshal.Read<uint>(stat[140..]);
        var length = MemoryMarshal.Read<long>(stat[40..]);
        return new FileFacts(length, device, MemoryMarshal.Read<ulong>(stat[32..]), (UnixFileMode)(mode & 0xFFF), (mode & 0xF000) == 0x4000) { Owner = MemoryMarshal.Read<uint>(stat[20..]), IsLink = (mode & 0xF000) == 0xA000 };
    }

    private static void RefuseWhenPoisoned(string operation)
    {
        var errno = Volatile.Read(ref _poisonErrno);
        if (errno != 0) throw new DurableException(operation + " refused after a failed sync", errno);
    }

    private static void Poison()
    {
        var errno = Marshal.GetLastPInvokeError();
        Interlocked.CompareExchange(ref _poisonErrno, errno, 0);
        throw new DurableException("fsync", errno);
    }

    private static void Check(nint result, string operation)
    {
        if (result < 0) throw new DurableException(operation, Marshal.GetLastPInvokeError());
    }
}
