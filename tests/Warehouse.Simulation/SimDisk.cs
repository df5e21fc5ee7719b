using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Simulation;

/// <summary>
/// A disk in memory that forgets. Content and names each exist twice: as the process sees them, and as they are on the platter. A
/// sync of a file copies its content, a sync of a folder its names; a power cut takes away the rest. After a failed sync of a file
/// its content counts as clean, as on Linux, and a later sync does not write it. Thread-safe.
/// </summary>
public sealed class SimDisk : IStorage
{
    private const int SectorBytes = 512;

    private readonly SimMachine _machine;
    private readonly Dictionary<string, Folder> _folders = new() { [""] = new Folder { IsDurable = true } };
    private ulong _nextInode = 1;

    /// <summary>Puts an empty disk into a machine.</summary>
    public SimDisk(SimMachine machine, ulong device = 1)
    {
        _machine = machine;
        Device = device;
        machine.Disks.Add(this);
    }

    /// <summary>Device number of the disk, and of every folder but those named in <see cref="ForeignFolder"/>.</summary>
    public ulong Device { get; }

    /// <summary>A folder that pretends to lie on another device, or null.</summary>
    public string? ForeignFolder { get; set; }

    /// <summary>Syncs succeed and write nothing.</summary>
    public bool Lies { get; set; }

    /// <summary>Permission bits of the root folder.</summary>
    public UnixFileMode RootMode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <inheritdoc/>
    public bool IsPoisoned => _machine.IsPoisoned;

    /// <summary>Names of all files as the process sees them, in ordinal order.</summary>
    public IReadOnlyList<string> AllFiles() =>
        [.. _folders.SelectMany(f => f.Value.Seen.Keys.Select(n => f.Key.Length == 0 ? n : $"{f.Key}/{n}")).Order(StringComparer.Ordinal)];

    /// <summary>Content of a file, for tests that damage it: the copy is not linked to the disk.</summary>
    public byte[] Peek(string name) => [.. Find(name, "peek").Seen];

    /// <summary>Puts content in place of a file's, behind the back of whoever uses the disk; null removes the file.</summary>
    public void Poke(string name, byte[]? content)
    {
        var (folder, leaf) = Split(name);
        if (content is null)
        {
            folder.Seen.Remove(leaf);
            folder.Kept.Remove(leaf);
            return;
        }
        var node = new Node { Inode = _nextInode++, Seen = [.. content], Kept = content };
        folder.Seen[leaf] = folder.Kept[leaf] = node;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string folder)
    {
        lock (_machine.Gate)
        {
            _machine.Step("opendir");
            if (!_folders.TryGetValue(folder, out var found)) throw new DurableException("opendir", DurableException.Missing);
            var names = found.Seen.Keys.Concat(folder.Length == 0 ? _folders.Keys.Where(k => k.Length > 0) : []).ToArray();
            Array.Sort(names, string.CompareOrdinal);
            return names;
        }
    }

    /// <inheritdoc/>
    public FileFacts? Facts(string name)
    {
        lock (_machine.Gate)
        {
            _machine.Step("statx");
            var device = name == ForeignFolder ? Device + 1 : Device;
            if (_folders.ContainsKey(name)) return new FileFacts(0, device, 0, RootMode, IsFolder: true);
            return TryFind(name) is { } node ? new FileFacts(node.Seen.Count, device, node.Inode, node.Mode, IsFolder: false) : null;
        }
    }

    /// <summary>Changes the permission bits of a file.</summary>
    public void SetMode(string name, UnixFileMode mode) => Find(name, "chmod").Mode = mode;

    /// <inheritdoc/>
    public void CreateFolder(string name)
    {
        lock (_machine.Gate)
        {
            _machine.Step("mkdir");
            if (!_folders.TryAdd(name, new Folder())) throw new DurableException("mkdir", DurableException.Exists);
        }
    }

