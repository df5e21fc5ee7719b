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
        if (Durable.Facts(path) is not { } own || own.Owner != Durable.User)
            throw new InputException("state-folder-owner", $"the folder is another account's{(Durable.Facts(path) is { } facts ? $" ({facts.Owner})" : "")}: it must be that of the account that the server runs as; as root: chown {Durable.User} {Quoted(path)}", place);
        if (WeaknessOf(System.IO.Path.GetFullPath(path), new(StringComparer.Ordinal)) is { } weakness)
            throw new InputException("state-folder-parent", $"another account could put a folder of its own in its place: {weakness}. Or name a folder elsewhere by --state", place);
    }

    /// <summary>What lets somebody else change where a path leads, and how to mend that; null = nothing does.</summary>
    private static string? WeaknessOf(string path, HashSet<string> seen)
    {
        const int MostFolders = 256;
        for (string? at = path, above; at is not null; at = above)
        {
            above = System.IO.Path.GetDirectoryName(at);
            if (!seen.Add(at)) return null;
            if (seen.Count > MostFolders) return "too many links lead to it";
            if (Durable.Facts(at) is not { } facts) return $"{Quoted(at)} is not there";
            if (facts.Owner != Durable.User && facts.Owner != 0) return $"{Quoted(at)} belongs to account {facts.Owner}, and must belong to account {Durable.User} or to root; as root: chown {Durable.User} {Quoted(at)}";
            // A link has no rights of its own; who may put another in its place, the folder that it lies in says.
            if (facts.IsLink && WeaknessOf(System.IO.Path.GetFullPath(File.ResolveLinkTarget(at, returnFinalTarget: false)!.FullName), seen) is { } behind) return behind;
            if (!facts.IsFolder || (facts.Mode & UnixFileMode.StickyBit) != 0) continue;
            var (who, rights) = (facts.Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) switch
            {
                UnixFileMode.None => ("", ""), UnixFileMode.GroupWrite => ("its group", "g-w"), UnixFileMode.OtherWrite => ("everybody", "o-w"), _ => ("everybody", "go-w"),
            };
            if (rights.Length > 0) return $"{Quoted(at)} has mode {Octal(facts.Mode)}, so {who} may write to it, and must be writable by its owner alone, or have the sticky bit{(facts.Owner == Durable.User ? ":" : "; as root:")} chmod {rights} {Quoted(at)}";
        }
        return null;
    }

    /// <summary>Refuses a path that others than its owner can read, change or enter.</summary>
    public static void Check(string path, bool isFolder, string code, string expected)
    {
        if (Durable.Facts(path) is not { } facts) throw new InputException("file-missing", isFolder ? "the folder is not there" : "the file is not there", new(path, 0, 0, ""));
        if (facts.IsFolder != isFolder) throw new InputException("file-kind", isFolder ? "it is not a folder" : "it is a folder, or a link", new(path, 0, 0, ""));
        if (!facts.IsPrivate) throw new InputException(code, expected + Mending(path, facts), new(path, 0, 0, ""));
    }

    /// <summary>How to mend a file or folder that is open to others, as the end of a sentence that says so.</summary>
    public static string Mending(string path, FileFacts facts) => $", and is {Octal(facts.Mode)}: chmod {(facts.IsFolder ? "700" : "600")} {Quoted(path)}";

    private static string Octal(UnixFileMode mode) => "0" + Convert.ToString((int)mode, 8);

    /// <summary>A path as a shell takes it.</summary>
    private static string Quoted(string path) => path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or '+' or ':' or '@') ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

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
