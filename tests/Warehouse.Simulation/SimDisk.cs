using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Simulation;

/// <summary>
/// A disk in memory that forgets. Content and names each exist twice: as the process sees them, and as they are on the platter. A
/// sync of a file copies its content, a sync of a folder its names; a power cut takes away the rest, or by chance a part of it, in any
/// order: see <see cref="PowerLoss"/> and <see cref="SimNode"/>. Thread-safe.
/// </summary>
public sealed class SimDisk : IStorage
{
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

    /// <summary>Syncs of these files and folders succeed and do nothing; the root folder is "".</summary>
    public Func<string, bool>? LosesSync { get; set; }

    /// <summary>Permission bits of the root folder.</summary>
    public UnixFileMode RootMode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <inheritdoc/>
    public bool IsPoisoned => _machine.IsPoisoned;

    /// <summary>Names of all files as the process sees them, in ordinal order.</summary>
    public IReadOnlyList<string> AllFiles() =>
        [.. _folders.SelectMany(f => f.Value.Seen.Keys.Select(n => f.Key.Length == 0 ? n : $"{f.Key}/{n}")).Order(StringComparer.Ordinal)];

    /// <summary>Content of a file, for tests that damage it: the copy is not linked to the disk.</summary>
    public byte[] Peek(string name) => Find(name, "peek").Seen.ToArray();