    /// <inheritdoc/>
    public IStorageFile Create(string name)
    {
        lock (_machine.Gate)
        {
            _machine.Step("open");
            var (folder, leaf) = Split(name);
            var node = new Node { Inode = _nextInode++ };
            if (!folder.Seen.TryAdd(leaf, node)) throw new DurableException("open", DurableException.Exists);
            return new SimFile(this, node);
        }
    }

    /// <inheritdoc/>
    public IStorageFile Open(string name, bool append = false)
    {
        lock (_machine.Gate)
        {
            _machine.Step("open");
            return new SimFile(this, Find(name, "open"));
        }
    }

    /// <inheritdoc/>
    public bool TryRename(string name, string newName)
    {
        lock (_machine.Gate)
        {
            _machine.Step("renameat2", isPromise: true);
            if (TryFind(newName) is not null) return false;
            Move(name, newName);
            return true;
        }
    }

    /// <inheritdoc/>
    public void Replace(string name, string newName)
    {
        lock (_machine.Gate)
        {
            _machine.Step("rename", isPromise: true);
            Move(name, newName);
        }
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        lock (_machine.Gate)
        {
            _machine.Step("unlink");
            Find(name, "unlink");
            var (folder, leaf) = Split(name);
            folder.Seen.Remove(leaf);
        }
    }

    /// <inheritdoc/>
    public void SyncFolder(string folder)
    {
        lock (_machine.Gate)
        {
            _machine.Step("fsync", isSync: true);
            var found = _folders.GetValueOrDefault(folder) ?? throw new DurableException("open", DurableException.Missing);
            if (Lies) return;
            found.Kept = new(found.Seen);
            if (folder.Length > 0) return;
            foreach (var child in _folders.Values) child.IsDurable = true;
        }
    }

    /// <inheritdoc/>
    public IStorageLock? Lock(string name, bool exclusive)
    {
        lock (_machine.Gate)
        {
            _machine.Step("flock");
            var node = Find(name, "open");
            if (node.HasWriter || (exclusive && node.Readers > 0))
                return exclusive ? null : throw new InvalidOperationException("a shared lock would wait: the simulation runs one thread");
            return new SimLock(this, name, node, exclusive);
        }
    }

    internal void LosePower(Random? chance)
    {
        foreach (var gone in _folders.Where(f => !f.Value.IsDurable && chance?.Next(2) is null or 0).Select(f => f.Key).ToList()) _folders.Remove(gone);
        foreach (var folder in _folders.Values)
        {
            folder.IsDurable = true;
            foreach (var name in folder.Seen.Keys.Union(folder.Kept.Keys).Order(StringComparer.Ordinal).ToList())
            {
                var isLost = chance is null || chance.Next(2) == 0;
                if ((isLost ? folder.Kept : folder.Seen).GetValueOrDefault(name) is { } node) folder.Kept[name] = node;
                else folder.Kept.Remove(name);
            }
            folder.Seen = new(folder.Kept);
        }
        foreach (var node in _folders.Values.SelectMany(f => f.Seen.Values).Distinct()) node.LosePower(chance);
    }

    internal void DropLocks()
    {
        foreach (var node in _folders.Values.SelectMany(f => f.Seen.Values)) (node.HasWriter, node.Readers) = (false, 0);
    }

    private void Move(string name, string newName)
    {
        var node = Find(name, "rename");
        var (from, oldLeaf) = Split(name);
        var (to, newLeaf) = Split(newName);
        from.Seen.Remove(oldLeaf);
        to.Seen[newLeaf] = node;
    }

    private Node Find(string name, string operation) => TryFind(name) ?? throw new DurableException(operation, DurableException.Missing);

    private Node? TryFind(string name)
    {
        var (folder, leaf) = Split(name);
        return folder.Seen.GetValueOrDefault(leaf);
    }

