using Microsoft.Win32.SafeHandles;
using Warehouse.Engine;
using Warehouse.Primitives;

namespace Warehouse.Server.Identity;

/// <summary>
/// A folder of secrets: mode 0700, its files 0600. A file is written beside its name, synced and renamed over it, so a failure leaves the old
/// file or the new one, whole. Changes by several processes wait for each other (<see cref="Lock"/>).
/// </summary>
internal sealed class PrivateFolder
{
    private const string LockName = "lock";
    private const int LockTries = 50, LockWaitMs = 100;

    private PrivateFolder(string path) => Path = path;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes the folder or uses the one that is there. Throws <see cref="InputException"/> when others may enter it.</summary>
    public static PrivateFolder Open(string path)
    {
        if (Durable.Facts(path) is null)
        {
            Unless(DurableException.Exists, () => Durable.CreateFolder(path));
            Durable.SyncFolder(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        }
        Check(path, isFolder: true, "state-folder-open", "the state folder is open to others: its mode must be 0700");
        CheckPlace(path);
        return new(path);
    }

    /// <summary>
    /// Refuses a folder that is another account's, and one that another account could put a folder of its own in the place of: since it, or somebody with
    /// it, may write to a folder above, or to one that a link of the path leads through. The administrator of the machine (0) may. Where a folder above has
    /// the sticky bit, its names are their owners' alone.
    /// </summary>
    private static void CheckPlace(string path)
    {
        var place = new InputPlace(path, 0, 0, "");
        if (Durable.Facts(path) is not { } own || own.Owner != Durable.User) throw new InputException("state-folder-owner", "the folder is another account's: it must be that of the account that the server runs as", place);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        if (!IsHeld(System.IO.Path.GetFullPath(path), seen)) throw new InputException("state-folder-parent", "another account could put a folder of its own in its place: every folder above it, and every link on the way, must be this account's or root's, and others may not write to it unless it has the sticky bit", place);
    }

    /// <summary>Whether nobody else can change where a path leads.</summary>
    private static bool IsHeld(string path, HashSet<string> seen)
    {
        const int MostFolders = 256;
        for (string? at = path, above; at is not null; at = above)
        {
            above = System.IO.Path.GetDirectoryName(at);
            if (!seen.Add(at)) return true;
            if (seen.Count > MostFolders || Durable.Facts(at) is not { } facts || (facts.Owner != Durable.User && facts.Owner != 0)) return false;
            // A link has no rights of its own; who may put another in its place, the folder that it lies in says.
            if (facts.IsLink && !IsHeld(System.IO.Path.GetFullPath(File.ResolveLinkTarget(at, returnFinalTarget: false)!.FullName), seen)) return false;
            if (facts.IsFolder && (facts.Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0 && (facts.Mode & UnixFileMode.StickyBit) == 0) return false;
        }
        return true;
    }

    /// <summary>Refuses a path that others than its owner can read, change or enter.</summary>
    public static void Check(string path, bool isFolder, string code, string expected)
    {
        if (Durable.Facts(path) is not { } facts) throw new InputException("file-missing", isFolder ? "the folder is not there" : "the file is not there", new(path, 0, 0, ""));
        if (facts.IsFolder != isFolder) throw new InputException("file-kind", isFolder ? "it is not a folder" : "it is a folder, or a link", new(path, 0, 0, ""));
        if (!facts.IsPrivate) throw new InputException(code, expected, new(path, 0, 0, ""));
    }

    public bool Has(string name) => Durable.Facts(this[name]) is not null;

    /// <summary>Reads a file as text. Throws <see cref="InputException"/> when others can read it too.</summary>
    public string Read(string name)
    {
        Check(this[name], isFolder: false, "key-open", "the file holds secrets and is open to others: its mode must be 0600");
        return File.ReadAllText(this[name]);
    }

    /// <summary>Writes a file, mode 0600, durable on return.</summary>
    public void Write(string name, ReadOnlySpan<byte> bytes) => Write(this[name], Path, bytes);

    /// <summary>Writes a file of any folder, mode 0600, durable on return.</summary>
    public static void WriteFile(string path, ReadOnlySpan<byte> bytes) => Write(path, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, bytes);

    /// <summary>Keeps other processes from changing the folder until the result is disposed. Throws <see cref="IOException"/> when one does for five seconds.</summary>
    public IDisposable Lock()
    {
        // Never put in the place of one that another process holds, which has made it just now.
        if (!Has(LockName)) Unless(DurableException.Exists, () => Durable.Create(this[LockName]).Dispose());
        var file = Durable.OpenRead(this[LockName]);
        for (var left = LockTries; !Durable.TryLock(file, exclusive: true); left--)
        {
            if (left == 0)
            {
                file.Dispose();
                throw new IOException("another process is changing the state folder");
            }
            Thread.Sleep(LockWaitMs);
        }
        return new Held(file);
    }

    /// <summary>Does something that another process may have done first.</summary>
    private static void Unless(int errno, Action make)
    {
        try
        {
            make();
        }
        catch (DurableException e) when (e.Errno == errno)
        {
            // It has.
        }
    }

    private static void Write(string path, string folder, ReadOnlySpan<byte> bytes)
    {
        var fresh = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            using (var file = Durable.Create(fresh))
            {
                Durable.Write(file, bytes, 0);
                Durable.SyncFile(file);
            }
            Durable.Replace(fresh, path);
        }
        catch (DurableException)
        {
            if (Durable.Facts(fresh) is not null) Durable.Delete(fresh);
            throw;
        }
        Durable.SyncFolder(folder);
    }

    private sealed class Held(SafeFileHandle file) : IDisposable
    {
        public void Dispose()
        {
            Durable.Unlock(file);
            file.Dispose();
        }
    }
}