    /// <summary>Puts content in place of a file's, behind the back of whoever uses the disk; null removes the file.</summary>
    public void Poke(string name, byte[]? content)
    {
        var (folder, leaf) = Split(name);
        folder.Seen.Remove(leaf);
        folder.Kept.Remove(leaf);
        folder.Pending.RemoveAll(p => p.Name == leaf);
        if (content is not null) folder.Seen[leaf] = folder.Kept[leaf] = SimNode.Durable(_nextInode++, content);
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
            return TryFind(name) is { } node ? new FileFacts(node.Length, device, node.Inode, node.Mode, IsFolder: false) : null;
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
            if (!_folders.TryAdd(name, new Folder { MadeAt = _machine.Operations })) throw new DurableException("mkdir", DurableException.Exists);
        }
    }

    /// <inheritdoc/>
    public IStorageFile Create(string name)
    {
        lock (_machine.Gate)
        {
            _machine.Step("creat");
            var (folder, leaf) = Split(name);
            if (folder.Seen.ContainsKey(leaf)) throw new DurableException("open", DurableException.Exists);
            var node = new SimNode { Inode = _nextInode++ };
            folder.Set(leaf, node, _machine.Operations);
            return new SimFile(this, node, name);
        }
    }

    /// <inheritdoc/>
    public IStorageFile Open(string name, bool append = false)
    {
        lock (_machine.Gate)
        {
            _machine.Step("open");
            return new SimFile(this, Find(name, "open"), name);
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
            folder.Set(leaf, null, _machine.Operations);
        }
    }

    /// <inheritdoc/>
    public void SyncFolder(string folder)
    {
        lock (_machine.Gate)
        {
            var fault = _machine.Step("fsync", isSync: true);
            var found = _folders.GetValueOrDefault(folder) ?? throw new DurableException("open", DurableException.Missing);
            if (fault == SimFault.LostSync || LosesSync?.Invoke(folder) == true) return;
            found.Sync();
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

    /// <summary>Turns one bit of a file over, in what the process sees and on the platter.</summary>
    public void Flip(string name, long bit)
    {
        var bytes = Peek(name);
        bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        Poke(name, bytes);
    }

    /// <summary>The first operation whose change of a name is not durable.</summary>
    internal long OldestPending(long now) => _folders.Values.SelectMany(f => f.Pending.Take(1)).Select(p => p.At).DefaultIfEmpty(now).Min();

    internal void LosePower(PowerLoss loss)
    {
        foreach (var gone in _folders.Where(f => !f.Value.IsDurable && loss.Changes([f.Value.MadeAt]) == 0).Select(f => f.Key).ToList()) _folders.Remove(gone);
        foreach (var folder in _folders.Values)
        {
            folder.IsDurable = true;
            folder.LosePower(loss);
        }
        foreach (var node in _folders.Values.SelectMany(f => f.Seen.Values).Distinct().OrderBy(n => n.Inode)) node.LosePower(loss);
    }

    internal void DropLocks()
    {
        foreach (var node in _folders.Values.SelectMany(f => f.Seen.Values)) (node.HasWriter, node.Readers) = (false, 0);
    }

    /// <summary>The same disk in another machine. Nobody has a lock there, and no sync is lost.</summary>
    internal SimDisk CopyTo(SimMachine machine)
    {
        var copies = new Dictionary<SimNode, SimNode>();
        var copy = new SimDisk(machine, Device) { ForeignFolder = ForeignFolder, RootMode = RootMode, _nextInode = _nextInode };
        foreach (var (name, folder) in _folders) copy._folders[name] = folder.Copy(n => copies.TryGetValue(n, out var known) ? known : copies[n] = n.Copy());
        return copy;
    }

    private void Move(string name, string newName)
    {
        var node = Find(name, "rename");
        var (from, oldLeaf) = Split(name);
        var (to, newLeaf) = Split(newName);
        from.Set(oldLeaf, null, _machine.Operations);
        to.Set(newLeaf, node, _machine.Operations);
    }

    private SimNode Find(string name, string operation) => TryFind(name) ?? throw new DurableException(operation, DurableException.Missing);

    private SimNode? TryFind(string name)
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

    /// <summary>Names, as the process sees them, on the platter, and the changes between the two in their order.</summary>
    private sealed class Folder
    {
        internal Dictionary<string, SimNode> Seen { get; private set; } = [];

        internal Dictionary<string, SimNode> Kept { get; private set; } = [];

        internal List<(long At, string Name, SimNode? Node)> Pending { get; } = [];

        internal long MadeAt { get; init; }

        internal bool IsDurable { get; set; }

        internal void Set(string name, SimNode? node, long at)
        {
            Put(Seen, name, node);
            Pending.Add((at, name, node));
        }

        internal void Sync()
        {
            Kept = new(Seen);
            Pending.Clear();
        }

        internal void LosePower(PowerLoss loss)
        {
            foreach (var changes in Pending.GroupBy(p => p.Name))
            {
                var made = changes.ToList();
                var count = loss.Changes([.. made.Select(c => c.At)]);
                if (count > 0) Put(Kept, changes.Key, made[count - 1].Node);
            }
            Pending.Clear();
            Seen = new(Kept);
        }

        internal Folder Copy(Func<SimNode, SimNode> copyOf)
        {
            var copy = new Folder { MadeAt = MadeAt, IsDurable = IsDurable };
            foreach (var (name, node) in Seen) copy.Seen.Add(name, copyOf(node));
            foreach (var (name, node) in Kept) copy.Kept.Add(name, copyOf(node));
            foreach (var (at, name, node) in Pending) copy.Pending.Add((at, name, node is null ? null : copyOf(node)));
            return copy;
        }

        private static void Put(Dictionary<string, SimNode> names, string name, SimNode? node)
        {
            if (node is null) names.Remove(name);
            else names[name] = node;
        }
    }

    private sealed class SimFile(SimDisk disk, SimNode node, string name) : IStorageFile
    {
        public long LengthBytes => node.Length;

        public void Read(long offsetBytes, Span<byte> bytes)
        {
            lock (disk._machine.Gate)
            {
                var fault = disk._machine.Step("pread");
                if (offsetBytes + bytes.Length > node.Length) throw new DurableException("pread", 0);
                node.Seen.Slice((int)offsetBytes, bytes.Length).CopyTo(bytes);
                if (fault == SimFault.FlippedRead) FlipIn(bytes);
            }
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            lock (disk._machine.Gate)
            {
                var wasDown = disk._machine.IsDown;
                SimFault? fault;
                try
                {
                    fault = disk._machine.Step("pwrite");
                }
                catch (Exception e) when (!wasDown && e is (DurableException or SimCrashException))
                {
                    node.Append(bytes[..disk._machine.PartOf(bytes.Length)]);
                    throw;
                }
                if (fault is SimFault.FlippedWrite or SimFault.MisdirectedWrite) WriteWrong(bytes.ToArray(), fault.Value);
                else node.Append(bytes);
            }
        }

        public void Sync()
        {
            lock (disk._machine.Gate)
            {
                SimFault? fault;
                try
                {
                    fault = disk._machine.Step("fsync", isSync: true);
                }
                catch (DurableException)
                {
                    node.GiveUp();
                    throw;
                }
                if (fault != SimFault.LostSync && disk.LosesSync?.Invoke(name) != true) node.Sync();
            }
        }

        public void Dispose()
        {
        }

        private void WriteWrong(byte[] bytes, SimFault fault)
        {
            var before = node.Length;
            if (fault == SimFault.FlippedWrite)
            {
                FlipIn(bytes);
                node.Append(bytes);
                return;
            }
            node.Append(new byte[bytes.Length]);
            var taken = Math.Min(bytes.Length, before);
            node.Overwrite(disk._machine.Choose(before - taken + 1), bytes.AsSpan(0, taken));
        }

        private void FlipIn(Span<byte> bytes)
        {
            var bit = disk._machine.Choose(bytes.Length * 8);
            if (bytes.Length > 0) bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    private sealed class SimLock : IStorageLock
    {
        private readonly SimDisk _disk;
        private readonly string _name;
        private readonly SimNode _node;
        private readonly bool _isExclusive;
        private readonly int _start;
        private bool _isReleased;

        internal SimLock(SimDisk disk, string name, SimNode node, bool isExclusive)
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