    private (Folder Folder, string Leaf) Split(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var folder = slash < 0 ? "" : name[..slash];
        return _folders.TryGetValue(folder, out var found) ? (found, name[(slash + 1)..]) : throw new DurableException("open", DurableException.Missing);
    }

    private sealed class Folder
    {
        internal Dictionary<string, Node> Seen { get; set; } = [];

        internal Dictionary<string, Node> Kept { get; set; } = [];

        internal bool IsDurable { get; set; }
    }

    private sealed class Node
    {
        internal ulong Inode { get; init; }

        internal UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        internal List<byte> Seen { get; set; } = [];

        internal byte[] Kept { get; set; } = [];

        internal bool IsClean { get; set; } = true;

        internal bool HasWriter { get; set; }

        internal int Readers { get; set; }

        internal void LosePower(Random? chance)
        {
            var after = Kept;
            if (chance is not null && !Seen.SequenceEqual(Kept))
            {
                // The length may have been written or not; each sector of it is old, new, or, where there was nothing, zeros.
                after = new byte[chance.Next(2) == 0 ? Kept.Length : Seen.Count];
                for (var at = 0; at < after.Length; at += SectorBytes)
                {
                    var source = chance.Next(2) == 0 ? Kept : [.. Seen];
                    var taken = Math.Min(SectorBytes, Math.Min(after.Length, source.Length) - at);
                    if (taken > 0) source.AsSpan(at, taken).CopyTo(after.AsSpan(at));
                }
            }
            (Kept, Seen, IsClean) = (after, [.. after], true);
        }
    }

    private sealed class SimFile(SimDisk disk, Node node) : IStorageFile
    {
        public long LengthBytes => node.Seen.Count;

        public void Read(long offsetBytes, Span<byte> bytes)
        {
            lock (disk._machine.Gate)
            {
                disk._machine.Step("pread");
                if (offsetBytes + bytes.Length > node.Seen.Count) throw new DurableException("pread", 0);
                System.Runtime.InteropServices.CollectionsMarshal.AsSpan(node.Seen).Slice((int)offsetBytes, bytes.Length).CopyTo(bytes);
            }
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            lock (disk._machine.Gate)
            {
                var wasDown = disk._machine.IsDown;
                try
                {
                    disk._machine.Step("pwrite");
                }
                catch (Exception e) when (!wasDown && e is (DurableException or SimCrashException))
                {
                    Write(bytes[..(bytes.Length / 2)]); // the worst of a failed or cut write: half of it
                    throw;
                }
                Write(bytes);
            }
        }

        public void Sync()
        {
            lock (disk._machine.Gate)
            {
                try
                {
                    disk._machine.Step("fsync", isSync: true);
                }
                catch (DurableException)
                {
                    node.IsClean = true;
                    throw;
                }
                if (!node.IsClean && !disk.Lies) node.Kept = [.. node.Seen];
                node.IsClean = true;
            }
        }

        public void Dispose()
        {
        }

        private void Write(ReadOnlySpan<byte> bytes)
        {
            node.Seen.AddRange(bytes);
            node.IsClean = false;
        }
    }

    private sealed class SimLock : IStorageLock
    {
        private readonly SimDisk _disk;
        private readonly string _name;
        private readonly Node _node;
        private readonly bool _isExclusive;
        private readonly int _start;
        private bool _isReleased;

        internal SimLock(SimDisk disk, string name, Node node, bool isExclusive)
        {
            (_disk, _name, _node, _isExclusive, _start) = (disk, name, node, isExclusive, disk._machine.Starts);
            if (isExclusive) node.HasWriter = true;
            else node.Readers++;
        }

        public bool IsHeld => _disk.TryFind(_name) == _node;

        public void Dispose()
        {
            lock (_disk._machine.Gate)
            {
                if (_isReleased || _start != _disk._machine.Starts) return;
                _isReleased = true;
                if (_isExclusive) _node.HasWriter = false;
                else _node.Readers--;
            }
        }
    }
}
